{#- The distinct words of a group, sorted, in one text; NULL where there are none. -#}
{% macro listed(word) -%}{{ return(adapter.dispatch('listed')(word)) }}{%- endmacro %}
{% macro default__listed(word) -%}
    string_agg(distinct {{ word }}, ', ' order by {{ word }})
{%- endmacro %}
{% macro spark__listed(word) -%}
    nullif(array_join(array_sort(collect_set({{ word }})), ', '), '')
{%- endmacro %}
