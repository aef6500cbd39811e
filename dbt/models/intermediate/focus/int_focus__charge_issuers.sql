{{ monthly_model() }}

-- Who issues the invoices of a month's charges, once per month: what asks for it never reads the
-- fact, so that the 37th month costs what the first did.
select
    x_BillingMonth as billing_month,
    InvoiceIssuerName,
    BillingAccountId,
    BillingPeriodStart,
    BillingPeriodEnd,
    count(*) as charge_lines
from {{ ref('fct_cost_and_carbon') }}
where {{ this_month('x_BillingMonth') }} and x_RecordKind = 'Charge'
group by
    x_BillingMonth, InvoiceIssuerName, BillingAccountId, BillingPeriodStart, BillingPeriodEnd
