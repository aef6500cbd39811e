{{ monthly_model() }}

-- What quality checks need of a month's charge lines, counted once when the month is built.
select
    x_BillingMonth as billing_month,
    x_Provider as provider,
    x_SourceName as source_name,
    max(x_DeliveryId) as delivery_id,
    cast(count(*) as decimal(38, 18)) as rows,
    {{ amount_sum('BilledCost') }} as BilledCost,
    {{ amount_sum('EffectiveCost') }} as EffectiveCost,
    {{ amount_sum('ListCost') }} as ListCost,
    {{ amount_sum('ContractedCost') }} as ContractedCost,
    {%- for code in repair_codes() %}
    count(case when concat(',', x_SourceChanges, ',') like '%,{{ code }},%' then 1 end)
        as repair_{{ code }},
    {%- endfor %}
    count(
        case
            when ChargePeriodStart < BillingPeriodStart or ChargePeriodEnd > BillingPeriodEnd then 1
        end
    ) as charge_period_outside_billing_period,
    count(case when ChargePeriodEnd < ChargePeriodStart then 1 end) as charge_period_inverted,
    count(case when concat(',', x_SourceChanges, ',') like '%,ServiceUnmapped,%' then 1 end)
        as service_unmapped,
    count(case when Tags is null and ChargeCategory = 'Usage' then 1 end) as usage_without_tags,
    count(case when x_Owner is null and ChargeCategory = 'Usage' then 1 end) as usage_without_owner
from {{ ref('fct_cost_and_carbon') }}
where {{ this_month('x_BillingMonth') }} and x_RecordKind = 'Charge'
group by x_BillingMonth, x_Provider, x_SourceName
