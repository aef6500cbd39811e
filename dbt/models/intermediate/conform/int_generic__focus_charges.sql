with charges as (
    select * from {{ ref('stg_generic__focus') }}
),

sources as (
    select * from {{ source('ledger', 'sources') }}
),

reporting as (
    select distinct
        provider,
        emission_keys
    from sources
    where export = 'carbon'
),

repaired as (
    {{ repair_focus('charges') }}
),

-- The configuration says who the provider is and by what its emissions find lines; grain kept: a
-- source is configured once, and the carbon sources of a provider say the same.
named as (
    select
        repaired.*,
        sources.provider as x_Provider,
        reporting.provider is null as is_third_party,
        reporting.emission_keys
    from repaired
    inner join sources on repaired.source_name = sources.source_name
    left join reporting on sources.provider = reporting.provider
),

conformed as (
    select
        *,
        cast(null as {{ varchar_type() }}) as line_key,
        case when is_third_party then '' else lower(BillingAccountId) end as emission_account_id,
        {{ matched_on('sub_account', 'SubAccountId') }} as emission_sub_account_id,
        {{ matched_on('region', 'RegionId', 'global') }} as emission_region_id,
        {{ matched_on('service', 'ServiceName') }} as emission_service_bucket,
        {{ matched_on('resource', 'ResourceId') }} as emission_resource_id
    from named
)

select
    {{ charge_columns() | join(',\n    ') }}
from conformed
