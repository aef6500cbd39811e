with charges as (
    select * from {{ ref('stg_gcp__focus') }}
),

services as (
    {{ services_of('gcp') }}
),

repaired as (
    {{ repair_focus('charges', 'services', 'gcp') }}
),

-- Carbon Footprint names services by their display name and projects by id.
conformed as (
    select
        *,
        'gcp' as x_Provider,
        cast(null as {{ varchar_type() }}) as line_key,
        {{ is_published_by_another('gcp') }} as is_third_party,
        BillingAccountId as emission_account_id,
        SubAccountId as emission_sub_account_id,
        lower(coalesce(RegionId, 'global')) as emission_region_id,
        ServiceName as emission_service_bucket,
        '' as emission_resource_id
    from repaired
)

select
    {{ charge_columns() | join(',\n    ') }}
from conformed
