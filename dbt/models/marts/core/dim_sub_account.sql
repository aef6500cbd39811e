with members as (
    select * from {{ ref('int_dimension_members') }}
    where SubAccountId is not null
)

select
    concat(x_Provider, '|', SubAccountId) as sub_account_key,
    x_Provider as provider,
    SubAccountId as sub_account_id,
    max(SubAccountName) as sub_account_name,
    max(SubAccountType) as sub_account_type,
    max(BillingAccountId) as billing_account_id
from members
group by x_Provider, SubAccountId
union all
{{ special_members(['provider', 'sub_account_id', 'sub_account_name', 'sub_account_type',
    'billing_account_id']) }}
