{#-
    A place by which a provider reports its emissions, as reports and charge lines write it in common;
    '' where it doesn't report by it.
-#}
{% macro place_of_emissions(sources, place, value) -%}
    case
        when ',' || {{ sources }}.emission_grain || ',' like '%,{{ place }},%'
            then lower(coalesce({{ value }}, ''))
        else ''
    end
{%- endmacro %}

{#- Every figure in kilograms, by the unit of its row; landing refuses other units. -#}
{% macro stated_measures() -%}
    {%- set found = [] -%}
    {%- for measure in emission_measures() -%}
        {%- set figure = measure.removesuffix('_kg') -%}
        {%- do found.append(
            "case when emissions_unit in ('kgCO2e', 'kg') then " ~ figure
            ~ ' else ' ~ scaled(figure, 1000) ~ ' end as ' ~ measure
        ) -%}
    {%- endfor -%}
    {{ return(found | join(',\n        ')) }}
{%- endmacro %}
