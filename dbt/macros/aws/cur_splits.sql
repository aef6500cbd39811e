{#-
    Split cost allocation: AWS adds a line per container, processor and memory apart, without cash
    of its own, that names its machine and what of the machine's cost it takes. The lines of the
    machine are replaced by these shares; what AWS calls unused is a share that stays with it.

    Every measure of a machine's line is shared by the same weights, and the shares add up to it.
    Hours are shared in whole millionths, so that the estimates of the shares, which count hours in
    millionths too, add up to what the machine's line would have.
-#}

{#- Machine and period of a line that takes part; NULL for any other line. -#}
{% macro cur_split_group() -%}
    case
        when {{ cur_is_split() }} or {{ cur_is_machine() }} then concat_ws(
            '|', bill_payer_account_id, line_item_usage_account_id,
            coalesce(split_line_item_parent_resource_id, line_item_resource_id),
            cast(line_item_usage_start_date as {{ varchar_type() }})
        )
    end
{%- endmacro %}

{% macro cur_split_cost() -%}
    coalesce(split_line_item_net_split_cost, split_line_item_split_cost)
{%- endmacro %}

{% macro cur_idle_cost() -%}
    coalesce(split_line_item_net_unused_cost, split_line_item_unused_cost)
{%- endmacro %}

{#-
    A share of a machine's hours: of its whole millionths what cumulative_shares gives, and what is
    below a millionth to the last that has a weight. The shares add up to the hours. Bounds of
    mul_div.
-#}
{% macro cur_share_of_hours(hours, weight, reached, whole) -%}
    {%- set size = 'abs(' ~ hours ~ ')' -%}
    {%- set millionth = wide_integer('1000000000000') -%}
    {{ with_sign_of(hours, units_to_amount(
        '(' ~ cur_millionths_up_to(size, wide_integer(reached), wide_integer(whole))
        ~ ' - (' ~ cur_millionths_up_to(
            size, wide_integer(reached ~ ' - ' ~ weight), wide_integer(whole)
        ) ~ ')) * ' ~ millionth
        ~ ' + case when ' ~ weight ~ ' > 0 and ' ~ reached ~ ' = ' ~ whole
        ~ ' then ' ~ fraction_units(size) ~ ' % ' ~ millionth ~ ' else 0 end'
    )) }}
{%- endmacro %}

{#- Whole millionths that the first `reached` of `whole` earn, by long division with two limbs. -#}
{% macro cur_millionths_up_to(hours, reached, whole) -%}
    {%- set million = wide_integer('1000000') -%}
    {%- set high = whole_part(hours) ~ ' * ' ~ reached -%}
    {%- set low = quotient(fraction_units(hours), wide_integer('1000000000000')) -%}
    {{ quotient(high, whole) }} * {{ million }} + {{ quotient(
        '(' ~ high ~ ') % ' ~ whole ~ ' * ' ~ million ~ ' + ' ~ low ~ ' * ' ~ reached, whole
    ) }}
{%- endmacro %}

{#- Machines with lines and containers; without a cost to share by, nothing is replaced. -#}
{% macro cur_split_groups(staged) -%}
split_candidates as (
    select
        *,
        {{ cur_split_group() }} as split_group,
        {{ cur_is_split() }} as is_container,
        case when {{ cur_is_split() }} then {{ cur_split_weight(cur_split_cost()) }} end
            as split_weight,
        case when {{ cur_is_split() }} then {{ cur_split_weight(cur_idle_cost()) }} end
            as idle_weight
    from {{ staged }}
    where {{ cur_is_split() }} or {{ cur_is_machine() }}
),

split_groups as (
    select
        source_name,
        billing_month,
        split_group,
        count(case when not is_container then 1 end) as machine_lines,
        count(case when is_container then 1 end) as container_lines,
        cast(sum(split_weight) as decimal(38,0)) as split_weight,
        cast(sum(idle_weight) as decimal(38,0)) as idle_weight
    from split_candidates
    group by source_name, billing_month, split_group
    having
        count(case when not is_container then 1 end) > 0
        and count(case when is_container then 1 end) > 0
        and sum(split_weight) > 0
)
{%- endmacro %}

{% macro cur_split_lines() -%}
    {%- set kept = [] -%}
    {%- for name in cur_row_names() if name not in cur_measures() + cur_allocated_columns()
        + ['line_key', 'changes'] -%}
        {%- do kept.append(name) -%}
    {%- endfor -%}
machine_lines as (
    select
        {{ cur_row() }},
        split_group
    from split_candidates
    where not is_container
),

-- One member per container line, in the order of its key, and one for what no container used.
members as (
    select
        containers.source_name,
        containers.billing_month,
        containers.split_group,
        concat(containers.identity_line_item_id, '|', containers.identity_time_interval)
            as member_key,
        containers.line_item_resource_id as allocated_resource_id,
        containers.resource_tags as allocated_tags,
        containers.line_item_usage_type as allocated_unit,
        containers.split_line_item_split_usage as allocated_usage,
        containers.split_weight as weight,
        sum(containers.split_weight) over (
            partition by containers.source_name, containers.billing_month, containers.split_group
            order by
                containers.identity_line_item_id,
                containers.identity_time_interval,
                containers.line_item_usage_type,
                containers.split_weight
            rows between unbounded preceding and current row
        ) as reached,
        split_groups.split_weight + split_groups.idle_weight as whole
    from split_candidates as containers
    inner join split_groups
        on
            containers.source_name = split_groups.source_name
            and containers.billing_month = split_groups.billing_month
            and containers.split_group = split_groups.split_group
    where containers.is_container
    union all
    select
        source_name,
        billing_month,
        split_group,
        'remainder' as member_key,
        cast(null as {{ varchar_type() }}) as allocated_resource_id,
        cast(null as {{ varchar_type() }}) as allocated_tags,
        cast(null as {{ varchar_type() }}) as allocated_unit,
        cast(null as decimal(38,18)) as allocated_usage,
        idle_weight as weight,
        split_weight + idle_weight as reached,
        split_weight + idle_weight as whole
    from split_groups
    where idle_weight > 0
),

to_share as (
    select
        machine_lines.{{ cur_row_names()
            | reject('in', cur_allocated_columns() + cur_hours() + ['line_key', 'changes'])
            | join(',\n        machine_lines.') }},
        {%- for hours in cur_hours() %}
        {{ cur_share_of_hours(
            'machine_lines.' ~ hours, 'members.weight', 'members.reached', 'members.whole'
        ) }} as {{ hours }},
        {%- endfor %}
        concat(machine_lines.line_key, '|', members.member_key) as line_key,
        case
            when members.member_key = 'remainder' then {{ repair('SplitRemainder') }}
            else {{ repair('SplitCostAllocation') }}
        end as split_change,
        machine_lines.changes as machine_changes,
        'aws-split-cost-allocation' as allocated_method_id,
        members.allocated_unit,
        members.allocated_usage,
        members.allocated_resource_id,
        members.allocated_tags,
        members.weight,
        members.reached,
        members.whole,
        cast(1 as decimal(38,18)) as allocated_ratio
    from machine_lines
    inner join members
        on
            machine_lines.source_name = members.source_name
            and machine_lines.billing_month = members.billing_month
            and machine_lines.split_group = members.split_group
),

shared as (
    {{ cumulative_shares(
        relation='to_share', weight='weight', cumulative_weight='reached', sum_of_weights='whole',
        measures=(cur_measures() | reject('in', cur_hours()) | list) + ['allocated_ratio'],
        keep=kept + cur_hours() + ['line_key', 'split_change', 'machine_changes', 'allocated_method_id',
            'allocated_unit', 'allocated_usage', 'allocated_resource_id', 'allocated_tags'],
    ) }}
),

allocated as (
    select
        {%- for name in cur_row_names() %}
        {%- if name == 'changes' %}
        concat_ws(',', split_change, machine_changes) as changes
        {%- elif name == 'allocated_method_details' %}
        concat('{"Elements":[', {{ keyed_json(
            ['allocated_ratio', 'allocated_usage', 'allocated_unit'],
            ['AllocatedRatio', 'UsageQuantity', 'UsageUnit'],
            {'allocated_ratio': 'DECIMAL(38,18)', 'allocated_usage': 'DECIMAL(38,18)'}
        ) }}, ']}') as allocated_method_details
        {%- else %}
        {{ name }}
        {%- endif %}{{ ',' if not loop.last }}
        {%- endfor %}
    from shared
)
{%- endmacro %}

{#- The names that cur_row gives, in its order. -#}
{% macro cur_row_names() -%}
    {{ return(cur_named_columns() + [
        'region_code', 'line_key', 'charge_start', 'charge_end', 'charge_category', 'charge_class',
        'charge_frequency', 'pricing_category', 'commitment_id', 'commitment_status',
        'commitment_quantity', 'commitment_unit', 'billed_cost', 'effective_cost', 'list_cost',
        'contracted_cost', 'pricing_unit', 'pricing_quantity', 'consumed_quantity', 'list_rate',
        'contracted_rate', 'is_committed_spend', 'changes',
    ] + cur_allocated_columns()) }}
{%- endmacro %}

{#- A delivery with one of these has split cost allocation. -#}
{% macro cur_split_columns() -%}
    {{ return(['split_line_item_parent_resource_id', 'splitLineItem/ParentResourceId']) }}
{%- endmacro %}
