{{ config(materialized='table') }}

{%- set kept = ['emission_group_key', 'x_Provider', 'usage_month', 'emission_account_id',
    'source_name', 'delivery_id', 'model_version', 'billing_account_id', 'sub_account_id',
    'region_id', 'service_bucket', 'resource_id'] + emission_measures() %}

-- Reported emissions that no charge line can carry, each with its reason; never spread elsewhere.
with groups as (
    select * from {{ ref('int_emissions__current') }}
),

bases as (
    select * from {{ ref('int_carbon__bases') }}
)

select
    {{ 'groups.' ~ kept | join(',\n    groups.') }},
    case
        when groups.emission_account_id is null then 'UnknownAccount'
        when bases.charge_lines is null then 'NoChargeLines'
        else 'ZeroWeight'
    end as unallocated_reason
from groups
left join bases on groups.emission_group_key = bases.emission_group_key
where bases.basis is null
