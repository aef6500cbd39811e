{#- The columns of FOCUS, and what later rooms need beside them. -#}
{% macro cur_focus_columns(charges) -%}
    {%- set text = 'cast(null as ' ~ varchar_type() ~ ')' -%}
    {%- set no_price = 'cast(null as decimal(38,18))' -%}
    {%- set in_pricing_currency =
        'coalesce(pricing_currency, line_item_currency_code) = line_item_currency_code' -%}
    select
        source_name,
        billing_month,
        delivery_id,
        'aws' as x_Provider,
        allocated_method_details as AllocatedMethodDetails,
        allocated_method_id as AllocatedMethodId,
        allocated_resource_id as AllocatedResourceId,
        {{ text }} as AllocatedResourceName,
        allocated_tags as AllocatedTags,
        line_item_availability_zone as AvailabilityZone,
        billed_cost as BilledCost,
        bill_payer_account_id as BillingAccountId,
        bill_payer_account_name as BillingAccountName,
        {{ text }} as BillingAccountType,
        line_item_currency_code as BillingCurrency,
        cast(billing_month as {{ timestamp_type() }}) + interval 1 month
            as BillingPeriodEnd,
        cast(billing_month as {{ timestamp_type() }}) as BillingPeriodStart,
        capacity_reservation_capacity_reservation_arn as CapacityReservationId,
        case
            when capacity_reservation_capacity_reservation_arn is not null
                and lower(capacity_reservation_capacity_reservation_status) in ('used', 'unused')
                then {{ enum_value(
                    'capacity_reservation_capacity_reservation_status', ['Used', 'Unused']
                ) }}
        end as CapacityReservationStatus,
        charge_category as ChargeCategory,
        charge_class as ChargeClass,
        line_item_line_item_description as ChargeDescription,
        charge_frequency as ChargeFrequency,
        charge_end as ChargePeriodEnd,
        charge_start as ChargePeriodStart,
        case when commitment_id is not null
            then case when is_committed_spend then 'Spend' else 'Usage' end end
            as CommitmentDiscountCategory,
        commitment_id as CommitmentDiscountId,
        {{ text }} as CommitmentDiscountName,
        commitment_quantity as CommitmentDiscountQuantity,
        case when commitment_id is not null then commitment_status end as CommitmentDiscountStatus,
        case
            when commitment_id is null then null
            when not is_committed_spend then 'Reserved Instance'
            when savings_plan_offering_type = 'ComputeSavingsPlans' then 'Compute Savings Plan'
            when savings_plan_offering_type = 'EC2InstanceSavingsPlans'
                then 'EC2 Instance Savings Plan'
            when savings_plan_offering_type = 'SageMakerSavingsPlans'
                then 'SageMaker Savings Plan'
            when savings_plan_offering_type = 'DatabaseSavingsPlans'
                then 'Database Savings Plan'
            else 'Savings Plan'
        end as CommitmentDiscountType,
        focus_commitment_unit as CommitmentDiscountUnit,
        {{ text }} as CommitmentProgramEligibilityDetails,
        consumed_quantity as ConsumedQuantity,
        case when consumed_quantity is not null then focus_pricing_unit end as ConsumedUnit,
        {{ text }} as ContractApplied,
        contracted_cost as ContractedCost,
        contracted_rate as ContractedUnitPrice,
        effective_cost as EffectiveCost,
        case when {{ cur_is_marketplace() }} then {{ text }} else 'AWS' end as HostProviderName,
        {{ text }} as InvoiceDetailId,
        bill_invoice_id as InvoiceId,
        coalesce(bill_invoicing_entity, line_item_legal_entity, bill_billing_entity, 'AWS')
            as InvoiceIssuerName,
        list_cost as ListCost,
        list_rate as ListUnitPrice,
        pricing_category as PricingCategory,
        coalesce(pricing_currency, line_item_currency_code) as PricingCurrency,
        case when {{ in_pricing_currency }} then contracted_rate end
            as PricingCurrencyContractedUnitPrice,
        case when {{ in_pricing_currency }} then effective_cost end
            as PricingCurrencyEffectiveCost,
        list_rate as PricingCurrencyListUnitPrice,
        pricing_quantity as PricingQuantity,
        case when pricing_quantity is not null then focus_pricing_unit end as PricingUnit,
        'AWS' as ProviderName,
        coalesce(line_item_legal_entity, 'AWS') as PublisherName,
        region_code as RegionId,
        case when region_code is not null
            then coalesce(regions.region_name, region_code) end as RegionName,
        line_item_resource_id as ResourceId,
        {{ text }} as ResourceName,
        {{ text }} as ResourceType,
        case
            when {{ cur_is_block_storage() }} then 'Storage'
            else {{ service_category_of() }}
        end as ServiceCategory,
        {{ service_name_of("coalesce(product_product_name, line_item_product_code, 'AWS')") }}
            as ServiceName,
        case when {{ cur_is_third_party() }} then line_item_legal_entity else 'AWS' end
            as ServiceProviderName,
        case
            when {{ cur_is_block_storage() }} then 'Block Storage'
            else {{ service_subcategory_of() }}
        end as ServiceSubcategory,
        product_sku as SkuId,
        line_item_usage_type as SkuMeter,
        {{ cur_sku_details() }} as SkuPriceDetails,
        pricing_rate_code as SkuPriceId,
        line_item_usage_account_id as SubAccountId,
        line_item_usage_account_name as SubAccountName,
        {{ text }} as SubAccountType,
        resource_tags as Tags,
        nullif(concat_ws(
            ',', changes,
            case when not {{ cur_is_marketplace() }} then {{ service_change() }} end
        ), '') as x_SourceChanges,
        {{ cur_source_values() }} as x_SourceValues,
        line_key,
        {{ cur_is_third_party() }} as is_third_party,
        bill_payer_account_id as emission_account_id,
        line_item_usage_account_id as emission_sub_account_id,
        lower(coalesce(region_code, 'global')) as emission_region_id,
        case
            when line_item_product_code in ('AmazonEC2', 'AmazonS3', 'AmazonCloudFront')
                then line_item_product_code
            else 'Other'
        end as emission_service_bucket,
        '' as emission_resource_id
    from {{ charges }}
    left join regions on region_code = regions.region_key
{%- endmacro %}

{% macro cur_is_marketplace() -%}
    coalesce(bill_billing_entity = 'AWS Marketplace', false)
{%- endmacro %}

{#- Volumes and snapshots: products of EC2 in the bill, storage in AWS's own FOCUS exports. -#}
{% macro cur_is_block_storage() -%}
    line_item_product_code = 'AmazonEC2' and coalesce(line_item_usage_type, '') like '%EBS:%'
{%- endmacro %}

{#- Keys that FOCUS defines, for lines of machines. -#}
{% macro cur_sku_details() -%}
    case
        when product_instance_type is not null then {{ keyed_json(
            ['product_instance_type', 'product_instance_family', 'product_vcpu',
                'product_memory', 'product_operating_system'],
            ['InstanceType', 'x_InstanceFamily', 'CoreCount', 'x_Memory', 'OperatingSystem']
        ) }}
    end
{%- endmacro %}

{#- What FOCUS has no column for; the discounts and categories only where there are any. -#}
{% macro cur_source_values() -%}
    {%- set always = ['line_item_product_code', 'line_item_operation', 'line_item_line_item_type']
    -%}
    {%- set always_keys = ['x_ServiceCode', 'x_Operation', 'x_LineItemType'] -%}
    case
        when coalesce(cost_category, discount, resource_tags_unread, provider_columns) is null
            then {{ keyed_json(always, always_keys) }}
        else {{ json_merge([
            keyed_json(
                always + ['cost_category', 'discount', 'resource_tags_unread'],
                always_keys + ['x_CostCategories', 'x_Discounts', 'Tags']
            ),
            "coalesce(provider_columns, '{}')",
        ]) }}
    end
{%- endmacro %}
