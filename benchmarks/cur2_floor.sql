-- The floor: one hand-written statement that reads AWS CUR 2.0 and writes the FOCUS columns once.
-- It knows this one month: no repairs, no optional columns, no synthesised or netted lines.
copy (
    select
        md5(concat(identity_line_item_id, '|', identity_time_interval)) as line_hash,
        line_item_availability_zone as AvailabilityZone,
        case when line_item_line_item_type in ('SavingsPlanCoveredUsage', 'DiscountedUsage')
            then 0::decimal(38, 18)
            else coalesce(line_item_net_unblended_cost, line_item_unblended_cost)
                ::varchar::decimal(38, 18) end as BilledCost,
        bill_payer_account_id as BillingAccountId,
        bill_payer_account_name as BillingAccountName,
        line_item_currency_code as BillingCurrency,
        date_trunc('month', bill_billing_period_start_date) + interval 1 month as BillingPeriodEnd,
        date_trunc('month', bill_billing_period_start_date) as BillingPeriodStart,
        case
            when line_item_line_item_type in
                ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage') then 'Usage'
            when line_item_line_item_type in
                ('Fee', 'RIFee', 'SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee') then 'Purchase'
            when line_item_line_item_type in ('Tax', 'Credit') then line_item_line_item_type
            when line_item_line_item_type = 'Refund' then 'Usage'
            else 'Adjustment'
        end as ChargeCategory,
        case when line_item_line_item_type = 'Refund' then 'Correction' end as ChargeClass,
        line_item_line_item_description as ChargeDescription,
        case when line_item_line_item_type like '%Usage' then 'Usage-Based' else 'One-Time' end
            as ChargeFrequency,
        line_item_usage_end_date as ChargePeriodEnd,
        line_item_usage_start_date as ChargePeriodStart,
        case when savings_plan_savings_plan_a_r_n is not null then 'Spend'
            when reservation_reservation_a_r_n is not null then 'Usage' end
            as CommitmentDiscountCategory,
        coalesce(savings_plan_savings_plan_a_r_n, reservation_reservation_a_r_n)
            as CommitmentDiscountId,
        case when line_item_line_item_type in ('SavingsPlanCoveredUsage', 'DiscountedUsage')
            then 'Used' end as CommitmentDiscountStatus,
        line_item_usage_amount::varchar::decimal(38, 18) as ConsumedQuantity,
        pricing_unit as ConsumedUnit,
        coalesce(line_item_net_unblended_cost, line_item_unblended_cost)
            ::varchar::decimal(38, 18) as ContractedCost,
        line_item_unblended_rate::varchar::decimal(38, 18) as ContractedUnitPrice,
        case line_item_line_item_type
            when 'SavingsPlanCoveredUsage' then coalesce(
                savings_plan_net_savings_plan_effective_cost,
                savings_plan_savings_plan_effective_cost)
            when 'DiscountedUsage' then
                coalesce(reservation_net_effective_cost, reservation_effective_cost)
            else coalesce(line_item_net_unblended_cost, line_item_unblended_cost)
        end::varchar::decimal(38, 18) as EffectiveCost,
        bill_invoice_id as InvoiceId,
        bill_invoicing_entity as InvoiceIssuerName,
        pricing_public_on_demand_cost::varchar::decimal(38, 18) as ListCost,
        pricing_public_on_demand_rate::varchar::decimal(38, 18) as ListUnitPrice,
        case when line_item_line_item_type in ('SavingsPlanCoveredUsage', 'DiscountedUsage')
            then 'Committed' when line_item_usage_type like '%SpotUsage%' then 'Dynamic'
            else 'Standard' end as PricingCategory,
        line_item_usage_amount::varchar::decimal(38, 18) as PricingQuantity,
        pricing_unit as PricingUnit,
        'AWS' as ProviderName,
        line_item_legal_entity as PublisherName,
        product_region_code as RegionId,
        line_item_resource_id as ResourceId,
        coalesce(services.service_category, 'Other') as ServiceCategory,
        coalesce(services.service_name, line_item_product_code) as ServiceName,
        coalesce(services.service_subcategory, 'Other (Other)') as ServiceSubcategory,
        product_sku as SkuId,
        line_item_usage_type as SkuMeter,
        json_object(
            'InstanceType', product['instance_type'], 'CoreCount', product['vcpu'],
            'OperatingSystem', product['operating_system'])::varchar as SkuPriceDetails,
        pricing_rate_code as SkuPriceId,
        line_item_usage_account_id as SubAccountId,
        line_item_usage_account_name as SubAccountName,
        to_json(map_from_entries(list_sort(map_entries(resource_tags))))::varchar as Tags,
        json_object(
            'x_ServiceCode', line_item_product_code, 'x_Operation', line_item_operation,
            'x_LineItemType', line_item_line_item_type)::varchar as x_SourceValues
    from read_parquet($files) as lines
    left join (
        select lower(service_code) as code, any_value(service_category) as service_category,
            any_value(service_name) as service_name,
            any_value(service_subcategory) as service_subcategory
        from read_csv($services, all_varchar = true) where provider = 'aws' group by 1
    ) as services on lower(lines.line_item_product_code) = services.code
    where line_item_line_item_type <> 'SavingsPlanNegation'
) to $target (format parquet, compression zstd, row_group_size 32768)
