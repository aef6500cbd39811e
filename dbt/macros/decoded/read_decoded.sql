{#-
    The rows of one export's current deliveries, columns as declared, each cast once.

    The files come from the ledger, one by one: there is no glob in SQL, and two generations of a
    month can't both be read. Files of equal physical columns share one scan. Columns that an
    export has and we don't declare become one JSON text, `provider_columns`.

    Args:
        room: folder of the provider, such as aws.
        export: kind of export, such as focus.
        columns: list of {name, kind}, kind one of text, decimal, timestamp, json.
-#}
{% macro read_decoded(room, export, columns) -%}
    {%- set _ = source('decoded', room ~ '_' ~ export) -%}
    {%- set files = decoded_files(room, export) -%}
    {%- if not files -%}
        {{ no_decoded_rows(columns) }}
    {%- else -%}
        {%- for schema_id in files.keys() | sort %}
        {{ decoded_select(columns, decoded_types(schema_id), files[schema_id]) }}
        {% if not loop.last %}union all{% endif %}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro decoded_files(room, export) -%}
    {%- set files = {} -%}
    {%- if execute -%}
        {%- set query -%}
            select schema_id, path from {{ source('ledger', 'decoded_files') }}
            where room = '{{ room }}' and export = '{{ export }}'
            order by schema_id, path
        {%- endset -%}
        {%- for row in run_query(query).rows -%}
            {%- do files.setdefault(row[0], []).append(row[1]) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(files) }}
{%- endmacro %}

{% macro decoded_types(schema_id) -%}
    {%- set types = {} -%}
    {%- set query -%}
        select column_name, physical_type from {{ source('ledger', 'decoded_columns') }}
        where schema_id = '{{ schema_id }}'
        order by column_name
    {%- endset -%}
    {%- for row in run_query(query).rows -%}
        {%- do types.update({row[0]: row[1]}) -%}
    {%- endfor -%}
    {{ return(types) }}
{%- endmacro %}

{% macro decoded_select(columns, types, paths) -%}
    {%- set declared = columns | map(attribute='name') | list -%}
    select
        ct_source as source_name,
        cast(ct_month as date) as billing_month,
        ct_delivery as delivery_id,
        {%- for column in columns %}
        {{ decoded_value(column.name, column.kind, types.get(column.name)) }}
            as {{ identifier(column.name) }},
        {%- endfor %}
        {{ undeclared_columns(declared, types) }} as provider_columns
    from {{ read_files(paths) }}
{%- endmacro %}

{% macro no_decoded_rows(columns) -%}
    select
        cast(null as {{ varchar_type() }}) as source_name,
        cast(null as date) as billing_month,
        cast(null as {{ varchar_type() }}) as delivery_id,
        {%- for column in columns %}
        {{ decoded_value(column.name, column.kind, none) }} as {{ identifier(column.name) }},
        {%- endfor %}
        cast(null as {{ varchar_type() }}) as provider_columns
    where false
{%- endmacro %}

{#- A declared column as its one type, whatever the file stores; a typed NULL where it is absent. -#}
{% macro decoded_value(name, kind, physical_type) -%}
    {%- set column = identifier(name) -%}
    {%- if physical_type is none -%}
        cast(null as {{ kind_type(kind) }})
    {%- elif kind == 'decimal' -%}
        {{ to_decimal(column, physical_type) }}
    {%- elif kind == 'timestamp' -%}
        {{ to_utc_timestamp(column, physical_type) }}
    {%- elif kind == 'json' -%}
        {{ to_json_text(column, physical_type) }}
    {%- else -%}
        nullif(cast({{ column }} as {{ varchar_type() }}), '')
    {%- endif -%}
{%- endmacro %}

{% macro kind_type(kind) -%}
    {{ return({
        'decimal': 'decimal(38,18)',
        'timestamp': timestamp_type(),
    }.get(kind, varchar_type())) }}
{%- endmacro %}

{% macro undeclared_columns(declared, types) -%}
    {%- set names = types.keys()
        | reject('in', declared) | reject('in', ['ct_source', 'ct_month', 'ct_delivery'])
        | sort | list -%}
    {{ columns_as_json(names, types) }}
{%- endmacro %}
