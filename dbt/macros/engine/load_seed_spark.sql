{#
    Seeds on Spark. The session adapter binds a missing value as the text 'None' and doesn't escape
    quotes, so the values are written as literals here.
#}
{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set types = model['config'].get('column_types', {}) -%}
    {%- set first = [] -%}
    {%- for chunk in agate_table.rows | batch(get_batch_size()) -%}
        {%- set sql -%}
            insert into {{ this.render() }} values
            {%- for row in chunk %}
            ({%- for name in agate_table.column_names -%}
                {%- set type = types.get(name, adapter.convert_type(agate_table, loop.index0)) -%}
                cast({{ spark_literal(row[loop.index0]) }} as {{ type }}){{ ', ' if not loop.last }}
            {%- endfor -%}){{ ',' if not loop.last }}
            {%- endfor -%}
        {%- endset -%}
        {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
        {%- if not first -%}{%- do first.append(sql) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(first[0] if first else '') }}
{% endmacro %}

{% macro spark_literal(value) -%}
    {%- if value is none -%}
        null
    {%- else -%}
        {#- Spark replaces ${name} by variables of its process before it parses the text. -#}
        {%- set text = value | string -%}
        '{{ text.replace("\\", "\\\\").replace("'", "\\'").replace("$", "\\u0024") }}'
    {%- endif -%}
{%- endmacro %}
