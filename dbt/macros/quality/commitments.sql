{#- What int_commitments__monthly adds up of a commitment's charge lines: every line's billed and
    effective cost stands in one measure each, and in the total. -#}
{% macro commitment_measures() -%}
    {{ return([
        'purchased_billed_cost', 'refunded_billed_cost', 'other_billed_cost',
        'used_effective_cost', 'unused_effective_cost', 'refunded_effective_cost',
        'other_effective_cost', 'billed_cost', 'effective_cost',
    ]) }}
{%- endmacro %}

{#- Sum of a commitment's months up to and with the present one. -#}
{% macro amount_running_sum(amount, keys) -%}
    cast(
        sum({{ amount }}) over (
            partition by {{ keys | join(', ') }}
            order by billing_month
            rows between unbounded preceding and current row
        ) as decimal(38, 18)
    )
{%- endmacro %}

{#- Sum of all months of a commitment. -#}
{% macro amount_sum_of_life(amount, keys) -%}
    cast(
        sum({{ amount }}) over (
            partition by {{ keys | join(', ') }}
        ) as decimal(38, 18)
    )
{%- endmacro %}

{#-
    The prepaid balance of every commitment from month to month.

    Args:
        keys: what a balance is kept by: commitment_discount_id, billing_currency and provider, and
            the source where every source is judged by itself.
-#}
{% macro commitment_balances(keys) -%}
{%- set places = keys | select('in', ['source_name', 'provider']) | list -%}
with by_source as (
    select * from {{ ref('int_commitments__monthly') }}
),

source_months as (
    select
        source_name,
        provider,
        billing_month,
        used_until
    from {{ ref('int_quality__monthly') }}
),

-- One commitment may be bought in one source and used in another, or move from one to the next.
active as (
    select
        {{ keys | join(', ') }},
        billing_month,
        max(delivery_id) as delivery_id,
        {%- for measure in commitment_measures() %}
        {{ amount_sum(measure) }} as {{ measure }},
        {%- endfor %}
        cast(max(covered_end) as date) as covered_end
    from by_source
    group by {{ keys | join(', ') }}, billing_month
),

-- The months of a source that are here, and until when its usage is known.
loaded as (
    select
        source_name,
        min(billing_month) as first_month,
        max(billing_month) as last_month,
        cast(max(used_until) as date) as used_until
    from source_months
    group by source_name
),

lives as (
    select
        by_source.{{ keys | join(', by_source.') }},
        max(by_source.commitment_discount_category) as commitment_discount_category,
        max(by_source.commitment_discount_type) as commitment_discount_type,
        min(by_source.billing_month) as first_active_month,
        min(by_source.purchase_start) as purchase_start,
        min(by_source.paid_once_start) as paid_once_start,
        min(by_source.covered_start) as covered_start,
        cast(max(by_source.purchase_end) as date) as purchase_end,
        cast(max(by_source.covered_end) as date) as covered_end,
        min(loaded.first_month) as first_month,
        max(loaded.last_month) as last_month,
        max(loaded.used_until) as used_until
    from by_source
    inner join loaded on by_source.source_name = loaded.source_name
    group by by_source.{{ keys | join(', by_source.') }}
),

-- Nothing was prepaid before a commitment that began within the months loaded: its purchase stands
-- there, not later than its first use, and either it is no part of a series that may go back
-- further, or it was paid at once. What ends before the source's usage does has come to its end,
-- unless it was bought for longer: then it was exchanged or cancelled.
placed as (
    select
        *,
        coalesce(
            purchase_start <= covered_start
            and (cast(purchase_start as date) > first_month or paid_once_start <= covered_start),
            false
        ) as begins_here,
        coalesce(
            covered_end < used_until and purchase_end <= covered_end + interval 1 month, false
        ) as ends_here,
        purchase_start is not null as is_bought_here,
        covered_start is not null as is_used_here
    from lives
),

-- The months that a provider's charges are here for, numbered, so that a missing one is seen.
provider_months as (
    select
        {{ places | join(', ') }},
        billing_month,
        row_number() over (partition by {{ places | join(', ') }} order by billing_month) as place
    from source_months
    group by {{ places | join(', ') }}, billing_month
),

-- A balance stands in a month without a charge, too.
months as (
    select
        placed.*,
        provider_months.billing_month,
        {{ month_number('provider_months.billing_month') }} - provider_months.place
        <> min({{ month_number('provider_months.billing_month') }} - provider_months.place) over (
            partition by placed.{{ keys | join(', placed.') }}
        ) as follows_a_gap
    from placed
    inner join provider_months
        on
            placed.first_active_month <= provider_months.billing_month
            {%- for key in places %}
            and placed.{{ key }} = provider_months.{{ key }}
            {%- endfor %}
),

-- Cardinality: one month of a commitment is active once or not at all.
filled as (
    select
        months.{{ keys | join(', months.') }},
        months.billing_month,
        months.commitment_discount_category,
        months.commitment_discount_type,
        months.begins_here,
        months.ends_here,
        months.is_bought_here,
        months.is_used_here,
        months.follows_a_gap,
        months.paid_once_start is null as is_paid_as_it_runs,
        active.billing_month is not null as has_charges,
        active.delivery_id,
        -- The last month may not be over, and then it is paid further than it is used.
        coalesce(
            months.billing_month < months.last_month
            or months.ends_here
            or active.covered_end >= months.billing_month + interval 1 month, false
        ) as is_whole,
        {%- for measure in commitment_measures() %}
        coalesce(active.{{ measure }}, 0) as {{ measure }},
        {%- endfor %}
        coalesce({{ amount_minus(
            amount_plus('active.purchased_billed_cost', 'active.refunded_billed_cost'),
            'active.refunded_effective_cost'
        ) }}, 0) as paid,
        coalesce({{ amount_plus('active.used_effective_cost', 'active.unused_effective_cost') }}, 0)
            as spent
    from months
    left join active
        on
            months.billing_month = active.billing_month
            {%- for key in keys %}
            and months.{{ key }} = active.{{ key }}
            {%- endfor %}
),

totalled as (
    select
        *,
        {{ amount_running_sum('paid', keys) }} as paid_so_far,
        {{ amount_running_sum('spent', keys) }} as spent_so_far
    from filled
)

-- The prepaid balance from month to month, beginning with nothing.
select
    *,
    {{ amount_minus('paid_so_far', 'spent_so_far') }} as closing_balance,
    {{ amount_plus(amount_minus('paid_so_far', 'spent_so_far'), amount_minus('spent', 'paid')) }}
        as opening_balance,
    coalesce({{ exceeds('spent_so_far', 'paid_so_far') }}, false) as is_overspent
from totalled
{%- endmacro %}
