{{ config(materialized='table') }}

with groups as (
    select * from {{ ref('int_emissions__current') }}
),

month_weights as (
    select * from {{ ref('int_carbon__month_weights') }}
),

bases as (
    select * from {{ ref('int_carbon__bases') }}
    where basis is not null
),

-- Cardinality: one row per group and billing month that has lines of the group.
to_share as (
    select
        groups.*,
        month_weights.billing_month,
        bases.basis,
        {{ weight_by('bases.basis', 'month_weights') }} as month_weight,
        bases.group_weight,
        coalesce({{ each_of(emission_totals(), 'groups.@') }}) is not null
        {%- for total in emission_totals() %}
        and coalesce(groups.{{ total }}, 0) = 0
        {%- endfor %} as group_is_zero,
        {{ total_kind_columns() }}
    from groups
    inner join bases on groups.emission_group_key = bases.emission_group_key
    inner join month_weights on groups.emission_group_key = month_weights.emission_group_key
),

shared as (
    {{ largest_remainder(
        'to_share', group='emission_group_key', order_key='billing_month', weight='month_weight',
        sum_of_weights='group_weight', measures=emission_parts(),
        keep=['emission_group_key', 'billing_month', 'x_Provider', 'usage_month', 'source_name',
              'delivery_id', 'model_version', 'basis', 'month_weight', 'group_is_zero']
              + total_kinds()
    ) }}
)

select
    *,
    {{ total_columns() }}
from shared
