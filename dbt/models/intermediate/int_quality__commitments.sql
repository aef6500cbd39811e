{%- set keys = ['source_name', 'provider', 'commitment_discount_id', 'billing_currency'] -%}

with balances as (
    select
        *,
        is_bought_here and is_used_here as has_both_sides,
        {{ amount_sum_of_life('paid', keys) }} as paid_in_life,
        {{ amount_sum_of_life('spent', keys) }} as spent_in_life,
        is_whole and is_paid_as_it_runs and {{ exceeds('paid_so_far', 'spent_so_far') }}
            as is_left_over
    from {{ ref('int_commitments__source_balances') }}
    where has_charges
),

-- Out of balance: more is spent than was ever paid, or what is paid as it runs is paid for nothing.
judged as (
    select
        *,
        {{ differs('paid_in_life', 'spent_in_life') }} as life_differs
    from balances
),

-- One month of a commitment's roll-forward is told: the first that is out of balance, or the last.
told as (
    select
        *,
        row_number() over (
            partition by {{ keys | join(', ') }}
            order by
                case
                    when is_left_over or (is_overspent and begins_here) then 0
                    else 1
                end,
                case
                    when is_left_over or (is_overspent and begins_here)
                        then billing_month
                end,
                billing_month desc
        ) as place
    from judged
),

named as (
    select
        *,
        case
            when not has_both_sides then 'commitment_one_side_loaded'
            when begins_here and ends_here then 'commitment_life_balance'
            when begins_here or not is_overspent then 'commitment_roll_forward'
            else 'commitment_opening_unknown'
        end as check_id,
        concat(
            ': a part of its term is loaded; opening ', {{ shown('opening_balance') }},
            ' + purchases ', {{ shown('purchased_billed_cost') }},
            ' - used ', {{ shown('used_effective_cost') }},
            ' - unused ', {{ shown('unused_effective_cost') }},
            ' + refunds ', {{ shown('refunded_billed_cost') }},
            ' = closing, must not be below 0, nor above it where nothing was paid at once'
        ) as roll_forward
    from told
    where place = 1
)

select
    check_id,
    source_name,
    provider,
    billing_month,
    delivery_id,
    commitment_discount_id,
    billing_currency,
    case
        when check_id in ('commitment_life_balance', 'commitment_roll_forward') then 'warn'
        else 'info'
    end as severity,
    case check_id
        when 'commitment_life_balance' then not life_differs
        when 'commitment_roll_forward' then not (is_overspent or is_left_over)
        else true
    end as passed,
    cast(
        case check_id
            when 'commitment_life_balance' then paid_in_life - spent_in_life
            else closing_balance
        end as decimal(38, 18)
    ) as measured,
    concat(
        commitment_discount_id,
        case check_id
            when 'commitment_life_balance'
                then ': its whole term is loaded; billed minus effective cost, must be 0'
            when 'commitment_roll_forward' then roll_forward
            when 'commitment_one_side_loaded'
                then ': only its purchase or only its use is loaded; nothing to compare'
            else ': was paid before the first month loaded; the opening balance is unknown'
        end
    ) as detail
from named
