{{ conversion_storage() }}

with charges as (
    select * from {{ ref('stg_azure__cost_details') }}
),

units as (
    select * from {{ ref('azure_unit_map') }}
),

regions as (
    {{ regions_of('azure') }}
),

-- A line of the fact is a line of amortised cost, or a purchase or refund of a commitment, which
-- only actual cost has. All other actual lines stand in amortised cost too: the pair is accepted
-- only when they do, at equal cost.
kept as (
    select
        *,
        {{ azure_is_bought() }} as is_bought,
        {{ azure_is_covered() }} as is_covered,
        {{ azure_is_unused() }} as is_unused,
        case
            when coalesce(charge_type, 'usage') = 'usage' or {{ azure_is_unused() }} then 'Usage'
            when charge_type in ('purchase', 'refund') then 'Purchase'
            when charge_type = 'tax' then 'Tax'
            when charge_type = 'credit' then 'Credit'
            else 'Adjustment'
        end as charge_category,
        case
            when {{ json_is_object('AdditionalInfo') }}
                then nullif({{ json_text_value('AdditionalInfo', 'VMCapacityReservationId') }}, '')
        end as capacity_reservation_id,
        nullif(
            regexp_extract(lower(ResourceId), '.*/providers/([^/]+/[^/]+)', 1), ''
        ) as top_resource_type,
        nullif(
            regexp_extract(
                lower(ResourceId), '.*/providers/[^/]+/[^/]+/[^/]+/([^/]+)/[^/]+$', 1
            ), ''
        ) as nested_resource_type
    from charges
    where dataset = 'amortized' or {{ azure_is_bought() }}
),

typed as (
    select
        *,
        coalesce(
            top_resource_type || '/' || nested_resource_type,
            top_resource_type,
            lower(ResourceType)
        ) as resource_type,
        charge_category in ('Usage', 'Purchase') as is_counted,
        charge_category in ('Usage', 'Purchase') and not is_unused as is_priced,
        case
            when lower(resource_location) in ('', 'unassigned', 'unknown') then null
            else lower(resource_location)
        end as location_text
    from kept
),

-- A service is told best by the type of the resource, then by the meter.
served as (
    {{ with_service(
        'typed', '(' ~ services_of('azure') ~ ')',
        ['resource_type', 'MeterCategory', 'ConsumedService']
    ) }}
),

-- Cardinality: spellings are unique in every map.
looked_up as (
    select
        served.*,
        units.block_size,
        units.unit,
        coalesce(
            spelled.region_id, squeezed.region_id, replace(served.location_text, ' ', '')
        ) as region_id,
        coalesce(spelled.region_name, squeezed.region_name) as region_name
    from served
    left join units
        on lower(trim(served.UnitOfMeasure)) = units.unit_of_measure
    left join regions as spelled
        on served.location_text = spelled.alias
    left join regions as squeezed
        on replace(served.location_text, ' ', '') = squeezed.alias
),

-- One unit of measure may be a block, as 10K or 100 Hours.
measured as (
    select
        *,
        {{ rounded_quotient('Quantity', 'coalesce(block_size, 1)') }} as blocks,
        {{ rounded_product('EffectivePrice', 'Quantity') }} as cost_of_blocks,
        coalesce(CostInPricingCurrency, line_cost) as cost_as_priced
    from looked_up
),

proved as (
    select
        *,
        {{ rounded_product('EffectivePrice', 'blocks') }} as cost_of_units
    from measured
),

-- Files count in blocks or in single units; the line's own cost says which. Where price or cost is
-- 0 nothing can be said, and it counts in blocks, as every file does that we have seen.
quantified as (
    select
        *,
        case
            when coalesce(block_size, 1) = 1 then Quantity
            when
                abs({{ amount_minus('cost_as_priced', 'cost_of_units') }})
                < abs({{ amount_minus('cost_as_priced', 'cost_of_blocks') }})
                then blocks
            else Quantity
        end as pricing_quantity
    from proved
),

-- A price of 0 on a line that costs something is no price. Prices are in the pricing currency.
priced as (
    select
        *,
        case when UnitPrice <> 0 or line_cost = 0 then UnitPrice end as contracted_price,
        case when PayGPrice <> 0 or line_cost = 0 then PayGPrice end as list_price,
        coalesce(PricingCurrency, BillingCurrency) as pricing_currency,
        case
            when coalesce(PricingCurrency, BillingCurrency) = BillingCurrency
                then cast(1 as decimal(38, 18))
            else ExchangeRatePricingToBilling
        end as exchange_rate
    from quantified
),

converted as (
    select
        *,
        {{ rounded_product('contracted_price', 'exchange_rate') }} as contracted_unit_price,
        {{ rounded_product('list_price', 'exchange_rate') }} as list_unit_price
    from priced
),

