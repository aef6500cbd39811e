with charges as (
    select * from {{ ref('stg_onprem__focus') }}
),

repaired as (
    {{ repair_focus('charges') }}
),

-- Nobody reports emissions for own servers, so no line waits for them.
conformed as (
    select
        *,
        'onprem' as x_Provider,
        cast(null as {{ varchar_type() }}) as line_key,
        true as is_third_party,
        '' as emission_account_id,
        '' as emission_sub_account_id,
        '' as emission_region_id,
        '' as emission_service_bucket,
        '' as emission_resource_id
    from repaired
)

select
    {{ charge_columns() | join(',\n    ') }}
from conformed
