{%- set grain = ['usage_month', 'provider', 'workload', 'workload_phase', 'billing_currency'] %}

with months as (
    select * from {{ ref('int_carbon__ai_workloads') }}
),

workloads as (
    select
        {{ grain | join(',\n        ') }},
        {%- for measure in [
            'effective_cost', 'energy_kwh', 'operational_kg', 'embodied_kg', 'tokens_in',
            'tokens_out', 'accelerator_hours',
        ] %}
        {{ amount_sum(measure) }} as {{ measure }},
        {%- endfor %}
        cast(sum(charge_lines) as bigint) as charge_lines,
        cast(sum(estimable_lines) as bigint) as estimable_lines,
        cast(sum(estimated_lines) as bigint) as estimated_lines
    from months
    group by {{ grain | join(', ') }}
),

-- Idle capacity and runs that failed are among a workload's lines, so that they count.
added as (
    select
        *,
        case
            when estimated_lines > 0
                then {{ amount_plus('coalesce(operational_kg, 0)', 'coalesce(embodied_kg, 0)') }}
        end as sci_kg,
        case
            when tokens_in > 0 or tokens_out > 0
                then {{ amount_plus('coalesce(tokens_in, 0)', 'coalesce(tokens_out, 0)') }}
        end as functional_units
    from workloads
)

select
    usage_month,
    provider,
    workload,
    workload_phase,
    billing_currency,
    effective_cost,
    energy_kwh,
    operational_kg,
    embodied_kg,
    tokens_in,
    tokens_out,
    accelerator_hours,
    case when workload_phase = 'inference' then 'consumer' else 'provider' end as sci_boundary,
    case when functional_units is not null then 'token' end as functional_unit,
    functional_units,
    sci_kg,
    case
        when functional_units is not null and sci_kg is not null
            then round(
                cast(sci_kg as double) * 1000000 / cast(functional_units as double), 6
            )
    end as sci_kg_per_million_units_ratio,
    case
        when functional_units is null then 'no_functional_unit'
        when sci_kg is null then 'not_estimated'
        when estimated_lines < estimable_lines then 'partly_estimated'
        else 'estimated'
    end as sci_status,
    charge_lines,
    estimable_lines,
    estimated_lines
from added
