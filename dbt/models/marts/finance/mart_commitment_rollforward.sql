with balances as (
    select * from {{ ref('int_commitments__balances') }}
),

periods as (
    select * from {{ ref('dim_billing_period') }}
),

-- What was prepaid before a commitment's first month here is known where its term begins here, and
-- where it is paid as it runs: then no more is ever used than was billed.
judged as (
    select
        *,
        case
            when follows_a_gap then 'month_missing_before'
            when begins_here then 'known'
            when not is_bought_here then 'only_use_loaded'
            when not is_used_here then 'only_purchase_loaded'
            when
                is_paid_as_it_runs
                and not max(is_overspent) over (
                    partition by provider, commitment_discount_id, billing_currency
                )
                then 'paid_as_it_runs'
            else 'paid_before_first_month'
        end as balance_status
    from balances
),

known as (
    select
        *,
        case when balance_status in ('known', 'paid_as_it_runs') then opening_balance end
            as known_opening_balance,
        case when balance_status in ('known', 'paid_as_it_runs') then closing_balance end
            as known_closing_balance
    from judged
)

-- Cardinality: one period per provider and month.
select
    known.billing_month,
    known.provider,
    known.commitment_discount_id,
    known.commitment_discount_category,
    known.commitment_discount_type,
    known.billing_currency,
    known.balance_status,
    known.begins_here and known.ends_here as is_term_loaded,
    known.known_opening_balance as opening_balance,
    known.purchased_billed_cost as purchases_billed_cost,
    known.refunded_billed_cost as refunds_billed_cost,
    known.refunded_effective_cost as refunds_effective_cost,
    known.used_effective_cost,
    known.unused_effective_cost,
    known.known_closing_balance as closing_balance,
    known.other_billed_cost,
    known.other_effective_cost,
    known.billed_cost,
    known.effective_cost,
    {{ amount_minus('known.effective_cost', 'known.billed_cost') }} as effective_minus_billed_cost,
    case
        when known.spent > 0
            then {{ ratio_of('known.used_effective_cost', 'known.spent') }}
    end as utilisation_ratio,
    coalesce(periods.cost_state, 'open') as cost_state,
    periods.data_as_of
from known
left join periods
    on known.provider = periods.provider and known.billing_month = periods.billing_month
where known.has_charges or known.known_closing_balance <> 0
