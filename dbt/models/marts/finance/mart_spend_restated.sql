with months as (
    select * from {{ ref('int_books__monthly') }}
),

periods as (
    select * from {{ ref('dim_billing_period') }}
)

-- Cardinality: one period per provider and month.
select
    months.billing_month,
    months.provider,
    months.billing_account_id,
    months.charge_category,
    months.service_category,
    months.environment,
    months.cost_center,
    months.billing_currency,
    months.billed_cost,
    months.effective_cost,
    months.charge_lines,
    coalesce(periods.cost_state, 'open') as cost_state,
    periods.data_as_of
from months
left join periods
    on months.provider = periods.provider and months.billing_month = periods.billing_month
