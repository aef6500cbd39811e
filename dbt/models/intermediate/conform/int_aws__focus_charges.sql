with charges as (
    select * from {{ ref('stg_aws__focus') }}
),

services as (
    {{ services_of('aws') }}
),

repaired as (
    {{ repair_focus('charges', 'services', 'aws') }}
),

service_codes as (
    select
        lower(service_name) as service_name,
        max(carbon_service_bucket) as carbon_service_bucket
    from {{ ref('service_map') }}
    where provider = 'aws'
    group by lower(service_name)
),

-- AWS names its product code in an x_ column of FOCUS 1.2; FOCUS 1.0 has the service name alone.
with_product as (
    select
        repaired.*,
        coalesce(
            {{ json_text_value('repaired.provider_columns', 'x_ServiceCode') }},
            service_codes.carbon_service_bucket
        ) as product_code
    from repaired
    left join service_codes on lower(repaired.ServiceName) = service_codes.service_name
),

-- The carbon export breaks out three products; every other one is "Other".
conformed as (
    select
        *,
        'aws' as x_Provider,
        cast(null as {{ varchar_type() }}) as line_key,
        {{ is_published_by_another('aws') }} as is_third_party,
        BillingAccountId as emission_account_id,
        SubAccountId as emission_sub_account_id,
        lower(coalesce(RegionId, 'global')) as emission_region_id,
        case
            when product_code in ('AmazonEC2', 'AmazonS3', 'AmazonCloudFront') then product_code
            else 'Other'
        end as emission_service_bucket,
        '' as emission_resource_id
    from with_product
)

select
    {{ charge_columns() | join(',\n    ') }}
from conformed
