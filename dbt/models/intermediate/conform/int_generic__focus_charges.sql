with charges as (
    select * from {{ ref('stg_generic__focus') }}
),

sources as (
    select * from {{ source('ledger', 'sources') }}
),

repaired as (
    {{ repair_focus('charges') }}
),

-- The configuration says who the provider is; grain kept: a source is configured once.
named as (
    select
        repaired.*,
        sources.provider as x_Provider
    from repaired
    inner join sources on repaired.source_name = sources.source_name
),

conformed as (
    select
        *,
        cast(null as {{ varchar_type() }}) as line_key,
        true as is_third_party,
        '' as emission_account_id,
        '' as emission_sub_account_id,
        '' as emission_region_id,
        '' as emission_service_bucket,
        '' as emission_resource_id
    from named
)

select
    {{ charge_columns() | join(',\n    ') }}
from conformed
