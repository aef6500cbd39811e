{{ monthly_model() }}
{%- set measures = bridged_measures().keys() | list + carrying_energies().keys() | list %}
{%- set lines = ['charge_lines', 'reportable_lines', 'reported_lines'] %}

with fact as (
    select
        *,
        x_BillingMonth as billing_month,
        cast(date_trunc('month', ChargePeriodStart) as date) as usage_month,
        x_EstimateStatus <> 'NotApplicable' as is_estimable,
        x_EstimateStatus = 'Estimated' as is_estimated
    from {{ ref('fct_cost_and_carbon') }}
    where {{ this_month('x_BillingMonth') }}
),

charges as (
    select
        *,
        {{ usage_columns() }}
    from fact
),

-- What can't be estimated is no usage, and of no kind.
signed as (
    select
        billing_month,
        usage_month,
        x_Provider,
        service,
        region_id,
        case when is_estimable then meter else '' end as meter,
        case when is_estimable then unit else '' end as unit,
        case when is_estimable then details else '' end as details,
        is_estimable and is_held_idle as is_held_idle,
        is_estimable,
        is_estimated,
        x_FactorSetId as factor_set_id,
        case when is_estimated then x_EstimateRateId end as sku_key,
        {%- for measure, column in bridged_measures().items() %}
        {{ column }} as {{ measure }},
        {%- endfor %}
        {%- for measure, column in carrying_energies().items() %}
        case when {{ column }} is not null then x_EstimatedEnergyKwh end as {{ measure }},
        {%- endfor %}
        x_RecordKind = 'Charge' as is_charge,
        x_CarbonReportedStatus as reported_status
    from charges
),

kinds as (
    select
        billing_month,
        {{ usage_signature() | join(',\n        ') }},
        is_estimable,
        is_estimated,
        max(factor_set_id) as factor_set_id,
        max(sku_key) as sku_key,
        {{ each_of(measures, amount_sum('@') ~ ' as @') }},
        count(case when is_charge then 1 end) as charge_lines,
        count(case when is_charge and reported_status <> 'NotApplicable' then 1 end)
            as reportable_lines,
        count(case when is_charge and {{ is_reported('reported_status') }} then 1 end)
            as reported_lines
    from signed
    group by
        billing_month, {{ usage_signature() | join(', ') }}, is_estimable, is_estimated
),

skus as (
    select
        sku_key,
        hours_per_unit
    from {{ ref('int_usage__skus') }}
    where {{ this_month() }}
),

rates as (
    select * from {{ ref('int_estimates__rates') }}
    where {{ this_month() }} and is_covered
)

-- Cardinality: a kind of usage has one SKU in a billing month, and a SKU one row of rates.
select
    kinds.billing_month,
    kinds.usage_month,
    kinds.x_Provider as provider,
    kinds.service,
    kinds.region_id,
    {{ usage_kind_key('kinds') }} as kind_key,
    kinds.is_estimable,
    kinds.is_estimated,
    kinds.factor_set_id,
    rates.grid_year,
    rates.energy_kwh as energy_per_unit,
    rates.embodied_kg as embodied_per_unit,
    coalesce(skus.hours_per_unit, 1) as hours_per_unit,
    {{ each_of(measures, 'kinds.@') }},
    {{ each_of(lines, 'kinds.@') }}
from kinds
left join skus on kinds.sku_key = skus.sku_key
left join rates on kinds.sku_key = rates.sku_key
