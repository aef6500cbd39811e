{{ monthly_model() }}

with
{{ gcp_billing_commitments() }},

-- Covered usage and what nobody used share the fee and what corrections give back of it; all of it,
-- to the last digit.
sharers as (
    select
        {{ gcp_piece_columns() | join(',\n        ') }},
        'used' as piece,
        covered_amount as piece_contracted_cost,
        {{ gcp_share('coalesce(cost_at_list, cost)') }} as piece_list_cost,
        {{ gcp_share('usage_amount') }} as piece_usage_amount,
        covered_quantity as piece_quantity,
        credit_name,
        commitment_category,
        case
            when is_linked then credit_id
            else only_subscription_id
        end as known_commitment_id,
        commitment_kind,
        not is_linked and fee_group is not null as is_pooled,
        fee_group,
        consumed as weight,
        is_taken_back,
        {{ gcp_line_order() }} as order_key
    from used
    union all
    select
        {%- for column in gcp_piece_columns() %}
        {{ gcp_unused_value(column) }} as {{ column }},
        {%- endfor %}
        'unused' as piece,
        cast(0 as decimal(38, 18)) as piece_contracted_cost,
        cast(0 as decimal(38, 18)) as piece_list_cost,
        cast(null as decimal(38, 18)) as piece_usage_amount,
        case
            when is_offset then fee
            when committed_quantity > 0 then {{ units_to_amount(gcp_units('unused')) }}
        end as piece_quantity,
        sku_description as credit_name,
        commitment_category,
        coalesce(linked_id, only_subscription_id) as known_commitment_id,
        commitment_kind,
        linked_id is null and consumed > 0 as is_pooled,
        fee_group,
        unused as weight,
        false as is_taken_back,
        'unused' as order_key
    from fee_groups
    where unused > 0
),

with_fee as (
    select
        sharers.*,
        case
            when sharers.is_taken_back
                then {{ amount_minus('cast(0 as decimal(38, 18))', 'fee_groups.given_back') }}
            else {{ amount_plus(
                'fee_groups.fee', 'coalesce(fee_groups.given_back, cast(0 as decimal(38, 18)))'
            ) }}
        end as piece_effective_cost,
        cast(
            sum(sharers.weight) over (
                partition by
                    sharers.source_name, sharers.billing_month, sharers.fee_group,
                    sharers.is_taken_back
            ) as decimal(38, 0)
        ) as sum_of_weights
    from sharers
    left join fee_groups
        on
            sharers.source_name = fee_groups.source_name
            and sharers.billing_month = fee_groups.billing_month
            and sharers.fee_group = fee_groups.fee_group
),

shared as (
    {{ largest_remainder(
        'with_fee', 'source_name, billing_month, fee_group, is_taken_back', 'order_key', 'weight',
        'sum_of_weights', ['piece_effective_cost'],
        gcp_piece_columns() + gcp_shared_columns() + ['is_taken_back', 'order_key']
    ) | indent(4) }}
),

lines as (
    {{ gcp_billing_lines() | indent(4) }}
),

kept as (
    select
        {{ gcp_piece_columns() | join(',\n        ') }},
        case charge_category
            when 'Purchase' then 'fee'
            else 'line'
        end as piece,
        {{ gcp_contracted_cost() }} as piece_contracted_cost,
        {{ gcp_rest('coalesce(cost_at_list, cost)') }} as piece_list_cost,
        {{ gcp_rest('usage_amount') }} as piece_usage_amount,
        {{ gcp_rest('pricing_quantity') }} as piece_quantity,
        case
            when charge_category = 'Purchase' then sku_description
            when is_priced_by_commitment then consumption_model
        end as credit_name,
        case
            when is_priced_by_commitment then 'Spend'
            when charge_category = 'Purchase' then {{ gcp_fee_category() }}
        end as commitment_category,
        case when charge_category = 'Purchase' then subscription_id end as known_commitment_id,
        case
            when is_priced_by_commitment then coalesce(consumption_model_id, consumption_model)
            when lower(sku_description) like '%dollar based%' then service_name
            when lower(sku_description) like 'commitment%' then resource_kind
            else service_name
        end as commitment_kind,
        false as is_pooled,
        cast(null as {{ varchar_type() }}) as fee_group,
        case when charge_category = 'Purchase' then cast(0 as decimal(38, 18)) else kept_cost end
            as piece_effective_cost
    from lines
    where {{ gcp_is_kept() }}
),

paid_lines as (
    {{ gcp_billing_lines(
        "upper(credits) like '%PROMOTION%' or upper(credits) like '%SUBSCRIPTION_BENEFIT%'"
    ) | indent(4) }}
),

payments as (
    {{ exploded_records('paid_lines', 'payment_records') }}
),

credited as (
    select
        {{ gcp_piece_columns() | join(',\n        ') }},
        'credit' as piece,
        {{ gcp_credit_amount() }} as piece_contracted_cost,
        {{ gcp_credit_amount() }} as piece_list_cost,
        cast(null as decimal(38, 18)) as piece_usage_amount,
        cast(null as decimal(38, 18)) as piece_quantity,
        {{ gcp_credit_name() }} as credit_name,
        cast(null as {{ varchar_type() }}) as commitment_category,
        cast(null as {{ varchar_type() }}) as known_commitment_id,
        cast(null as {{ varchar_type() }}) as commitment_kind,
        false as is_pooled,
        cast(null as {{ varchar_type() }}) as fee_group,
        {{ gcp_credit_amount() }} as piece_effective_cost
    from payments
),

pieces as (
    select
        {{ (gcp_piece_columns() + gcp_shared_columns() + ['piece_effective_cost'])
            | join(',\n        ') }}
    from kept
    union all
    select
        {{ (gcp_piece_columns() + gcp_shared_columns() + ['piece_effective_cost'])
            | join(',\n        ') }}
    from credited
    union all
    select
        {{ (gcp_piece_columns() + gcp_shared_columns() + ['piece_effective_cost'])
            | join(',\n        ') }}
    from shared
)

select * from pieces
