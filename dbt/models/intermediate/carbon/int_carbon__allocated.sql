{{ monthly_model() }}

with line_weights as (
    select * from {{ ref('int_carbon__line_weights') }}
    where {{ this_month() }}
),

month_shares as (
    select
        *,
        greatest(month_weight, 1) as positive_month_weight
    from {{ ref('int_carbon__month_shares') }}
    where {{ this_month() }}
),

-- Cardinality: a line is in one group, a group has one share of the month.
weighed as (
    select
        line_weights.x_ChargeKey,
        coalesce({{ weight_by('month_shares.basis', 'line_weights') }}, 0) as emission_weight,
        month_shares.*
    from line_weights
    inner join month_shares on line_weights.emission_group_key = month_shares.emission_group_key
),

to_share as (
    select
        *,
        sum(emission_weight) over (
            partition by emission_group_key
            order by x_ChargeKey
            rows between unbounded preceding and current row
        ) as cumulative_weight
    from weighed
),

shared as (
    {{ cumulative_shares(
        'to_share', weight='emission_weight', cumulative_weight='cumulative_weight',
        sum_of_weights='positive_month_weight', measures=emission_measures(),
        keep=['x_ChargeKey', 'emission_group_key', 'billing_month', 'delivery_id',
              'model_version', 'basis', 'group_is_zero']
    ) }}
)

select * from shared
