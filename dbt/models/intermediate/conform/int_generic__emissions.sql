with emissions as (
    select * from {{ ref('stg_generic__carbon') }}
),

sources as (
    select * from {{ source('ledger', 'sources') }}
),

-- A row without a figure says nothing, so a version of nothing but such rows isn't one.
-- Cardinality: a source is configured once.
figures as (
    select
        emissions.*,
        sources.provider,
        sources.emission_keys
    from emissions
    inner join sources on emissions.source_name = sources.source_name
    where coalesce(emissions.{{ stated_figures() | join(', emissions.') }}) is not null
),

-- Versions are ordered as numbers, and as texts where these are equal: one of them is the newest.
conformed as (
    select
        source_name,
        provider as x_Provider,
        delivery_id,
        usage_month,
        billing_account_id,
        sub_account_id,
        region_id,
        service_name as service_bucket,
        resource_id,
        methodology_version as model_version,
        concat(
            {{ semantic_order('methodology_version') }}, ' ', coalesce(methodology_version, '')
        ) as version_order,
        refreshed_at,
        lower(billing_account_id) as emission_account_id,
        {{ matched_on('sub_account', 'sub_account_id') }} as emission_sub_account_id,
        {{ matched_on('region', 'region_id', 'global') }} as emission_region_id,
        {{ matched_on('service', 'service_name') }} as emission_service_bucket,
        {{ matched_on('resource', 'resource_id') }} as emission_resource_id,
        scope1_kg,
        scope2_location_kg,
        scope2_market_kg,
        scope2_unspecified_kg,
        {{ scope3_of('location') }} as scope3_location_kg,
        {{ scope3_of('market') }} as scope3_market_kg,
        {{ scope3_of('unspecified') }} as scope3_unspecified_kg,
        {{ total_of('location') }} as total_location_kg,
        {{ total_of('market') }} as total_market_kg,
        {{ total_of('unspecified') }} as total_unspecified_kg
    from figures
)

select
    {{ emission_columns() | join(',\n    ') }}
from conformed
