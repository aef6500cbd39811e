{#- A version such as v3.0.10 as a sortable text: three numbers of six digits. -#}
{% macro semantic_order(version) -%}
    concat(
        {%- for position in [1, 2, 3] %}
        lpad(coalesce(nullif(regexp_extract(
            {{ version }}, '^v?([0-9]+)(?:[.]([0-9]+))?(?:[.]([0-9]+))?', {{ position }}
        ), ''), '0'), 6, '0'){{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}
