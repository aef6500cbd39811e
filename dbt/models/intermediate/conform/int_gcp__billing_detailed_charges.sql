{{ conversion_storage() }}

with pieces as (
    select * from {{ ref('int_gcp__billing_detailed_pieces') }}
),

regions as (
    {{ regions_of('gcp') }}
),

described as (
    select
        *,
        case piece
            when 'credit' then 'Credit'
            else charge_category
        end as ChargeCategory,
        {{ gcp_is_third_party() }} as is_third_party,
        coalesce(nullif(region, ''), nullif(lower(location), 'global')) as RegionId,
        case
            when commitment_category is not null then coalesce(
                known_commitment_id,
                concat(
                    billing_account_id, '/', coalesce(nullif(lower(region), ''), 'global'), '/',
                    commitment_category, '/', commitment_kind
                )
            )
        end as CommitmentDiscountId,
        commitment_category is not null and known_commitment_id is null as is_id_composed,
        piece in ('used', 'unused') or is_priced_by_commitment as is_committed,
        piece in ('line', 'used') and charge_category = 'Usage' and not is_correction
        and usage_end_time <= {{ gcp_month_begins() }} as is_late_usage,
        {{ parsed_records('labels', ['key', 'value']) }} as label_records,
        {{ parsed_records('project_labels', ['key', 'value']) }} as project_label_records,
        {{ parsed_records('tags', ['key', 'value']) }} as tag_records,
        {{ parsed_records('system_labels', ['key', 'value']) }} as system_label_records
    from pieces
),

-- A key that comes twice: a resource's label outranks its project's, and that a tag.
with_records as (
    select
        *,
        {{ joined_records([
            'label_records', 'project_label_records', 'tag_records',
            prefixed_records('system_label_records', 'gcp:'),
        ]) }} as tag_and_label_records
    from described
),

with_tags as (
    select
        *,
        {{ records_as_object('tag_and_label_records') }} as tag_object
    from with_records
),

served as (
    {{ with_service(
        'with_tags', '(' ~ services_of('gcp') ~ ')',
        ['with_tags.service_name', 'with_tags.service_id']
    ) }}
),

with_maps as (
    select
        served.*,
        {{ service_category_of() }} as ServiceCategory,
        {{ service_subcategory_of() }} as ServiceSubcategory,
        case
            when served.RegionId is not null then coalesce(regions.region_name, served.RegionId)
        end as RegionName,
        {{ json_text_value(
            'served.tag_object', 'gcp:compute.googleapis.com/reservation_name'
        ) }} as CapacityReservationId,
        {{ json_text_value(
            'served.tag_object', 'gcp:compute.googleapis.com/is_unused_reservation'
        ) }} as is_unused_reservation
    from served
    left join regions on lower(served.RegionId) = regions.alias
),

measured as (
    {{ with_units('with_maps', '(' ~ units_of('gcp') ~ ')', {
        'usage_unit': 'consumed_unit',
        'pricing_unit': 'priced_unit',
    }) }}
),

