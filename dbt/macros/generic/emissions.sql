{#- A figure in kilograms; exports/generic/carbon.py lists the units, and refuses any other. -#}
{% macro in_kg(figure, unit) -%}
    {%- set letter = 'lower(substr(' ~ unit ~ ', 1, 1))' -%}
    case
        when {{ letter }} = 'k' then {{ figure }}
        when {{ letter }} = 'g' then {{ per_thousand(figure) }}
        when {{ letter }} in ('t', 'm') then {{ scaled(figure, 1000) }}
    end
{%- endmacro %}

{#- Figures that a row may state, in kilograms; `scope3_kg` is one for every method of the row. -#}
{% macro stated_figures() -%}
    {{ return(emission_measures() + ['scope3_kg']) }}
{%- endmacro %}

{#- Scope 3 of a method; what is stated once counts for each method that the row speaks of. -#}
{% macro scope3_of(method) -%}
    coalesce(
        scope3_{{ method }}_kg,
        case
            when coalesce(scope2_{{ method }}_kg, total_{{ method }}_kg) is not null then scope3_kg
        end
    )
{%- endmacro %}

{#- The total of a method: as stated, else the sum of its parts; NULL when one isn't known. -#}
{% macro total_of(method) -%}
    coalesce(
        total_{{ method }}_kg,
        {{ amount_plus(amount_plus('scope1_kg', 'scope2_' ~ method ~ '_kg'), scope3_of(method)) }}
    )
{%- endmacro %}

{#- What finds charge lines by `part`, in small letters; '' where a source doesn't match on it. -#}
{% macro matched_on(part, name, otherwise='') -%}
    case
        when emission_keys like '%{{ part }}%'
            then lower(coalesce(nullif({{ name }}, ''), '{{ otherwise }}'))
        else ''
    end
{%- endmacro %}
