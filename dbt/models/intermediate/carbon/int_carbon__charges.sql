{{ conversion_storage() }}

{%- set estimates = ['x_EstimateStatus'] + estimate_measures()
    + ['x_EstimateQuality', 'x_FactorSetId', 'x_EstimateRateId'] -%}

with charges as (
    select * from {{ ref('int_estimates__charges') }}
),

cumulative as (
    select * from {{ ref('int_carbon__cumulative') }}
),

month_shares as (
    select
        *,
        cast(greatest(month_weight, 1) as bigint) as positive_month_weight,
        {{ earned_shares(emission_parts(), 'greatest(month_weight, 1)') }}
    from {{ ref('int_carbon__month_shares') }}
),

-- Cardinality: a line has at most one place in its group, and a group one share of the month.
placed as (
    select
        charges.{{ (keyed_charge_columns() + estimates) | join(',\n        charges.') }},
        cumulative.emission_weight,
        cumulative.cumulative_weight,
        month_shares.positive_month_weight,
        month_shares.delivery_id as carbon_delivery_id,
        month_shares.model_version as carbon_model_version,
        month_shares.basis as carbon_basis,
        coalesce(month_shares.group_is_zero, false) as group_is_zero,
        cumulative.x_ChargeKey is not null as is_allocated,
        {{ each_of(total_kinds(), 'month_shares.@') }},
        {{ each_of(emission_parts(), 'month_shares.@_each') }},
        {{ each_of(emission_parts(), 'month_shares.@_rest') }}
    from charges
    left join cumulative
        on
            charges.billing_month = cumulative.billing_month
            and charges.x_ChargeKey = cumulative.x_ChargeKey
    left join month_shares
        on
            cumulative.billing_month = month_shares.billing_month
            and charges.emission_group_key = month_shares.emission_group_key
),

shared as (
    {{ cumulative_shares(
        'placed', weight='emission_weight', cumulative_weight='cumulative_weight',
        sum_of_weights='positive_month_weight', measures=emission_parts(),
        keep=keyed_charge_columns() + estimates + [
            'carbon_delivery_id', 'carbon_model_version', 'carbon_basis', 'group_is_zero',
            'is_allocated',
        ] + total_kinds(),
        is_earned=true
    ) }}
)

select
    *,
    {{ total_columns() }}
from shared
