{#-
    The rows of one export's current deliveries, columns as declared, each cast once.

    The files come from the ledger, one by one: there is no glob in SQL, and two generations of a
    month can't both be read. Files of equal physical columns share one scan. Columns that an
    export has and we don't declare become one JSON text, `provider_columns`.

    Args:
        room: folder of the provider, such as aws.
        export: kind of export, such as focus.
        columns: list of {name, kind}, kind one of text, decimal, timestamp, json, or
            rate (a number; what is none is NULL),
            object (JSON text of an object; whatever is none is NULL),
            not_object (the text that isn't an object, else NULL).
            A column may also have
            spellings: other names of it; the first that a file has is read,
            inside: list of {column, key}: where a map may hold it instead,
            keys_without: a pattern that the keys of an object lose at their beginning,
            gather: beginnings of names; columns named so make one JSON object, keys without
                their beginning.
        left_out: beginnings of undeclared columns that are not kept in provider_columns.
-#}
{% macro read_decoded(room, export, columns, left_out=[]) -%}
    {%- set _ = source('decoded', room ~ '_' ~ export) -%}
    {%- set files = decoded_files(room, export) -%}
    {%- if not files -%}
        {{ no_decoded_rows(columns) }}
    {%- else -%}
        {%- for schema_id in files.keys() | sort %}
        {{ decoded_select(columns, decoded_types(schema_id), files[schema_id], left_out) }}
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

{% macro decoded_select(columns, types, paths, left_out=[]) -%}
    {%- set declared = [] -%}
    {%- for column in columns -%}
        {%- do declared.extend(names_of(column, types)) -%}
    {%- endfor -%}
    select
        ct_source as source_name,
        cast(ct_month as date) as billing_month,
        ct_delivery as delivery_id,
        {%- for column in columns %}
        {{ decoded_column(column, types) }} as {{ identifier(column.name) }},
        {%- endfor %}
        {{ undeclared_columns(declared, types, left_out) }} as provider_columns
    from {{ read_files(paths) }}
{%- endmacro %}

{#- The names in a file that a declared column may be read from. -#}
{% macro names_of(column, types) -%}
    {%- set names = [column.name] + column.get('spellings', []) -%}
    {%- for place in column.get('inside', []) -%}{%- do names.append(place.column) -%}{%- endfor -%}
    {{ return(names + gathered_names(column, types)) }}
{%- endmacro %}

{% macro gathered_names(column, types) -%}
    {%- set names = [] -%}
    {%- for prefix in column.get('gather', []) -%}
        {%- for name in types.keys() | sort if name.startswith(prefix) -%}
            {%- do names.append(name) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(names | unique | list) }}
{%- endmacro %}

{#- A declared column from wherever a file has it. -#}
{% macro decoded_column(column, types) -%}
    {%- set spelled = ([column.name] + column.get('spellings', []))
        | select('in', types) | list -%}
    {%- set places = [] -%}
    {%- for place in column.get('inside', []) if place.column in types -%}
        {%- do places.append(place) -%}
    {%- endfor -%}
    {%- set gathered = gathered_names(column, types) -%}
    {%- if spelled -%}
        {%- set value = decoded_value(spelled[0], column.kind, types[spelled[0]]) -%}
        {{ json_keys_without(value, column.keys_without) if 'keys_without' in column else value }}
    {%- elif places -%}
        {{ map_value(identifier(places[0].column), places[0].key, types[places[0].column]) }}
    {%- elif gathered -%}
        {{ gathered_json(gathered, column.gather, types) }}
    {%- else -%}
        {{ decoded_value(column.name, column.kind, none) }}
    {%- endif -%}
{%- endmacro %}

{#- Columns as one JSON object, keys without their beginning, absent values left out. -#}
{% macro gathered_json(names, prefixes, types) -%}
    {%- set keys = [] -%}
    {%- for column in names -%}
        {%- set name = gathered_name(column) -%}
        {%- set key = {'text': name} -%}
        {%- for prefix in prefixes
            if name.startswith(prefix) and name[prefix | length:] | length < key.text | length -%}
            {%- do key.update({'text': name[prefix | length:]}) -%}
        {%- endfor -%}
        {%- do keys.append(key.text) -%}
    {%- endfor -%}
    {{ keyed_json(names, keys, types) }}
{%- endmacro %}

{#- A column's name as its provider spells it; dagster_project/decoding/case_twins.py says why. -#}
{% macro gathered_name(column) -%}
    {{ return(modules.re.sub('#case[0-9]+$', '', column)) }}
{%- endmacro %}

{#- Whether any file of an export's current deliveries has one of these columns. -#}
{% macro decoded_has(room, export, names) -%}
    {%- set found = [] -%}
    {%- if execute -%}
        {%- set query -%}
            select count(*)
            from {{ source('ledger', 'decoded_columns') }} as columns
            inner join {{ source('ledger', 'decoded_files') }} as files
                on columns.schema_id = files.schema_id
            where
                files.room = '{{ room }}'
                and files.export = '{{ export }}'
                and columns.column_name in ('{{ names | join("', '") }}')
        {%- endset -%}
        {%- if run_query(query).rows[0][0] > 0 -%}{%- do found.append(true) -%}{%- endif -%}
    {%- endif -%}
    {{ return(found | length > 0) }}
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
    {%- elif kind == 'rate' -%}
        {{ to_rate(column, physical_type) }}
    {%- elif kind == 'object' -%}
        {{ to_json_object(column, physical_type) }}
    {%- elif kind == 'not_object' -%}
        {{ not_json_object(column, physical_type) }}
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
        'rate': 'decimal(38,18)',
        'timestamp': timestamp_type(),
    }.get(kind, varchar_type())) }}
{%- endmacro %}

{% macro undeclared_columns(declared, types, left_out=[]) -%}
    {%- set names = [] -%}
    {%- for name in types.keys()
        | reject('in', declared) | reject('in', ['ct_source', 'ct_month', 'ct_delivery'])
        | sort -%}
        {%- set left = [] -%}
        {%- for prefix in left_out if name.startswith(prefix) -%}
            {%- do left.append(prefix) -%}
        {%- endfor -%}
        {%- if not left -%}{%- do names.append(name) -%}{%- endif -%}
    {%- endfor -%}
    {{ columns_as_json(names, types) }}
{%- endmacro %}
