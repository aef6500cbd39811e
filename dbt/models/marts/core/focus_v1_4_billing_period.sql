with periods as (
    select * from {{ ref('int_focus__billing_periods') }}
)

select
    {{ focus_dataset_columns('BillingPeriod') | map(attribute='name') | join(',\n    ') }}
from periods
