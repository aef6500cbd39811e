{{ monthly_model() }}

-- Few lines of a bill say what phase of a model's life they are for.
with charges as (
    select * from {{ ref('fct_cost_and_carbon') }}
    where {{ this_month('x_BillingMonth') }} and x_WorkloadPhase in ({{ ai_phases() }})
),

usage_lines as (
    select
        x_ChargeKey,
        billing_month,
        tokens_in,
        tokens_out,
        accelerator_hours
    from {{ ref('int_usage__unioned') }}
    where {{ this_month() }}
)

-- Cardinality: a charge line has at most one row of usage.
select
    charges.x_BillingMonth as billing_month,
    cast(date_trunc('month', charges.ChargePeriodStart) as date) as usage_month,
    charges.x_Provider as provider,
    charges.x_Workload as workload,
    charges.x_WorkloadPhase as workload_phase,
    {{ mart_currency() }} as billing_currency,
    {{ amount_sum('charges.EffectiveCost') }} as effective_cost,
    {{ amount_sum('charges.x_EstimatedEnergyKwh') }} as energy_kwh,
    {{ amount_sum('charges.x_EstimatedOperationalKg') }} as operational_kg,
    {{ amount_sum('charges.x_EstimatedEmbodiedKg') }} as embodied_kg,
    {{ amount_sum('usage_lines.tokens_in') }} as tokens_in,
    {{ amount_sum('usage_lines.tokens_out') }} as tokens_out,
    {{ amount_sum('usage_lines.accelerator_hours') }} as accelerator_hours,
    count(*) as charge_lines,
    count(case when charges.x_EstimateStatus <> 'NotApplicable' then 1 end) as estimable_lines,
    count(case when charges.x_EstimateStatus = 'Estimated' then 1 end) as estimated_lines
from charges
left join usage_lines
    on
        charges.x_ChargeKey = usage_lines.x_ChargeKey
        and charges.x_BillingMonth = usage_lines.billing_month
group by
    charges.x_BillingMonth, cast(date_trunc('month', charges.ChargePeriodStart) as date),
    charges.x_Provider, charges.x_Workload, charges.x_WorkloadPhase, {{ mart_currency() }}
