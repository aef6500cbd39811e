{#-
    An amount rounded half away from zero to the smallest unit that an invoice in its currency can
    state; cents where the currency has none of its own.
-#}
{% macro to_minor_units(amount, minor_digits) -%}
    cast(
        case {{ minor_digits }}
            {%- for digits in [0, 3, 4] %}
            when {{ digits }} then cast(round({{ amount }}, {{ digits }}) as decimal(38, 18))
            {%- endfor %}
            else cast(round({{ amount }}, 2) as decimal(38, 18))
        end as decimal(38, 18)
    )
{%- endmacro %}
