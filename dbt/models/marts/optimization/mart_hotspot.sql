with hotspots as (
    select * from {{ ref('int_hotspots__monthly') }}
)

select
    billing_month,
    provider,
    sub_account_id,
    service_name,
    service_category,
    region_id,
    resource_id,
    environment,
    owner,
    billing_currency,
    effective_cost,
    list_cost,
    carbon_location_kg,
    carbon_market_kg,
    carbon_unspecified_kg,
    cost_rank,
    carbon_rank,
    combined_rank
from hotspots
