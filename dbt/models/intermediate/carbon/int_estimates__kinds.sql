-- Few rows, so that a line finds all that it needs to know of its kind of usage by one join.
with skus as (
    select
        *,
        {{ step_columns('quantity_decimals') }}
    from {{ ref('int_usage__skus') }}
),

rates as (
    select * from {{ ref('int_estimates__rates') }}
    where is_covered
),

rated as (
    select
        skus.sku_key,
        skus.billing_month,
        skus.quality,
        {{ each_of(
            estimate_rates(),
            per_unit_of(rate_product('rates.@', 'skus.quantity_step', 6), 18) ~ ' as @'
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
)

-- Cardinality: a SKU has at most one row of rates.
select
    skus.billing_month,
    skus.{{ (usage_signature() + sku_attributes()) | join(',\n    skus.') }},
    skus.quantity_step,
    skus.quantity_scale,
    {{ each_of(
        usage_quantities(),
        per_unit_of(rate_product('skus.@', 'skus.quantity_step', 6, 12), 18) ~ ' as @_per_step'
    ) }},
    emitting.sku_key is not null as is_emitting,
    emitting.quality_of_parts,
    {{ each_of(estimate_rates(), 'emitting.@ as estimated_@_per_step') }}
from skus
left join emitting
    on skus.sku_key = emitting.sku_key and skus.billing_month = emitting.billing_month
