-- Grain: emission group. Current versions only; what a group reports in several rows is added. A
-- row without any figure reports nothing.
select
    emission_group_key,
    x_Provider,
    usage_month,
    max(emission_account_id) as emission_account_id,
    max(source_name) as source_name,
    max(delivery_id) as delivery_id,
    max(model_version) as model_version,
    max(billing_account_id) as billing_account_id,
    max(sub_account_id) as sub_account_id,
    max(region_id) as region_id,
    max(service_bucket) as service_bucket,
    {%- for measure in emission_measures() %}
    cast(sum({{ measure }}) as decimal(38, 18)) as {{ measure }},
    {%- endfor %}
    max(resource_id) as resource_id
from {{ ref('int_emissions__unioned') }}
where is_current and coalesce({{ emission_measures() | join(', ') }}) is not null
group by emission_group_key, x_Provider, usage_month
