{{ monthly_model() }}

-- The monthly mart without what changes with the calendar: states would move a hashed month.
with fact as (
    select
        *,
        case
            when
                x_RecordKind = 'Charge'
                and {{ is_reported('x_CarbonReportedStatus') }}
                then greatest(ListCost, 0)
        end as covered_list_cost,
        case
            when x_RecordKind = 'Charge' and x_CarbonReportedStatus <> 'NotApplicable'
                then greatest(ListCost, 0)
        end as eligible_list_cost
    from {{ ref('fct_cost_and_carbon') }}
    where {{ this_month('x_BillingMonth') }}
)

select
    x_BillingMonth as billing_month,
    cast(date_trunc('month', ChargePeriodStart) as date) as usage_month,
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
    {{ amount_sum('x_CarbonProviderScope1Kg') }} as carbon_scope1_kg,
    {{ amount_sum('x_CarbonProviderScope2LocationKg') }} as carbon_scope2_location_kg,
    {{ amount_sum('x_CarbonProviderScope2MarketKg') }} as carbon_scope2_market_kg,
    {{ amount_sum('x_CarbonProviderScope2UnspecifiedKg') }} as carbon_scope2_unspecified_kg,
    {{ amount_sum('x_CarbonProviderScope3LocationKg') }} as carbon_scope3_location_kg,
    {{ amount_sum('x_CarbonProviderScope3MarketKg') }} as carbon_scope3_market_kg,
    {{ amount_sum('x_CarbonProviderScope3UnspecifiedKg') }} as carbon_scope3_unspecified_kg,
    {{ amount_sum('x_EstimatedCarbonKg') }} as estimated_carbon_kg,
    {{ amount_sum('covered_list_cost') }} as carbon_covered_list_cost,
    {{ amount_sum('eligible_list_cost') }} as carbon_eligible_list_cost,
    count(case when x_RecordKind = 'Charge' then 1 end) as charge_lines
from fact
group by
    x_BillingMonth, cast(date_trunc('month', ChargePeriodStart) as date), x_Provider,
    BillingAccountId, SubAccountId, ServiceCategory, RegionId, x_Environment, x_Owner,
    {{ mart_currency() }}
