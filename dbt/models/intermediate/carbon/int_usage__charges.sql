-- Charge lines keep all of their columns and join small tables alone: two tables of ten million
-- lines joined to each other don't fit in memory, and then the wide one is written to disk.
with charges as (
    select * from {{ ref('int_charges__keyed') }}
),

lines as (
    select
        *,
        {{ usage_columns() }},
        {{ can_be_estimated() }} as is_usage
    from charges
),

-- Said of both sides: by a condition on one side alone DuckDB compares every line with every kind.
kinds as (
    select
        *,
        true as is_usage
    from {{ ref('int_estimates__kinds') }}
),

netted as (
    select
        *,
        true as is_usage
    from {{ ref('int_usage__netted') }}
),

-- Cardinality: a usage line has one signature, and a signature at most one net.
classified as (
    select
        lines.*,
        kinds.{{ sku_attributes() | join(',\n        kinds.') }},
        kinds.quantity_step,
        kinds.quantity_scale,
        {{ each_of(usage_quantities(), 'kinds.@_per_step') }},
        kinds.is_emitting,
        kinds.quality_of_parts,
        {{ each_of(estimate_rates(), 'kinds.estimated_@_per_step') }},
        netted.net_weight is not null as is_netted,
        netted.net_weight,
        netted.used_weight
    from lines
    left join kinds
        on
            lines.is_usage = kinds.is_usage
            and lines.billing_month = kinds.billing_month
            and {{ same_columns('lines', 'kinds', usage_signature()) }}
    left join netted
        on
            lines.is_usage = netted.is_usage
            and lines.billing_month = netted.billing_month
            and {{ same_columns('lines', 'netted', usage_signature()) }}
            and lines.sub_account_id = netted.sub_account_id
            and lines.resource_id = netted.resource_id
),

-- What was taken back is taken from the lines that used it, in proportion and down to nothing.
used as (
    select
        *,
        case
            when not is_usage or quantity is null then null
            when not is_netted then quantity
            when quantity <= 0 or net_weight <= 0 then cast(0 as decimal(38, 18))
            when net_weight >= used_weight then quantity
            else {{ units_to_amount(mul_div(
                'quantity', wide_integer('net_weight'), wide_integer('used_weight')
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
    {{ keyed_charge_columns() | join(',\n    ') }},
    is_usage,
    is_held_idle,
    is_netted,
    region_id,
    unit_quantity,
    unit,
    steps,
    {{ sku_attributes() | join(',\n    ') }},
    {{ each_of(usage_quantities(), steps_times('steps', '@_per_step') ~ ' as @') }},
    is_emitting,
    quality_of_parts,
    {{ each_of(estimate_rates(), 'estimated_@_per_step') }}
from counted
