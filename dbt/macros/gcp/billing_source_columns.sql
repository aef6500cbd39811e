{#-
    Columns of the detailed and standard billing export, as exports/gcp/billing_detailed.py declares
    them. Lists are JSON text already: decoding writes them so.
-#}
{% macro gcp_billing_source_columns() -%}
    {%- set kinds = {
        'text': [
            'billing_account_id', 'invoice.month', 'invoice.publisher_type', 'cost_type',
            'service.id', 'service.description', 'sku.id', 'sku.description', 'project.id',
            'project.number', 'project.name', 'project.ancestry_numbers', 'location.location',
            'location.country', 'location.region', 'location.zone', 'currency', 'usage.amount',
            'usage.unit', 'usage.pricing_unit', 'adjustment_info.id',
            'adjustment_info.description', 'adjustment_info.mode', 'adjustment_info.type',
            'transaction_type', 'seller_name', 'price.unit', 'consumption_model.id',
            'consumption_model.description', 'resource.name', 'resource.global_name',
            'subscription.instance_id', 'credits', 'labels', 'system_labels', 'tags',
            'project.labels', 'project.ancestors',
        ],
        'decimal': [
            'cost', 'cost_at_list', 'cost_at_effective_price_default',
            'cost_at_list_consumption_model', 'currency_conversion_rate',
            'usage.amount_in_pricing_units', 'price.list_price', 'price.effective_price',
            'price.effective_price_default', 'price.list_price_consumption_model',
            'price.tier_start_amount', 'price.pricing_unit_quantity',
        ],
        'timestamp': ['usage_start_time', 'usage_end_time', 'export_time'],
    } -%}
    {%- set columns = [] -%}
    {%- for kind, names in kinds.items() -%}
        {%- for name in names -%}{%- do columns.append({'name': name, 'kind': kind}) -%}{%- endfor -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}
