-- Leg 1 against leg 2 of the tie-out. A difference is our fault, so it stops publication.
{{ config(meta={'dagster': {'ref': {'name': 'dq_result'}}}) }}

select
    check_id,
    source_name,
    billing_month,
    column_name,
    measured
from {{ ref('dq_result') }}
where check_id in ('control_total_equals_fact', 'reported_carbon_equals_fact') and not passed
