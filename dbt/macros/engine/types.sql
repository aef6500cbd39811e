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
{% macro wide_integer(column) -%}cast({{ column }} as {{ wide_integer_type() }}){%- endmacro %}

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
{#-
    On Spark the ledger names tables in place of files: pipeline/spark.py registers one per schema,
    partitioned by the lineage columns, with the exact folders of the current deliveries.
-#}
{% macro spark__read_files(paths) -%}
    {%- if paths | length == 1 -%}
        {{ return(paths[0]) }}
    {%- else -%}
        {{ return('(select * from ' ~ paths | join(' union all select * from ') ~ ')') }}
    {%- endif -%}
{%- endmacro %}

{#- A source double becomes a decimal once, by its shortest text: direct casts differ by engine. -#}
{% macro to_decimal(column, physical_type) -%}
    {{ return(adapter.dispatch('to_decimal')(column, physical_type)) }}
{%- endmacro %}
{#-
    The way over text costs 3 microseconds a value, half of a bill's conversion. A double that equals
    its ten decimals has those as its shortest text, since below 100,000 they are at most fifteen
    digits, and no two numbers of so few digits share a double.
-#}
{% macro default__to_decimal(column, physical_type) -%}
    {%- set ten_decimals = 'try_cast(' ~ column ~ ' as decimal(15,10))' -%}
    {%- if physical_type == 'DOUBLE' -%}
        case
            when {{ ten_decimals }} = {{ column }} then cast({{ ten_decimals }} as decimal(38,18))
            else cast(cast({{ column }} as varchar) as decimal(38,18))
        end
    {%- elif physical_type == 'FLOAT' -%}
        cast(cast({{ column }} as varchar) as decimal(38,18))
    {%- elif physical_type == 'DECIMAL(38,18)' -%}
        {{ column }}
    {%- elif physical_type.startswith('VARCHAR') -%}
        cast(nullif(nullif({{ column }}, ''), 'NULL') as decimal(38,18))
    {%- else -%}
        cast({{ column }} as decimal(38,18))
    {%- endif -%}
{%- endmacro %}
{#-
    A double arrives as its shortest text: pipeline/spark.py writes it, because Java before 19 does
    not print the shortest (JDK-4511638).
-#}
{% macro spark__to_decimal(column, physical_type) -%}
    {%- if physical_type == 'DECIMAL(38,18)' -%}
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
{#- The session's zone is UTC; a text is read as an instant first, or its zone would be dropped. -#}
{% macro spark__to_utc_timestamp(column, physical_type) -%}
    {%- if physical_type == 'TIMESTAMP' -%}
        {{ column }}
    {%- elif physical_type.startswith('VARCHAR') -%}
        cast(cast(nullif(nullif({{ column }}, ''), 'NULL') as timestamp) as timestamp_ntz)
    {%- else -%}
        cast({{ column }} as timestamp_ntz)
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
        {{ sorted_json("nullif(nullif(" ~ column ~ ", ''), 'NULL')") }}
    {%- else -%}
        cast(to_json({{ column }}) as varchar)
    {%- endif -%}
{%- endmacro %}
{#- Maps, lists and structs arrive as JSON text: pipeline/spark.py writes it. -#}
{% macro spark__to_json_text(column, physical_type) -%}
    {%- if physical_type.startswith('VARCHAR') -%}
        {{ sorted_json("nullif(nullif(" ~ column ~ ", ''), 'NULL')") }}
    {%- elif physical_type.startswith('MAP') -%}
        nullif({{ column }}, '{}')
    {%- elif physical_type.startswith('STRUCT') or physical_type.endswith('[]') -%}
        {{ column }}
    {%- else -%}
        {{ json_value(column, physical_type) }}
    {%- endif -%}
{%- endmacro %}

{#-
    A JSON object with its keys sorted; whatever is none, repeats a key or holds a number that a
    double can't, stays as it is, since rewriting it would lose something.
-#}
{% macro sorted_json(text) -%}{{ return(adapter.dispatch('sorted_json')(text)) }}{%- endmacro %}
{% macro default__sorted_json(text) -%}
    case
        when not coalesce({{ json_is_object(text) }}, false) then {{ text }}
        when regexp_matches({{ text }}, ': *-?[0-9.]{16}') then {{ text }}
        when len(json_keys({{ text }})) > len(list_distinct(json_keys({{ text }}))) then {{ text }}
        else cast(to_json(map_from_entries(list_sort(map_entries(
            cast(cast({{ text }} as json) as map(varchar, json))
        )))) as varchar)
    end
{%- endmacro %}
{% macro spark__sorted_json(text) -%}
    case
        when not coalesce({{ json_is_object(text) }}, false) then {{ text }}
        when {{ text }} rlike ': *-?[0-9.]{16}' then {{ text }}
        when size(json_object_keys({{ text }})) > size(array_distinct(json_object_keys({{ text }})))
            then {{ text }}
        else to_json(try_parse_json({{ text }}))
    end
{%- endmacro %}

{#- One JSON object of columns; a column without a type in `types` is text. -#}
{% macro columns_as_json(names, types={}) -%}
    {{ return(adapter.dispatch('columns_as_json')(names, types)) }}
{%- endmacro %}
{% macro default__columns_as_json(names, types) -%}
    {%- if not names -%}
        cast(null as varchar)
    {%- else -%}
        cast(json_object(
            {%- for name in names %}
            {%- set type = types.get(name, 'VARCHAR') %}
            '{{ sql_text(name) }}',
            {%- if type.startswith('DECIMAL') %}
            cast({{ json_value(identifier(name), type) }} as json)
            {%- else %}
            {{ identifier(name) }}
            {%- endif %}{{ ',' if not loop.last }}
            {%- endfor %}
        ) as varchar)
    {%- endif -%}
{%- endmacro %}
{#- Spark's own to_json would print a number that arrives as text as a text. -#}
{% macro spark__columns_as_json(names, types) -%}
    {%- if not names -%}
        cast(null as string)
    {%- else -%}
        concat(
            {%- for name in names %}
            {{ spark_literal(('{' if loop.first else ',') ~ json_key(name)) }},
            coalesce({{ json_value(identifier(name), types.get(name, 'VARCHAR')) }}, 'null'),
            {%- endfor %}
            '}'
        )
    {%- endif -%}
{%- endmacro %}

{#- A key as JSON with its colon; only where it holds control characters is anything else escaped. -#}
{% macro json_key(name) -%}
    {%- if name | list | select('lt', ' ') | list -%}
        {{ return(tojson(name) ~ ':') }}
    {%- endif -%}
    {{ return('"' ~ name.replace('\\', '\\\\').replace('"', '\\"') ~ '":') }}
{%- endmacro %}

{% macro text_literal(text) -%}{{ return(adapter.dispatch('text_literal')(text)) }}{%- endmacro %}
{% macro default__text_literal(text) -%}'{{ sql_text(text) }}'{%- endmacro %}
{% macro spark__text_literal(text) -%}{{ spark_literal(text) }}{%- endmacro %}

{#- A value as JSON text; NULL stays NULL. A decimal keeps its digits and loses trailing zeros. -#}
{% macro json_value(column, physical_type) -%}
    {{ return(adapter.dispatch('json_value')(column, physical_type)) }}
{%- endmacro %}
{% macro default__json_value(column, physical_type) -%}
    {%- if physical_type.startswith('DECIMAL') -%}
        regexp_replace(cast({{ column }} as varchar), '(\.[0-9]*[1-9])0+$|\.0+$', '\1')
    {%- else -%}
        cast(to_json({{ column }}) as varchar)
    {%- endif -%}
{%- endmacro %}
{#- As DuckDB writes it. A double arrives as its shortest text, where JSON has other exponents. -#}
{% macro spark__json_value(column, physical_type) -%}
    {%- set text = 'cast(' ~ column ~ ' as string)' -%}
    {%- if physical_type.startswith('VARCHAR') -%}
        case when {{ column }} is not null
            then substr(to_json(array({{ column }})), 2, length(to_json(array({{ column }}))) - 2) end
    {%- elif physical_type == 'TIMESTAMP WITH TIME ZONE' -%}
        concat('"', {{ text }}, '+00"')
    {%- elif physical_type.startswith('TIMESTAMP') or physical_type == 'DATE' -%}
        concat('"', {{ text }}, '"')
    {%- elif physical_type.startswith('DECIMAL') -%}
        {{ spark_trimmed(amount_text(column)) }}
    {%- elif physical_type == 'DOUBLE' -%}
        case
            when {{ column }} rlike 'e-0[56]$'
                then {{ spark_trimmed('cast(cast(' ~ column ~ ' as decimal(38,30)) as string)') }}
            when {{ column }} rlike 'e[+](1[6-9]|20)$'
                then concat(cast(cast({{ column }} as decimal(38,0)) as string), '.0')
            else regexp_replace({{ column }}, 'e[+]?(-?)0*', 'e$1')
        end
    {%- else -%}
        {{ text }}
    {%- endif -%}
{%- endmacro %}
{% macro spark_trimmed(number) -%}
    regexp_replace({{ number }}, '([.][0-9]*[1-9])0+$|[.]0+$', '$1')
{%- endmacro %}

{% macro json_text_value(json, key) -%}
    {{ return(adapter.dispatch('json_text_value')(json, key)) }}
{%- endmacro %}
{% macro default__json_text_value(json, key) -%}
    json_extract_string({{ json }}, '$."{{ key }}"')
{%- endmacro %}
{% macro spark__json_text_value(json, key) -%}
    get_json_object({{ json }}, {{ spark_literal("$['" ~ key ~ "']") }})
{%- endmacro %}

{% macro json_is_object(json) -%}
    {{ return(adapter.dispatch('json_is_object')(json)) }}
{%- endmacro %}
{#- CASE, because AND evaluates both sides and json_type stops on what is no JSON. -#}
{% macro default__json_is_object(json) -%}
    case when json_valid({{ json }}) then json_type({{ json }}) = 'OBJECT' else false end
{%- endmacro %}
{#-
    Spark's parser stops at the end of the first value; what parses both inside an array and inside
    an object has nothing behind that end. It refuses a trailing comma and NaN, which DuckDB takes.
-#}
{% macro spark__json_is_object(json) -%}
    (
        {{ json }} rlike '^[ \t\r\n]*[{]'
        and try_parse_json(concat('[', {{ json }}, ']')) is not null
        and try_parse_json(concat('{"":', {{ json }}, '}')) is not null
    )
{%- endmacro %}

{#-
    JSON objects without a key in common, joined from left to right without null members; a NULL
    object adds nothing.
-#}
{% macro json_merge(objects) -%}{{ return(adapter.dispatch('json_merge')(objects)) }}{%- endmacro %}
{% macro default__json_merge(objects) -%}
    nullif(cast(json_merge_patch('{}', {{ objects | join(', ') }}) as varchar), '{}')
{%- endmacro %}
{% macro spark__json_merge(objects) -%}
    nullif(concat('{', concat_ws(
        ',',
        {%- for object in objects %}
        nullif({{ spark_json_members(object) }}, ''){{ ',' if not loop.last }}
        {%- endfor %}
    ), '}'), '{}')
{%- endmacro %}

{#- Inside of a JSON object, null members left out: first those after a comma, then a leading one. -#}
{% macro spark_json_members(object) -%}
    {%- set null_member = '"(?:[^"\\\\\\\\]|\\\\\\\\.)*":null' -%}
    regexp_replace(
        regexp_replace(
            regexp_replace({{ object }}, ',{{ null_member }}(?=[,}])', ''),
            '(?<=[{]){{ null_member }}(,|(?=[}]))', ''
        ),
        '^[{]|[}]$', ''
    )
{%- endmacro %}

{#- A number that no amount is made of: what is none is absent. -#}
{% macro to_rate(column, physical_type) -%}
    {%- if physical_type.startswith('VARCHAR') -%}
        try_cast(nullif({{ column }}, '') as decimal(38,18))
    {%- else -%}
        {{ to_decimal(column, physical_type) }}
    {%- endif -%}
{%- endmacro %}

{#- JSON text of an object with sorted keys; any other text is NULL. -#}
{% macro to_json_object(column, physical_type) -%}
    {%- if physical_type.startswith('VARCHAR') -%}
        case
            when {{ json_is_object(column) }}
                then nullif({{ to_json_text(column, physical_type) }}, '{}')
        end
    {%- else -%}
        {{ to_json_text(column, physical_type) }}
    {%- endif -%}
{%- endmacro %}

{#- The text of a column that should be a JSON object and is none; maps always are. -#}
{% macro not_json_object(column, physical_type) -%}
    {%- if physical_type.startswith('VARCHAR') -%}
        case
            when not {{ json_is_object(column) }} then nullif(nullif({{ column }}, ''), 'NULL')
        end
    {%- else -%}
        cast(null as {{ varchar_type() }})
    {%- endif -%}
{%- endmacro %}

{#- One value of a map, stored as such or as JSON text. -#}
{% macro map_value(column, key, physical_type) -%}
    {{ return(adapter.dispatch('map_value')(column, key, physical_type)) }}
{%- endmacro %}
{% macro default__map_value(column, key, physical_type) -%}
    {%- if physical_type.startswith('MAP') -%}
        nullif(cast({{ column }}['{{ sql_text(key) }}'] as varchar), '')
    {%- else -%}
        case
            when {{ json_is_object(column) }} then nullif({{ json_text_value(column, key) }}, '')
        end
    {%- endif -%}
{%- endmacro %}
{#- Maps arrive as JSON text. -#}
{% macro spark__map_value(column, key, physical_type) -%}
    nullif({{ json_text_value(column, key) }}, '')
{%- endmacro %}

{#-
    Columns as one JSON object under other keys, in the order of these as everywhere; absent values
    are left out; no value is NULL.
-#}
{% macro keyed_json(names, keys, types={}) -%}
    {%- set pairs = [] -%}
    {%- for key in keys -%}
        {%- do pairs.append({'key': key, 'name': names[loop.index0]}) -%}
    {%- endfor -%}
    {%- set pairs = pairs | sort(attribute='key', case_sensitive=true) -%}
    nullif(concat('{', concat_ws(
        ',',
        {%- for pair in pairs %}
        {{ text_literal(json_key(pair.key)) }}
        || {{ json_value(identifier(pair.name), types.get(pair.name, 'VARCHAR')) }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    ), '}'), '{}')
{%- endmacro %}

{#-
    JSON objects without a key in common and without null members, as keyed_json makes them, joined
    from left to right, their numbers untouched; a NULL object adds nothing.
-#}
{% macro json_joined(objects) -%}
    nullif(concat('{', concat_ws(
        ',',
        {%- for object in objects %}
        nullif(substr({{ object }}, 2, length({{ object }}) - 2), ''){{ ',' if not loop.last }}
        {%- endfor %}
    ), '}'), '{}')
{%- endmacro %}

{#- Keys of a flat JSON object without a beginning; no value is touched. -#}
{% macro json_keys_without(json, beginning) -%}
    {{ return(adapter.dispatch('json_keys_without')(json, beginning)) }}
{%- endmacro %}
{#- A quote inside a value is escaped: behind a brace or a comma, a bare one begins a key. -#}
{% macro default__json_keys_without(json, beginning) -%}
    regexp_replace({{ json }}, '([{,]\s*)"{{ beginning }}', '\1"', 'g')
{%- endmacro %}
{% macro spark__json_keys_without(json, beginning) -%}
    regexp_replace({{ json }}, '([{,]\\s*)"{{ beginning }}', '$1"')
{%- endmacro %}
