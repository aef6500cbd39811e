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

{#- A figure in kilograms, by the unit of its row; landing refuses other units. -#}
{% macro stated_kilograms(figure) -%}
    case
        when emissions_unit in ('kgCO2e', 'kg') then {{ figure }}
        else {{ scaled(figure, 1000) }}
    end
{%- endmacro %}
