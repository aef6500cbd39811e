with emissions as (
    select * from {{ ref('stg_azure__carbon') }}
),

-- The API answers one scope a call; a resource's rows of the three calls are one row here.
by_resource as (
    select
        source_name,
        delivery_id,
        usage_month,
        subscription_id,
        resource_id,
        max(region_id) as region_id,
        max(resource_type) as resource_type,
        max(retrieved_at) as retrieved_at,
        sum(case when scope = 'Scope1' then emissions_kg end) as scope1_kg,
        sum(case when scope = 'Scope2' then emissions_kg end) as scope2_kg,
        sum(case when scope = 'Scope3' then emissions_kg end) as scope3_kg,
        sum(emissions_kg) as total_kg
    from emissions
    group by source_name, delivery_id, usage_month, subscription_id, resource_id
),

-- The API states neither method nor model version: figures stay unspecified.
conformed as (
    select
        source_name,
        'azure' as x_Provider,
        delivery_id,
        usage_month,
        cast(null as {{ varchar_type() }}) as billing_account_id,
        subscription_id as sub_account_id,
        region_id,
        resource_type as service_bucket,
        resource_id,
        cast(null as {{ varchar_type() }}) as model_version,
        coalesce(cast(retrieved_at as {{ varchar_type() }}), '') as version_order,
        retrieved_at as refreshed_at,
        '' as emission_account_id,
        subscription_id as emission_sub_account_id,
        '' as emission_region_id,
        '' as emission_service_bucket,
        resource_id as emission_resource_id,
        cast(scope1_kg as decimal(38, 18)) as scope1_kg,
        cast(null as decimal(38, 18)) as scope2_location_kg,
        cast(null as decimal(38, 18)) as scope2_market_kg,
        cast(scope2_kg as decimal(38, 18)) as scope2_unspecified_kg,
        cast(null as decimal(38, 18)) as scope3_location_kg,
        cast(null as decimal(38, 18)) as scope3_market_kg,
        cast(scope3_kg as decimal(38, 18)) as scope3_unspecified_kg,
        cast(null as decimal(38, 18)) as total_location_kg,
        cast(null as decimal(38, 18)) as total_market_kg,
        cast(total_kg as decimal(38, 18)) as total_unspecified_kg
    from by_resource
)

select
    {{ emission_columns() | join(',\n    ') }}
from conformed
