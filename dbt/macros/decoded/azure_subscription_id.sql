{#- FOCUS writes a subscription as `/subscriptions/<id>`, the carbon API as the bare id. -#}
{% macro azure_subscription_id(column) -%}
    replace(lower({{ column }}), '/subscriptions/', '')
{%- endmacro %}
