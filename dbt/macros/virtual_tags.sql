{#
    Virtual tags: rules of ledger.tag_rules -> x_Owner, x_CostCenter, x_Environment, x_Workload,
    x_WorkloadPhase, x_RuleSetId. The rules are read when the model is compiled and become plain
    CASE expressions over the distinct combinations of the columns that they mention:

        charges as (select * from {{ ref('...') }}),
        virtual_tags as ({{ virtual_tags_for('charges') }}),
        tagged as (
            select charges.*, virtual_tags.x_Owner, ...
            from charges
            left join virtual_tags on {{ virtual_tags_join('charges', 'virtual_tags') }}
        )

    The join is null-safe and finds exactly one row for each charge.
    docs/virtual_tags.md says what a rule means; dagster_project/rules writes the table.
#}


{#- Columns of the input relation that the rules mention, always with x_BillingMonth. -#}
{% macro virtual_tag_inputs(rules=none) %}
    {%- set inputs = [] -%}
    {%- set mentioned = (rules or virtual_tag_rules())['columns'] -%}
    {%- for column in [
        'Tags', 'x_Provider', 'BillingAccountId', 'SubAccountId', 'SubAccountName', 'ServiceName',
        'ServiceCategory', 'RegionId', 'ResourceId', 'ResourceName', 'ChargeCategory',
        'x_BillingMonth',
    ] if column in mentioned or not execute -%}
        {%- do inputs.append(column) -%}
    {%- endfor -%}
    {{ return(inputs) }}
{% endmacro %}


{#- Null-safe condition that finds the virtual tags of a row. -#}
{% macro virtual_tags_join(left, right) %}
    {%- for column in virtual_tag_inputs() -%}
        {{ 'and ' if not loop.first }}{{ left }}.{{ column }}
        {{- ' is not distinct from ' }}{{ right }}.{{ column }}
        {{- '\n' if not loop.last }}
    {%- endfor -%}
{% endmacro %}


{#- Query: grain = distinct combination of virtual_tag_inputs() in the named relation. -#}
{% macro virtual_tags_for(cte_name) %}
    {%- set rules = virtual_tag_rules() -%}
    {%- set inputs = virtual_tag_inputs(rules) -%}
    {%- set targets = {
        'owner': 'x_Owner', 'cost_center': 'x_CostCenter', 'environment': 'x_Environment',
        'workload': 'x_Workload', 'phase': 'x_WorkloadPhase',
    } -%}
    with virtual_tag_combinations as (
        select distinct
        {%- for column in inputs %}
            {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
        from {{ cte_name }}
    ),

    virtual_tag_lists as (
        select
            {{ inputs | join(',\n            ') }}
            {%- if rules['tags'] %},
            {{ tag_entries('Tags') }} as tag_entries
            {%- endif %}
        from virtual_tag_combinations
    ),

    virtual_tag_values as (
        select
            {{ inputs | join(',\n            ') }}
            {%- for key in rules['tags'] %},
            {{ tag_entry_value('tag_entries', key) }} as tag_{{ loop.index }}
            {%- endfor %}
        from virtual_tag_lists
    ),

    virtual_tag_matches as (
        select
            {{ inputs | join(',\n            ') }}
            {%- for target in targets %},
            {{ virtual_tag_match(rules, target) }} as {{ target }}_match
            {%- endfor %}
        from virtual_tag_values
    )

    select
        {{ inputs | join(',\n        ') }},
        {%- for target, column in targets.items() %}
        {{ virtual_tag_settled(rules, target) }} as {{ column }},
        {%- endfor %}
        cast({{ virtual_tag_literal(rules['id']) if rules['id'] else 'null' }} as string)
            as x_RuleSetId
    from virtual_tag_matches
{% endmacro %}


{#- The rules as data: id, targets, the tag keys and the columns that they mention. -#}
{% macro virtual_tag_rules() %}
    {%- set relation = source('ledger', 'tag_rules') -%}
    {%- set rules = {'id': none, 'targets': {}, 'tags': [], 'columns': ['x_BillingMonth']} -%}
    {%- if execute -%}
        {%- set query -%}
            select rule_set_id, target, kind, definition
            from {{ relation }}
            order by target, kind, position
        {%- endset -%}
        {%- for row in run_query(query).rows -%}
            {%- if rules['id'] not in (none, row[0]) -%}
                {%- do exceptions.raise_compiler_error(
                    'ledger.tag_rules holds two rule sets: ' ~ rules['id'] ~ ', ' ~ row[0]
                ) -%}
            {%- endif -%}
            {%- do rules.update({'id': row[0]}) -%}
            {%- set target = rules['targets'].setdefault(row[1], {}) -%}
            {%- do target.setdefault(row[2], []).append(fromjson(row[3])) -%}
        {%- endfor -%}
        {%- for target in rules['targets'].values() -%}
            {%- for rule in target.get('rule', []) -%}
                {%- do virtual_tag_mentions(rule, rules) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- if rules['tags'] -%}
            {%- do rules['columns'].append('Tags') -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(rules) }}
{% endmacro %}


{#- Adds the tag keys and columns that a rule mentions. -#}
{% macro virtual_tag_mentions(rule, rules) %}
    {%- set keys = rule['tags'] | list -%}
    {%- for condition in rule['when'] -%}
        {%- do rules['columns'].extend(condition['columns']) -%}
        {%- if condition['tag'] is not none -%}
            {%- do keys.append(condition['tag']) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for key in keys if key not in rules['tags'] -%}
        {%- do rules['tags'].append(key) -%}
    {%- endfor -%}
{% endmacro %}


{#- CASE over the rules of a target: the first that matches gives its value or its tag's. -#}
{% macro virtual_tag_match(rules, target) %}
    {%- set found = rules['targets'].get(target, {}).get('rule', []) -%}
    {%- if not found -%}
        cast(null as string)
    {%- else -%}
        case
        {%- for rule in found %}
            {%- set conditions = virtual_tag_conditions(rules, rule) -%}
            {%- if rule['tags'] %}
                {%- for key in rule['tags'] %}
                {%- set value = virtual_tag_column(rules, key) %}
                when {{ ([value ~ ' is not null'] + conditions) | join(' and ') }} then {{ value }}
                {%- endfor %}
            {%- else %}
                when {{ conditions | join(' and ') or '1 = 1' }}
                    then {{ virtual_tag_literal(rule['value']) }}
            {%- endif %}
        {%- endfor %}
            end
    {%- endif -%}
{% endmacro %}


{#- Maps what a target's rules gave to its canonical spelling. -#}
{% macro virtual_tag_settled(rules, target) %}
    {%- set found = rules['targets'].get(target, {}) -%}
    {%- set unknown = "'unknown'" if target in ('environment', 'phase') else 'null' -%}
    {%- set unlisted = found['target'][0]['unlisted'] if found else 'unknown' -%}
    {%- if not found.get('rule') -%}
        cast({{ unknown }} as string)
    {%- else -%}
        case {{ virtual_tag_fold(target ~ '_match') }}
        {%- for value in found.get('value', []) %}
            {%- for spelling in value['spellings'] %}
                when {{ virtual_tag_literal(spelling) }} then {{
                    'null' if value['value'] is none else virtual_tag_literal(value['value'])
                }}
            {%- endfor %}
        {%- endfor %}
            else {{
                {
                    'lower': virtual_tag_fold(target ~ '_match'),
                    'keep': target ~ '_match',
                    'unknown': unknown,
                }[unlisted]
            }}
            end
    {%- endif -%}
{% endmacro %}


{% macro virtual_tag_column(rules, key) %}
    {{- return('tag_' ~ (rules['tags'].index(key) + 1)) -}}
{% endmacro %}


{#- List of SQL conditions of a rule, one for each thing that must hold. -#}
{% macro virtual_tag_conditions(rules, rule, month='x_BillingMonth') %}
    {%- set conditions = [] -%}
    {%- if rule['from'] -%}
        {%- do conditions.append(month ~ " >= cast('" ~ rule['from'] ~ "' as date)") -%}
    {%- endif -%}
    {%- if rule['to'] -%}
        {%- do conditions.append(month ~ " <= cast('" ~ rule['to'] ~ "' as date)") -%}
    {%- endif -%}
    {%- for condition in rule['when'] -%}
        {%- set alternatives = [] -%}
        {%- set columns = condition['columns'] -%}
        {%- if condition['tag'] is not none -%}
            {%- set columns = [virtual_tag_column(rules, condition['tag'])] -%}
        {%- endif -%}
        {%- for column in columns -%}
            {%- if condition['equals'] -%}
                {%- set texts = [] -%}
                {%- for text in condition['equals'] -%}
                    {%- do texts.append(virtual_tag_literal(text)) -%}
                {%- endfor -%}
                {%- do alternatives.append(
                    virtual_tag_fold(column) ~ ' in (' ~ texts | join(', ') ~ ')'
                ) -%}
            {%- endif -%}
            {%- for pattern in condition['like'] -%}
                {%- do alternatives.append(glob_match(column, pattern)) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- do conditions.append('(' ~ alternatives | join(' or ') ~ ')') -%}
    {%- endfor -%}
    {{ return(conditions) }}
{% endmacro %}


{#- Case-insensitive match; `pattern` is a glob as rules/text.py translates it: LIKE, folded. -#}
{% macro glob_match(column, pattern) %}
    {{- return(
        virtual_tag_fold(column) ~ ' like ' ~ virtual_tag_literal(pattern) ~ " escape '^'"
    ) -}}
{% endmacro %}


{#- Value of a tag, NULL when absent or blank; among keys that differ by case the exact one. -#}
{% macro tag_value(tags_column, key) %}
    {{- return(tag_entry_value(tag_entries(tags_column), key)) -}}
{% endmacro %}


{#-
    Lower case on which both engines and rules/text.py agree: they differ on these three letters.
-#}
{% macro virtual_tag_fold(column) %}
    {{- return("lower(translate(" ~ column ~ ", 'İΣς', 'iσσ'))") -}}
{% endmacro %}


{#- The same of a text known now: inside a lambda it would be computed for every tag. -#}
{% macro virtual_tag_folded_literal(value) %}
    {%- set text = value | replace('İ', 'i') | replace('Σ', 'σ') | replace('ς', 'σ') | lower -%}
    {{- return(virtual_tag_literal(text)) -}}
{% endmacro %}


{#- Same characters as rules/text.py; a plain trim would leave tabs and no-break spaces. -#}
{% macro virtual_tag_trim(text) %}
    {{- return("trim(both ' \t\n\r\u00a0' from " ~ text ~ ")") -}}
{% endmacro %}


{#- Any text as a SQL literal, whatever it holds. -#}
{% macro virtual_tag_literal(value) %}
    {{- return(adapter.dispatch('virtual_tag_literal')(value)) -}}
{% endmacro %}

{% macro default__virtual_tag_literal(value) %}
    {{- return("'" ~ value | replace("'", "''") ~ "'") -}}
{% endmacro %}

{#- Spark replaces ${name} by variables of its process before it parses the text. -#}
{% macro spark__virtual_tag_literal(value) %}
    {{- return(
        "'" ~ value
        | replace("\\", "\\\\") | replace("'", "\\'") | replace("$", "\\u0024") ~ "'"
    ) -}}
{% endmacro %}


{#- Tags text -> list of (key, folded key, value) by key; without blank values; never an error. -#}
{% macro tag_entries(tags_column) %}
    {{- return(adapter.dispatch('tag_entries')(tags_column)) -}}
{% endmacro %}

{#- DuckDB's conversion of JSON to a map stops on a key that is there twice; json_keys does not. -#}
{% macro duckdb__tag_entries(tags_column) %}
    {%- set json = "case when json_valid(" ~ tags_column ~ ") then " ~ tags_column ~ " end" -%}
    {%- set pointer = "'/' || replace(replace(k, '~', '~0'), '/', '~1')" -%}
    {{- return(
        "list_filter(list_transform(list_sort(list_distinct(json_keys(" ~ json ~ "))), "
        ~ "lambda k: struct_pack(k := k, f := " ~ virtual_tag_fold('k') ~ ", v := "
        ~ virtual_tag_trim("json_extract_string(" ~ tags_column ~ ", " ~ pointer ~ ")")
        ~ ")), lambda entry: entry.v <> '')"
    ) -}}
{% endmacro %}

{% macro spark__tag_entries(tags_column) %}
    {{- return(
        "filter(transform(array_sort(map_entries(from_json(" ~ tags_column
        ~ ", 'map<string,string>'))), entry -> named_struct('k', entry.key, 'f', "
        ~ virtual_tag_fold('entry.key') ~ ", 'v', " ~ virtual_tag_trim('entry.value')
        ~ ")), entry -> entry.v <> '')"
    ) -}}
{% endmacro %}


{#- Value of a key in such a list: the key as written first, else the smallest by code point. -#}
{% macro tag_entry_value(entries, key) %}
    {{- return(adapter.dispatch('tag_entry_value')(entries, key)) -}}
{% endmacro %}

{% macro duckdb__tag_entry_value(entries, key) %}
    {%- set exact = "lambda entry: entry.k = " ~ virtual_tag_literal(key) -%}
    {%- set folded = "lambda entry: entry.f = " ~ virtual_tag_folded_literal(key) -%}
    {{- return(
        "coalesce(list_filter(" ~ entries ~ ", " ~ exact ~ ")[1].v, "
        ~ "list_filter(" ~ entries ~ ", " ~ folded ~ ")[1].v)"
    ) -}}
{% endmacro %}

{% macro spark__tag_entry_value(entries, key) %}
    {%- set exact = "entry -> entry.k = " ~ virtual_tag_literal(key) -%}
    {%- set folded = "entry -> entry.f = " ~ virtual_tag_folded_literal(key) -%}
    {{- return(
        "coalesce(get(filter(" ~ entries ~ ", " ~ exact ~ "), 0).v, "
        ~ "get(filter(" ~ entries ~ ", " ~ folded ~ "), 0).v)"
    ) -}}
{% endmacro %}
