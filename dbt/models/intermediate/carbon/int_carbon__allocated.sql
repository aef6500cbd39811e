{{ monthly_model() }}

-- Narrow on purpose: ordering whole charge lines would spill gigabytes.
with lines as (
    select
        x_ChargeKey,
        emission_group_key,
        emission_weight,
        sum(emission_weight) over (
            partition by emission_group_key
            order by x_ChargeKey
            rows between unbounded preceding and current row
        ) as cumulative_weight
    from {{ ref('int_charges__keyed') }}
    where {{ this_month() }} and carries_emissions and not is_late_after_close
),

month_shares as (
    select
        *,
        greatest(month_weight, 1) as positive_month_weight
    from {{ ref('int_carbon__month_shares') }}
    where {{ this_month() }}
),

-- Cardinality: a line is in one group, a group has one share of the month.
to_share as (
    select
        lines.x_ChargeKey,
        lines.emission_weight,
        lines.cumulative_weight,
        month_shares.*
    from lines
    inner join month_shares on lines.emission_group_key = month_shares.emission_group_key
),

shared as (
    {{ cumulative_shares(
        'to_share', weight='emission_weight', cumulative_weight='cumulative_weight',
        sum_of_weights='positive_month_weight', measures=emission_measures(),
        keep=['x_ChargeKey', 'emission_group_key', 'billing_month', 'delivery_id',
              'model_version', 'group_is_zero']
    ) }}
)

select * from shared
