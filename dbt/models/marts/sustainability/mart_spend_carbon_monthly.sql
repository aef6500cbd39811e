with months as (
    select * from {{ ref('int_spend_carbon__monthly') }}
),

periods as (
    select * from {{ ref('dim_billing_period') }}
)

-- Cardinality: one period per provider and month.
select
    months.billing_month,
    months.usage_month,
    months.provider,
    months.billing_account_id,
    months.sub_account_id,
    months.service_category,
    months.region_id,
    months.environment,
    months.owner,
    months.billing_currency,
    months.billed_cost,
    months.effective_cost,
    months.list_cost,
    months.contracted_cost,
    months.carbon_location_kg,
    months.carbon_market_kg,
    months.carbon_unspecified_kg,
    months.carbon_scope1_kg,
    months.carbon_scope2_location_kg,
    months.carbon_scope2_market_kg,
    months.carbon_scope2_unspecified_kg,
    months.carbon_scope3_location_kg,
    months.carbon_scope3_market_kg,
    months.carbon_scope3_unspecified_kg,
    months.estimated_carbon_kg,
    months.carbon_covered_list_cost,
    months.carbon_eligible_list_cost,
    case
        when months.carbon_eligible_list_cost > 0
            then {{ ratio_of(
                'coalesce(months.carbon_covered_list_cost, 0)', 'months.carbon_eligible_list_cost'
            ) }}
    end as carbon_coverage_ratio,
    months.charge_lines,
    coalesce(cost_period.cost_state, 'open') as cost_state,
    coalesce(usage_period.carbon_state, 'pending') as carbon_state,
    cost_period.data_as_of
from months
left join periods as cost_period
    on
        months.provider = cost_period.provider
        and months.billing_month = cost_period.billing_month
left join periods as usage_period
    on
        months.provider = usage_period.provider
        and months.usage_month = usage_period.billing_month
