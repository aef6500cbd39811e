{#- Columns of the fact that say of which cluster a line is: a container's before its machine's. -#}
{% macro kubernetes_places() -%}
    {{ return(['AllocatedTags', 'AllocatedResourceId', 'Tags', 'ResourceId']) }}
{%- endmacro %}

{#- What a text says by a row of kubernetes_keys: a tag's value, or a name in an id; or nothing. -#}
{% macro kubernetes_value(said_by, keys) -%}
    {%- set folded = virtual_tag_fold(said_by) -%}
    case
        when {{ keys }}.id_like is null
            then {{ virtual_tag_trim(tag_at(said_by, keys ~ '.key')) }}
        when {{ folded }} like {{ keys }}.id_like
            then split_part(
                substr(
                    {{ said_by }},
                    instr({{ folded }}, {{ keys }}.key) + length({{ keys }}.key)
                ), '/', {{ keys }}.part
            )
    end
{%- endmacro %}

{#- Value of a tag whose key is a column: NULL where there is none, whatever the text is. -#}
{% macro tag_at(tags, key) -%}{{ return(adapter.dispatch('tag_at')(tags, key)) }}{%- endmacro %}
{% macro default__tag_at(tags, key) -%}
    json_extract_string(
        case when json_valid({{ tags }}) then {{ tags }} end,
        concat('/', replace(replace({{ key }}, '~', '~0'), '/', '~1'))
    )
{%- endmacro %}
{% macro spark__tag_at(tags, key) -%}
    try_element_at(from_json({{ tags }}, 'map<string,string>'), {{ key }})
{%- endmacro %}

{#- Charges with the cluster and the namespace that their own columns name, by rows of sayings. -#}
{% macro kubernetes_lines(charges, columns=[]) -%}
    {%- set clusters = [] -%}
    {%- set namespaces = [] -%}
    {%- for place in kubernetes_places() -%}
        {%- do clusters.append('in_' ~ place ~ '.cluster_name') -%}
        {%- do namespaces.append('in_' ~ place ~ '.namespace') -%}
    {%- endfor -%}
    select
        charges.x_Provider,
        coalesce(charges.SubAccountId, '') as account_key,
        charges.ResourceId,
        {%- for column in columns %}
        charges.{{ column }},
        {%- endfor %}
        coalesce({{ clusters | join(', ') }}) as own_cluster_name,
        coalesce({{ namespaces | join(', ') }}) as namespace
    from {{ charges }} as charges
    {%- for place in kubernetes_places() %}
    left join sayings as in_{{ place }}
        on
            in_{{ place }}.found_in = '{{ place }}'
            and charges.x_Provider = in_{{ place }}.x_Provider
            and charges.{{ place }} = in_{{ place }}.said_by
    {%- endfor %}
{%- endmacro %}

{#- Measures of a cluster's lines, by their names in the mart. -#}
{% macro kubernetes_measures() -%}
    {{ return({
        'effective_cost': 'EffectiveCost',
        'estimated_energy_kwh': 'x_EstimatedEnergyKwh',
        'estimated_operational_kg': 'x_EstimatedOperationalKg',
        'estimated_embodied_kg': 'x_EstimatedEmbodiedKg',
        'estimated_carbon_kg': 'x_EstimatedCarbonKg',
        'carbon_location_kg': 'x_CarbonLocationKg',
        'carbon_market_kg': 'x_CarbonMarketKg',
        'carbon_unspecified_kg': 'x_CarbonUnspecifiedKg',
    }) }}
{%- endmacro %}
