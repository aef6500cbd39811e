{#-
    Columns of Azure cost details, by the names that dagster_project/exports/azure/cost_details.py
    declares; a test holds the two together.
-#}
{% macro azure_cost_details_columns() -%}
    {%- set columns = [{'name': 'ct_dataset', 'kind': 'text'}] -%}
    {%- for name in [
        'AccountName', 'AccountOwnerId', 'AdditionalInfo', 'AvailabilityZone', 'BenefitId',
        'BenefitName', 'BillingAccountId', 'BillingAccountName', 'BillingCurrency',
        'BillingProfileId', 'BillingProfileName', 'ChargeType', 'ConsumedService',
        'CostAllocationRuleName', 'CostCenter', 'Frequency', 'InvoiceId', 'InvoiceSectionId',
        'InvoiceSectionName', 'IsAzureCreditEligible', 'Location', 'MeterCategory', 'MeterId',
        'MeterName', 'MeterRegion', 'MeterSubCategory', 'OfferId', 'PartNumber', 'PartnerName',
        'PlanName', 'PreviousInvoiceId', 'PricingCurrency', 'PricingModel', 'ProductId',
        'ProductName', 'ProductOrderId', 'ProductOrderName', 'Provider', 'PublisherId',
        'PublisherName', 'PublisherType', 'ResellerMpnId', 'ReservationId', 'ReservationName',
        'ResourceGroup', 'ResourceId', 'ResourceLocation', 'ResourceName', 'ResourceType',
        'ServiceFamily', 'ServiceInfo1', 'ServiceInfo2', 'ServiceName', 'ServiceTier',
        'SubscriptionId', 'SubscriptionName', 'Tags', 'Term', 'UnitOfMeasure',
    ] -%}{%- do columns.append({'name': name, 'kind': 'text'}) -%}{%- endfor -%}
    {%- for name in [
        'Cost', 'CostInPricingCurrency', 'CostInUsd', 'EffectivePrice',
        'ExchangeRatePricingToBilling', 'PayGPrice', 'PaygCostInBillingCurrency', 'PaygCostInUsd',
        'PreTaxCost', 'Quantity', 'UnitPrice',
    ] -%}{%- do columns.append({'name': name, 'kind': 'decimal'}) -%}{%- endfor -%}
    {%- for name in [
        'BillingPeriodEndDate', 'BillingPeriodStartDate', 'Date', 'ExchangeRateDate',
        'ServicePeriodEndDate', 'ServicePeriodStartDate',
    ] -%}{%- do columns.append({'name': name, 'kind': 'timestamp'}) -%}{%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{#- Native columns that FOCUS has no room for; they stay in x_SourceValues. -#}
{% macro azure_cost_details_kept() -%}
    {{ return([
        'AccountName', 'AccountOwnerId', 'AdditionalInfo', 'ChargeType', 'ConsumedService',
        'CostAllocationRuleName', 'CostCenter', 'Frequency', 'InvoiceSectionId',
        'InvoiceSectionName', 'IsAzureCreditEligible', 'MeterCategory', 'MeterId', 'MeterRegion',
        'MeterSubCategory', 'OfferId', 'PartNumber', 'PlanName', 'PreviousInvoiceId',
        'PricingModel', 'ProductOrderId', 'ProductOrderName', 'PublisherId', 'PublisherType',
        'ResellerMpnId', 'ReservationId', 'ReservationName', 'ResourceGroup', 'ServiceFamily',
        'ServiceInfo1', 'ServiceInfo2', 'ServiceTier', 'Term', 'UnitOfMeasure',
    ]) }}
{%- endmacro %}
