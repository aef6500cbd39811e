with days as (
    {{ dates_between("date '2019-01-01'", "date '2035-12-31'") }}
)

select
    cast(day as {{ varchar_type() }}) as date_key,
    day as calendar_date,
    cast(date_trunc('month', day) as date) as month,
    cast(date_trunc('quarter', day) as date) as quarter,
    cast(extract(year from day) as integer) as year,
    cast(extract(month from day) as integer) as month_of_year,
    cast(extract(day from day) as integer) as day_of_month,
    {{ iso_day_of_week('day') }} as iso_day_of_week,
    {{ iso_day_of_week('day') }} >= 6 as is_weekend
from days
union all
{{ special_members(
    ['calendar_date', 'month', 'quarter', 'year', 'month_of_year', 'day_of_month',
     'iso_day_of_week', 'is_weekend'],
    {'calendar_date': 'date', 'month': 'date', 'quarter': 'date', 'year': 'integer',
     'month_of_year': 'integer', 'day_of_month': 'integer', 'iso_day_of_week': 'integer',
     'is_weekend': 'boolean'}
) }}
