with members as (
    select * from {{ ref('int_dimension_members') }}
    where BillingAccountId is not null
)

select
    concat(x_Provider, '|', BillingAccountId) as billing_account_key,
    x_Provider as provider,
    BillingAccountId as billing_account_id,
    max(BillingAccountName) as billing_account_name,
    max(BillingAccountType) as billing_account_type
from members
group by x_Provider, BillingAccountId
union all
{{ special_members(['provider', 'billing_account_id', 'billing_account_name',
    'billing_account_type']) }}
