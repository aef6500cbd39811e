with emissions as (
    select * from {{ ref('int_emissions__unioned') }}
)

select
    source_name,
    x_Provider as provider,
    delivery_id,
    usage_month,
    billing_account_id,
    sub_account_id,
    region_id,
    service_bucket,
    resource_id,
    model_version,
    refreshed_at,
    is_current,
    {{ emission_measures() | join(',\n    ') }}
from emissions
