with charges as (
    select * from {{ ref('int_usage__charges') }}
),

multiplied as (
    select
        *,
        coalesce(steps is not null and is_emitting, false) as is_estimated,
        {{ estimates_of('steps') }}
    from charges
),

added as (
    select
        *,
        case
            when x_EstimatedOperationalKg is null then x_EstimatedEmbodiedKg
            else {{ amount_plus('x_EstimatedOperationalKg', 'coalesce(x_EstimatedEmbodiedKg, 0)') }}
        end as x_EstimatedCarbonKg
    from multiplied
)

-- Rounding never puts the estimate outside its bounds.
select
    {{ keyed_charge_columns() | join(',\n    ') }},
    storage_gb_hours,
    case
        when not is_usage or treatment = 'Elsewhere' then 'NotApplicable'
        when is_estimated then 'Estimated'
        else 'NotCovered'
    end as x_EstimateStatus,
    {%- for measure in estimate_measures() %}
    {{ estimate_of_line(measure) }} as {{ measure }},
    {%- endfor %}
    case
        when not is_estimated then null
        when is_netted then concat(quality_of_parts, ',netted')
        else quality_of_parts
    end as x_EstimateQuality,
    case when is_estimated then factor_set_id end as x_FactorSetId,
    sku_key as x_EstimateRateId
from added
