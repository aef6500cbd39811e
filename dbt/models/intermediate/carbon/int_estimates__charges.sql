with charges as (
    select * from {{ ref('int_usage__charges') }}
),

rates as (
    select * from {{ ref('int_estimates__rates') }}
    where is_covered
),

skus as (
    select
        sku_key,
        billing_month,
        quality,
        quantity_decimals
    from {{ ref('int_usage__skus') }}
),

-- Few rows: all that a line has left to do is one product for each measure.
rated as (
    select
        skus.sku_key,
        skus.billing_month,
        skus.quality,
        {{ each_of(
            estimate_rates(),
            per_unit_of(rate_product('rates.@', step_of('skus.quantity_decimals'), 6), 18)
            ~ ' as @'
        ) }}
    from skus
    inner join rates on skus.sku_key = rates.sku_key and skus.billing_month = rates.billing_month
),

emitting as (
    select
        *,
        concat(
            quality,
            case when embodied_kg is null then ',operational only' else '' end,
            case when operational_kg is null then ',embodied only' else '' end
        ) as quality_of_parts
    from rated
    where coalesce(operational_kg, embodied_kg) is not null
),

-- Cardinality: a line has one SKU, and a SKU at most one row of rates.
multiplied as (
    select
        charges.*,
        emitting.quality_of_parts,
        charges.steps is not null and emitting.sku_key is not null as is_estimated,
        {{ estimates_of('charges.steps', 'emitting') }}
    from charges
    left join emitting
        on charges.sku_key = emitting.sku_key and charges.billing_month = emitting.billing_month
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
