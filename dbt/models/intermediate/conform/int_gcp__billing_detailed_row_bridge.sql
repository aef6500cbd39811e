{{ monthly_model() }}

-- Counted from the export's lines by rule: a line covered by commitments gives one line for each
-- credit that covers it and one for what is left; a payment credit gives one; a fee that is not
-- used up gives one.
with
{{ gcp_billing_commitments() }},

covered as (
    select
        source_name,
        billing_month,
        'split off' as step,
        'part of a line that a commitment covers' as reason,
        {{ count_of_records('commitment_records') }}
        - case when {{ gcp_is_kept() }} then 0 else 1 end as rows
    from covered_lines
),

paid_lines as (
    {{ gcp_billing_lines(
        "upper(credits) like '%PROMOTION%' or upper(credits) like '%SUBSCRIPTION_BENEFIT%'"
    ) | indent(4) }}
),

paid as (
    select
        source_name,
        billing_month,
        'split off' as step,
        'credit that is a payment' as reason,
        {{ count_of_records('payment_records') }} as rows
    from paid_lines
),

unused_fees as (
    select
        source_name,
        billing_month,
        'synthesised' as step,
        'unused part of a commitment fee' as reason,
        1 as rows
    from fee_groups
    where unused > 0
),

steps as (
    select * from covered
    union all
    select * from paid
    union all
    select * from unused_fees
)

select
    source_name,
    billing_month,
    step,
    reason,
    sum(rows) as rows
from steps
group by source_name, billing_month, step, reason
having sum(rows) <> 0
