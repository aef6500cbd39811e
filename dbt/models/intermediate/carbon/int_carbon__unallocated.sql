{{ config(materialized='table') }}

{%- set kept = ['emission_group_key', 'x_Provider', 'usage_month', 'emission_account_id',
    'source_name', 'delivery_id', 'model_version', 'billing_account_id', 'sub_account_id',
    'region_id', 'service_bucket', 'resource_id'] + emission_measures() %}

-- Reported emissions that no charge line can carry, each with its reason; never spread elsewhere.
with groups as (
    select * from {{ ref('int_emissions__current') }}
),

group_weights as (
    select
        emission_group_key,
        sum(charge_lines) as charge_lines,
        sum(weight) as group_weight
    from {{ ref('int_carbon__month_weights') }}
    group by emission_group_key
)

select
    {{ 'groups.' ~ kept | join(',\n    groups.') }},
    case
        when groups.emission_account_id is null then 'UnknownAccount'
        when group_weights.charge_lines is null then 'NoChargeLines'
        else 'ZeroWeight'
    end as unallocated_reason
from groups
left join group_weights on groups.emission_group_key = group_weights.emission_group_key
where coalesce(group_weights.group_weight, 0) = 0
