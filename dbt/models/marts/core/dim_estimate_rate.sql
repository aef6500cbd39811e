{%- set described = [
    'billing_month', 'usage_month', 'provider', 'service_name', 'meter', 'unit', 'price_details',
    'region_id', 'is_held_idle', 'factor_set_id', 'treatment', 'quality', 'rule_id',
    'rule_source', 'rule_licence', 'machine_type', 'processor_family', 'accelerator_model',
    'storage_class', 'network_path', 'token_model', 'machine_source', 'machine_licence',
] -%}
{%- set types = {
    'billing_month': 'date',
    'usage_month': 'date',
    'is_held_idle': 'boolean',
    'is_covered': 'boolean',
} -%}
{%- set contents = [] -%}
{%- for name in usage_quantities() -%}{%- do contents.append(name ~ '_per_unit') -%}{%- endfor -%}
{%- set measures = [] -%}
{%- for name in estimate_rates() -%}
    {%- do measures.append('estimated_' ~ name ~ '_per_unit') -%}
{%- endfor -%}
{%- for name in contents + measures -%}
    {%- do types.update({name: 'decimal(38, 18)'}) -%}
{%- endfor -%}
{%- set columns = described + contents + ['is_covered'] + measures -%}

with kinds as (
    select * from {{ ref('int_estimates__usage_kinds') }}
)

select
    {{ (['estimate_rate_key'] + columns) | join(',\n    ') }}
from kinds
union all
{{ special_members(columns, types) }}
