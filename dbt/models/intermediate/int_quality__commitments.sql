with monthly as (
    select
        *,
        purchased_billed_cost + refunded_billed_cost as paid,
        used_effective_cost + unused_effective_cost as spent
    from {{ ref('int_commitments__monthly') }}
),

-- The months of a source that are here, and until when its usage is known.
loaded as (
    select
        source_name,
        min(billing_month) as first_month,
        max(billing_month) as last_month,
        cast(max(used_until) as date) as used_until
    from {{ ref('int_quality__monthly') }}
    group by source_name
),

lives as (
    select
        source_name,
        provider,
        commitment_discount_id,
        billing_currency,
        min(purchase_start) as purchase_start,
        min(paid_once_start) as paid_once_start,
        min(covered_start) as covered_start,
        cast(max(purchase_end) as date) as purchase_end,
        cast(max(covered_end) as date) as covered_end,
        {{ amount_sum('paid') }} as paid,
        {{ amount_sum('spent') }} as spent
    from monthly
    group by source_name, provider, commitment_discount_id, billing_currency
),

-- Nothing was prepaid before a commitment that began within the months loaded: its purchase stands
-- there, not later than its first use, and either it is no part of a series that may go back
-- further, or it was paid at once. What ends before the source's usage does has come to its end,
-- unless it was bought for longer: then it was exchanged or cancelled.
placed as (
    select
        lives.*,
        loaded.last_month,
        coalesce(
            lives.purchase_start <= lives.covered_start
            and (
                cast(lives.purchase_start as date) > loaded.first_month
                or lives.paid_once_start <= lives.covered_start
            ),
            false
        ) as begins_here,
        coalesce(
            lives.covered_end < loaded.used_until
            and lives.purchase_end <= lives.covered_end + interval 1 month,
            false
        ) as ends_here,
        lives.purchase_start is not null and lives.covered_start is not null as has_both_sides
    from lives
    inner join loaded on lives.source_name = loaded.source_name
),

-- Prepaid balance from month to month, beginning with nothing.
balances as (
    select
        monthly.*,
        placed.paid as paid_in_life,
        placed.spent as spent_in_life,
        placed.begins_here,
        placed.ends_here,
        placed.has_both_sides,
        placed.paid_once_start is null as is_paid_as_it_runs,
        -- The last month may not be over, and then it is paid further than it is used.
        monthly.billing_month < placed.last_month
        or placed.ends_here
        or cast(monthly.covered_end as date)
        >= monthly.billing_month + interval 1 month as is_whole,
        cast(
            sum(monthly.paid - monthly.spent) over (
                partition by
                    monthly.source_name, monthly.provider, monthly.commitment_discount_id,
                    monthly.billing_currency
                order by monthly.billing_month
            ) as decimal(38, 18)
        ) as closing_balance,
        cast(
            sum(monthly.paid) over (
                partition by
                    monthly.source_name, monthly.provider, monthly.commitment_discount_id,
                    monthly.billing_currency
                order by monthly.billing_month
            ) as decimal(38, 18)
        ) as paid_so_far
    from monthly
    inner join placed
        on
            monthly.source_name = placed.source_name
            and monthly.provider = placed.provider
            and monthly.commitment_discount_id = placed.commitment_discount_id
            and monthly.billing_currency = placed.billing_currency
),

-- Out of balance: more is spent than was ever paid, or what is paid as it runs is paid for nothing.
judged as (
    select
        *,
        cast(closing_balance - paid + spent as decimal(38, 18)) as opening_balance,
        {{ differs('paid_in_life', 'spent_in_life') }} as life_differs,
        {{ exceeds('spent_so_far', 'paid_so_far') }} as is_overspent,
        is_whole and is_paid_as_it_runs and {{ exceeds('paid_so_far', 'spent_so_far') }}
            as is_left_over
    from (
        select
            *,
            cast(paid_so_far - closing_balance as decimal(38, 18)) as spent_so_far
        from balances
    ) as with_spent
),

-- One month of a commitment's roll-forward is told: the first that is out of balance, or the last.
told as (
    select
        *,
        row_number() over (
            partition by source_name, provider, commitment_discount_id, billing_currency
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
