{#-
    Lines of the billing export with what their credits mean. Google lists the credits of a line
    inside of the line; joining them to it would repeat the cost, so they are added up in place.

    - A commitment credit covers usage: that part of the line becomes a line of its own.
    - A payment credit (promotion) pays for a line and is split off into a line of its own.
    - Every other credit lowers the price of its line: free tier, sustained use, spending-based
      discount, reseller margin, and the offset of a fee that its usage has already paid.

    Args:
        only: condition on columns of staging; looking into credits is dear.
-#}

{% macro gcp_payment_credits() -%}
    upper(coalesce(record.type, '')) in ('PROMOTION', 'SUBSCRIPTION_BENEFIT')
{%- endmacro %}

{% macro gcp_commitment_credits() -%}
    upper(coalesce(record.type, ''))
    in ('COMMITTED_USAGE_DISCOUNT', 'COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE')
{%- endmacro %}

{% macro gcp_fee_offsets() -%}
    upper(coalesce(record.type, '')) = 'FEE_UTILIZATION_OFFSET'
{%- endmacro %}

{% macro gcp_credit_amount() -%}cast(record.amount as decimal(38,18)){%- endmacro %}

{% macro gcp_credit_name() -%}
    coalesce(nullif(record.full_name, ''), nullif(record.name, ''), record.id)
{%- endmacro %}

{#- Sold by a partner on Google's marketplace. -#}
{% macro gcp_is_third_party() -%}
    coalesce(publisher_type = 'PARTNER' or transaction_type like 'THIRD_PARTY%', false)
{%- endmacro %}

{#- What a resource commitment counts: it covers usage of the same kind only. -#}
{% macro gcp_resource_kind() -%}
    case
        when lower(sku_description) like '%gpu%' or lower(sku_description) like '%nvidia%'
            then 'GPU'
        when lower(sku_description) like '%tpu%' then 'TPU'
        when lower(sku_description) like '%ssd%' then 'SSD'
        when
            lower(sku_description) like '%licens%' or lower(sku_description) like '%sles%'
            or lower(sku_description) like '%rhel%'
            then 'License'
        when lower(sku_description) like '% ram%' or lower(sku_description) like '%memory%'
            then 'RAM'
        else 'CPU'
    end
{%- endmacro %}

{% macro gcp_billing_lines(only='true') -%}
with parsed as (
    select
        *,
        case when credits is not null then {{ parsed_records(
            'credits', ['id', 'name', 'full_name', 'type', 'amount']
        ) }} end as credit_records
    from {{ ref('stg_gcp__billing_detailed').render() }}
    where {{ this_month() }} and ({{ only }})
),

sorted_credits as (
    select
        *,
        {{ filtered_records('credit_records', gcp_payment_credits()) }} as payment_records,
        {{ filtered_records('credit_records', gcp_commitment_credits()) }} as commitment_records,
        {{ filtered_records('credit_records', gcp_fee_offsets()) }} as offset_records
    from parsed
),

added_up as (
    select
        *,
        {{ sum_of_records('credit_records', 'amount') }} as credit_amount,
        {{ sum_of_records('payment_records', 'amount') }} as payment_amount,
        {{ sum_of_records('commitment_records', 'amount') }} as commitment_amount,
        {{ sum_of_records('offset_records', 'amount') }} as offset_amount,
        coalesce(adjustment_type, '') in (
            'USAGE_CORRECTION', 'PRICE_CORRECTION', 'METADATA_CORRECTION'
        ) as is_correction
    from sorted_credits
),

-- A fee of a commitment is told by its SKU, by the commitment that it names, or by its offset. What a
-- partner sells by subscription names one too, and commits to nothing of Google's.
with_category as (
    select
        *,
        case
            when cost_type = 'tax' then 'Tax'
            when cost_type = 'adjustment' and is_correction and pricing_quantity is not null
                then 'Usage'
            when coalesce(cost_type, 'regular') <> 'regular' then 'Adjustment'
            when
                commitment_amount = 0
                and (
                    lower(sku_description) like 'commitment%'
                    or subscription_id is not null
                    or offset_amount <> 0
                )
                and not {{ gcp_is_third_party() }}
                then 'Purchase'
            else 'Usage'
        end as charge_category
    from added_up
),

-- How much of a line is covered: what its commitment credits give back, at most its cost. A credit
-- with the sign of its cost covers nothing; it changes the price.
with_cover as (
    select
        *,
        case
            when
                charge_category = 'Usage'
                and {{ amount_billionths('cost') }} between 1 and 8000000000000000000
                then {{ gcp_covered('commitment_records') }}
            else cast(0 as decimal(38, 18))
        end as covered_cost
    from with_category
)

-- What a line keeps after payments and covered parts have got lines of their own.
select
    *,
    {{ amount_minus(amount_plus('cost', 'credit_amount'), 'payment_amount') }} as kept_cost,
    {{ gcp_resource_kind() }} as resource_kind,
    coalesce(lower(nullif(region, '')), '') as commitment_region,
    charge_category = 'Usage'
    and coalesce(lower(consumption_model), 'default') <> 'default' as is_priced_by_commitment
from with_cover
{%- endmacro %}

{#- Cost that commitment credits cover, without sign: between 0 and the line's own cost. -#}
{% macro gcp_covered(records) -%}
    least(
        abs(cost),
        greatest(
            {{ with_sign_of('cost', '-' ~ sum_of_records(records, 'amount')) }},
            cast(0 as decimal(38,18))
        )
    )
{%- endmacro %}

{#-
    Whether a line stays as a line: always, unless commitments cover it whole and nothing is left.
-#}
{% macro gcp_is_kept() -%}
    (covered_cost = 0 or covered_cost < abs(cost) or kept_cost <> 0)
{%- endmacro %}
