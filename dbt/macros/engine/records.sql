{#-
    Lists of records that arrive as JSON text: parsed, filtered, added up, taken apart. Inside a
    condition the record is called `record`.
-#}

{#- The records of a JSON text as a list of records of texts; NULL for what is no JSON. -#}
{% macro parsed_records(json, fields) -%}
    {{ return(adapter.dispatch('parsed_records')(json, fields)) }}
{%- endmacro %}
{% macro default__parsed_records(json, fields) -%}
    case when json_valid({{ json }}) then from_json({{ json }}, '[{
        {%- for field in fields -%}"{{ field }}":"VARCHAR"{{ ',' if not loop.last }}{%- endfor -%}
    }]') end
{%- endmacro %}
{% macro spark__parsed_records(json, fields) -%}
    from_json({{ json }}, 'array<struct<
        {%- for field in fields -%}{{ field }}:string{{ ',' if not loop.last }}{%- endfor -%}
    >>')
{%- endmacro %}

{% macro filtered_records(records, condition) -%}
    {{ return(adapter.dispatch('filtered_records')(records, condition)) }}
{%- endmacro %}
{% macro default__filtered_records(records, condition) -%}
    list_filter({{ records }}, lambda record: {{ condition }})
{%- endmacro %}
{% macro spark__filtered_records(records, condition) -%}
    filter({{ records }}, record -> {{ condition }})
{%- endmacro %}

{% macro first_records(records, count) -%}
    {{ return(adapter.dispatch('first_records')(records, count)) }}
{%- endmacro %}
{% macro default__first_records(records, count) -%}
    list_slice({{ records }}, 1, {{ count }})
{%- endmacro %}
{% macro spark__first_records(records, count) -%}
    slice({{ records }}, 1, {{ count }})
{%- endmacro %}

{#- Sum of one field of all records, 0 where there is none. -#}
{% macro sum_of_records(records, field) -%}
    {{ return(adapter.dispatch('sum_of_records')(records, field)) }}
{%- endmacro %}
{% macro default__sum_of_records(records, field) -%}
    cast(coalesce(list_sum(list_transform(
        {{ records }}, lambda record: cast(record.{{ field }} as decimal(38,18))
    )), 0) as decimal(38,18))
{%- endmacro %}
{#- Spark cuts decimals off a sum of two DECIMAL(38,18); 36 digits leave room for the carry. -#}
{% macro spark__sum_of_records(records, field) -%}
    cast(coalesce(aggregate(
        {{ records }}, cast(0 as decimal(36,18)),
        (total, record) -> cast(
            total + coalesce(cast(record.{{ field }} as decimal(36,18)), 0) as decimal(36,18)
        )
    ), 0) as decimal(38,18))
{%- endmacro %}

{#- Number of records, 0 where there is no list. -#}
{% macro count_of_records(records) -%}
    {{ return(adapter.dispatch('count_of_records')(records)) }}
{%- endmacro %}
{% macro default__count_of_records(records) -%}
    coalesce(len({{ records }}), 0)
{%- endmacro %}
{% macro spark__count_of_records(records) -%}
    coalesce(array_size({{ records }}), 0)
{%- endmacro %}

{#- One row for each record of a list, with the record and its place from 1. -#}
{% macro exploded_records(relation, records) -%}
    {{ return(adapter.dispatch('exploded_records')(relation, records)) }}
{%- endmacro %}
{% macro default__exploded_records(relation, records) -%}
    select
        *,
        unnest({{ records }}) as record,
        generate_subscripts({{ records }}, 1) as place
    from {{ relation }}
{%- endmacro %}
{% macro spark__exploded_records(relation, records) -%}
    select
        {{ relation }}.*,
        pieces.record,
        pieces.place + 1 as place
    from {{ relation }} lateral view posexplode({{ records }}) pieces as place, record
{%- endmacro %}

{#- Records of {key, value} with something put before every key. -#}
{% macro prefixed_records(records, prefix) -%}
    {{ return(adapter.dispatch('prefixed_records')(records, prefix)) }}
{%- endmacro %}
{% macro default__prefixed_records(records, prefix) -%}
    list_transform({{ records }}, lambda record:
        struct_pack(key := '{{ prefix }}' || record.key, value := record.value)
    )
{%- endmacro %}
{% macro spark__prefixed_records(records, prefix) -%}
    transform({{ records }}, record ->
        struct(concat('{{ prefix }}', record.key) as key, record.value as value)
    )
{%- endmacro %}

{#- Lists of {key, value} one after the other; a NULL list adds nothing. -#}
{% macro joined_records(lists) -%}
    {{ return(adapter.dispatch('joined_records')(lists)) }}
{%- endmacro %}
{% macro default__joined_records(lists) -%}
    list_filter(
        {% for list in lists %}coalesce({{ list }}, []){{ ' || ' if not loop.last }}{% endfor %},
        lambda record: record.key is not null
    )
{%- endmacro %}
{% macro spark__joined_records(lists) -%}
    filter(
        concat({% for list in lists %}coalesce({{ list }}, array()){{ ', ' if not loop.last }}{% endfor %}),
        record -> record.key is not null
    )
{%- endmacro %}

{#-
    A list of {key, value} as a JSON object of texts with sorted keys; of a key that comes twice the
    first counts. Without any key it is NULL.
-#}
{% macro records_as_object(records) -%}
    {{ return(adapter.dispatch('records_as_object')(records)) }}
{%- endmacro %}
{% macro default__records_as_object(records) -%}
    {%- set keys = 'list_transform(' ~ records ~ ', lambda record: record.key)' -%}
    case when len({{ records }}) > 0 then cast(to_json(map_from_entries(list_sort(list_transform(
        list_distinct({{ keys }}),
        lambda name: struct_pack(
            k := name, v := coalesce({{ records }}[list_position({{ keys }}, name)].value, '')
        )
    )))) as varchar) end
{%- endmacro %}
{% macro spark__records_as_object(records) -%}
    case when size({{ records }}) > 0 then to_json(map_from_entries(array_sort(transform(
        filter({{ records }}, (record, place) -> array_position(
            transform({{ records }}, other -> other.key), record.key
        ) = place + 1),
        record -> struct(record.key as k, coalesce(record.value, '') as v)
    )))) end
{%- endmacro %}
