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
    left join rates on skus.sku_key = rates.sku_key and skus.billing_month = rates.billing_month
),

-- Cardinality: a line has one SKU, and a SKU one row of rates.
multiplied as (
    select
        charges.*,
        rated.quality,
        {{ estimates_of('charges.steps', 'rated') }}
    from charges
    left join rated
        on charges.sku_key = rated.sku_key and charges.billing_month = rated.billing_month
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
        when x_EstimatedCarbonKg is not null then 'Estimated'
        else 'NotCovered'
    end as x_EstimateStatus,
    {%- for measure in estimate_measures() %}
    {{ estimate_of_line(measure) }} as {{ measure }},
    {%- endfor %}
    case when x_EstimatedCarbonKg is not null then concat(
        quality,
        case when x_EstimatedEmbodiedKg is null then ',operational only' else '' end,
        case when x_EstimatedOperationalKg is null then ',embodied only' else '' end,
        case when is_netted then ',netted' else '' end
    ) end as x_EstimateQuality,
    case when x_EstimatedCarbonKg is not null then factor_set_id end as x_FactorSetId,
    sku_key as x_EstimateRateId
from added
