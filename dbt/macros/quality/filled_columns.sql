{#-
    Columns that usage has month after month once an export fills them. One that goes empty was lost
    by the provider (finops-toolkit #2105: no SkuMeter for eight months), and every sum by it with
    it. Columns that come and go with what is bought, such as those of commitments, are not here.
-#}
{% macro watched_columns() -%}
    {{ return([
        'ConsumedQuantity', 'ConsumedUnit', 'ContractedUnitPrice', 'ListUnitPrice',
        'PricingQuantity', 'PricingUnit', 'RegionId', 'ResourceId', 'SkuId', 'SkuMeter',
        'SkuPriceId', 'Tags',
    ]) }}
{%- endmacro %}

{#- The column holding how many usage lines have a watched column. -#}
{% macro filled_lines(column) -%}
    {{ return('filled_' ~ snake_case(column)) }}
{%- endmacro %}
