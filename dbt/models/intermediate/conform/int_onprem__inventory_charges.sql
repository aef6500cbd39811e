{{ conversion_storage() }}

with assets as (
    select * from {{ ref('stg_onprem__inventory') }}
),

services as (
    {{ services_of('onprem') }}
),

located as (
    {{ with_service('assets', 'services', ['asset_type']) }}
),

measured as (
    select
        *,
        coalesce(energy_kwh, {{ kilowatt_hours('rated_watts', 'powered_hours') }}) as kwh,
        -- Narrowed, because Spark gives a difference one digit more and would cut a decimal off.
        cast(
            cast(purchase_cost as decimal(33, 18))
            - cast(coalesce(salvage_value, 0) as decimal(33, 18)) as decimal(38, 18)
        ) as depreciable
    from located
),

-- One asset has up to five costs in a month, each by its own formula.
costs as (
    select
        *,
        'Depreciation' as cost_kind,
        {{ straight_line('depreciable', 'month_of_life', 'useful_life_months') }} as amount,
        {{ straight_line('depreciable', 'month_of_life', 'useful_life_months') }} as unit_price,
        cast(1 as decimal(38, 18)) as quantity,
        'Months' as priced_in,
        concat(
            'month ', cast(month_of_life as {{ varchar_type() }}), ' of ',
            cast(cast(useful_life_months as integer) as {{ varchar_type() }})
        ) as explanation
    from measured
    where {{ inventory_costs()['Depreciation'] }}
    union all
    select
        *,
        'Power' as cost_kind,
        {{ price_times('electricity_price', 'kwh') }} as amount,
        electricity_price as unit_price,
        kwh as quantity,
        'kWh' as priced_in,
        case when energy_kwh is null then 'rated' else 'measured' end as explanation
    from measured
    where {{ inventory_costs()['Power'] }}
    union all
    select
        *,
        'Space' as cost_kind,
        {{ price_times('rack_unit_price', 'rack_units') }} as amount,
        rack_unit_price as unit_price,
        rack_units as quantity,
        'Rack Unit-Months' as priced_in,
        'rack units' as explanation
    from measured
    where {{ inventory_costs()['Space'] }}
    union all
    select
        *,
        'Licences' as cost_kind,
        licence_cost as amount,
        licence_cost as unit_price,
        cast(1 as decimal(38, 18)) as quantity,
        'Months' as priced_in,
        'as stated' as explanation
    from measured
    where {{ inventory_costs()['Licences'] }}
    union all
    select
        *,
        'Staff' as cost_kind,
        {{ price_times('staff_rate', 'staff_hours') }} as amount,
        staff_rate as unit_price,
        staff_hours as quantity,
        'Hours' as priced_in,
        'hours' as explanation
    from measured
    where {{ inventory_costs()['Staff'] }}
),

tagged as (
    select
        *,
        tags is not null and not {{ json_is_object('tags') }} as has_bad_tags,
        case
            when tags is null or not {{ json_is_object('tags') }}
                then case when owner is not null then {{ columns_as_json(['owner']) }} end
            when owner is null or {{ json_text_value('tags', 'owner') }} is not null then tags
            else {{ sorted_json(json_merge(['tags', columns_as_json(['owner'])])) }}
        end as all_tags
    from costs
),

-- A recharge inside the organisation: it issues the bill to itself, without discount or commitment,
-- so that the four costs are one amount.
charges as (
    {%- set stated = [
        'BilledCost', 'EffectiveCost', 'ListCost', 'ContractedCost', 'BillingAccountId',
        'BillingAccountName', 'BillingCurrency', 'BillingPeriodStart', 'BillingPeriodEnd',
        'ChargePeriodStart', 'ChargePeriodEnd', 'ChargeCategory', 'ChargeDescription',
        'ChargeFrequency', 'ConsumedQuantity', 'ConsumedUnit', 'ContractedUnitPrice',
        'HostProviderName', 'InvoiceIssuerName', 'ListUnitPrice', 'PricingCategory',
        'PricingCurrency', 'PricingCurrencyContractedUnitPrice', 'PricingCurrencyEffectiveCost',
        'PricingCurrencyListUnitPrice', 'PricingQuantity', 'PricingUnit', 'ProviderName',
        'PublisherName', 'RegionId', 'RegionName', 'ResourceId', 'ResourceName', 'ResourceType',
        'ServiceCategory', 'ServiceName', 'ServiceProviderName', 'ServiceSubcategory', 'SkuId',
        'SkuMeter', 'SkuPriceId', 'SubAccountId', 'SubAccountName', 'Tags',
    ] %}
    select
        source_name,
        billing_month,
        delivery_id,
        'onprem' as x_Provider,
        amount as BilledCost,
        amount as EffectiveCost,
        amount as ListCost,
        amount as ContractedCost,
        organisation as BillingAccountId,
        organisation as BillingAccountName,
        currency as BillingCurrency,
        cast(billing_month as {{ timestamp_type() }}) as BillingPeriodStart,
        cast(billing_month + interval 1 month as {{ timestamp_type() }}) as BillingPeriodEnd,
        cast(billing_month as {{ timestamp_type() }}) as ChargePeriodStart,
        cast(billing_month + interval 1 month as {{ timestamp_type() }}) as ChargePeriodEnd,
        'Usage' as ChargeCategory,
        concat(cost_kind, ' of ', asset_name, ' (', explanation, ')') as ChargeDescription,
        case when cost_kind in ('Power', 'Staff') then 'Usage-Based' else 'Recurring' end
            as ChargeFrequency,
        quantity as ConsumedQuantity,
        priced_in as ConsumedUnit,
        unit_price as ContractedUnitPrice,
        organisation as HostProviderName,
        organisation as InvoiceIssuerName,
        unit_price as ListUnitPrice,
        'Standard' as PricingCategory,
        currency as PricingCurrency,
        unit_price as PricingCurrencyContractedUnitPrice,
        amount as PricingCurrencyEffectiveCost,
        unit_price as PricingCurrencyListUnitPrice,
        quantity as PricingQuantity,
        priced_in as PricingUnit,
        organisation as ProviderName,
        organisation as PublisherName,
        site as RegionId,
        site as RegionName,
        asset_id as ResourceId,
        asset_name as ResourceName,
        asset_type as ResourceType,
        {{ service_category_of() }} as ServiceCategory,
        {{ service_name_of('asset_type') }} as ServiceName,
        organisation as ServiceProviderName,
        {{ service_subcategory_of() }} as ServiceSubcategory,
        concat(asset_type, '-', lower(cost_kind)) as SkuId,
        cost_kind as SkuMeter,
        concat(asset_id, '-', lower(cost_kind)) as SkuPriceId,
        cost_centre as SubAccountId,
        cost_centre as SubAccountName,
        all_tags as Tags,
        nullif(concat_ws(
            ',', {{ service_change() }}, case when has_bad_tags then 'TagsInvalid' end
        ), '') as x_SourceChanges,
        {{ inventory_values() }} as x_SourceValues,
        concat(asset_id, '|', lower(cost_kind)) as line_key,
        -- Nobody reports emissions for own machines, so no line waits for them.
        true as is_third_party,
        '' as emission_account_id,
        '' as emission_sub_account_id,
        '' as emission_region_id,
        '' as emission_service_bucket,
        '' as emission_resource_id,
        {{ absent_focus_columns(stated) }}
    from tagged
)

select
    {{ charge_columns() | join(',\n    ') }}
from charges
