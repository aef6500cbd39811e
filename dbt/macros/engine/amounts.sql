{#-
    Amounts added and shared line by line. Spark cuts decimals off a sum of two DECIMAL(38,18), so
    its operands are narrowed; amounts stay below 1e18.
-#}

{% macro amount_plus(first, second) -%}
    {{ return(adapter.dispatch('amount_plus')(first, second)) }}
{%- endmacro %}
{% macro default__amount_plus(first, second) -%}
    cast(({{ first }}) + ({{ second }}) as decimal(38,18))
{%- endmacro %}
{% macro spark__amount_plus(first, second) -%}
    cast(
        cast({{ first }} as decimal(36,18)) + cast({{ second }} as decimal(36,18))
        as decimal(38,18)
    )
{%- endmacro %}

{% macro amount_minus(first, second) -%}
    {{ return(adapter.dispatch('amount_minus')(first, second)) }}
{%- endmacro %}
{% macro default__amount_minus(first, second) -%}
    cast(({{ first }}) - ({{ second }}) as decimal(38,18))
{%- endmacro %}
{% macro spark__amount_minus(first, second) -%}
    cast(
        cast({{ first }} as decimal(36,18)) - cast({{ second }} as decimal(36,18))
        as decimal(38,18)
    )
{%- endmacro %}

{#- An amount without its sign in whole billionths: a weight for mul_div, below 8e9. -#}
{% macro amount_billionths(amount) -%}{{ return(adapter.dispatch('amount_billionths')(amount)) }}{%- endmacro %}
{% macro default__amount_billionths(amount) -%}
    cast(round(abs({{ amount }}) * 1000000000, 0) as {{ wide_integer_type() }})
{%- endmacro %}
{% macro spark__amount_billionths(amount) -%}
    cast(
        cast(round(abs({{ amount }}), 9) as decimal(27,9)) * cast(1000000000 as decimal(10,0))
        as decimal(38,0)
    )
{%- endmacro %}

{#-
    The part of an amount that its first `weight` of `all_weight` earns, cut off at 1e-18. Parts
    between increasing weights therefore add up to the amount.
-#}
{% macro amount_up_to(amount, weight, all_weight) -%}
    {{ with_sign_of(
        amount, units_to_amount(mul_div('abs(' ~ amount ~ ')', weight, all_weight))
    ) }}
{%- endmacro %}

{#-
    An amount as text with all of its eighteen decimals. dbt's adapter turns Spark's ANSI mode off, and
    then a cast writes small amounts with an exponent, 0 among them.
-#}
{% macro amount_text(amount) -%}{{ return(adapter.dispatch('amount_text')(amount)) }}{%- endmacro %}
{% macro default__amount_text(amount) -%}cast({{ amount }} as varchar){%- endmacro %}
{% macro spark__amount_text(amount) -%}
    {%- set size = 'abs(cast(' ~ amount ~ ' as decimal(38,18)))' -%}
    concat(
        case when {{ amount }} < 0 then '-' else '' end,
        cast({{ whole_part(size) }} as string),
        '.',
        lpad(cast({{ fraction_units(size) }} as string), 18, '0')
    )
{%- endmacro %}
