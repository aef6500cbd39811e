-- A fee that is charged by the month is what was used and what was not, so a month's effective
-- cost is its billed cost. A difference is our fault, so it stops publication.
{{ config(meta={'dagster': {'ref': {'name': 'dq_result'}}}) }}

select
    monthly.source_name,
    monthly.billing_month,
    monthly.BilledCost,
    monthly.EffectiveCost
from {{ ref('int_quality__monthly') }} as monthly
inner join {{ source('ledger', 'sources') }} as sources
    on monthly.source_name = sources.source_name
-- dq_result holds the month back, so the test belongs to it.
where
    sources.export = 'billing-detailed'
    and monthly.BilledCost <> monthly.EffectiveCost
    and (select count(*) from {{ ref('dq_result') }}) > 0
