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
    {%- set batch_view = make_temp_relation(target_relation) -%}

    {{ run_hooks(pre_hooks) }}
    {% if is_month_dirty(month) %}
        {% call statement('batch') %}{{ create_temporary_view(batch_view, sql) }}{% endcall %}
        {%- do create_monthly_table(target_relation, batch_view) -%}
        {%- set files_before = month_files(target_relation, month) -%}
        {% call statement('mode') %}
            set spark.sql.sources.partitionOverwriteMode = dynamic
        {% endcall %}
        {% call statement('main') %}
            {{ get_insert_overwrite_sql(batch_view, target_relation, target_relation) }}
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

{#- The table with the batch's columns; a new column reads NULL in months built before it. -#}
{% macro create_monthly_table(relation, batch_view) -%}
    {%- set columns = [] -%}
    {%- for column in adapter.get_columns_in_relation(batch_view) -%}
        {%- do columns.append(column.quoted ~ ' ' ~ column.dtype) -%}
    {%- endfor -%}
    {% call statement('create') %}
        create table if not exists {{ relation }} ({{ columns | join(', ') }})
        {{ file_format_clause() }} {{ partition_cols(label='partitioned by') }}
    {% endcall %}
    {%- do process_schema_changes('append_new_columns', batch_view, relation) -%}
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
