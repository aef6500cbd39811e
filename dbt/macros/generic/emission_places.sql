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
