{#-
    Hash that identifies a charge: of the provider's own key of the line where it gives one, else of
    dimensions. No metric, no invoice id, no name, so that a restated amount, an issued invoice or a
    renamed account keeps the key.
-#}
{% macro charge_hash() -%}
    case
        when line_key is not null then md5(line_key)
        else md5(concat_ws(
            '|',
            {%- for column in identifying_columns() %}
            coalesce(cast({{ column }} as {{ varchar_type() }}), ''){{ ',' if not loop.last }}
            {%- endfor %}
        ))
    end
{%- endmacro %}

{% macro identifying_columns() -%}
    {{ return([
        'BillingAccountId', 'SubAccountId', 'ResourceId', 'ServiceName', 'SkuId', 'SkuPriceId',
        'SkuMeter', 'RegionId', 'AvailabilityZone', 'ChargeCategory', 'ChargeClass',
        'ChargeFrequency', 'ChargePeriodStart', 'ChargePeriodEnd', 'PricingCategory',
        'PricingUnit', 'CommitmentDiscountId', 'CommitmentDiscountStatus',
        'CapacityReservationId', 'CapacityReservationStatus', 'BillingCurrency',
        'AllocatedMethodId', 'AllocatedResourceId',
    ]) }}
{%- endmacro %}
