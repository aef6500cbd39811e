{#-
    The scopes of a method are shared, and its total is their sum on every row. A total that its
    scopes don't add up to, or with a scope below 0, is shared apart: rounded parts of such scopes
    can come to less than nothing where the provider reported nothing.
-#}

{#- Totals by method, and the scopes that they add up. -#}
{% macro emission_totals() -%}
    {{ return({
        'total_location_kg': ['scope1_kg', 'scope2_location_kg', 'scope3_location_kg'],
        'total_market_kg': ['scope1_kg', 'scope2_market_kg', 'scope3_market_kg'],
        'total_unspecified_kg': ['scope1_kg', 'scope2_unspecified_kg', 'scope3_unspecified_kg'],
    }) }}
{%- endmacro %}

{#- What is shared: scopes, and totals where they are shared apart. -#}
{% macro emission_parts() -%}
    {%- set found = emission_measures() | reject('in', emission_totals()) | list -%}
    {%- for total in emission_totals() -%}{%- do found.append(apart(total)) -%}{%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- The total where it is shared apart, else NULL. -#}
{% macro apart(total) -%}{{ return(total.replace('_kg', '_apart_kg')) }}{%- endmacro %}

{#- Whether the total is added up from scopes. -#}
{% macro is_sum(total) -%}{{ return(total.replace('_kg', '_is_sum')) }}{%- endmacro %}

{% macro total_kinds() -%}
    {%- set found = [] -%}
    {%- for total in emission_totals() -%}{%- do found.append(is_sum(total)) -%}{%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Columns that tell totals by kind, from totals and scopes. -#}
{% macro total_kind_columns() -%}
    {%- for total, scopes in emission_totals().items() -%}
        {%- set known = known_amounts(scopes) -%}
        {%- set holds = 'coalesce(' ~ total ~ ' = ' ~ sum_of_amounts(known)
            ~ ' and least(' ~ known | join(', ') ~ ') >= 0, false)' -%}
        {{ holds }} as {{ is_sum(total) }},
        case when not {{ holds }} then {{ total }} end as {{ apart(total) }}
        {{- ',\n        ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- The columns of emission_totals, from parts; NULL where there was no total. -#}
{% macro total_columns() -%}
    {%- for total, scopes in emission_totals().items() -%}
        case
            when {{ is_sum(total) }} then {{ sum_of_amounts(known_amounts(scopes)) }}
            else {{ apart(total) }}
        end as {{ total }}{{ ',\n    ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- Amounts with 0 for those that are unknown. -#}
{% macro known_amounts(columns) -%}
    {%- set found = [] -%}
    {%- for column in columns -%}{%- do found.append('coalesce(' ~ column ~ ', 0)') -%}{%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{% macro sum_of_amounts(amounts) -%}
    {%- set sum = namespace(of=amounts[0]) -%}
    {%- for amount in amounts[1:] -%}{%- set sum.of = amount_plus(sum.of, amount) -%}{%- endfor -%}
    {{ return(sum.of) }}
{%- endmacro %}
