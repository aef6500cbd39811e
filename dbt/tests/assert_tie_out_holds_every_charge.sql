-- No charge falls out of the tie-out, and none is in it twice, whatever invoices say.
{{ config(meta={'dagster': {'ref': {'name': 'mart_invoice_reconciliation'}}}) }}

with sides as (
    select
        billing_month,
        coalesce(BillingCurrency, 'XXX') as billing_currency,
        billed_cost,
        cast(null as decimal(38, 18)) as fact_total
    from {{ ref('int_invoices__charged') }}
    union all
    select
        billing_month,
        billing_currency,
        cast(null as decimal(38, 18)) as billed_cost,
        fact_total
    from {{ ref('mart_invoice_reconciliation') }}
)

select
    billing_month,
    billing_currency,
    sum(billed_cost) as billed_cost,
    sum(fact_total) as fact_total
from sides
group by billing_month, billing_currency
having coalesce(sum(billed_cost), 0) <> coalesce(sum(fact_total), 0)
