{{ monthly_model() }}

-- Narrow on purpose: ordering by ten remainders over whole charge lines would spill gigabytes.
with lines as (
    select
        x_ChargeKey,
        emission_group_key,
        emission_weight
    from {{ ref('int_charges__keyed') }}
    where {{ this_month() }} and carries_emissions
),

month_shares as (
    select * from {{ ref('int_carbon__month_shares') }}
    where {{ this_month() }}
),

-- Cardinality: a line is in one group, a group has one share of the month.
to_share as (
    select
        month_shares.*,
        lines.x_ChargeKey,
        lines.emission_weight,
        greatest(month_shares.month_weight, 1) as positive_month_weight
    from lines
    inner join month_shares on lines.emission_group_key = month_shares.emission_group_key
),

shared as (
    {{ largest_remainder(
        'to_share', group='emission_group_key', order_key='x_ChargeKey', weight='emission_weight',
        sum_of_weights='positive_month_weight', measures=emission_measures(),
        keep=['x_ChargeKey', 'emission_group_key', 'billing_month', 'delivery_id', 'model_version',
              'group_is_zero']
    ) }}
)

select * from shared
