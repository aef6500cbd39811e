{{ monthly_model() }}
{{ config(tags=['published', 'monthly']) }}

with fact as (
    select * from {{ ref('fct_cost_and_carbon') }}
    where {{ this_month('x_BillingMonth') }}
)

select
    cast(ChargePeriodStart as date) as charge_date,
    x_BillingMonth as billing_month,
    x_Provider as provider,
    BillingAccountId as billing_account_id,
    SubAccountId as sub_account_id,
    ServiceCategory as service_category,
    RegionId as region_id,
    x_Environment as environment,
    x_Owner as owner,
    {{ mart_currency() }} as billing_currency,
    {{ amount_sum('BilledCost') }} as billed_cost,
    {{ amount_sum('EffectiveCost') }} as effective_cost,
    {{ amount_sum(cost_without_commitment_purchases('ListCost')) }} as list_cost,
    {{ amount_sum(cost_without_commitment_purchases('ContractedCost')) }} as contracted_cost,
    {{ amount_sum('x_CarbonLocationKg') }} as carbon_location_kg,
    {{ amount_sum('x_CarbonMarketKg') }} as carbon_market_kg,
    {{ amount_sum('x_CarbonUnspecifiedKg') }} as carbon_unspecified_kg,
    {{ amount_sum('x_EstimatedCarbonKg') }} as estimated_carbon_kg,
    true as carbon_is_modelled,
    count(case when x_RecordKind = 'Charge' then 1 end) as charge_lines
from fact
group by
    cast(ChargePeriodStart as date), x_BillingMonth, x_Provider, BillingAccountId, SubAccountId,
    ServiceCategory, RegionId, x_Environment, x_Owner, {{ mart_currency() }}
