{{ monthly_model() }}

-- What each month's facts name, once per month: dimensions read this and never the fact, so that
-- the 37th month costs what the first did.
select
    x_BillingMonth as billing_month,
    x_Provider,
    BillingAccountId,
    SubAccountId,
    ServiceName,
    RegionId,
    ResourceId,
    x_Environment,
    x_Owner,
    max(BillingAccountName) as BillingAccountName,
    max(BillingAccountType) as BillingAccountType,
    max(SubAccountName) as SubAccountName,
    max(SubAccountType) as SubAccountType,
    max(ServiceCategory) as ServiceCategory,
    max(ServiceSubcategory) as ServiceSubcategory,
    max(RegionName) as RegionName,
    max(ResourceName) as ResourceName,
    max(ResourceType) as ResourceType
from {{ ref('fct_cost_and_carbon') }}
where {{ this_month('x_BillingMonth') }}
group by
    x_BillingMonth, x_Provider, BillingAccountId, SubAccountId, ServiceName, RegionId, ResourceId,
    x_Environment, x_Owner
