{#-
    What a line of the Cost and Usage Report means, one rule per macro.

    Cash is the net unblended cost, else the unblended cost: over all lines, negations included,
    that is what AWS bills. Every other figure is told by the type of the line.
-#}

{% macro cur_cash() -%}
    coalesce(line_item_net_unblended_cost, line_item_unblended_cost)
{%- endmacro %}

{#- A savings plan has covered usage at its on-demand cost, and negations that take it back. -#}
{% macro cur_is_negation() -%}line_item_line_item_type = 'SavingsPlanNegation'{%- endmacro %}
{% macro cur_is_covered() -%}line_item_line_item_type = 'SavingsPlanCoveredUsage'{%- endmacro %}
{% macro cur_is_reserved() -%}line_item_line_item_type = 'DiscountedUsage'{%- endmacro %}

{% macro cur_is_usage() -%}
    line_item_line_item_type in ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage')
{%- endmacro %}

{#-
    Negotiated discounts as lines of their own. Where the net columns hold them already, the line's
    own net cost is 0 and the line says nothing more: it is netted. Where there are no net columns,
    or a discount has a net cost of its own, the line is cash and stays, as an adjustment: it is no
    credit, because nobody granted it for a reason outside the price.
-#}
{% macro cur_is_netted_discount() -%}
    (
        line_item_line_item_type like '%Discount'
        and coalesce(line_item_net_unblended_cost = 0, false)
    )
{%- endmacro %}

{#- The lines that stay lines; neither a negation nor a discount that net costs hold. -#}
{% macro cur_is_kept() -%}
    coalesce(not {{ cur_is_netted_discount() }} and not {{ cur_is_negation() }}, true)
{%- endmacro %}

{#- The plan or reservation that a line is about; on-demand usage is about none. -#}
{% macro cur_commitment_id() -%}
    case
        when line_item_line_item_type like 'SavingsPlan%' then savings_plan_savings_plan_a_r_n
        when line_item_line_item_type in ('DiscountedUsage', 'RIFee')
            then reservation_reservation_a_r_n
        when line_item_line_item_type in ('Fee', 'Refund')
            then coalesce(savings_plan_savings_plan_a_r_n, reservation_reservation_a_r_n)
    end
{%- endmacro %}

{#- What pays for future usage: billed, and never effective, whenever it is paid. -#}
{% macro cur_is_commitment_fee() -%}
    (
        line_item_line_item_type in ('RIFee', 'SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee')
        or (
            line_item_line_item_type in ('Fee', 'Refund')
            and {{ cur_commitment_id() }} is not null
        )
    )
{%- endmacro %}

{% macro cur_charge_category() -%}
    case
        when {{ cur_is_usage() }} then 'Usage'
        when line_item_line_item_type in (
            'Fee', 'RIFee', 'SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee'
        ) then 'Purchase'
        when line_item_line_item_type in ('Tax', 'Credit') then line_item_line_item_type
        when line_item_line_item_type = 'Refund'
            then case when {{ cur_is_commitment_fee() }} then 'Purchase' else 'Usage' end
        else 'Adjustment'
    end
{%- endmacro %}

{#- A refund corrects an invoiced period, and so does usage of a month before the billed one. -#}
{% macro cur_is_late_usage() -%}
    (
        {{ cur_is_usage() }}
        and line_item_usage_start_date < cast(billing_month as {{ timestamp_type() }})
        and coalesce(line_item_usage_end_date, line_item_usage_start_date)
        <= cast(billing_month as {{ timestamp_type() }})
    )
{%- endmacro %}

{#- Covered usage is paid by its plan; the negation takes its on-demand cost back. -#}
{% macro cur_billed_cost() -%}
    case when {{ cur_is_covered() }} then cast(0 as decimal(38,18)) else {{ cur_cash() }} end
{%- endmacro %}

{% macro cur_effective_cost() -%}
    case
        when {{ cur_is_covered() }} then coalesce(
            savings_plan_net_savings_plan_effective_cost, savings_plan_savings_plan_effective_cost
        )
        when {{ cur_is_reserved() }}
            then coalesce(reservation_net_effective_cost, reservation_effective_cost)
        when {{ cur_is_commitment_fee() }} then cast(0 as decimal(38,18))
        else {{ cur_cash() }}
    end
{%- endmacro %}

{#- The public price, where it is in the currency of the bill. -#}
{% macro cur_public_cost() -%}
    case
        when coalesce(pricing_currency, line_item_currency_code) = line_item_currency_code
            then pricing_public_on_demand_cost
    end
{%- endmacro %}

{#- A reserved line states no on-demand cost but the public one: without that it has none. -#}
{% macro cur_list_cost() -%}
    case
        when {{ cur_is_reserved() }} then {{ cur_public_cost() }}
        when {{ cur_is_usage() }} then coalesce({{ cur_public_cost() }}, line_item_unblended_cost)
        when {{ cur_charge_category() }} = 'Purchase' then line_item_unblended_cost
        else {{ cur_cash() }}
    end
{%- endmacro %}

{#- At negotiated prices and without commitments. -#}
{% macro cur_contracted_cost() -%}
    case when {{ cur_is_reserved() }} then {{ cur_public_cost() }} else {{ cur_cash() }} end
{%- endmacro %}

{#-
    What a line takes from its plan in money, or from its reservation in hours; what a fee buys. A
    plan's fees buy what they bill, so that those of a term come to the commitment; hours of a
    reservation that any size may use count by size.
-#}
{% macro cur_commitment_quantity() -%}
    case
        when {{ cur_commitment_id() }} is null then null
        when {{ cur_is_covered() }} then savings_plan_savings_plan_effective_cost
        when line_item_line_item_type like 'SavingsPlan%' then line_item_unblended_cost
        else coalesce(nullif(line_item_normalized_usage_amount, 0), line_item_usage_amount)
    end
{%- endmacro %}

{% macro cur_is_spot() -%}
    (
        line_item_usage_type like '%SpotUsage%'
        or coalesce(pricing_purchase_option = 'Spot', false)
        or coalesce(pricing_term = 'Spot', false)
    )
{%- endmacro %}

{#- What a fee line's reservation or plan left unused in the line's period, before discounts. -#}
{% macro cur_unused_cost() -%}
    case line_item_line_item_type
        when 'RIFee' then {{ amount_plus(
            'coalesce(reservation_unused_amortized_upfront_fee_for_billing_period, 0)',
            'coalesce(reservation_unused_recurring_fee, 0)'
        ) }}
        when 'SavingsPlanRecurringFee' then {{ amount_minus(
            'savings_plan_total_commitment_to_date', 'coalesce(savings_plan_used_commitment, 0)'
        ) }}
    end
{%- endmacro %}

{% macro cur_has_unused() -%}
    (
        line_item_line_item_type in ('RIFee', 'SavingsPlanRecurringFee')
        and coalesce({{ cur_unused_cost() }} > 0, false)
    )
{%- endmacro %}

{#-
    The same after discounts. A reservation states it; of a plan, the discount on its whole fee is
    shared by what was left unused.
-#}
{% macro cur_unused_effective_cost() -%}
    {%- set fee = amount_plus(
        'coalesce(savings_plan_amortized_upfront_commitment_for_billing_period, 0)',
        'coalesce(savings_plan_recurring_commitment_for_billing_period, 0)'
    ) -%}
    {%- set net_fee = amount_plus(
        'coalesce(savings_plan_net_amortized_upfront_commitment_for_billing_period,'
        ~ ' savings_plan_amortized_upfront_commitment_for_billing_period, 0)',
        'coalesce(savings_plan_net_recurring_commitment_for_billing_period,'
        ~ ' savings_plan_recurring_commitment_for_billing_period, 0)'
    ) -%}
    {%- set weight = 'cast(' ~ cost_weight(net_fee) ~ ' as ' ~ wide_integer_type() ~ ')' -%}
    {%- set whole = 'cast(' ~ cost_weight(fee) ~ ' as ' ~ wide_integer_type() ~ ')' -%}
    case
        when line_item_line_item_type = 'RIFee' then {{ amount_plus(
            'coalesce(reservation_net_unused_amortized_upfront_fee_for_billing_period,'
            ~ ' reservation_unused_amortized_upfront_fee_for_billing_period, 0)',
            'coalesce(reservation_net_unused_recurring_fee, reservation_unused_recurring_fee, 0)'
        ) }}
        when {{ net_fee }} < {{ fee }} and {{ cost_weight(fee) }} > 0
            then {{ units_to_amount(mul_div(cur_unused_cost(), weight, whole)) }}
        else {{ cur_unused_cost() }}
    end
{%- endmacro %}

{#- Split cost allocation: a container's line, without cash of its own, that names its machine. -#}
{% macro cur_is_split() -%}
    (
        split_line_item_parent_resource_id is not null
        and coalesce(split_line_item_net_split_cost, split_line_item_split_cost) is not null
        and coalesce({{ cur_cash() }}, 0) = 0
    )
{%- endmacro %}

{#- A line that bills the machine itself: its traffic and its disks bear the same resource id. -#}
{% macro cur_is_machine() -%}
    (
        line_item_product_code = 'AmazonEC2'
        and {{ cur_is_usage() }}
        and line_item_operation like 'RunInstances%'
        and (
            line_item_usage_type like '%BoxUsage%'
            or line_item_usage_type like '%SpotUsage%'
            or line_item_usage_type like '%DedicatedUsage%'
        )
        and split_line_item_parent_resource_id is null
    )
{%- endmacro %}

{#- A cost as a whole number of 1e-12: a container's hour may cost a millionth. -#}
{% macro cur_split_weight(cost) -%}
    {{ return(adapter.dispatch('cur_split_weight')(cost)) }}
{%- endmacro %}
{% macro default__cur_split_weight(cost) -%}
    cast(round(greatest(coalesce({{ cost }}, 0), 0) * 1000000000000, 0) as decimal(38,0))
{%- endmacro %}
{% macro spark__cur_split_weight(cost) -%}
    cast(
        cast(round(greatest(coalesce({{ cost }}, 0), 0), 12) as decimal(24,12))
        * cast(1000000000000 as decimal(13,0)) as decimal(38,0)
    )
{%- endmacro %}

{#- Some lines end at the last second of their period; FOCUS ends are exclusive. -#}
{% macro cur_is_inclusive_end() -%}
    coalesce(
        extract(second from line_item_usage_end_date) = 59
        and extract(minute from line_item_usage_end_date) = 59, false
    )
{%- endmacro %}

{#- Sold by another company than AWS: on a marketplace line the legal entity is the seller. -#}
{% macro cur_is_third_party() -%}
    (
        {{ cur_is_marketplace() }}
        and coalesce(line_item_legal_entity, 'AWS') not like 'Amazon%'
        and coalesce(line_item_legal_entity, 'AWS') not like 'AWS%'
    )
{%- endmacro %}
