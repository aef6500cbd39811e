select
    x_ChargeKey,
    billing_month,
    usage_month,
    x_Provider,
    region_id,
    sku_key,
    rule_id,
    treatment,
    factor_set_id,
    is_held_idle as held_idle,
    is_netted,
    unit_quantity,
    unit,
    steps,
    processor_family,
    accelerator_model,
    storage_class,
    replicas,
    network_path,
    token_model,
    {{ usage_quantities() | join(',\n    ') }}
from {{ ref('int_usage__charges') }}
where is_usage
