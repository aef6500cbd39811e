{#- Columns of a line that every piece of it carries. -#}
{% macro gcp_piece_columns() -%}
    {{ return([
        'source_name', 'billing_month', 'delivery_id', 'provider_columns', 'billing_account_id',
        'invoice_month', 'publisher_type', 'cost_type', 'service_id', 'service_name', 'sku_id',
        'sku_description', 'project_id', 'project_number', 'project_name',
        'project_ancestry_numbers', 'project_ancestors', 'project_labels', 'location', 'region',
        'location_zone', 'resource_name', 'resource_global_name', 'usage_start_time',
        'usage_end_time',
        'export_time', 'currency', 'currency_conversion_rate', 'usage_amount_text', 'usage_unit',
        'pricing_unit', 'list_price', 'effective_price', 'effective_price_default',
        'price_unit_quantity', 'credits', 'labels', 'system_labels', 'tags', 'adjustment_id',
        'adjustment_description', 'adjustment_mode', 'adjustment_type', 'transaction_type',
        'seller_name', 'consumption_model_id', 'consumption_model', 'charge_category',
        'is_correction', 'is_priced_by_commitment', 'kept_cost',
    ]) }}
{%- endmacro %}

{#- What tells one piece of a line from another. -#}
{% macro gcp_shared_columns() -%}
    {{ return([
        'piece', 'piece_contracted_cost', 'piece_list_cost', 'piece_usage_amount',
        'piece_quantity', 'credit_name', 'commitment_category', 'known_commitment_id',
        'commitment_kind', 'is_pooled', 'fee_group',
    ]) }}
{%- endmacro %}

{#- A column of an unused fee: what all of its fee lines have in common, else NULL. -#}
{% macro gcp_unused_value(column) -%}
    {%- set known = [
        'source_name', 'billing_month', 'delivery_id', 'billing_account_id', 'service_id',
        'service_name', 'sku_id', 'sku_description', 'project_id', 'project_name', 'location',
        'region', 'usage_start_time', 'usage_end_time', 'currency', 'pricing_unit',
    ] -%}
    {%- if column in known -%}{{ column }}
    {%- elif column == 'charge_category' -%}'Usage'
    {%- elif column in ('is_correction', 'is_priced_by_commitment') -%}false
    {%- else -%}null
    {%- endif -%}
{%- endmacro %}

{#- Order in which covered parts bear the last unit of a fee: any, if it is always the same. -#}
{% macro gcp_line_order() -%}
    md5(concat_ws(
        '|',
        {%- for column in [
            'usage_start_time', 'usage_end_time', 'project_id', 'sku_id', 'location',
            'location_zone',
            'resource_global_name', 'resource_name', 'cost', 'pricing_quantity', 'credits',
            'labels', 'system_labels', 'tags', 'export_time', 'place',
        ] %}
        {%- if column in ('cost', 'pricing_quantity') %}
        coalesce({{ amount_text(column) }}, ''),
        {%- else %}
        coalesce(cast({{ column }} as {{ varchar_type() }}), ''){{ ',' if not loop.last }}
        {%- endif %}
        {%- endfor %}
    ))
{%- endmacro %}

{#- What a line would have cost at its contract's prices without a commitment, but for covered parts. -#}
{% macro gcp_contracted_cost() -%}
    case
        when is_priced_by_commitment then coalesce(cost_at_effective_price_default, cost)
        else {{ amount_minus('cost', with_sign_of('cost', 'covered_cost')) }}
    end
{%- endmacro %}

{#- Whole billionths as units of 1e-18. -#}
{% macro gcp_units(billionths) -%}
    (cast({{ billionths }} as {{ wide_integer_type() }}) * cast(1000000000 as {{ wide_integer_type() }}))
{%- endmacro %}

{#- What the conversion had to assume of a piece. -#}
{% macro gcp_source_changes() -%}
    nullif(concat_ws(
        ',',
        case when is_pooled then {{ repair('CommitmentFeePooled') }} end,
        case when is_id_composed then {{ repair('CommitmentIdComposed') }} end,
        case
            when
                ChargeCategory = 'Usage' and usage_amount_text is not null
                and piece_usage_amount is null
                then {{ repair('ConsumedQuantityTooLarge') }}
        end,
        case when piece_effective_cost is null then {{ repair('CommitmentFeeMissing') }} end,
        case when is_late_usage then {{ repair('LateUsage') }} end,
        case when not is_third_party then {{ service_change() }} end
    ), '')
{%- endmacro %}

{#-
    First instant of the billing month as Google counts it: midnight in California. On the first of a
    month it is summer there from April to November.
-#}
{% macro gcp_month_begins() -%}
    (
        cast(billing_month as {{ timestamp_type() }})
        + case
            when extract(month from billing_month) between 4 and 11 then interval 7 hours
            else interval 8 hours
        end
    )
{%- endmacro %}
