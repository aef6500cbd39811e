{{ monthly_model() }}

-- What a posting to the books tells apart, without what changes with the calendar.
select
    x_BillingMonth as billing_month,
    x_Provider as provider,
    BillingAccountId as billing_account_id,
    ChargeCategory as charge_category,
    ServiceCategory as service_category,
    x_Environment as environment,
    x_CostCenter as cost_center,
    BillingCurrency as billing_currency,
    {{ amount_sum('BilledCost') }} as billed_cost,
    {{ amount_sum('EffectiveCost') }} as effective_cost,
    count(*) as charge_lines
from {{ ref('fct_cost_and_carbon') }}
where {{ this_month('x_BillingMonth') }} and x_RecordKind = 'Charge'
group by
    x_BillingMonth, x_Provider, BillingAccountId, ChargeCategory, ServiceCategory, x_Environment,
    x_CostCenter, BillingCurrency
