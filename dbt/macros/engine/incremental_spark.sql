{#-
    A monthly model is one table with a DATE partition per billing month.

    The adapter's own materialization is not used: its insert into an existing table replaces only
    partitions that the query has rows of, so a month restated to nothing keeps its old rows and
    the run reports success; and its first batch is a CREATE TABLE AS, which a killed run leaves
    behind as a folder that no later run can write to.

    The overwrite is dynamic: files are written beside the old ones and take their place when the
    query is done. A static one would delete the month first.
-#}
{% materialization incremental, adapter="spark" %}
    {%- if not model.batch -%}
        {{ exceptions.raise_compiler_error("A monthly model is built by microbatch.") }}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set month = model.batch.event_time_start.strftime('%Y-%m-01') -%}

    {{ run_hooks(pre_hooks) }}
    {% if is_month_dirty(month) %}
        {%- do create_monthly_table(target_relation, sql) -%}
        {%- set files_before = month_files(target_relation, month) -%}
        {% call statement('mode') %}
            set spark.sql.sources.partitionOverwriteMode = dynamic
        {% endcall %}
        {% call statement('main') %}
            insert overwrite table {{ target_relation }} by name
            select * from (
                {{ sql }}
            )
        {% endcall %}
        {% if files_before and month_files(target_relation, month) == files_before %}
            {% call statement('empty') %}
                alter table {{ target_relation }} drop if exists
                partition ({{ config.get('event_time') }} = date '{{ month }}')
            {% endcall %}
        {% endif %}
    {% else %}
        {% call statement('main') %} select 1 {% endcall %}
    {% endif %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#-
    The table of a query. Columns that the query has and an older table lacks are added; they read
    NULL in months built before.
-#}
{% macro create_monthly_table(relation, sql) -%}
    {%- set types = {} -%}
    {%- for row in run_query('describe query ' ~ sql).rows -%}
        {%- do types.update({identifier(row[0]): row[1]}) -%}
    {%- endfor -%}
    {% call statement('create') %}
        create table if not exists {{ relation }} ({{ typed_columns(types, types) }})
        {{ file_format_clause() }} {{ partition_cols(label='partitioned by') }}
    {% endcall %}
    {%- set known = [] -%}
    {%- for row in run_query('show columns in ' ~ relation).rows -%}
        {%- do known.append(identifier(row[0])) -%}
    {%- endfor -%}
    {%- set added = types.keys() | reject('in', known) | list -%}
    {%- if added -%}
        {% call statement('widen') %}
            alter table {{ relation }} add columns ({{ typed_columns(added, types) }})
        {% endcall %}
    {%- endif -%}
{%- endmacro %}

{% macro typed_columns(names, types) -%}
    {%- for name in names -%}{{ name }} {{ types[name] }}{{ ', ' if not loop.last }}{%- endfor -%}
{%- endmacro %}

{#- Names of a month's files. Every write gives new ones, so equal names mean that none was written. -#}
{% macro month_files(relation, month) -%}
    {%- set query -%}
        select distinct _metadata.file_name from {{ relation }}
        where {{ config.get('event_time') }} = date '{{ month }}'
        order by 1
    {%- endset -%}
    {{ return(run_query(query).columns[0].values() | list) }}
{%- endmacro %}
