-- What is effective beyond what is billed is told line by line, and the lines move the balance. A
-- difference is our fault, so it stops publication.
{{ config(meta={'dagster': {'ref': {'name': 'mart_commitment_rollforward'}}}) }}

with months as (
    select
        *,
        lag(closing_balance) over (
            partition by provider, commitment_discount_id, billing_currency
            order by billing_month
        ) as balance_before,
        row_number() over (
            partition by provider, commitment_discount_id, billing_currency
            order by billing_month
        ) as place,
        cast(
            used_effective_cost + unused_effective_cost + refunds_effective_cost
            + other_effective_cost
            - purchases_billed_cost - refunds_billed_cost - other_billed_cost
            as decimal(38, 18)
        ) as bridge,
        cast(
            opening_balance + purchases_billed_cost + refunds_billed_cost
            - refunds_effective_cost - used_effective_cost - unused_effective_cost
            as decimal(38, 18)
        ) as rolled_forward
    from {{ ref('mart_commitment_rollforward') }}
)

select
    provider,
    commitment_discount_id,
    billing_currency,
    billing_month,
    effective_minus_billed_cost,
    bridge,
    opening_balance,
    balance_before,
    closing_balance,
    rolled_forward
from months
where
    effective_minus_billed_cost <> bridge
    or closing_balance <> rolled_forward
    or opening_balance <> coalesce(balance_before, opening_balance)
    or (place = 1 and opening_balance <> 0)
