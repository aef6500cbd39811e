-- Every line of an inventory against its formula, worked out in another way than the model does:
-- by plain multiplication of decimals, which is exact within the bounds that decoding enforces.
{{ config(meta={'dagster': {'ref': {'name': 'int_onprem__inventory_charges'}}}) }}

with assets as (
    select * from {{ ref('stg_onprem__inventory') }}
),

charges as (
    select * from {{ ref('int_onprem__inventory_charges') }}
),

-- One asset is one row in a month, so the join keeps the grain of the lines.
lines as (
    select
        assets.*,
        charges.ResourceId,
        charges.SkuMeter,
        charges.BilledCost,
        charges.PricingQuantity
    from charges
    inner join assets
        on
            charges.source_name = assets.source_name
            and charges.billing_month = assets.billing_month
            and charges.ResourceId = assets.asset_id
),

differences as (
    select
        source_name,
        billing_month,
        ResourceId,
        SkuMeter,
        BilledCost,
        case SkuMeter
            when 'Power' then {{ inventory_product('PricingQuantity', 'electricity_price') }}
            when 'Space' then {{ inventory_product('rack_units', 'rack_unit_price') }}
            when 'Staff' then {{ inventory_product('staff_hours', 'staff_rate') }}
            when 'Licences' then licence_cost
        end as expected,
        -- A month's depreciation times the life misses the whole by less than a unit a month.
        cast(BilledCost as decimal(31, 18)) * cast(useful_life_months as decimal(5, 0))
        - (
            cast(purchase_cost as decimal(31, 18))
            - cast(coalesce(salvage_value, 0) as decimal(31, 18))
        ) as missed,
        cast(useful_life_months as decimal(5, 0))
        * cast(0.000000000000000001 as decimal(18, 18)) as tolerance
    from lines
)

select * from differences
where
    case
        when SkuMeter = 'Depreciation' then abs(missed) >= tolerance
        else BilledCost <> expected
    end
