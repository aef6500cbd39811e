-- What is accrued in a month is taken back in the next one, to the last cent.
{{ config(meta={'dagster': {'ref': {'name': 'mart_accrual'}}}) }}

select
    provider,
    billing_account_id,
    billing_currency,
    billing_month,
    sum(accrual_cost) as left_over
from {{ ref('mart_accrual') }}
group by provider, billing_account_id, billing_currency, billing_month
having
    sum(accrual_cost) <> 0
    or sum(accrual_low_cost) <> 0
    or sum(accrual_high_cost) <> 0
    or count(*) <> 2
    or max(posting_month) <> min(posting_month) + interval 1 month
