with supplied as (
    select
        cast(concat(month, '-01') as date) as month,
        from_currency,
        to_currency,
        rate
    from {{ source('inputs', 'fx_rates') }}
    where from_currency <> to_currency
),

locked as (
    select * from {{ source('ledger', 'locked_rates') }}
),

-- A closed month keeps its rates, whatever the file says now. Cardinality: both have one row per
-- month and pair.
rates as (
    select
        coalesce(locked.month, supplied.month) as month,
        coalesce(locked.from_currency, supplied.from_currency) as from_currency,
        coalesce(locked.to_currency, supplied.to_currency) as to_currency,
        coalesce(locked.rate, supplied.rate) as rate,
        locked.rate is not null as is_locked,
        case
            when locked.rate is not null then 'locked'
            else 'supplied'
        end as source,  -- noqa: RF04
        supplied.rate as supplied_rate
    from supplied
    full outer join locked
        on
            supplied.month = locked.month
            and supplied.from_currency = locked.from_currency
            and supplied.to_currency = locked.to_currency
)

select
    concat(from_currency, '|', to_currency, '|', cast(month as {{ varchar_type() }}))
        as fx_rate_key,
    month,
    from_currency,
    to_currency,
    rate,
    is_locked,
    source,
    supplied_rate
from rates
union all
{{ special_members(
    ['month', 'from_currency', 'to_currency', 'rate', 'is_locked', 'source', 'supplied_rate'],
    {'month': 'date', 'rate': 'decimal(38, 18)', 'is_locked': 'boolean',
     'supplied_rate': 'decimal(38, 18)'}
) }}
