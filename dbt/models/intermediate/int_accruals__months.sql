with calendar as (
    select
        source_name,
        provider,
        month as billing_month,
        expected,
        cast(month + interval 1 month - interval 1 day as date) as month_end
    from {{ source('ledger', 'calendar') }}
    where export <> 'carbon'
),

billed_sources as (
    select source_name
    from {{ source('ledger', 'sources') }}
    where not is_internal
),

periods as (
    select
        provider,
        billing_month,
        cost_state
    from {{ source('ledger', 'periods') }}
),

newest as (
    select max(billing_month) as newest_month
    from calendar
    where expected
),

reached as (
    select
        source_name,
        billing_month,
        max(usage_date) as last_day
    from {{ ref('int_accruals__daily') }}
    group by source_name, billing_month
),

-- Cardinality: one period per provider and month, one last day per source and month.
months as (
    select
        calendar.source_name,
        calendar.provider,
        calendar.billing_month,
        calendar.month_end,
        reached.last_day,
        coalesce(periods.cost_state, 'open') as cost_state,
        calendar.billing_month >= newest.newest_month - interval 1 month as is_recent
    from calendar
    inner join billed_sources on calendar.source_name = billed_sources.source_name
    inner join newest on calendar.billing_month >= newest.newest_month - interval 3 month
    left join periods
        on
            calendar.provider = periods.provider
            and calendar.billing_month = periods.billing_month
    left join reached
        on
            calendar.source_name = reached.source_name
            and calendar.billing_month = reached.billing_month
),

-- The newest day of a month that still runs, or came only in part, may itself be half full.
completed as (
    select
        *,
        case
            when last_day is null then cast(billing_month - interval 1 day as date)
            when cost_state = 'open' or (is_recent and last_day < month_end)
                then cast(last_day - interval 1 day as date)
            else month_end
        end as complete_until
    from months
)

-- A month is accrued until the month after it is over, unless somebody signed it.
select
    source_name,
    provider,
    billing_month,
    cost_state,
    complete_until,
    {{ days_from('complete_until', 'month_end') }} as missing_days,
    is_recent and cost_state in ('open', 'provisional') and complete_until < month_end as is_due
from completed
