{#- Members that every dimension has: -1 unknown, -2 not applicable. Other columns are NULL. -#}
{% macro special_members(columns, types={}) -%}
    {%- for key in ['-1', '-2'] %}
    select
        '{{ key }}' as member_key,
        {%- for column in columns %}
        cast(null as {{ types.get(column, varchar_type()) }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
