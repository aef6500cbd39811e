with members as (
    select * from {{ ref('int_dimension_members') }}
    where ResourceId is not null
)

select
    concat(x_Provider, '|', ResourceId) as resource_key,
    x_Provider as provider,
    ResourceId as resource_id,
    max(ResourceName) as resource_name,
    max(ResourceType) as resource_type,
    max(ServiceName) as service_name,
    max(RegionId) as region_id,
    max(SubAccountId) as sub_account_id,
    min(billing_month) as first_billing_month,
    max(billing_month) as last_billing_month
from members
group by x_Provider, ResourceId
union all
{{ special_members(
    ['provider', 'resource_id', 'resource_name', 'resource_type', 'service_name', 'region_id',
     'sub_account_id', 'first_billing_month', 'last_billing_month'],
    {'first_billing_month': 'date', 'last_billing_month': 'date'}
) }}
