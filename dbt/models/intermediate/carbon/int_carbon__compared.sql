{{ monthly_model() }}

with charges as (
    select
        *,
        {{ is_estimate_whole() }} as is_estimate_whole
    from {{ ref('fct_cost_and_carbon') }}
    where {{ this_month('x_BillingMonth') }} and x_RecordKind = 'Charge'
)

select
    x_BillingMonth as billing_month,
    cast(date_trunc('month', ChargePeriodStart) as date) as usage_month,
    x_Provider as provider,
    ServiceName as service_name,
    RegionId as region_id,
    {{ mart_currency() }} as billing_currency,
    x_CarbonReportedStatus as reported_status,
    x_EstimateStatus as estimate_status,
    is_estimate_whole,
    {%- for name, column in compared_measures().items() %}
    {{ amount_sum(column) }} as {{ name }},
    {%- endfor %}
    {{ amount_sum('EffectiveCost') }} as effective_cost,
    count(*) as charge_lines
from charges
group by
    x_BillingMonth, cast(date_trunc('month', ChargePeriodStart) as date), x_Provider, ServiceName,
    RegionId, {{ mart_currency() }}, x_CarbonReportedStatus, x_EstimateStatus,
    is_estimate_whole
