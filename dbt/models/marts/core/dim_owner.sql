with members as (
    select * from {{ ref('int_dimension_members') }}
    where x_Owner is not null
)

select
    x_Owner as owner_key,
    x_Owner as owner,
    min(billing_month) as first_billing_month,
    max(billing_month) as last_billing_month
from members
group by x_Owner
union all
{{ special_members(['owner', 'first_billing_month', 'last_billing_month'],
    {'first_billing_month': 'date', 'last_billing_month': 'date'}) }}
