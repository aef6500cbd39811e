{{ monthly_model() }}

with usage_lines as (
    select
        x_ChargeKey,
        billing_month,
        sku_key,
        treatment,
        factor_set_id,
        is_netted,
        steps
    from {{ ref('int_usage__unioned') }}
    where {{ this_month() }}
),

rates as (
    select * from {{ ref('int_estimates__rates') }}
    where {{ this_month() }} and is_covered
),

skus as (
    select
        sku_key,
        quality,
        quantity_decimals
    from {{ ref('int_usage__skus') }}
    where {{ this_month() }}
),

-- Few rows: all that a line has left to do is one product for each measure.
rated as (
    select
        skus.sku_key,
        skus.quality,
        {{ each_of(
            estimate_rates(),
            per_unit_of(rate_product('rates.@', step_of('skus.quantity_decimals'), 6), 18)
            ~ ' as @'
        ) }}
    from skus
    left join rates on skus.sku_key = rates.sku_key
),

-- Cardinality: a line has one SKU, and a SKU one row of rates.
multiplied as (
    select
        usage_lines.*,
        rated.quality,
        {{ estimates_of('usage_lines.steps', 'rated') }}
    from usage_lines
    inner join rated on usage_lines.sku_key = rated.sku_key
),

added as (
    select
        *,
        case
            when x_EstimatedOperationalKg is null then x_EstimatedEmbodiedKg
            else {{ amount_plus('x_EstimatedOperationalKg', 'coalesce(x_EstimatedEmbodiedKg, 0)') }}
        end as x_EstimatedCarbonKg
    from multiplied
),

-- Rounding never puts the estimate outside its bounds.
bounded as (
    select
        x_ChargeKey,
        billing_month,
        case
            when treatment = 'Elsewhere' then 'NotApplicable'
            when x_EstimatedCarbonKg is not null then 'Estimated'
            else 'NotCovered'
        end as x_EstimateStatus,
        x_EstimatedCarbonKg is not null as is_estimated,
        x_EstimatedEnergyKwh,
        x_EstimatedOperationalKg,
        x_EstimatedFeraKg,
        x_EstimatedEmbodiedKg,
        x_EstimatedCarbonKg,
        least(x_EstimatedCarbonLowKg, x_EstimatedCarbonKg) as x_EstimatedCarbonLowKg,
        greatest(x_EstimatedCarbonHighKg, x_EstimatedCarbonKg) as x_EstimatedCarbonHighKg,
        x_EstimatedWaterL,
        concat(
            quality,
            case when x_EstimatedEmbodiedKg is null then ',operational only' else '' end,
            case when x_EstimatedOperationalKg is null then ',embodied only' else '' end,
            case when is_netted then ',netted' else '' end
        ) as quality,
        factor_set_id
    from added
)

select
    x_ChargeKey,
    billing_month,
    x_EstimateStatus,
    {%- for measure in estimate_measures() %}
    case when is_estimated then {{ measure }} end as {{ measure }},
    {%- endfor %}
    case when is_estimated then quality end as x_EstimateQuality,
    case when is_estimated then factor_set_id end as x_FactorSetId
from bounded
