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
        {{ each_of(measures, amount_sum('@') ~ ' as @') }},
        count(case when is_charge then 1 end) as charge_lines,
        count(case when is_charge and reported_status <> 'NotApplicable' then 1 end)
            as reportable_lines,
        count(case when is_charge and reported_status in ('Reported', 'BelowThreshold') then 1 end)
            as reported_lines
    from signed
    group by
        billing_month, {{ usage_signature() | join(', ') }}, is_estimable, is_estimated
),

skus as (
    select
        billing_month,
        sku_key,
        {{ usage_signature() | join(',\n        ') }},
        {{ days_from('usage_month', 'cast(usage_month + interval 1 month as date)') }} * 24
            as hours_of_month
    from {{ ref('int_usage__skus') }}
    where {{ this_month() }}
),

rates as (
    select * from {{ ref('int_estimates__rates') }}
    where {{ this_month() }} and is_covered
),

units as (
    select * from {{ ref('carbon_usage_units') }}
)

-- Cardinality: a kind of usage has one SKU in a billing month, a SKU one row of rates and one unit.
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
    case when units.by_hours_of_month then skus.hours_of_month else 1 end as hours_per_unit,
    {{ each_of(measures, 'kinds.@') }},
    {{ each_of(lines, 'kinds.@') }}
from kinds
left join skus
    on
        kinds.is_estimated
        and kinds.billing_month = skus.billing_month
        and {{ same_usage('kinds', 'skus', usage_signature()) }}
left join rates
    on skus.sku_key = rates.sku_key and skus.billing_month = rates.billing_month
left join units on lower(trim(skus.unit)) = units.unit
