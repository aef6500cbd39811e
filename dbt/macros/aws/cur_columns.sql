{#-
    The columns of the Cost and Usage Report that the rules read, by their CUR 2.0 names.

    A part of exports/aws/cur_columns.py, which also knows how CSV files of the legacy report spell
    them; tests/unit/exports/test_exports_cur.py holds the two together.
-#}
{% macro cur2_columns() -%}
    {{ return(cur_columns('underscore')) }}
{%- endmacro %}

{% macro legacy_cur_columns() -%}
    {{ return(cur_columns('slash')) }}
{%- endmacro %}

{% macro cur_columns(spelling) -%}
    {%- set kinds = {
        'text': [
            'identity_line_item_id', 'identity_time_interval',
            'bill_invoice_id', 'bill_invoicing_entity', 'bill_billing_entity', 'bill_bill_type',
            'bill_payer_account_id', 'bill_payer_account_name',
            'line_item_usage_account_id', 'line_item_usage_account_name',
            'line_item_line_item_type', 'line_item_product_code', 'line_item_usage_type',
            'line_item_operation', 'line_item_availability_zone', 'line_item_resource_id',
            'line_item_currency_code', 'line_item_line_item_description',
            'line_item_legal_entity',
            'pricing_currency', 'pricing_purchase_option', 'pricing_rate_code', 'pricing_term',
            'pricing_unit',
            'reservation_reservation_a_r_n',
            'savings_plan_savings_plan_a_r_n', 'savings_plan_offering_type',
            'split_line_item_parent_resource_id',
            'capacity_reservation_capacity_reservation_arn',
            'capacity_reservation_capacity_reservation_status',
        ],
        'timestamp': ['line_item_usage_start_date', 'line_item_usage_end_date'],
        'decimal': [
            'line_item_usage_amount', 'line_item_unblended_cost', 'line_item_net_unblended_cost',
            'pricing_public_on_demand_cost',
            'reservation_effective_cost', 'reservation_net_effective_cost',
            'reservation_unused_amortized_upfront_fee_for_billing_period',
            'reservation_net_unused_amortized_upfront_fee_for_billing_period',
            'reservation_unused_recurring_fee', 'reservation_net_unused_recurring_fee',
            'savings_plan_savings_plan_effective_cost',
            'savings_plan_net_savings_plan_effective_cost',
            'savings_plan_total_commitment_to_date', 'savings_plan_used_commitment',
            'savings_plan_amortized_upfront_commitment_for_billing_period',
            'savings_plan_net_amortized_upfront_commitment_for_billing_period',
            'savings_plan_recurring_commitment_for_billing_period',
            'savings_plan_net_recurring_commitment_for_billing_period',
            'split_line_item_split_cost', 'split_line_item_net_split_cost',
            'split_line_item_unused_cost', 'split_line_item_net_unused_cost',
        ],
        'rate': [
            'line_item_normalized_usage_amount',
            'line_item_unblended_rate', 'line_item_net_unblended_rate',
            'pricing_public_on_demand_rate', 'reservation_unused_quantity',
            'reservation_unused_normalized_unit_quantity',
            'split_line_item_split_usage',
        ],
    } -%}
    {%- set columns = [] -%}
    {%- for kind, names in kinds.items() -%}
        {%- for name in names -%}
            {%- do columns.append({
                'name': name,
                'kind': kind,
                'spellings': [cur_slash_name(name)] if spelling == 'slash' else [],
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(columns + cur_product_columns() + cur_open_columns()) }}
{%- endmacro %}

{#- What CUR 2.0 keeps in the map `product`, and the legacy report in columns of their own. -#}
{% macro cur_product_columns() -%}
    {%- set columns = [] -%}
    {%- for name, camel in {
        'product_name': 'ProductName',
        'region': 'region',
        'region_code': 'regionCode',
        'from_region_code': 'fromRegionCode',
        'sku': 'sku',
        'instance_type': 'instanceType',
        'instance_family': 'instanceFamily',
        'vcpu': 'vcpu',
        'memory': 'memory',
        'operating_system': 'operatingSystem',
    }.items() -%}
        {%- do columns.append({
            'name': 'product_' ~ name,
            'kind': 'text',
            'spellings': ['product/' ~ camel],
            'inside': [{'column': 'product', 'key': name}],
        }) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{#- Names that people choose: tags, cost categories; and discounts by their kind. -#}
{% macro cur_open_columns() -%}
    {{ return([
        {
            'name': 'resource_tags', 'kind': 'object', 'keys_without': 'user[:_]',
            'gather': [
                'resourceTags/user:', 'resourceTags/', 'resource_tags_user_', 'resource_tags_',
            ],
        },
        {'name': 'resource_tags_unread', 'kind': 'not_object', 'spellings': ['resource_tags']},
        {
            'name': 'cost_category', 'kind': 'object',
            'gather': ['costCategory/', 'cost_category_'],
        },
        {'name': 'discount', 'kind': 'object', 'gather': ['discount/', 'discount_']},
    ]) }}
{%- endmacro %}

{#- How CSV files of the legacy report spell a column. -#}
{% macro cur_slash_name(name) -%}
    {%- set otherwise = {
        'pricing_currency': 'pricing/currency',
        'pricing_public_on_demand_cost': 'pricing/publicOnDemandCost',
        'pricing_public_on_demand_rate': 'pricing/publicOnDemandRate',
        'pricing_term': 'pricing/term',
        'pricing_unit': 'pricing/unit',
        'reservation_reservation_a_r_n': 'reservation/ReservationARN',
        'savings_plan_savings_plan_a_r_n': 'savingsPlan/SavingsPlanARN',
    } -%}
    {%- set found = {} -%}
    {%- for section, spelled in {
        'identity_': 'identity/',
        'bill_': 'bill/',
        'line_item_': 'lineItem/',
        'pricing_': 'pricing/',
        'reservation_': 'reservation/',
        'savings_plan_': 'savingsPlan/',
        'split_line_item_': 'splitLineItem/',
        'capacity_reservation_': 'capacityReservation/',
    }.items() if name.startswith(section) -%}
        {%- set words = name[section | length:].split('_') | map('capitalize') | join -%}
        {%- do found.update({'name': spelled ~ words}) -%}
    {%- endfor -%}
    {{ return(otherwise.get(name, found.get('name'))) }}
{%- endmacro %}

{#- Columns of the report that no rule reads: they stay in landing. -#}
{% macro cur_left_out() -%}
    {{ return([
        'identity_', 'bill_', 'line_item_', 'pricing_', 'product', 'reservation_', 'savings_plan_',
        'split_line_item_', 'capacity_reservation_', 'tags', 'discount', 'cost_category',
        'resource_tags',
        'identity/', 'bill/', 'lineItem/', 'pricing/', 'reservation/', 'savingsPlan/',
        'splitLineItem/', 'capacityReservation/', 'costCategory/', 'resourceTags/',
    ]) }}
{%- endmacro %}
