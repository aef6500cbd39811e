{{ monthly_model() }}

-- Only what was taken back somewhere is grouped: few groups in a bill, and all lines of these. The
-- charges are read twice, since a CTE that is read twice is held as a whole.
with negative_charges as (
    select * from {{ ref('int_charges__keyed') }}
    where {{ this_month() }} and {{ usage_quantity() }} < 0
),

charges as (
    select * from {{ ref('int_charges__keyed') }}
    where {{ this_month() }}
),

negative_lines as (
    {{ usage_lines('negative_charges') }}
),

taken_back as (
    select distinct
        {{ usage_signature() | join(',\n        ') }},
        sub_account_id,
        resource_id
    from negative_lines
),

lines as (
    {{ usage_lines('charges') }}
)

select
    lines.billing_month,
    lines.{{ usage_signature() | join(',\n    lines.') }},
    lines.sub_account_id,
    lines.resource_id,
    {{ cost_weight(amount_sum('lines.quantity')) }} as net_weight,
    {{ cost_weight(amount_sum('greatest(lines.quantity, 0)')) }} as used_weight
from lines
inner join taken_back
    on
        {{ same_columns('lines', 'taken_back', usage_signature()) }}
        and lines.sub_account_id = taken_back.sub_account_id
        and lines.resource_id = taken_back.resource_id
group by
    lines.billing_month,
    lines.{{ usage_signature() | join(',\n    lines.') }},
    lines.sub_account_id,
    lines.resource_id
