select
    x_ChargeKey,
    billing_month,
    usage_month,
    x_Provider,
    region_id,
    is_held_idle as held_idle,
    is_netted,
    unit_quantity,
    unit,
    steps,
    {{ sku_attributes() | join(',\n    ') }},
    {{ usage_quantities() | join(',\n    ') }}
from {{ ref('int_usage__charges') }}
where is_usage
