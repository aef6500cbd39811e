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

{#- Months since the year 0, so that the next month is one more. -#}
{% macro month_number(day) -%}
    (cast(extract(year from {{ day }}) as integer) * 12 + cast(extract(month from {{ day }}) as integer))
{%- endmacro %}

{#- One row per day of a row's own range, both ends included. -#}
{% macro each_day(first, last) -%}{{ return(adapter.dispatch('each_day')(first, last)) }}{%- endmacro %}
{% macro default__each_day(first, last) -%}
    cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 day)) as date)
{%- endmacro %}
{% macro spark__each_day(first, last) -%}
    explode(sequence({{ first }}, {{ last }}, interval 1 day))
{%- endmacro %}

{#- Days from one date to a later one. -#}
{% macro days_from(first, last) -%}{{ return(adapter.dispatch('days_from')(first, last)) }}{%- endmacro %}
{% macro default__days_from(first, last) -%}cast(date_diff('day', {{ first }}, {{ last }}) as integer){%- endmacro %}
{% macro spark__days_from(first, last) -%}datediff({{ last }}, {{ first }}){%- endmacro %}
