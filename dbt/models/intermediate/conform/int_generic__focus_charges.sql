with charges as (
    select * from {{ ref('stg_generic__focus') }}
),

sources as (
    select * from {{ source('ledger', 'sources') }}
),

repaired as (
    {{ repair_focus('charges') }}
),

-- Providers whose own emissions are delivered, and by what they report them.
reporting as (
    select
        provider,
        min(emission_grain) as emission_grain
    from sources
    where export = 'carbon'
    group by provider
),

-- The configuration says who the provider is; grain kept: a source is configured once.
named as (
    select
        repaired.*,
        sources.provider as x_Provider,
        reporting.provider is null as is_third_party,
        {{ place_of_emissions('reporting', 'billing_account_id', 'repaired.BillingAccountId') }}
            as emission_account_id,
        {{ place_of_emissions('reporting', 'sub_account_id', 'repaired.SubAccountId') }}
            as emission_sub_account_id,
        {{ place_of_emissions('reporting', 'region_id', 'repaired.RegionId') }}
            as emission_region_id,
        {{ place_of_emissions('reporting', 'service_name', 'repaired.ServiceName') }}
            as emission_service_bucket,
        {{ place_of_emissions('reporting', 'resource_id', 'repaired.ResourceId') }}
            as emission_resource_id
    from repaired
    inner join sources on repaired.source_name = sources.source_name
    left join reporting on sources.provider = reporting.provider
),

conformed as (
    select
        *,
        cast(null as {{ varchar_type() }}) as line_key
    from named
)

select
    {{ charge_columns() | join(',\n    ') }}
from conformed
