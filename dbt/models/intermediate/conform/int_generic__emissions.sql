with emissions as (
    select * from {{ ref('stg_generic__carbon') }}
),

sources as (
    select * from {{ source('ledger', 'sources') }}
),

-- A total that isn't stated is the sum of its parts where all of them are. The configuration says who
-- the provider is and by what it reports; grain kept: a source is configured once.
conformed as (
    select
        emissions.source_name,
        sources.provider as x_Provider,
        emissions.delivery_id,
        emissions.usage_month,
        emissions.billing_account_id,
        emissions.sub_account_id,
        emissions.region_id,
        emissions.service_name as service_bucket,
        emissions.resource_id,
        emissions.model_version,
        {{ semantic_order('emissions.model_version') }} as version_order,
        emissions.refreshed_at,
        {{ place_of_emissions('sources', 'billing_account_id', 'emissions.billing_account_id') }}
            as emission_account_id,
        {{ place_of_emissions('sources', 'sub_account_id', 'emissions.sub_account_id') }}
            as emission_sub_account_id,
        {{ place_of_emissions('sources', 'region_id', 'emissions.region_id') }}
            as emission_region_id,
        {{ place_of_emissions('sources', 'service_name', 'emissions.service_name') }}
            as emission_service_bucket,
        {{ place_of_emissions('sources', 'resource_id', 'emissions.resource_id') }}
            as emission_resource_id,
        {%- for measure in emission_measures() if not measure.startswith('total_') %}
        emissions.{{ measure }},
        {%- endfor %}
        {%- for method in ['location', 'market', 'unspecified'] %}
        coalesce(
            emissions.total_{{ method }}_kg,
            {{ amount_plus(
                amount_plus('emissions.scope1_kg', 'emissions.scope2_' ~ method ~ '_kg'),
                'emissions.scope3_' ~ method ~ '_kg'
            ) }}
        ) as total_{{ method }}_kg{{ ',' if not loop.last }}
        {%- endfor %}
    from emissions
    inner join sources on emissions.source_name = sources.source_name
)

select
    {{ emission_columns() | join(',\n    ') }}
from conformed