-- What nobody used would have cost nothing without the commitment.
stated as (
    select
        *,
        {{ rounded_product('contracted_unit_price', 'pricing_quantity') }}
            as stated_contracted_cost,
        coalesce(
            case
                when PaygCostInBillingCurrency <> 0 or line_cost = 0 then PaygCostInBillingCurrency
            end,
            {{ rounded_product('list_unit_price', 'pricing_quantity') }}
        ) as stated_list_cost
    from converted
),

-- What stayed unused would have cost nothing on demand.
costed as (
    select
        *,
        case when is_covered then 0 else line_cost end as billed_cost,
        case when is_bought then 0 else line_cost end as effective_cost,
        case
            when is_bought then 0
            when pricing_currency = BillingCurrency then line_cost
            else CostInPricingCurrency
        end as pricing_currency_effective_cost,
        case
            when is_unused then 0
            when is_priced then coalesce(stated_contracted_cost, line_cost)
            else line_cost
        end as contracted_cost,
        case
            when is_unused then 0
            when is_priced then coalesce(stated_list_cost, stated_contracted_cost, line_cost)
            else line_cost
        end as list_cost,
        case
            when is_bought or is_covered
                then regexp_replace(
                    lower(coalesce(
                        BenefitId,
                        '/providers/microsoft.capacity/reservationorders/' || ProductOrderId
                        || '/reservations/' || coalesce(ReservationId, '')
                    )), '/+$', ''
                )
        end as commitment_id
    from stated
),

classed as (
    select
        *,
        case
            when commitment_id like '/providers/microsoft.capacity/%' then 'Usage'
            when commitment_id like '/providers/microsoft.billingbenefits/%' then 'Spend'
            when not is_bought and not is_covered then null
            when pricing_model = 'reservation' or charge_type = 'unusedreservation' then 'Usage'
            else 'Spend'
        end as commitment_category
    from costed
),

tagged as (
    {{ examine_tags('classed') }}
),

