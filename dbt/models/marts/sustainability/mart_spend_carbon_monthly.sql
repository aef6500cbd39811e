with months as (
    select * from {{ ref('int_spend_carbon__monthly') }}
),

periods as (
    select * from {{ ref('dim_billing_period') }}
)

-- Cardinality: one period per provider and month.
select
    months.*,
    case
        when months.carbon_eligible_list_cost > 0
            then round(
                cast(coalesce(months.carbon_covered_list_cost, 0) as double)
                / cast(months.carbon_eligible_list_cost as double), 6
            )
    end as carbon_coverage_ratio,
    coalesce(cost_period.cost_state, 'open') as cost_state,
    coalesce(usage_period.carbon_state, 'pending') as carbon_state,
    cost_period.data_as_of
from months
left join periods as cost_period
    on months.provider = cost_period.provider
        and months.billing_month = cost_period.billing_month
left join periods as usage_period
    on months.provider = usage_period.provider
        and months.usage_month = usage_period.billing_month
