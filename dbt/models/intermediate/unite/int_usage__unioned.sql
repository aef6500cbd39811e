{{ monthly_model() }}

with charges as (
    select * from {{ ref('int_charges__keyed') }}
    where {{ this_month() }}
),

lines as (
    {{ usage_lines('charges', ['x_ChargeKey']) }}
),

skus as (
    select * from {{ ref('int_usage__skus') }}
    where {{ this_month() }}
),

netted as (
    select * from {{ ref('int_usage__netted') }}
    where {{ this_month() }}
),

-- Cardinality: a line has one signature, and a signature at most one net.
classified as (
    select
        lines.x_ChargeKey,
        lines.quantity as billed_quantity,
        netted.net_quantity is not null as is_netted,
        {{ cost_weight('coalesce(netted.net_quantity, 0)') }} as net_weight,
        {{ cost_weight('coalesce(netted.used_quantity, 0)') }} as used_weight,
        skus.*
    from lines
    inner join skus on {{ same_usage('lines', 'skus', usage_signature()) }}
    left join netted
        on {{ same_usage('lines', 'netted', usage_signature() + ['sub_account_id', 'resource_id']) }}
),

-- What was taken back is taken from the lines that used it, in proportion and down to nothing.
counted as (
    select
        *,
        case
            when billed_quantity is null then null
            when not is_netted then billed_quantity
            when billed_quantity <= 0 or net_weight <= 0 then cast(0 as decimal(38, 18))
            when net_weight >= used_weight then billed_quantity
            else {{ units_to_amount(mul_div(
                'billed_quantity', wide_integer('net_weight'), wide_integer('used_weight')
            )) }}
        end as unit_quantity
    from classified
)

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
    processor_family,
    accelerator_model,
    storage_class,
    replicas,
    network_path,
    token_model,
    {%- for name in usage_quantities() %}
    {{ quantity_times('unit_quantity', name, 12) }} as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from counted
