{#- A FOCUS column of an unallocated emission: costs are 0, places are kept, the rest means nothing. -#}
{% macro unallocated_value(column) -%}
    {%- set known = {
        'BilledCost': 'cast(0 as decimal(38,18))',
        'EffectiveCost': 'cast(0 as decimal(38,18))',
        'ListCost': 'cast(0 as decimal(38,18))',
        'ContractedCost': 'cast(0 as decimal(38,18))',
        'BillingAccountId': 'billing_account_id',
        'SubAccountId': 'sub_account_id',
        'RegionId': 'region_id',
        'ServiceName': 'service_bucket',
        'ResourceId': 'resource_id',
        'BillingPeriodStart': 'cast(usage_month as ' ~ timestamp_type() ~ ')',
        'ChargePeriodStart': 'cast(usage_month as ' ~ timestamp_type() ~ ')',
        'BillingPeriodEnd': month_after('usage_month'),
        'ChargePeriodEnd': month_after('usage_month'),
    } -%}
    {{ known.get(column.name, 'cast(null as ' ~ kind_type(column.kind) ~ ')') }}
{%- endmacro %}

{% macro month_after(month) -%}
    cast({{ month }} + interval 1 month as {{ timestamp_type() }})
{%- endmacro %}

{#- Estimates per line; all NULL where the status is not Estimated. -#}
{% macro estimate_measures() -%}
    {{ return([
        'x_EstimatedEnergyKwh', 'x_EstimatedOperationalKg', 'x_EstimatedFeraKg',
        'x_EstimatedEmbodiedKg', 'x_EstimatedCarbonKg', 'x_EstimatedCarbonLowKg',
        'x_EstimatedCarbonHighKg', 'x_EstimatedWaterL',
    ]) }}
{%- endmacro %}

{#- Reported measures and the fact's columns that carry them. -#}
{% macro carbon_fact_columns() -%}
    {{ return({
        'scope1_kg': 'x_CarbonProviderScope1Kg',
        'scope2_location_kg': 'x_CarbonProviderScope2LocationKg',
        'scope2_market_kg': 'x_CarbonProviderScope2MarketKg',
        'scope2_unspecified_kg': 'x_CarbonProviderScope2UnspecifiedKg',
        'scope3_location_kg': 'x_CarbonProviderScope3LocationKg',
        'scope3_market_kg': 'x_CarbonProviderScope3MarketKg',
        'scope3_unspecified_kg': 'x_CarbonProviderScope3UnspecifiedKg',
        'total_location_kg': 'x_CarbonLocationKg',
        'total_market_kg': 'x_CarbonMarketKg',
        'total_unspecified_kg': 'x_CarbonUnspecifiedKg',
    }) }}
{%- endmacro %}
