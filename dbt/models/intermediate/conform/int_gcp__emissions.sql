-- Backfills have left rows in the table twice. A row has every dimension of the report in it: two
-- that are equal are one.
with emissions as (
    select distinct * from {{ ref('stg_gcp__carbon') }}
),

-- Rows of deleted projects carry the number alone; other rows of the export know its id.
project_ids as (
    select
        project_number,
        max(project_id) as project_id
    from emissions
    where project_id is not null and nullif(project_number, '') is not null
    group by project_number
),

-- The location is a zone, a region, a multi-region, a country or global; the bill knows regions.
conformed as (
    select
        emissions.source_name,
        'gcp' as x_Provider,
        emissions.delivery_id,
        emissions.usage_month,
        emissions.billing_account_id,
        coalesce(emissions.project_id, nullif(emissions.project_number, '')) as sub_account_id,
        coalesce(nullif(emissions.region, ''), emissions.location) as region_id,
        emissions.service_description as service_bucket,
        cast(null as {{ varchar_type() }}) as resource_id,
        cast(emissions.carbon_model_version as {{ varchar_type() }}) as model_version,
        lpad(cast(emissions.carbon_model_version as {{ varchar_type() }}), 6, '0')
            as version_order,
        cast(null as {{ timestamp_type() }}) as refreshed_at,
        emissions.billing_account_id as emission_account_id,
        coalesce(emissions.project_id, project_ids.project_id) as emission_sub_account_id,
        lower(coalesce(nullif(emissions.region, ''), nullif(emissions.location, ''), 'global'))
            as emission_region_id,
        emissions.service_description as emission_service_bucket,
        '' as emission_resource_id,
        emissions.scope1_kg,
        emissions.scope2_location_kg,
        emissions.scope2_market_kg,
        cast(null as decimal(38, 18)) as scope2_unspecified_kg,
        emissions.scope3_kg as scope3_location_kg,
        emissions.scope3_kg as scope3_market_kg,
        cast(null as decimal(38, 18)) as scope3_unspecified_kg,
        emissions.total_location_kg,
        emissions.total_market_kg,
        cast(null as decimal(38, 18)) as total_unspecified_kg
    from emissions
    left join project_ids on emissions.project_number = project_ids.project_number
)

select
    {{ emission_columns() | join(',\n    ') }}
from conformed
