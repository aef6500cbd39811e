{#- A row for each word of a text whose words are parted by single blanks. -#}
{% macro each_word(text) -%}{{ return(adapter.dispatch('each_word')(text)) }}{%- endmacro %}
{% macro default__each_word(text) -%}unnest(string_split({{ text }}, ' ')){%- endmacro %}
{% macro spark__each_word(text) -%}explode(split({{ text }}, ' ')){%- endmacro %}

{#- The distinct words of a group, sorted, in one text; NULL where there are none. -#}
{% macro listed(word) -%}{{ return(adapter.dispatch('listed')(word)) }}{%- endmacro %}
{% macro default__listed(word) -%}
    string_agg(distinct {{ word }}, ', ' order by {{ word }})
{%- endmacro %}
{% macro spark__listed(word) -%}
    nullif(array_join(array_sort(collect_set({{ word }})), ', '), '')
{%- endmacro %}
