with periods as (
    select * from {{ source('ledger', 'periods') }}
)

select
    concat(provider, '|', cast(billing_month as {{ varchar_type() }})) as billing_period_key,
    provider,
    billing_month,
    cost_state,
    carbon_state,
    data_as_of
from periods
union all
{{ special_members(['provider', 'billing_month', 'cost_state', 'carbon_state', 'data_as_of'],
    {'billing_month': 'date', 'data_as_of': timestamp_type()}) }}
