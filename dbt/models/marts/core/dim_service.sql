with members as (
    select
        x_Provider,
        ServiceName,
        max(ServiceCategory) as ServiceCategory,
        max(ServiceSubcategory) as ServiceSubcategory
    from {{ ref('int_dimension_members') }}
    where ServiceName is not null
    group by x_Provider, ServiceName
),

mapped as (
    select
        provider,
        lower(service_code) as service_code,
        max(service_category) as service_category,
        max(service_subcategory) as service_subcategory
    from {{ ref('service_map') }}
    group by provider, lower(service_code)
)

-- The provider's own category outranks the map; a mapped sub-category is used only if it fits.
select
    concat(members.x_Provider, '|', members.ServiceName) as service_key,
    members.x_Provider as provider,
    members.ServiceName as service_name,
    coalesce(members.ServiceCategory, mapped.service_category) as service_category,
    case
        when members.ServiceSubcategory is not null then members.ServiceSubcategory
        when coalesce(members.ServiceCategory, mapped.service_category) = mapped.service_category
            then mapped.service_subcategory
    end as service_subcategory,
    mapped.service_code is not null as is_mapped
from members
left join mapped
    on members.x_Provider = mapped.provider and lower(members.ServiceName) = mapped.service_code
union all
{{ special_members(['provider', 'service_name', 'service_category', 'service_subcategory',
    'is_mapped'], {'is_mapped': 'boolean'}) }}
