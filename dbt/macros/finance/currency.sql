{#-
    An amount in another currency: amount x rate, rounded half away from zero to 18 decimals. A rate of
    1 leaves the amount as it is. NULL where the rate is unknown, or the product is 1e15 or more.
-#}
{% macro converted(amount, rate) -%}
    case when {{ rate }} = 1 then {{ amount }} else {{ rounded_product(amount, rate) }} end
{%- endmacro %}
