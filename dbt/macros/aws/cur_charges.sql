{#-
    FOCUS charges of the Cost and Usage Report, legacy or 2.0: one projection over the lines that
    stay, and few lines made from few groups beside it.

    - lines: every line but negations, netted discounts, and machines that containers replace.
    - unused: one line per fee line whose reservation or plan was not used up.
    - residues: what covered usage and its negations leave, per account, plan and day.
    - allocated: machines shared by split cost allocation; only where an export has its columns.

    The report and the maps are named wherever they are read, in place of import CTEs: where a CTE
    is read twice, DuckDB holds it as a whole and computes every column that nobody asks for.

    Args:
        staged: model with the columns of cur_columns().
        has_splits: whether any current delivery has split cost allocation.
-#}
{% macro cur_charges(staged, has_splits) -%}
with regions as (
    select
        region_id as region_key,
        max(region_name) as region_name
    from {{ ref('region_map') }}
    where provider = 'aws'
    group by region_id
),
{% if has_splits %}
{{ cur_split_groups(staged) }},

{{ cur_split_lines() }},
{% endif %}
lines as (
    select
        {{ cur_row() }}
    from {{ staged }} as staged
    {%- if has_splits %}
    anti join split_groups
        on
            staged.source_name = split_groups.source_name
            and staged.billing_month = split_groups.billing_month
            and {{ cur_split_group() }} = split_groups.split_group
    {%- endif %}
    where {{ cur_is_kept() }}
),

unused as (
    select
        {{ cur_row({
            'line_key': "concat(" ~ cur_line_key() ~ ", '|unused')",
            'billed_cost': 'cast(0 as decimal(38,18))',
            'effective_cost': cur_unused_effective_cost(),
            'list_cost': 'cast(0 as decimal(38,18))',
            'contracted_cost': 'cast(0 as decimal(38,18))',
            'charge_category': "'Usage'",
            'charge_frequency': "'Usage-Based'",
            'pricing_category': "'Committed'",
            'commitment_status': "'Unused'",
            'commitment_quantity': cur_unused_commitment_quantity(),
            'commitment_unit': cur_unit_of_commitment('reservation_unused_normalized_unit_quantity'),
            'pricing_quantity': cur_unused_quantity(),
            'pricing_unit': cur_unit_of_commitment('0'),
            'consumed_quantity': 'cast(null as decimal(38,18))',
            'list_rate': 'cast(null as decimal(38,18))',
            'contracted_rate': 'cast(null as decimal(38,18))',
            'changes': "concat_ws(',', " ~ repair('UnusedCommitment') ~ ', case when '
                ~ cur_is_inclusive_end() ~ ' then ' ~ repair('InclusiveEnd') ~ ' end)',
        }) }}
    from {{ staged }} as staged
    where {{ cur_has_unused() }}
),

negated as (
    {{ cur_negation_residues(staged) }}
),

residues as (
    select
        {{ cur_row(cur_residue_columns()) }}
    from negated
),

charges as (
    select * from lines
    union all
    select * from unused
    union all
    select * from residues
    {%- if has_splits %}
    union all
    select * from allocated
    {%- endif %}
),

-- What no word leads to is Other, but for a seller's product: that one has a seller.
located as (
    {{ with_service(
        'charges', '(' ~ services_of('aws') ~ ')',
        ['line_item_product_code', 'product_product_name']
    ) }}
),

measured as (
    {{ with_units('located', '(' ~ units_of('aws') ~ ')', {
        'pricing_unit': 'focus_pricing_unit',
        'commitment_unit': 'focus_commitment_unit',
    }) }}
),

conformed as (
    {{ cur_focus_columns('measured') }}
)

select
    {{ charge_columns() | join(',\n    ') }}
from conformed
{%- endmacro %}

{% macro cur_line_key() -%}
    concat(identity_line_item_id, '|', identity_time_interval)
{%- endmacro %}

{#-
    One row on its way to FOCUS: columns of the report that name things, and what the rules say.

    Args:
        instead: expressions by column, in place of what a line of the report says.
-#}
{% macro cur_row(instead={}) -%}
    {%- set rules = {
        'region_code': 'coalesce(product_region_code, product_region, product_from_region_code)',
        'line_key': cur_line_key(),
        'charge_start':
            'coalesce(line_item_usage_start_date, cast(billing_month as '
            ~ timestamp_type() ~ '))',
        'charge_end':
            'case when ' ~ cur_is_inclusive_end()
            ~ ' then line_item_usage_end_date + interval 1 second'
            ~ ' else coalesce(line_item_usage_end_date, cast(billing_month as '
            ~ timestamp_type() ~ ') + interval 1 month) end',
        'charge_category': cur_charge_category(),
        'charge_class':
            "case when line_item_line_item_type = 'Refund' or " ~ cur_is_late_usage()
            ~ " then 'Correction' end",
        'charge_frequency': cur_charge_frequency(),
        'pricing_category': cur_pricing_category(),
        'commitment_id': cur_commitment_id(),
        'commitment_status':
            'case when ' ~ cur_is_covered() ~ ' or ' ~ cur_is_reserved() ~ " then 'Used' end",
        'commitment_quantity': cur_commitment_quantity(),
        'commitment_unit': cur_commitment_unit(),
        'billed_cost': cur_billed_cost(),
        'effective_cost': cur_effective_cost(),
        'list_cost': cur_list_cost(),
        'contracted_cost': cur_contracted_cost(),
        'pricing_unit': 'case when ' ~ cur_has_quantity() ~ ' then pricing_unit end',
        'pricing_quantity': 'case when ' ~ cur_has_quantity() ~ ' then line_item_usage_amount end',
        'consumed_quantity':
            'case when ' ~ cur_has_quantity() ~ ' and ' ~ cur_is_usage()
            ~ ' then line_item_usage_amount end',
        'list_rate': 'case when ' ~ cur_is_usage() ~ ' then pricing_public_on_demand_rate end',
        'contracted_rate':
            'case when ' ~ cur_is_reserved() ~ ' then pricing_public_on_demand_rate when '
            ~ cur_is_usage()
            ~ ' then coalesce(line_item_net_unblended_rate, line_item_unblended_rate) end',
        'is_committed_spend': "coalesce(line_item_line_item_type like 'SavingsPlan%'"
            ~ ' or savings_plan_savings_plan_a_r_n is not null, false)',
        'changes': cur_changes(),
    } -%}
    {%- for name in cur_named_columns() %}
        {{ instead.get(name, name) }} as {{ name }},
    {%- endfor %}
    {%- for name, rule in rules.items() %}
        {{ instead.get(name, rule) }} as {{ name }},
    {%- endfor %}
    {%- for name in cur_allocated_columns() %}
        {{ instead.get(name, 'cast(null as ' ~ varchar_type() ~ ')') }} as {{ name }}
        {{- ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- Columns of the report that are passed on as they are. -#}
{% macro cur_named_columns() -%}
    {{ return([
        'source_name', 'billing_month', 'delivery_id', 'provider_columns',
        'bill_invoice_id', 'bill_invoicing_entity', 'bill_billing_entity',
        'bill_payer_account_id', 'bill_payer_account_name',
        'line_item_usage_account_id', 'line_item_usage_account_name',
        'line_item_line_item_type', 'line_item_product_code', 'line_item_usage_type',
        'line_item_operation', 'line_item_availability_zone', 'line_item_resource_id',
        'line_item_currency_code', 'line_item_line_item_description', 'line_item_legal_entity',
        'pricing_currency', 'pricing_rate_code',
        'product_product_name', 'product_sku', 'product_instance_type',
        'product_instance_family', 'product_vcpu', 'product_memory', 'product_operating_system',
        'savings_plan_offering_type',
        'capacity_reservation_capacity_reservation_arn',
        'capacity_reservation_capacity_reservation_status',
        'resource_tags', 'resource_tags_unread', 'cost_category', 'discount',
    ]) }}
{%- endmacro %}

{% macro cur_allocated_columns() -%}
    {{ return(['allocated_method_id', 'allocated_method_details', 'allocated_resource_id',
        'allocated_tags']) }}
{%- endmacro %}

{#- Whatever can be added up: what a shared line shares. -#}
{% macro cur_measures() -%}
    {{ return(['billed_cost', 'effective_cost', 'list_cost', 'contracted_cost',
        'pricing_quantity', 'consumed_quantity', 'commitment_quantity']) }}
{%- endmacro %}

{#- What estimates of a machine's line count. -#}
{% macro cur_hours() -%}
    {{ return(['pricing_quantity', 'consumed_quantity']) }}
{%- endmacro %}

{% macro cur_charge_frequency() -%}
    case
        when {{ cur_is_usage() }} then 'Usage-Based'
        when line_item_line_item_type in ('RIFee', 'SavingsPlanRecurringFee') then 'Recurring'
        when line_item_line_item_type = 'Fee' and {{ cur_commitment_id() }} is null
            and coalesce(bill_bill_type, '') <> 'Purchase' then 'Recurring'
        else 'One-Time'
    end
{%- endmacro %}

{% macro cur_pricing_category() -%}
    case
        when {{ cur_is_covered() }} or {{ cur_is_reserved() }} then 'Committed'
        when {{ cur_charge_category() }} not in ('Usage', 'Purchase') then null
        when {{ cur_is_spot() }} then 'Dynamic'
        else 'Standard'
    end
{%- endmacro %}

{#- FOCUS has a unit wherever it has a quantity; money charges and refunds have neither. -#}
{% macro cur_has_quantity() -%}
    (
        pricing_unit is not null
        and (
            {{ cur_is_usage() }}
            or line_item_line_item_type in (
                'Fee', 'RIFee', 'SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee'
            )
        )
    )
{%- endmacro %}

{% macro cur_commitment_unit() -%}
    case
        when {{ cur_commitment_quantity() }} is null then null
        else {{ cur_unit_of_commitment('line_item_normalized_usage_amount') }}
    end
{%- endmacro %}

{#- Money for a plan; hours for a reservation, by size where there is a quantity by size. -#}
{% macro cur_unit_of_commitment(by_size) -%}
    case
        when savings_plan_savings_plan_a_r_n is not null then line_item_currency_code
        when {{ by_size }} <> 0 then 'Normalized Hours'
        else coalesce(pricing_unit, 'Hours')
    end
{%- endmacro %}

{#- A plan's rest in money; of a reservation, the hours that AWS counts as unused. -#}
{% macro cur_unused_quantity() -%}
    case line_item_line_item_type
        when 'SavingsPlanRecurringFee' then {{ cur_unused_cost() }}
        else reservation_unused_quantity
    end
{%- endmacro %}

{#- The same as the reservation is counted. -#}
{% macro cur_unused_commitment_quantity() -%}
    coalesce(
        case
            when line_item_line_item_type = 'RIFee'
                then nullif(reservation_unused_normalized_unit_quantity, 0)
        end,
        {{ cur_unused_quantity() }}
    )
{%- endmacro %}

{% macro cur_changes() -%}
    nullif(concat_ws(
        ',',
        case when {{ cur_is_late_usage() }} then {{ repair('LateUsage') }} end,
        case when {{ cur_is_inclusive_end() }} then {{ repair('InclusiveEnd') }} end,
        case when resource_tags_unread is not null then 'TagsInvalid' end,
        case when {{ cur_is_split() }} then {{ repair('SplitWithoutParent') }} end,
        case when {{ cur_list_cost() }} is null then 'MissingListCost' end,
        case when {{ cur_contracted_cost() }} is null then 'MissingContractedCost' end
    ), '')
{%- endmacro %}

{#- Covered usage and negations by account, plan and day, where they don't cancel out. -#}
{% macro cur_negation_residues(staged) -%}
    select
        source_name,
        billing_month,
        {{ cur_residue_key() | join(',\n        ') }},
        cast(date_trunc('day', line_item_usage_start_date) as {{ timestamp_type() }})
            as residue_day,
        max(delivery_id) as delivery_id,
        max(bill_invoice_id) as bill_invoice_id,
        max(bill_invoicing_entity) as bill_invoicing_entity,
        max(bill_billing_entity) as bill_billing_entity,
        max(bill_payer_account_name) as bill_payer_account_name,
        max(line_item_usage_account_name) as line_item_usage_account_name,
        max(line_item_legal_entity) as line_item_legal_entity,
        max(line_item_product_code) as line_item_product_code,
        max(product_product_name) as product_product_name,
        sum({{ cur_cash() }}) as residue
    from {{ staged }}
    where {{ cur_is_covered() }} or {{ cur_is_negation() }}
    group by
        source_name,
        billing_month,
        {{ cur_residue_key() | join(',\n        ') }},
        cast(date_trunc('day', line_item_usage_start_date) as {{ timestamp_type() }})
    having sum({{ cur_cash() }}) <> 0
{%- endmacro %}

{% macro cur_residue_key() -%}
    {{ return(['bill_payer_account_id', 'line_item_usage_account_id',
        'savings_plan_savings_plan_a_r_n', 'line_item_currency_code']) }}
{%- endmacro %}

{% macro cur_residue_columns() -%}
    {%- set absent = 'cast(null as ' ~ varchar_type() ~ ')' -%}
    {%- set nothing = 'cast(null as decimal(38,18))' -%}
    {%- set columns = {} -%}
    {%- for name in cur_named_columns() if name not in [
        'source_name', 'billing_month', 'delivery_id', 'bill_invoice_id', 'bill_invoicing_entity',
        'bill_billing_entity', 'bill_payer_account_id', 'bill_payer_account_name',
        'line_item_usage_account_id', 'line_item_usage_account_name', 'line_item_currency_code',
        'line_item_legal_entity', 'line_item_product_code', 'product_product_name',
    ] -%}
        {%- do columns.update({name: absent}) -%}
    {%- endfor -%}
    {%- do columns.update({
        'line_item_line_item_type': "'SavingsPlanNegation'",
        'line_item_line_item_description':
            "'What usage covered by a savings plan and its negation leave'",
        'region_code': absent,
        'line_key': "concat_ws('|', 'negation', bill_payer_account_id, line_item_usage_account_id,"
            ~ " savings_plan_savings_plan_a_r_n, line_item_currency_code, cast(residue_day as "
            ~ varchar_type() ~ '))',
        'charge_start': 'residue_day',
        'charge_end': 'residue_day + interval 1 day',
        'charge_category': "'Adjustment'",
        'charge_class': absent,
        'charge_frequency': "'One-Time'",
        'pricing_category': absent,
        'commitment_id': absent,
        'commitment_status': absent,
        'commitment_quantity': nothing,
        'commitment_unit': absent,
        'billed_cost': 'residue',
        'effective_cost': 'residue',
        'list_cost': 'residue',
        'contracted_cost': 'residue',
        'pricing_unit': absent,
        'pricing_quantity': nothing,
        'consumed_quantity': nothing,
        'list_rate': nothing,
        'contracted_rate': nothing,
        'is_committed_spend': 'true',
        'changes': repair('NegationResidue'),
    }) -%}
    {{ return(columns) }}
{%- endmacro %}
