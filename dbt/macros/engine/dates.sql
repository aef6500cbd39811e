{% macro dates_between(first, last) -%}
    {{ return(adapter.dispatch('dates_between')(first, last)) }}
{%- endmacro %}
{% macro default__dates_between(first, last) -%}
    select cast(day as date) as day
    from generate_series({{ first }}, {{ last }}, interval 1 day) as series (day)
{%- endmacro %}
{% macro spark__dates_between(first, last) -%}
    select explode(sequence({{ first }}, {{ last }}, interval 1 day)) as day
{%- endmacro %}

{#- Monday 1 to Sunday 7. -#}
{% macro iso_day_of_week(day) -%}{{ return(adapter.dispatch('iso_day_of_week')(day)) }}{%- endmacro %}
{% macro default__iso_day_of_week(day) -%}cast(isodow({{ day }}) as integer){%- endmacro %}
{% macro spark__iso_day_of_week(day) -%}cast(extract(dayofweek_iso from {{ day }}) as integer){%- endmacro %}
