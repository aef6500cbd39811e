{%- set held = ['machine_type', 'processor_family', 'accelerator_model', 'storage_class',
    'network_path', 'token_model'] -%}

with skus as (
    select * from {{ ref('int_usage__skus') }}
),

rates as (
    select * from {{ ref('int_estimates__rates') }}
),

rules as (
    select * from {{ ref('carbon_usage_rules') }}
),

machines as (
    select * from {{ ref('carbon_machines') }}
)

-- Cardinality: a kind of usage has at most one row of rates, one rule, and one machine in its set.
select
    skus.sku_key as estimate_rate_key,
    skus.billing_month,
    skus.usage_month,
    skus.x_Provider as provider,
    nullif(skus.service, '') as service_name,
    nullif(skus.meter, '') as meter,
    nullif(skus.unit, '') as unit,
    nullif(skus.details, '') as price_details,
    nullif(skus.region_id, '') as region_id,
    skus.is_held_idle,
    skus.factor_set_id,
    skus.treatment,
    skus.quality,
    skus.rule_id,
    rules.source as rule_source,
    rules.licence as rule_licence,
    {{ each_of(held, "skus.@") }},
    machines.source as machine_source,
    machines.licence as machine_licence,
    {{ each_of(usage_quantities(), 'cast(skus.@ as decimal(38, 18)) as @_per_unit') }},
    coalesce(rates.is_covered, false) as is_covered,
    {{ each_of(
        estimate_rates(),
        'case when rates.is_covered then cast(rates.@ as decimal(38, 18)) end as estimated_@_per_unit'
    ) }}
from skus
left join rates on skus.sku_key = rates.sku_key and skus.billing_month = rates.billing_month
left join rules on skus.rule_id = rules.rule_id
left join machines
    on
        skus.x_Provider = machines.provider
        and skus.machine_type = machines.machine_type
        and skus.set_number >= machines.first_set
        and (machines.last_set is null or skus.set_number <= machines.last_set)
