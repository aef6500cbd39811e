with calendar as (
    select * from {{ source('ledger', 'calendar') }}
)

select
    source_name,
    provider,
    export,
    month,
    expected,
    state,
    delivery_id,
    rows,
    arrived_at,
    reason,
    late_days
from calendar
