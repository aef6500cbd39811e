{#- The month of the present batch, as a filter. Outside a batch (unit tests) it keeps all rows. -#}
{% macro this_month(column='billing_month') -%}
    {%- if model.batch -%}
        {{ column }} = {{ batch_month() }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{% macro batch_month() -%}
    cast('{{ model.batch.event_time_start.strftime("%Y-%m-01") }}' as date)
{%- endmacro %}
