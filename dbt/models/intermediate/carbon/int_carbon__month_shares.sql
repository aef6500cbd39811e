{{ config(materialized='table') }}

with groups as (
    select * from {{ ref('int_emissions__current') }}
),

month_weights as (
    select * from {{ ref('int_carbon__month_weights') }}
),

group_weights as (
    select
        emission_group_key,
        sum(weight) as group_weight
    from month_weights
    group by emission_group_key
    having sum(weight) > 0
),

-- Cardinality: one row per group and billing month that has lines of the group.
to_share as (
    select
        groups.*,
        month_weights.billing_month,
        month_weights.weight as month_weight,
        cast(group_weights.group_weight as decimal(38, 0)) as group_weight,
        coalesce(groups.total_location_kg, 0) = 0
        and coalesce(groups.total_market_kg, 0) = 0
        and coalesce(groups.total_unspecified_kg, 0) = 0 as group_is_zero
    from groups
    inner join group_weights on groups.emission_group_key = group_weights.emission_group_key
    inner join month_weights on groups.emission_group_key = month_weights.emission_group_key
),

shared as (
    {{ largest_remainder(
        'to_share', group='emission_group_key', order_key='billing_month', weight='month_weight',
        sum_of_weights='group_weight', measures=emission_measures(),
        keep=['emission_group_key', 'billing_month', 'x_Provider', 'usage_month', 'source_name',
              'delivery_id', 'model_version', 'month_weight', 'group_is_zero']
    ) }}
)

select * from shared
