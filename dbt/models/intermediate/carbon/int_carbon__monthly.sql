{{ monthly_model() }}

with fact as (
    select
        *,
        x_RecordKind = 'Charge' as is_charge
    from {{ ref('fct_cost_and_carbon') }}
    where {{ this_month('x_BillingMonth') }}
)

select
    x_BillingMonth as billing_month,
    cast(date_trunc('month', ChargePeriodStart) as date) as usage_month,
    x_Provider as provider,
    x_SourceName as source_name,
    ServiceName as service_name,
    {{ mart_currency() }} as billing_currency,
    {{ amount_sum('EffectiveCost') }} as effective_cost,
    {%- for name, column in carbon_figures().items() %}
    {{ amount_sum(column) }} as {{ name }}_kg,
    {%- endfor %}
    {%- for name, column in carbon_figures().items() if name in costed_figures() %}
    {{ amount_sum('case when ' ~ column ~ ' is not null then EffectiveCost end') }}
        as {{ name }}_effective_cost,
    {%- endfor %}
    count(case when is_charge and x_CarbonReportedStatus <> 'NotApplicable' then 1 end)
        as reportable_lines,
    count(case when is_charge and {{ is_reported('x_CarbonReportedStatus') }} then 1 end)
        as reported_lines,
    count(case when is_charge and x_EstimateStatus <> 'NotApplicable' then 1 end)
        as estimable_lines,
    count(case when is_charge and x_EstimateStatus = 'Estimated' then 1 end) as estimated_lines
from fact
group by
    x_BillingMonth, cast(date_trunc('month', ChargePeriodStart) as date), x_Provider,
    x_SourceName, ServiceName, {{ mart_currency() }}
