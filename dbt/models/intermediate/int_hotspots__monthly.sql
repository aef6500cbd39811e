{{ monthly_model() }}

{%- set place = ['x_BillingMonth', 'x_Provider', 'SubAccountId', 'ServiceName', 'ServiceCategory',
    'RegionId', 'ResourceId', 'x_Environment', 'x_Owner', 'BillingCurrency'] %}

with fact as (
    select * from {{ ref('fct_cost_and_carbon') }}
    where {{ this_month('x_BillingMonth') }} and x_RecordKind = 'Charge'
),

places as (
    select
        {{ place | join(',\n        ') }},
        {{ amount_sum('EffectiveCost') }} as effective_cost,
        {{ amount_sum(cost_without_commitment_purchases('ListCost')) }} as list_cost,
        {{ amount_sum('x_CarbonLocationKg') }} as carbon_location_kg,
        {{ amount_sum('x_CarbonMarketKg') }} as carbon_market_kg,
        {{ amount_sum('x_CarbonUnspecifiedKg') }} as carbon_unspecified_kg
    from fact
    group by {{ place | join(', ') }}
),

-- A method is chosen per place only to put it in order: the location-based figure, or the one that
-- the provider leaves unspecified. The figures themselves stay apart.
ranked as (
    select
        *,
        row_number() over (
            partition by x_BillingMonth, BillingCurrency
            order by effective_cost desc nulls last, {{ place[1:] | join(', ') }}
        ) as cost_rank,
        row_number() over (
            partition by x_BillingMonth, BillingCurrency
            order by
                coalesce(carbon_location_kg, carbon_unspecified_kg) desc nulls last,
                {{ place[1:] | join(', ') }}
        ) as carbon_rank
    from places
),

combined as (
    select
        *,
        row_number() over (
            partition by x_BillingMonth, BillingCurrency
            order by cost_rank + carbon_rank, cost_rank
        ) as combined_rank
    from ranked
)

select
    x_BillingMonth as billing_month,
    x_Provider as provider,
    SubAccountId as sub_account_id,
    ServiceName as service_name,
    ServiceCategory as service_category,
    RegionId as region_id,
    ResourceId as resource_id,
    x_Environment as environment,
    x_Owner as owner,
    BillingCurrency as billing_currency,
    effective_cost,
    list_cost,
    carbon_location_kg,
    carbon_market_kg,
    carbon_unspecified_kg,
    cost_rank,
    carbon_rank,
    combined_rank
from combined
where combined_rank <= 100
