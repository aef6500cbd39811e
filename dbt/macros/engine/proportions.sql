{#-
    An amount in proportion to two others, which are >= 0 and may be of any size. Each is counted in
    whole units as small as its size allows, so that two counts multiply to less than 38 digits. At
    least fifteen digits count; equal weights are equal counts.
-#}

{#-
    in_proportion: an amount times a weight over another, cut off at 1e-18. What is 1e15 or more comes
    out as no less than 1e15: whoever needs exactness looks for that. NULL from 8e12 on.
-#}
{% macro in_proportion(amount, weight, of_weight) -%}
    {%- set size = 'abs(' ~ amount ~ ')' -%}
    {%- set larger = 'greatest(' ~ weight ~ ', ' ~ of_weight ~ ')' -%}
    {%- set dividend = counted(size, size) ~ ' * ' ~ counted(weight, larger) -%}
    {%- set divisor = 'nullif(' ~ counted(of_weight, larger) ~ ', 0)' -%}
    {%- set most = 'cast(1000000000000000 as ' ~ wide_integer_type() ~ ') * ' ~ units_of_one(size) -%}
    {%- set rest = '((' ~ dividend ~ ') % ' ~ divisor ~ ') * ' ~ unit_of(size) -%}
    cast({{ with_sign_of(amount, units_to_amount(
        '(least(' ~ quotient(dividend, divisor) ~ ', ' ~ most ~ ') * ' ~ unit_of(size)
        ~ ' + coalesce(' ~ quotient(rest, divisor) ~ ', 0))'
    )) }} as decimal(38,18))
{%- endmacro %}

{#- An amount >= 0 in whole units, below 8e18 of them; NULL from 8e12 on. -#}
{% macro counted(amount, larger) -%}
    {{ return(adapter.dispatch('counted')(amount, larger)) }}
{%- endmacro %}
{#- Taking a decimal apart costs DuckDB six microseconds, a product and its whole part 1.5. -#}
{% macro default__counted(amount, larger) -%}
    cast(floor({{ amount }} * {{ units_of_one(larger) }}) as hugeint)
{%- endmacro %}
{% macro spark__counted(amount, larger) -%}
    {{ quotient(
        whole_part(amount) ~ ' * ' ~ limb() ~ ' + ' ~ fraction_units(amount), unit_of(larger)
    ) }}
{%- endmacro %}

{#- The unit in which an amount of this size is counted, in units of 1e-18. -#}
{% macro unit_of(larger) -%}
    cast(case
        when {{ larger }} < 8 then 1
        when {{ larger }} < 8000 then 1000
        when {{ larger }} < 8000000 then 1000000
        when {{ larger }} < 8000000000 then 1000000000
        when {{ larger }} < 8000000000000 then 1000000000000
    end as {{ wide_integer_type() }})
{%- endmacro %}

{#- So many of them are one. -#}
{% macro units_of_one(larger) -%}
    cast(case
        when {{ larger }} < 8 then 1000000000000000000
        when {{ larger }} < 8000 then 1000000000000000
        when {{ larger }} < 8000000 then 1000000000000
        when {{ larger }} < 8000000000 then 1000000000
        when {{ larger }} < 8000000000000 then 1000000
    end as bigint)
{%- endmacro %}
