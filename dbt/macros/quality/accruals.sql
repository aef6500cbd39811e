{#- The estimate of the missing days beyond what their first one already holds; never below 0. -#}
{% macro still_to_come(estimated_cost) -%}
    case
        when {{ estimated_cost }} > started_cost
            then {{ amount_minus(estimated_cost, 'started_cost') }}
        when {{ estimated_cost }} is not null then cast(0 as decimal(38, 18))
    end
{%- endmacro %}
