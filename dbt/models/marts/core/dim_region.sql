with members as (
    select
        x_Provider,
        RegionId,
        max(RegionName) as RegionName
    from {{ ref('int_dimension_members') }}
    where RegionId is not null
    group by x_Provider, RegionId
),

aliases as (
    select
        provider,
        lower(alias) as alias,
        max(region_id) as region_id
    from {{ ref('region_alias') }}
    group by provider, lower(alias)
),

regions as (
    select * from {{ ref('region_map') }}
)

-- Cardinality: an alias names one region of a provider.
select
    concat(members.x_Provider, '|', members.RegionId) as region_key,
    members.x_Provider as provider,
    members.RegionId as region_id,
    coalesce(regions.region_name, members.RegionName) as region_name,
    regions.region_id as canonical_region_id,
    regions.country_code,
    regions.country_name,
    regions.continent,
    regions.grid_zone,
    regions.latitude,
    regions.longitude
from members
left join aliases
    on members.x_Provider = aliases.provider and lower(members.RegionId) = aliases.alias
left join regions
    on members.x_Provider = regions.provider and aliases.region_id = regions.region_id
union all
{{ special_members(
    ['provider', 'region_id', 'region_name', 'canonical_region_id', 'country_code',
     'country_name', 'continent', 'grid_zone', 'latitude', 'longitude'],
    {'latitude': 'double', 'longitude': 'double'}
) }}
