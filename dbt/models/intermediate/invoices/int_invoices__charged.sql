{{ monthly_model() }}

-- The leg of the charges, once per month: a tie-out over all months never reads the fact.
with charges as (
    select
        *,
        {{ charge_line() }} as line
    from {{ ref('fct_cost_and_carbon') }}
    where {{ this_month('x_BillingMonth') }} and x_RecordKind = 'Charge'
)

select
    x_BillingMonth as billing_month,
    x_SourceName as source_name,
    x_Provider as provider,
    InvoiceIssuerName,
    BillingAccountId,
    InvoiceId,
    BillingCurrency,
    ChargeCategory,
    line,
    {{ amount_sum('BilledCost') }} as billed_cost,
    count(case when BilledCost <> 0 then 1 end) as priced_lines,
    count(*) as charge_lines
from charges
group by
    x_BillingMonth, x_SourceName, x_Provider, InvoiceIssuerName, BillingAccountId, InvoiceId,
    BillingCurrency, ChargeCategory, line
