with row_bridge as (
    select * from {{ ref('int_charges__row_bridge') }}
),

monthly as (
    select
        source_name,
        provider,
        billing_month,
        delivery_id
    from {{ ref('int_quality__monthly') }}
)

-- A month whose every line was netted has no line in the fact, so the left join.
select
    row_bridge.source_name,
    monthly.provider,
    row_bridge.billing_month,
    monthly.delivery_id,
    row_bridge.step,
    row_bridge.reason,
    row_bridge.rows
from row_bridge
left join monthly
    on
        row_bridge.source_name = monthly.source_name
        and row_bridge.billing_month = monthly.billing_month
