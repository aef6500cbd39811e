with skus as (
    select * from {{ ref('int_usage__skus') }}
),

rates as (
    select * from {{ ref('int_estimates__rates') }}
)

-- Cardinality: a kind of usage has at most one row of rates.
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
    skus.rule_source,
    skus.rule_licence,
    skus.machine_type,
    skus.processor_family,
    skus.accelerator_model,
    skus.storage_class,
    skus.network_path,
    skus.token_model,
    skus.machine_source,
    skus.machine_licence,
    {{ each_of(usage_quantities(), 'cast(skus.@ as decimal(38, 18)) as @_per_unit') }},
    coalesce(rates.is_covered, false) as is_covered,
    {{ each_of(
        estimate_rates(),
        'case when rates.is_covered then cast(rates.@ as decimal(38, 18)) end as estimated_@_per_unit'
    ) }}
from skus
left join rates on skus.sku_key = rates.sku_key
