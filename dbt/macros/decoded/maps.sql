{#-
    What the seeds in seeds/maps say of a provider's services, regions and units, for conform models.

    A native export names a service in its own words. Such a model lets `with_service` look the words
    up in the map of its provider, and takes the FOCUS columns from the macros below it. The map is
    given as a subquery: a CTE that is read twice is held, and DuckDB then computes every column of
    the model for a reader that wants one.

        located as (
            {{ with_service('charges', '(' ~ services_of('aws') ~ ')',
                ['line_item_product_code', 'product_product_name']) }}
        ),

        measured as (
            {{ with_units('located', '(' ~ units_of('aws') ~ ')',
                {'pricing_unit': 'focus_pricing_unit'}) }}
        ),

        conformed as (
            select
                ...
                {{ service_name_of('line_item_product_code') }} as ServiceName,
                {{ service_category_of() }} as ServiceCategory,
                {{ service_subcategory_of() }} as ServiceSubcategory,
                focus_pricing_unit as PricingUnit,
                nullif(concat_ws(',', {{ service_change() }}, ...), '') as x_SourceChanges
            from measured
        )

    Words are expressions over the relation, tried from left to right without regard to case; the
    first that the map knows counts. Put the narrow word before the broad one: Azure's resource type
    or meter category before its ConsumedService, which may hold several services; Google's
    service.id before its description; last a word that holds for whatever else remains, such as
    `case when bill_billing_entity = 'AWS Marketplace' then 'AWSMarketplace' end`.

    A service that no word leads to gets the standard's Other values. Its line stays, carries the
    code ServiceUnmapped in x_SourceChanges (so write `service_change()` there) and is counted in
    dq_result as service_unmapped. A unit that the map doesn't know stays as it was written.
-#}

{#- One row per spelling of a service, lower case, of one provider. -#}
{% macro services_of(provider) -%}
    select
        lower(service_code) as service_code,
        max(service_name) as service_name,
        max(service_category) as service_category,
        max(service_subcategory) as service_subcategory,
        max(carbon_service_bucket) as carbon_service_bucket
    from {{ ref('service_map') }}
    where provider = '{{ provider }}'
    group by lower(service_code)
{%- endmacro %}

{#- One row per spelling of a region, lower case, of one provider. -#}
{% macro regions_of(provider) -%}
    select
        lower(region_alias.alias) as alias,
        max(region_map.region_id) as region_id,
        max(region_map.region_name) as region_name
    from {{ ref('region_alias') }} as region_alias
    inner join {{ ref('region_map') }} as region_map
        on
            region_alias.provider = region_map.provider
            and region_alias.region_id = region_map.region_id
    where region_alias.provider = '{{ provider }}'
    group by lower(region_alias.alias)
{%- endmacro %}

{#- One row per spelling of a unit, lower case, of one provider. -#}
{% macro units_of(provider) -%}
    select
        lower(native_unit) as native_unit,
        max(focus_unit) as focus_unit
    from {{ ref('unit_map') }}
    where provider = '{{ provider }}'
    group by lower(native_unit)
{%- endmacro %}

{#-
    A relation with what the map says of each row's service: mapped_service_name,
    mapped_service_category, mapped_service_subcategory, mapped_service_bucket, all NULL where no
    word is known.
-#}
{% macro with_service(relation, services, words) -%}
    select
        {{ relation }}.*,
        {%- for column, name in {
            'service_name': 'mapped_service_name',
            'service_category': 'mapped_service_category',
            'service_subcategory': 'mapped_service_subcategory',
        }.items() %}
        coalesce({{ mapped(column, words) }}) as {{ name }},
        {%- endfor %}
        case
            {%- for word in words %}
            when service_{{ loop.index }}.service_code is not null
                then service_{{ loop.index }}.carbon_service_bucket
            {%- endfor %}
        end as mapped_service_bucket
    from {{ relation }}
    {%- for word in words %}
    left join {{ services }} as service_{{ loop.index }}
        on lower({{ word }}) = service_{{ loop.index }}.service_code
    {%- endfor %}
{%- endmacro %}

{% macro mapped(column, words) -%}
    {%- for word in words -%}
        service_{{ loop.index }}.{{ column }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{% macro service_name_of(stated) -%}
    coalesce(mapped_service_name, {{ stated }})
{%- endmacro %}

{#- What the export itself states is the provider's word and outranks the map. -#}
{% macro service_category_of(stated='null') -%}
    coalesce({{ stated }}, mapped_service_category, 'Other')
{%- endmacro %}

{#- The sub-category of a stated category is the export's, or unknown: the map's might not fit it. -#}
{% macro service_subcategory_of(stated_category='null', stated='null') -%}
    case
        when {{ stated_category }} is not null then {{ stated }}
        else coalesce(mapped_service_subcategory, 'Other (Other)')
    end
{%- endmacro %}

{#- The code for x_SourceChanges when the service defaulted to Other, else NULL. -#}
{% macro service_change(stated='null') -%}
    case
        when coalesce({{ stated }}, mapped_service_category) is null then 'ServiceUnmapped'
    end
{%- endmacro %}

{#- A relation with the FOCUS spelling of its units; columns: expression of a unit -> its new name. -#}
{% macro with_units(relation, units, columns) -%}
    select
        {{ relation }}.*
        {%- for word, name in columns.items() %},
        {{ focus_unit(word, 'unit_' ~ loop.index) }} as {{ name }}
        {%- endfor %}
    from {{ relation }}
    {%- for word, name in columns.items() %}
    left join {{ units }} as unit_{{ loop.index }}
        on lower(trim({{ word }})) = unit_{{ loop.index }}.native_unit
    {%- endfor %}
{%- endmacro %}

{% macro focus_unit(word, unit) -%}
    coalesce({{ unit }}.focus_unit, nullif(trim({{ word }}), ''))
{%- endmacro %}
