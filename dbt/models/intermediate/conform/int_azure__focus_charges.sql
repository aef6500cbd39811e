with charges as (
    select * from {{ ref('stg_azure__focus') }}
),

services as (
    {{ services_of('azure') }}
),

repaired as (
    {{ repair_focus('charges', 'services', 'azure') }}
),

-- Carbon Optimization names resources; their ids differ from the bill's only in case.
conformed as (
    select
        *,
        'azure' as x_Provider,
        cast(null as {{ varchar_type() }}) as line_key,
        {{ is_published_by_another('azure') }} as is_third_party,
        '' as emission_account_id,
        {{ azure_subscription_id('SubAccountId') }} as emission_sub_account_id,
        '' as emission_region_id,
        '' as emission_service_bucket,
        lower(ResourceId) as emission_resource_id
    from repaired
)

select
    {{ charge_columns() | join(',\n    ') }}
from conformed
