{{ monthly_model() }}

-- A day of usage is the price of another such day. What comes by the month, once, late or as tax is
-- not: it has no usage_date.
with charges as (
    select
        *,
        case
            when
                ChargeCategory = 'Usage'
                and ChargeClass is null
                and coalesce(CommitmentDiscountStatus, '') <> 'Unused'
                and ChargePeriodEnd <= ChargePeriodStart + interval 1 day
                and date_trunc('month', ChargePeriodStart) = x_BillingMonth
                then cast(ChargePeriodStart as date)
        end as usage_date
    from {{ ref('fct_cost_and_carbon') }}
    where {{ this_month('x_BillingMonth') }} and x_RecordKind = 'Charge'
)

select
    x_BillingMonth as billing_month,
    x_SourceName as source_name,
    x_Provider as provider,
    BillingAccountId as billing_account_id,
    BillingCurrency as billing_currency,
    usage_date,
    {{ amount_sum('BilledCost') }} as billed_cost
from charges
group by
    x_BillingMonth, x_SourceName, x_Provider, BillingAccountId, BillingCurrency, usage_date
