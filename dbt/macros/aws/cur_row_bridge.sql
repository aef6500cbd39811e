{#-
    Lines of the report that are no line of the fact, and the other way round, counted by rule from
    the report itself.

    Args: as cur_charges.
-#}
{% macro cur_row_bridge(staged, has_splits) -%}
with negated as (
    {{ cur_negation_residues(staged) }}
),
{% if has_splits %}
{{ cur_split_groups(staged) }},
{% endif %}
counted as (
    select
        source_name,
        billing_month,
        count(case when {{ cur_is_negation() }} then 1 end) as negations,
        count(case when {{ cur_is_netted_discount() }} then 1 end) as discounts,
        count(case when {{ cur_has_unused() }} then 1 end) as unused
    from {{ staged }}
    group by source_name, billing_month
),

residues as (
    select
        source_name,
        billing_month,
        count(*) as residues
    from negated
    group by source_name, billing_month
),
{% if has_splits %}
splits as (
    select
        source_name,
        billing_month,
        sum(machine_lines) as machine_lines,
        sum((machine_lines - 1) * container_lines) as further_shares,
        sum(case when idle_weight > 0 then machine_lines else 0 end) as remainders
    from split_groups
    group by source_name, billing_month
),
{% endif %}
steps as (
    {{ cur_bridge_step(
        'counted', 'negations', 'netted', '-', 'negations of usage that a savings plan covers'
    ) }}
    union all
    {{ cur_bridge_step(
        'counted', 'discounts', 'netted', '-', 'discounts that the net costs hold already'
    ) }}
    union all
    {{ cur_bridge_step(
        'counted', 'unused', 'synthesised', '', 'commitments that a fee paid and nobody used'
    ) }}
    union all
    {{ cur_bridge_step(
        'residues', 'residues', 'synthesised', '',
        'what covered usage and its negations leave'
    ) }}
    {%- if has_splits %}
    union all
    {{ cur_bridge_step(
        'splits', 'machine_lines', 'replaced', '-',
        'machines shared by split cost allocation'
    ) }}
    union all
    {{ cur_bridge_step(
        'splits', 'further_shares', 'split off', '',
        'containers that share more than one line of their machine'
    ) }}
    union all
    {{ cur_bridge_step(
        'splits', 'remainders', 'split off', '', 'shares of machines that no container used'
    ) }}
    {%- endif %}
)

select
    source_name,
    billing_month,
    step,
    reason,
    rows
from steps
where rows <> 0
{%- endmacro %}

{% macro cur_bridge_step(relation, count, step, sign, reason) -%}
    select
        source_name,
        billing_month,
        '{{ step }}' as step,
        '{{ reason }}' as reason,
        cast({{ sign }}{{ count }} as bigint) as rows
    from {{ relation }}
{%- endmacro %}
