{#-
    Makes a model monthly: rebuilt whole per billing month, by microbatch.

    The billing month is the unit that providers restate, so a month that comes back with fewer
    rows, with rows of another usage month or with none at all replaces what was there.
#}
{% macro monthly_model(event_time='billing_month') -%}
    {{ config(
        materialized='incremental', incremental_strategy='microbatch', event_time=event_time,
        batch_size='month', begin='2015-01-01', lookback=0, full_refresh=false,
        on_schema_change='fail', concurrent_batches=false
    ) }}
    {{ monthly_storage(event_time) }}
{%- endmacro %}

{#- DuckDB's materialization knows its folders by itself. -#}
{% macro monthly_storage(month_column) -%}
    {{ return(adapter.dispatch('monthly_storage')(month_column)) }}
{%- endmacro %}
{% macro default__monthly_storage(month_column) -%}{%- endmacro %}
{% macro spark__monthly_storage(month_column) -%}
    {{ config(partition_by=[month_column], file_format='parquet') }}
{%- endmacro %}

{#-
    Makes a conversion a view, and on Spark a table: its catalogue holds no view of more than 32,700
    characters, and the rules of a native bill are longer, as are the exact shares of every measure.
-#}
{% macro conversion_storage() -%}
    {{ return(adapter.dispatch('conversion_storage')()) }}
{%- endmacro %}
{% macro default__conversion_storage() -%}{%- endmacro %}
{% macro spark__conversion_storage() -%}
    {{ config(materialized='table', file_format='parquet') }}
{%- endmacro %}
