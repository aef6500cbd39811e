{#-
    An amount in proportion to another: times one weight, in parts of the other. Weights are amounts
    >= 0 of any size, so both are first counted in whole units, as small as the larger one allows:
    at least its first fifteen digits, and equal weights are equal counts.
-#}

{#- A weight as a wide integer below 8e18; NULL from 8e12 on. -#}
{% macro weight_units(weight, larger) -%}
    {{ quotient(
        whole_part(weight) ~ ' * ' ~ limb() ~ ' + ' ~ fraction_units(weight), unit_of_weights(larger)
    ) }}
{%- endmacro %}

{#- Units of 1e-18 that one counts for, beside a weight of this size. -#}
{% macro unit_of_weights(larger) -%}
    cast(case
        when {{ larger }} < 8 then 1
        when {{ larger }} < 8000 then 1000
        when {{ larger }} < 8000000 then 1000000
        when {{ larger }} < 8000000000 then 1000000000
        when {{ larger }} < 8000000000000 then 1000000000000
    end as {{ wide_integer_type() }})
{%- endmacro %}

{#-
    An amount times `units` over `of_units`, counts of weight_units, cut off at 1e-18; the amount itself
    where they are equal. NULL unless amount and result are below 1e15, and of_units above 0.
-#}
{% macro in_proportion(amount, units, of_units) -%}
    {%- set size = 'abs(' ~ amount ~ ')' -%}
    {%- set limit = 'cast(1000000000000000 as ' ~ wide_integer_type() ~ ')' -%}
    case
        when
            {{ of_units }} > 0
            and {{ size }} < 1000000000000000
            and ({{ whole_part(size) }} + 1) * {{ units }} <= {{ limit }} * {{ of_units }}
            then cast({{ with_sign_of(
                amount, units_to_amount('(' ~ mul_div(size, units, of_units) ~ ')')
            ) }} as decimal(38,18))
    end
{%- endmacro %}