conformed as (
    select
        source_name,
        billing_month,
        delivery_id,
        'azure' as x_Provider,
        cast(null as {{ varchar_type() }}) as AllocatedMethodDetails,
        cast(null as {{ varchar_type() }}) as AllocatedMethodId,
        cast(null as {{ varchar_type() }}) as AllocatedResourceId,
        cast(null as {{ varchar_type() }}) as AllocatedResourceName,
        cast(null as {{ varchar_type() }}) as AllocatedTags,
        AvailabilityZone,
        cast(billed_cost as decimal(38, 18)) as BilledCost,
        case
            when BillingAccountId is null then '/subscriptions/' || lower(SubscriptionId)
            when BillingAccountId like '/%' then BillingAccountId
            when BillingProfileId <> BillingAccountId
                then
                    '/providers/Microsoft.Billing/billingAccounts/' || BillingAccountId
                    || '/billingProfiles/' || BillingProfileId
            else '/providers/Microsoft.Billing/billingAccounts/' || BillingAccountId
        end as BillingAccountId,
        case
            when BillingAccountId is null then SubscriptionName
            when BillingProfileId <> BillingAccountId then BillingProfileName
            else BillingAccountName
        end as BillingAccountName,
        case
            when BillingAccountId is null then 'Subscription'
            when BillingProfileId <> BillingAccountId then 'Billing Profile'
            else 'Billing Account'
        end as BillingAccountType,
        upper(BillingCurrency) as BillingCurrency,
        cast(billing_month + interval 1 month as {{ timestamp_type() }}) as BillingPeriodEnd,
        cast(billing_month as {{ timestamp_type() }}) as BillingPeriodStart,
        capacity_reservation_id as CapacityReservationId,
        case
            when capacity_reservation_id is null then null
            when resource_type = 'microsoft.compute/capacityreservationgroups/capacityreservations'
                then 'Unused'
            else 'Used'
        end as CapacityReservationStatus,
        charge_category as ChargeCategory,
        case when charge_type = 'refund' then 'Correction' end as ChargeClass,
        coalesce(ProductName, MeterName, MeterCategory) as ChargeDescription,
        case lower(replace(Frequency, ' ', ''))
            when 'onetime' then 'One-Time'
            when 'recurring' then 'Recurring'
            when 'usagebased' then 'Usage-Based'
            else case when charge_category = 'Usage' then 'Usage-Based' end
        end as ChargeFrequency,
        cast(charge_date + interval 1 day as {{ timestamp_type() }}) as ChargePeriodEnd,
        charge_date as ChargePeriodStart,
        commitment_category as CommitmentDiscountCategory,
        commitment_id as CommitmentDiscountId,
        case when is_bought or is_covered then coalesce(BenefitName, ReservationName) end
            as CommitmentDiscountName,
        case when commitment_category = 'Spend' then line_cost end as CommitmentDiscountQuantity,
        case when is_unused then 'Unused' when is_covered then 'Used' end
            as CommitmentDiscountStatus,
        case commitment_category
            when 'Usage' then 'Reservation'
            when 'Spend' then 'Savings Plan'
        end as CommitmentDiscountType,
        case when commitment_category = 'Spend' then upper(BillingCurrency) end
            as CommitmentDiscountUnit,
        cast(null as {{ varchar_type() }}) as CommitmentProgramEligibilityDetails,
        case
            when charge_category = 'Usage' and not is_unused
                then {{ rounded_product(
                    'pricing_quantity', 'cast(coalesce(block_size, 1) as decimal(38, 18))'
                ) }}
        end as ConsumedQuantity,
        case
            when charge_category = 'Usage' and not is_unused then coalesce(unit, UnitOfMeasure)
        end as ConsumedUnit,
        cast(null as {{ varchar_type() }}) as ContractApplied,
        cast(contracted_cost as decimal(38, 18)) as ContractedCost,
        case when is_priced then contracted_unit_price end as ContractedUnitPrice,
        cast(effective_cost as decimal(38, 18)) as EffectiveCost,
        case when coalesce(publisher_type, '') <> 'marketplace' then 'Microsoft' end
            as HostProviderName,
        cast(null as {{ varchar_type() }}) as InvoiceDetailId,
        InvoiceId,
        coalesce(PartnerName, 'Microsoft') as InvoiceIssuerName,
        cast(list_cost as decimal(38, 18)) as ListCost,
        case when is_priced then list_unit_price end as ListUnitPrice,
        case
            when not is_counted then null
            when is_bought then 'Standard'
            when is_covered then 'Committed'
            when pricing_model = 'spot' then 'Dynamic'
            when coalesce(pricing_model, 'ondemand') = 'ondemand' then 'Standard'
            else 'Other'
        end as PricingCategory,
        upper(pricing_currency) as PricingCurrency,
        case when is_priced then contracted_price end as PricingCurrencyContractedUnitPrice,
        cast(pricing_currency_effective_cost as decimal(38, 18)) as PricingCurrencyEffectiveCost,
        case when is_priced then list_price end as PricingCurrencyListUnitPrice,
        case when is_counted then pricing_quantity end as PricingQuantity,
        case
            when not is_counted then null
            when coalesce(block_size, 1) = 1 then coalesce(unit, UnitOfMeasure)
            else cast(block_size as {{ varchar_type() }}) || ' ' || unit
        end as PricingUnit,
        'Microsoft' as ProviderName,
        case
            when publisher_type = 'marketplace' then PublisherName
            else coalesce(PublisherName, 'Microsoft')
        end as PublisherName,
        region_id as RegionId,
        case when region_id is not null then coalesce(region_name, resource_location) end
            as RegionName,
        ResourceId,
        coalesce(ResourceName, nullif(regexp_extract(ResourceId, '([^/]+)$', 1), ''))
            as ResourceName,
        resource_type as ResourceType,
        {{ service_category_of() }} as ServiceCategory,
        {{ service_name_of("coalesce(MeterCategory, ConsumedService, 'Unassigned')") }}
            as ServiceName,
        case
            when publisher_type = 'marketplace' then coalesce(PublisherName, 'Microsoft')
            else 'Microsoft'
        end as ServiceProviderName,
        {{ service_subcategory_of() }} as ServiceSubcategory,
        coalesce(ProductId, MeterId) as SkuId,
        case when coalesce(ProductId, MeterId) is not null then MeterName end as SkuMeter,
        cast(null as {{ varchar_type() }}) as SkuPriceDetails,
        cast(null as {{ varchar_type() }}) as SkuPriceId,
        '/subscriptions/' || lower(SubscriptionId) as SubAccountId,
        SubscriptionName as SubAccountName,
        case when SubscriptionId is not null then 'Subscription' end as SubAccountType,
        case tags_state
            when 'whole' then {{ sorted_json('Tags') }}
            when 'TagsBraces' then {{ sorted_json("('{' || Tags || '}')") }}
        end as Tags,
        nullif(concat_ws(
            ',',
            nullif(tags_state, 'whole'),
            {{ service_change() }},
            {{ azure_cost_details_repairs() }}
        ), '') as x_SourceChanges,
        {{ json_merge([
            columns_as_json(azure_cost_details_kept()),
            "case when tags_state <> 'whole' then " ~ columns_as_json(['Tags']) ~ " else '{}' end",
            "coalesce(provider_columns, '{}')",
        ]) }} as x_SourceValues,
        cast(null as {{ varchar_type() }}) as line_key,
        coalesce(publisher_type, '') = 'marketplace' as is_third_party,
        '' as emission_account_id,
        lower(SubscriptionId) as emission_sub_account_id,
        '' as emission_region_id,
        '' as emission_service_bucket,
        lower(ResourceId) as emission_resource_id
    from tagged
)

select
    {{ charge_columns() | join(',\n    ') }}
from conformed
