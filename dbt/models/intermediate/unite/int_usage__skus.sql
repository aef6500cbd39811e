{{ monthly_model() }}

with charges as (
    select * from {{ ref('int_charges__keyed') }}
    where {{ this_month() }}
),

lines as (
    {{ usage_lines('charges') }}
),

rules as (
    select * from {{ ref('carbon_usage_rules') }}
),

machines as (
    select * from {{ ref('carbon_machines') }}
),

units as (
    select * from {{ ref('carbon_usage_units') }}
),

factor_sets as (
    select * from {{ ref('carbon_factor_sets') }}
),

signatures as (
    select distinct
        billing_month,
        {{ usage_signature() | join(',\n        ') }}
    from lines
),

-- The lengths keep two texts from running into each other.
named as (
    select
        *,
        md5(concat_ws(
            '|', x_Provider, service, meter, unit, details, region_id,
            cast(length(service) as {{ varchar_type() }}),
            cast(length(meter) as {{ varchar_type() }}),
            cast(length(unit) as {{ varchar_type() }}),
            cast(length(details) as {{ varchar_type() }}),
            cast(usage_month as {{ varchar_type() }}),
            cast(billing_month as {{ varchar_type() }}),
            case when is_held_idle then 'idle' else '' end
        )) as sku_key,
        lower(trim(service)) as service_word,
        lower(trim(meter)) as meter_word,
        {{ days_from('usage_month', 'cast(usage_month + interval 1 month as date)') }} * 24
            as hours_of_month,
        case when {{ json_is_object('details') }} then details end as stated
    from signatures
),

-- The set that is valid in the usage month: a later set leaves earlier months as they are.
dated as (
    select
        named.*,
        factor_sets.set_number,
        factor_sets.factor_set_id
    from named
    left join factor_sets
        on
            named.usage_month >= factor_sets.valid_from
            and (factor_sets.valid_to is null or named.usage_month < factor_sets.valid_to)
),

measured as (
    select
        dated.*,
        units.dimension,
        coalesce(units.quantity_decimals, 0) as quantity_decimals,
        {{ hours_per_unit() }} as hours_per_unit,
        {{ rate_product('units.per_unit', hours_per_unit(), decimals=0, decimals_of_one=12) }}
            as per_unit
    from dated
    left join units
        on
            lower(trim(dated.unit)) = units.unit
            and dated.set_number >= units.first_set
            and (units.last_set is null or dated.set_number <= units.last_set)
),

candidates as (
    select
        measured.sku_key,
        measured.billing_month,
        rules.rule_id,
        row_number() over (
            partition by measured.billing_month, measured.sku_key
            order by rules.priority, rules.rule_id
        ) as place
    from measured
    inner join rules
        on
            measured.x_Provider = rules.provider
            and measured.dimension = rules.dimension
            and measured.meter_word like rules.meter_like
            and (rules.service is null or measured.service_word = rules.service)
            and measured.set_number >= rules.first_set
            and (rules.last_set is null or measured.set_number <= rules.last_set)
),

ruled as (
    select
        measured.*,
        rules.rule_id,
        coalesce(rules.treatment, 'NotCovered') as treatment,
        rules.quality,
        rules.source as rule_source,
        rules.licence as rule_licence,
        rules.processor_family,
        rules.vcpu,
        rules.memory_gib,
        rules.accelerator_model,
        rules.accelerators,
        rules.servers,
        rules.owned_servers,
        rules.storage_gb,
        rules.storage_class,
        rules.replicas,
        rules.network_gb,
        rules.network_path,
        rules.tokens_in,
        rules.tokens_out,
        rules.token_model,
        rules.energy_kwh,
        rules.machine_pattern is not null as is_machine,
        {{ rate_product('measured.per_unit', 'rules.times', 12, 12) }} as amount,
        coalesce(
            nullif(regexp_extract(measured.meter_word, rules.machine_pattern, 1), ''),
            case when rules.machine_pattern is not null then {{ machine_of_details() }} end
        ) as machine_word
    from measured
    left join candidates on measured.sku_key = candidates.sku_key and candidates.place = 1
    left join rules on candidates.rule_id = rules.rule_id
),

-- A machine that the list doesn't know is still as large as its price says, unless it has
-- accelerators: nobody says which.
sized as (
    select
        ruled.*,
        machines.machine_type,
        machines.source as machine_source,
        machines.licence as machine_licence,
        machines.host_vcpu,
        machines.host_embodied_kg,
        coalesce(ruled.processor_family, machines.processor_family, 'average') as processor,
        coalesce(ruled.accelerator_model, machines.accelerator_model) as accelerator,
        coalesce(ruled.vcpu, machines.vcpu, {{ stated_size('CoreCount') }}) as vcpu_each,
        coalesce(ruled.memory_gib, machines.memory_gib, {{ stated_size('MemorySize') }})
            as memory_each,
        coalesce(ruled.accelerators, machines.accelerators) as accelerators_each
    from ruled
    left join machines
        on
            ruled.x_Provider = machines.provider
            and ruled.machine_word = machines.machine_type
            and ruled.set_number >= machines.first_set
            and (machines.last_set is null or ruled.set_number <= machines.last_set)
),

quantified as (
    select
        *,
        {{ rate_product('amount', 'vcpu_each', 12, 12) }} as vcpu_hours,
        {{ rate_product('amount', 'memory_each', 12, 12) }} as memory_gb_hours,
        {{ rate_product('amount', 'accelerators_each', 12, 12) }} as accelerator_hours,
        {{ rate_product('amount', 'servers', 12, 12) }} as server_hours,
        {{ rate_product('amount', 'owned_servers', 12, 12) }} as owned_server_hours,
        {{ rate_product('amount', 'storage_gb', 12, 12) }} as storage_gb_hours,
        {{ rate_product('amount', 'network_gb', 12, 12) }} as network_gb_per_unit,
        {{ rate_product('amount', 'tokens_in', 12, 12) }} as tokens_in_per_unit,
        {{ rate_product('amount', 'tokens_out', 12, 12) }} as tokens_out_per_unit,
        {{ rate_product('amount', 'energy_kwh', 12, 12) }} as energy_kwh_per_unit
    from sized
)

select
    sku_key,
    billing_month,
    {{ usage_signature() | join(',\n    ') }},
    factor_set_id,
    set_number,
    rule_id,
    treatment,
    case when is_machine and machine_type is null then 'family' else quality end as quality,
    machine_type,
    case when vcpu_hours is not null then processor end as processor_family,
    case when accelerator_hours is not null then accelerator end as accelerator_model,
    storage_class,
    replicas,
    network_path,
    token_model,
    host_vcpu,
    host_embodied_kg,
    rule_source,
    rule_licence,
    machine_source,
    machine_licence,
    hours_per_unit,
    quantity_decimals,
    {{ per_unit_of('vcpu_hours', 12) }} as vcpu_hours,
    {{ per_unit_of('memory_gb_hours', 12) }} as memory_gb_hours,
    {{ per_unit_of('accelerator_hours', 12) }} as accelerator_hours,
    {{ per_unit_of('server_hours', 12) }} as server_hours,
    {{ per_unit_of('owned_server_hours', 12) }} as owned_server_hours,
    {{ per_unit_of('storage_gb_hours', 12) }} as storage_gb_hours,
    {{ per_unit_of('network_gb_per_unit', 12) }} as network_gb,
    {{ per_unit_of('tokens_in_per_unit', 12) }} as tokens_in,
    {{ per_unit_of('tokens_out_per_unit', 12) }} as tokens_out,
    {{ per_unit_of('energy_kwh_per_unit', 12) }} as energy_kwh
from quantified
