{#-
    `touched_months(<column>)` in a test's `where` stands for the months that this run rebuilds, so
    that testing the 37th month costs what testing the first did. They are written out as dates:
    only a list that the planner knows keeps it from opening the other months' files.
-#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where') -%}
    {%- if not where -%}
        {{ return(relation) }}
    {%- endif -%}
    {%- set found = modules.re.search('touched_months\\((\\w+)\\)', where) -%}
    {%- if found -%}
        {%- set where = where.replace(found.group(0), is_touched_month(found.group(1))) -%}
    {%- endif -%}
    {{ return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') as tested') }}
{%- endmacro %}

{% macro is_touched_month(column) -%}
    {%- set months = [] -%}
    {%- if execute -%}
        {%- set query -%}
            select month from {{ source('ledger', 'dirty_months') }} order by month
        {%- endset -%}
        {%- for row in run_query(query).rows -%}
            {%- do months.append("cast('" ~ row[0] ~ "' as date)") -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(column ~ ' in (' ~ months | join(', ') ~ ')' if months else 'false') }}
{%- endmacro %}
