{{ monthly_model() }}

with charges as (
    select * from {{ ref('int_charges__keyed') }}
    where {{ this_month() }}
),

lines as (
    {{ usage_lines('charges', ['x_ChargeKey']) }}
),

skus as (
    select
        sku_key,
        {{ usage_signature() | join(',\n        ') }},
        rule_id,
        treatment,
        factor_set_id,
        processor_family,
        accelerator_model,
        storage_class,
        replicas,
        network_path,
        token_model,
        {{ step_columns('quantity_decimals') }},
        {{ each_of(
            usage_quantities(),
            per_unit_of(rate_product('@', step_of('quantity_decimals'), 6, 12), 18) ~ ' as @'
        ) }}
    from {{ ref('int_usage__skus') }}
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
        lines.billing_month,
        lines.quantity as billed_quantity,
        netted.net_weight is not null as is_netted,
        netted.net_weight,
        netted.used_weight,
        skus.*
    from lines
    inner join skus on {{ same_usage('lines', 'skus', usage_signature()) }}
    left join netted
        on
            {{ same_usage('lines', 'netted', usage_signature()) }}
            and lines.sub_account_id = netted.sub_account_id
            and lines.resource_id = netted.resource_id
),

-- What was taken back is taken from the lines that used it, in proportion and down to nothing.
used as (
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
),

guessed as (
    select
        *,
        {{ guessed_steps('unit_quantity', 'quantity_scale') }} as guess
    from used
),

counted as (
    select
        *,
        {{ counted_steps('unit_quantity', 'guess', 'quantity_step', 'quantity_scale') }} as steps
    from guessed
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
    cast(steps as decimal(18, 0)) as steps,
    processor_family,
    accelerator_model,
    storage_class,
    replicas,
    network_path,
    token_model,
    {{ each_of(usage_quantities(), steps_times('steps', '@') ~ ' as @') }}
from counted