-- The piece decides what is billed; the kind of charge decides what can be said about it.
conformed as (
    select
        source_name,
        billing_month,
        delivery_id,
        'gcp' as x_Provider,
        cast(null as {{ varchar_type() }}) as AllocatedMethodDetails,
        cast(null as {{ varchar_type() }}) as AllocatedMethodId,
        cast(null as {{ varchar_type() }}) as AllocatedResourceId,
        cast(null as {{ varchar_type() }}) as AllocatedResourceName,
        cast(null as {{ varchar_type() }}) as AllocatedTags,
        nullif(location_zone, '') as AvailabilityZone,
        case
            when piece in ('used', 'unused') then cast(0 as decimal(38, 18))
            when piece = 'credit' then piece_effective_cost
            else kept_cost
        end as BilledCost,
        billing_account_id as BillingAccountId,
        cast(null as {{ varchar_type() }}) as BillingAccountName,
        'Billing Account' as BillingAccountType,
        currency as BillingCurrency,
        {{ month_after('billing_month') }} as BillingPeriodEnd,
        cast(billing_month as {{ timestamp_type() }}) as BillingPeriodStart,
        case when ChargeCategory = 'Usage' then CapacityReservationId end as CapacityReservationId,
        case
            when ChargeCategory <> 'Usage' or CapacityReservationId is null then null
            when is_unused_reservation = 'true' then 'Unused'
            else 'Used'
        end as CapacityReservationStatus,
        ChargeCategory,
        case
            when
                is_correction and ChargeCategory <> 'Credit'
                and usage_start_time < {{ gcp_month_begins() }}
                then 'Correction'
            when is_late_usage then 'Correction'
        end as ChargeClass,
        case
            when piece = 'credit' then credit_name
            else coalesce(adjustment_description, sku_description)
        end as ChargeDescription,
        case ChargeCategory
            when 'Usage' then 'Usage-Based'
            when 'Purchase' then 'Recurring'
            else 'One-Time'
        end as ChargeFrequency,
        usage_end_time as ChargePeriodEnd,
        usage_start_time as ChargePeriodStart,
        commitment_category as CommitmentDiscountCategory,
        CommitmentDiscountId,
        case when commitment_category is not null then credit_name end as CommitmentDiscountName,
        case
            when commitment_category is null then null
            when is_priced_by_commitment then kept_cost
            when commitment_category = 'Spend' and piece = 'used' then piece_contracted_cost
            else piece_quantity
        end as CommitmentDiscountQuantity,
        case
            when piece = 'unused' then 'Unused'
            when is_committed then 'Used'
        end as CommitmentDiscountStatus,
        case
            when is_priced_by_commitment then consumption_model
            when commitment_category = 'Usage' then 'Resource-based committed use discount'
            when commitment_category = 'Spend' then 'Spend-based committed use discount'
        end as CommitmentDiscountType,
        case
            when commitment_category = 'Spend' then currency
            when commitment_category is not null then priced_unit
        end as CommitmentDiscountUnit,
        cast(null as {{ varchar_type() }}) as CommitmentProgramEligibilityDetails,
        case when ChargeCategory = 'Usage' and piece <> 'unused' then piece_usage_amount end
            as ConsumedQuantity,
        case
            when ChargeCategory = 'Usage' and piece <> 'unused' and piece_usage_amount is not null
                then consumed_unit
        end as ConsumedUnit,
        cast(null as {{ varchar_type() }}) as ContractApplied,
        piece_contracted_cost as ContractedCost,
        case when has_unit_price then coalesce(effective_price_default, effective_price) end
            as ContractedUnitPrice,
        coalesce(piece_effective_cost, cast(0 as decimal(38, 18))) as EffectiveCost,
        'Google Cloud' as HostProviderName,
        cast(null as {{ varchar_type() }}) as InvoiceDetailId,
        cast(null as {{ varchar_type() }}) as InvoiceId,
        'Google Cloud' as InvoiceIssuerName,
        piece_list_cost as ListCost,
        case when has_unit_price then list_price end as ListUnitPrice,
        case
            when ChargeCategory not in ('Usage', 'Purchase') then null
            when is_committed then 'Committed'
            when ChargeCategory = 'Usage' and lower(sku_description) like '%preemptible%'
                then 'Dynamic'
            else 'Standard'
        end as PricingCategory,
        cast(null as {{ varchar_type() }}) as PricingCurrency,
        cast(null as decimal(38, 18)) as PricingCurrencyContractedUnitPrice,
        cast(null as decimal(38, 18)) as PricingCurrencyEffectiveCost,
        cast(null as decimal(38, 18)) as PricingCurrencyListUnitPrice,
        case when ChargeCategory in ('Usage', 'Purchase') then piece_quantity end
            as PricingQuantity,
        case
            when ChargeCategory in ('Usage', 'Purchase') and piece_quantity is not null
                then priced_unit
        end as PricingUnit,
        'Google Cloud' as ProviderName,
        case when is_third_party then coalesce(seller_name, 'Unknown partner') else 'Google Cloud'
        end as PublisherName,
        RegionId,
        RegionName,
        coalesce(resource_global_name, resource_name) as ResourceId,
        resource_name as ResourceName,
        nullif(
            regexp_extract(resource_global_name, '^//([^/]+/).*', 1)
            || regexp_extract(resource_global_name, '/([^/]+)/[^/]+$', 1), ''
        ) as ResourceType,
        ServiceCategory,
        service_name as ServiceName,
        case when is_third_party then coalesce(seller_name, 'Google Cloud') else 'Google Cloud' end
            as ServiceProviderName,
        ServiceSubcategory,
        sku_id as SkuId,
        sku_description as SkuMeter,
        cast(null as {{ varchar_type() }}) as SkuPriceDetails,
        cast(null as {{ varchar_type() }}) as SkuPriceId,
        project_id as SubAccountId,
        project_name as SubAccountName,
        case when project_id is not null then 'Project' end as SubAccountType,
        tag_object as Tags,
        {{ gcp_source_changes() }} as x_SourceChanges,
        {{ json_merge([
            "coalesce(provider_columns, '{}')",
            columns_as_json([
                'piece', 'invoice_month', 'cost_type', 'service_id', 'project_number',
                'project_ancestry_numbers', 'project_ancestors', 'export_time', 'credits',
                'usage_amount_text', 'adjustment_id', 'adjustment_mode', 'adjustment_type',
                'transaction_type', 'consumption_model_id', 'consumption_model',
            ], {'export_time': 'TIMESTAMP'}),
        ]) }} as x_SourceValues,
        -- One line for each group of fees; the id of a commitment may stand for several.
        case when piece = 'unused' then concat('unused|', fee_group) end as line_key,
        is_third_party,
        billing_account_id as emission_account_id,
        project_id as emission_sub_account_id,
        lower(coalesce(RegionId, 'global')) as emission_region_id,
        service_name as emission_service_bucket,
        '' as emission_resource_id
    from (
        select
            *,
            currency = 'USD' and coalesce(price_unit_quantity, 1) = 1 and piece <> 'unused'
            and ChargeCategory in ('Usage', 'Purchase') as has_unit_price
        from measured
    ) as with_price
)

select
    {{ charge_columns() | join(',\n    ') }}
from conformed
