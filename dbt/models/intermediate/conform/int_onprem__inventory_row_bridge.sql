with assets as (
    select * from {{ ref('stg_onprem__inventory') }}
),

counted as (
    select
        source_name,
        billing_month,
        {%- for condition in inventory_costs().values() %}
        case when {{ condition }} then 1 else 0 end{{ ' +' if not loop.last else ' as lines' }}
        {%- endfor %}
    from assets
)

select
    source_name,
    billing_month,
    'split off' as step,
    'further costs of an asset in a month' as reason,
    sum(lines - 1) as rows
from counted
where lines > 1
group by source_name, billing_month
union all
select
    source_name,
    billing_month,
    'netted' as step,
    'assets without a cost in the month' as reason,
    -count(*) as rows
from counted
where lines = 0
group by source_name, billing_month
