{#-
    Totals of a method are shared as their scopes are, and what the provider's total holds beyond
    its scopes apart: mostly nothing. So a line's total is the sum of its scopes to the last digit
    wherever the provider's is.
-#}

{#- Totals by method, and the scopes that they add up. -#}
{% macro emission_totals() -%}
    {{ return({
        'total_location_kg': ['scope1_kg', 'scope2_location_kg', 'scope3_location_kg'],
        'total_market_kg': ['scope1_kg', 'scope2_market_kg', 'scope3_market_kg'],
        'total_unspecified_kg': ['scope1_kg', 'scope2_unspecified_kg', 'scope3_unspecified_kg'],
    }) }}
{%- endmacro %}

{% macro emission_scopes() -%}
    {{ return(emission_measures() | reject('in', emission_totals()) | list) }}
{%- endmacro %}

{#- The column of what a total holds beyond its scopes. -#}
{% macro beyond(total) -%}{{ return(total.replace('_kg', '_beyond_kg')) }}{%- endmacro %}

{% macro beyond_scopes() -%}
    {%- set found = [] -%}
    {%- for total in emission_totals() -%}{%- do found.append(beyond(total)) -%}{%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- What is shared: every total is made of these. -#}
{% macro emission_parts() -%}
    {{ return(emission_scopes() + beyond_scopes()) }}
{%- endmacro %}

{#- The columns of beyond_scopes, from totals and scopes; NULL where there is no total. -#}
{% macro beyond_scopes_columns() -%}
    {%- for total, scopes in emission_totals().items() -%}
        {%- set rest = namespace(of=total) -%}
        {%- for scope in scopes -%}
            {%- set rest.of = amount_minus(rest.of, 'coalesce(' ~ scope ~ ', 0)') -%}
        {%- endfor -%}
        {{ rest.of }} as {{ beyond(total) }}{{ ',\n        ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- The columns of emission_totals, from parts; NULL where there was no total. -#}
{% macro total_columns() -%}
    {%- for total, scopes in emission_totals().items() -%}
        {%- set sum = namespace(of=beyond(total)) -%}
        {%- for scope in scopes -%}
            {%- set sum.of = amount_plus(sum.of, 'coalesce(' ~ scope ~ ', 0)') -%}
        {%- endfor -%}
        {{ sum.of }} as {{ total }}{{ ',\n    ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
