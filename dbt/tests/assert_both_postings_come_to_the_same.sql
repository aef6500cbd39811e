-- Posting a change in another month moves money between months and makes none.
{{ config(meta={'dagster': {'ref': {'name': 'mart_spend_booked'}}}) }}

with booked as (
    select
        provider,
        billing_month,
        billing_currency,
        sum(billed_cost) as billed_cost,
        sum(effective_cost) as effective_cost
    from {{ ref('mart_spend_booked') }}
    group by provider, billing_month, billing_currency
),

restated as (
    select
        provider,
        billing_month,
        billing_currency,
        sum(billed_cost) as billed_cost,
        sum(effective_cost) as effective_cost
    from {{ ref('mart_spend_restated') }}
    group by provider, billing_month, billing_currency
)

select
    coalesce(restated.provider, booked.provider) as provider,
    coalesce(restated.billing_month, booked.billing_month) as billing_month,
    coalesce(restated.billing_currency, booked.billing_currency) as billing_currency,
    restated.billed_cost as restated_billed_cost,
    booked.billed_cost as booked_billed_cost,
    restated.effective_cost as restated_effective_cost,
    booked.effective_cost as booked_effective_cost
from restated
full outer join booked
    on
        restated.provider = booked.provider
        and restated.billing_month = booked.billing_month
        and restated.billing_currency = booked.billing_currency
where
    coalesce(restated.billed_cost, 0) <> coalesce(booked.billed_cost, 0)
    or coalesce(restated.effective_cost, 0) <> coalesce(booked.effective_cost, 0)
