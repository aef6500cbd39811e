{{ monthly_model() }}

with line_weights as (
    select * from {{ ref('int_carbon__line_weights') }}
    where {{ this_month() }}
),

-- Lines are parted by a number: DuckDB sorts it with less work than the text of a key.
month_shares as (
    select
        emission_group_key,
        basis,
        row_number() over (order by emission_group_key) as group_number
    from {{ ref('int_carbon__month_shares') }}
    where {{ this_month() }}
),

-- Cardinality: a line is in one group, a group has one share of the month.
weighed as (
    select
        line_weights.x_ChargeKey,
        line_weights.billing_month,
        month_shares.group_number,
        coalesce({{ weight_by('month_shares.basis', 'line_weights') }}, 0) as emission_weight
    from line_weights
    inner join month_shares on line_weights.emission_group_key = month_shares.emission_group_key
)

select
    x_ChargeKey,
    billing_month,
    emission_weight,
    cast(
        {{ wide_sum('emission_weight') }} over (
            partition by group_number
            order by x_ChargeKey
            rows between unbounded preceding and current row
        ) as bigint
    ) as cumulative_weight
from weighed
