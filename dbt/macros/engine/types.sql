{#- Every difference between the engines is in this folder, dispatched; models know of none. -#}

{% macro varchar_type() -%}{{ return(adapter.dispatch('varchar_type')()) }}{%- endmacro %}
{% macro default__varchar_type() -%}{{ return('varchar') }}{%- endmacro %}
{% macro spark__varchar_type() -%}{{ return('string') }}{%- endmacro %}

{#- A timestamp without zone that holds UTC. -#}
{% macro timestamp_type() -%}{{ return(adapter.dispatch('timestamp_type')()) }}{%- endmacro %}
{% macro default__timestamp_type() -%}{{ return('timestamp') }}{%- endmacro %}
{% macro spark__timestamp_type() -%}{{ return('timestamp_ntz') }}{%- endmacro %}

{#- An integer that holds 38 digits. -#}
{% macro wide_integer_type() -%}{{ return(adapter.dispatch('wide_integer_type')()) }}{%- endmacro %}
{% macro default__wide_integer_type() -%}{{ return('hugeint') }}{%- endmacro %}
{% macro spark__wide_integer_type() -%}{{ return('decimal(38,0)') }}{%- endmacro %}

{% macro identifier(name) -%}{{ return(adapter.dispatch('identifier')(name)) }}{%- endmacro %}
{% macro default__identifier(name) -%}
    {{ return('"' ~ name.replace('"', '""') ~ '"') }}
{%- endmacro %}
{% macro spark__identifier(name) -%}
    {{ return('`' ~ name.replace('`', '``') ~ '`') }}
{%- endmacro %}

{#- Exact files, never a glob; lineage columns come from the folder names. -#}
{% macro read_files(paths) -%}{{ return(adapter.dispatch('read_files')(paths)) }}{%- endmacro %}
{% macro default__read_files(paths) -%}
    {%- set quoted = [] -%}
    {%- for path in paths -%}{%- do quoted.append("'" ~ sql_text(path) ~ "'") -%}{%- endfor -%}
    {{ return(
        'read_parquet([' ~ quoted | join(', ') ~ '], hive_partitioning = true, '
        ~ 'hive_types = {ct_source: varchar, ct_month: date, ct_delivery: varchar})'
    ) }}
{%- endmacro %}

{#- A source double becomes a decimal once, by its shortest text: direct casts differ by engine. -#}
{% macro to_decimal(column, physical_type) -%}
    {{ return(adapter.dispatch('to_decimal')(column, physical_type)) }}
{%- endmacro %}
{% macro default__to_decimal(column, physical_type) -%}
    {%- if physical_type in ('DOUBLE', 'FLOAT') -%}
        cast(cast({{ column }} as varchar) as decimal(38,18))
    {%- elif physical_type == 'DECIMAL(38,18)' -%}
        {{ column }}
    {%- elif physical_type.startswith('VARCHAR') -%}
        cast(nullif(nullif({{ column }}, ''), 'NULL') as decimal(38,18))
    {%- else -%}
        cast({{ column }} as decimal(38,18))
    {%- endif -%}
{%- endmacro %}

{% macro to_utc_timestamp(column, physical_type) -%}
    {{ return(adapter.dispatch('to_utc_timestamp')(column, physical_type)) }}
{%- endmacro %}
{% macro default__to_utc_timestamp(column, physical_type) -%}
    {%- if physical_type == 'TIMESTAMP' -%}
        {{ column }}
    {%- elif physical_type == 'TIMESTAMP WITH TIME ZONE' -%}
        ({{ column }} at time zone 'UTC')
    {%- elif physical_type.startswith('VARCHAR') -%}
        (cast(nullif(nullif({{ column }}, ''), 'NULL') as timestamptz) at time zone 'UTC')
    {%- else -%}
        cast({{ column }} as timestamp)
    {%- endif -%}
{%- endmacro %}

{#- JSON as text with sorted keys, keys as the provider wrote them; no JSON is NULL. -#}
{% macro to_json_text(column, physical_type) -%}
    {{ return(adapter.dispatch('to_json_text')(column, physical_type)) }}
{%- endmacro %}
{% macro default__to_json_text(column, physical_type) -%}
    {%- if physical_type.startswith('MAP') -%}
        case
            when cardinality({{ column }}) > 0
                then cast(to_json(map_from_entries(list_sort(map_entries({{ column }})))) as varchar)
        end
    {%- elif physical_type.startswith('VARCHAR') -%}
        nullif(nullif({{ column }}, ''), 'NULL')
    {%- else -%}
        cast(to_json({{ column }}) as varchar)
    {%- endif -%}
{%- endmacro %}

{% macro columns_as_json(names) -%}
    {{ return(adapter.dispatch('columns_as_json')(names)) }}
{%- endmacro %}
{% macro default__columns_as_json(names) -%}
    {%- if not names -%}
        cast(null as varchar)
    {%- else -%}
        cast(json_object(
            {%- for name in names %}
            '{{ sql_text(name) }}', {{ identifier(name) }}{{ ',' if not loop.last }}
            {%- endfor %}
        ) as varchar)
    {%- endif -%}
{%- endmacro %}

{% macro json_text_value(json, key) -%}
    {{ return(adapter.dispatch('json_text_value')(json, key)) }}
{%- endmacro %}
{% macro default__json_text_value(json, key) -%}
    json_extract_string({{ json }}, '$."{{ key }}"')
{%- endmacro %}

{% macro json_is_object(json) -%}
    {{ return(adapter.dispatch('json_is_object')(json)) }}
{%- endmacro %}
{% macro default__json_is_object(json) -%}
    (json_valid({{ json }}) and json_type({{ json }}) = 'OBJECT')
{%- endmacro %}

{#- JSON objects joined from left to right; a NULL object adds nothing. -#}
{% macro json_merge(objects) -%}{{ return(adapter.dispatch('json_merge')(objects)) }}{%- endmacro %}
{% macro default__json_merge(objects) -%}
    nullif(cast(json_merge_patch('{}', {{ objects | join(', ') }}) as varchar), '{}')
{%- endmacro %}
