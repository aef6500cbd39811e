with emissions as (
    select * from {{ ref('stg_aws__carbon') }}
),

-- Model versions are ordered as numbers: as texts, v3.0.10 would stand before v3.0.9.
conformed as (
    select
        source_name,
        'aws' as x_Provider,
        delivery_id,
        usage_month,
        payer_account_id as billing_account_id,
        usage_account_id as sub_account_id,
        region_code as region_id,
        product_code as service_bucket,
        cast(null as {{ varchar_type() }}) as resource_id,
        model_version,
        {{ semantic_order('model_version') }} as version_order,
        last_refresh_timestamp as refreshed_at,
        payer_account_id as emission_account_id,
        usage_account_id as emission_sub_account_id,
        lower(coalesce(nullif(region_code, ''), 'global')) as emission_region_id,
        product_code as emission_service_bucket,
        '' as emission_resource_id,
        scope1_kg,
        scope2_location_kg,
        scope2_market_kg,
        cast(null as decimal(38, 18)) as scope2_unspecified_kg,
        scope3_location_kg,
        scope3_market_kg,
        cast(null as decimal(38, 18)) as scope3_unspecified_kg,
        total_location_kg,
        total_market_kg,
        cast(null as decimal(38, 18)) as total_unspecified_kg
    from emissions
)

select
    {{ emission_columns() | join(',\n    ') }}
from conformed
