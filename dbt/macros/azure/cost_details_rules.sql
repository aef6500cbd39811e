{#-
    The two facts that sort a line of Azure cost details.

    Bought: a purchase or refund of a reservation or savings plan. Only actual cost has it.
    Covered: usage under one, or what of it stayed unused. Only amortised cost gives it a cost.
-#}
{% macro azure_is_bought() -%}
    (
        coalesce(charge_type, '') in ('purchase', 'refund')
        and coalesce(pricing_model, '') in ('reservation', 'savingsplan')
    )
{%- endmacro %}

{% macro azure_is_unused() -%}
    coalesce(charge_type, '') in ('unusedreservation', 'unusedsavingsplan')
{%- endmacro %}

{% macro azure_is_covered() -%}
    (
        coalesce(pricing_model, '') in ('reservation', 'savingsplan')
        and not {{ azure_is_bought() }}
        or {{ azure_is_unused() }}
    )
{%- endmacro %}

{#-
    Usage of a day before the billing period of its line: of a period that is invoiced already. A
    period needn't be a calendar month, so the line's own start counts where it states one.
-#}
{% macro azure_is_late_usage() -%}
    (
        charge_category = 'Usage'
        and charge_date < coalesce(
            BillingPeriodStartDate, cast(billing_month as {{ timestamp_type() }})
        )
    )
{%- endmacro %}

{#- Kinds of charge that the mapping knows. -#}
{% macro azure_charge_type_is_known() -%}
    coalesce(charge_type, 'usage') in (
        'usage', 'purchase', 'tax', 'credit', 'refund', 'adjustment', 'roundingadjustment',
        'unusedreservation', 'unusedsavingsplan'
    )
{%- endmacro %}

{#- What the conversion had to fill in, beside repairs of tags. -#}
{% macro azure_cost_details_repairs() -%}
    case
        when stated_contracted_cost is null and is_priced
            then {{ repair('FilledContractedCost') }}
    end,
    case when stated_list_cost is null and is_priced then {{ repair('FilledListCost') }} end,
    case
        when block_size is null and UnitOfMeasure is not null and is_counted
            then {{ repair('UnmappedUnit') }}
    end,
    case
        when not {{ azure_charge_type_is_known() }} then {{ repair('UnknownChargeType') }}
    end,
    case when {{ azure_is_late_usage() }} then {{ repair('LateUsage') }} end
{%- endmacro %}
