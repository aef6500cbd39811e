{#- The columns of a FOCUS dataset from an input: closed lists as the standard spells them. -#}
{% macro focus_dataset_values(dataset) -%}
    {%- set selected = [] -%}
    {%- for column in focus_dataset_columns(dataset) -%}
        {%- if column.get('values') -%}
            {%- do selected.append(enum_value(column.name, column['values']) ~ ' as ' ~ column.name) -%}
        {%- else -%}
            {%- do selected.append(column.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(selected | join(',\n        ')) }}
{%- endmacro %}

{#- True where a row lacks what the standard wants in a column: a value, one of the closed list. -#}
{% macro focus_value_is_lacking(column) -%}
    {%- if column.get('values') -%}
        coalesce({{ enum_value(column.name, column['values']) }}, '')
        not in ('{{ column["values"] | join("', '") }}')
    {%- else -%}
        {{ column.name }} is null
    {%- endif -%}
{%- endmacro %}

{#- Columns of a dataset without which a row is left out of it. -#}
{% macro focus_required_columns(dataset) -%}
    {{ return(focus_dataset_columns(dataset) | selectattr('required') | list) }}
{%- endmacro %}

{#- True where a row has everything that the standard wants in every row. -#}
{% macro focus_row_is_whole(dataset) -%}
    not (
        {%- for column in focus_required_columns(dataset) %}
        {{ 'or ' if not loop.first }}{{ focus_value_is_lacking(column) }}
        {%- endfor %}
    )
{%- endmacro %}

{#- What a gap is counted in: the dataset, its input, its table of the published surface. -#}
{% macro focus_datasets() -%}
    {{ return([
        {'dataset': 'BillingPeriod', 'name': 'billing_period', 'input': 'billing_periods',
            'month': "cast(date_trunc('month', BillingPeriodStart) as date)"},
        {'dataset': 'ContractCommitment', 'name': 'contract_commitment',
            'input': 'contract_commitments', 'month': 'cast(null as date)'},
        {'dataset': 'InvoiceDetail', 'name': 'invoice_detail', 'input': 'invoices',
            'month': "cast(date_trunc('month', BillingPeriodStart) as date)"},
    ]) }}
{%- endmacro %}
