{#-
    What a figure of each kind can be at all. Public tables have had 402 t/kWh for Germany, a
    processor at four times the power of its kin, tokens that weigh a millionth of others, drives
    whose kinds were exchanged, one region twice, and one country's grid under another's name.
-#}
{% macro factor_ranges() -%}
    {{ return([
        {'kind': 'grid_intensity', 'low': 0.5, 'high': 1300},
        {'kind': 'pue', 'low': 1, 'high': 2.2},
        {'kind': 'wue', 'low': 0, 'high': 5},
        {'kind': 'source_water', 'low': 0.1, 'high': 60},
        {'kind': 'load', 'low': 0, 'high': 1},
        {'kind': 'transmission', 'low': 0, 'high': 0.3},
        {'kind': 'upstream', 'low': 0, 'high': 0.6},
        {'kind': 'lifespan', 'low': 17520, 'high': 87600},
        {'kind': 'included_memory', 'component': 'vcpu', 'low': 0.5, 'high': 8},
        {'kind': 'idle_power', 'component': 'vcpu', 'low': 0.2, 'high': 2.3},
        {'kind': 'full_power', 'component': 'vcpu', 'low': 1, 'high': 6},
        {'kind': 'idle_power', 'component': 'accelerator', 'low': 5, 'high': 150},
        {'kind': 'full_power', 'component': 'accelerator', 'low': 50, 'high': 1500},
        {'kind': 'idle_power', 'component': 'server', 'low': 20, 'high': 500},
        {'kind': 'full_power', 'component': 'server', 'low': 100, 'high': 2000},
        {'kind': 'power', 'component': 'memory', 'low': 0.1, 'high': 1},
        {'kind': 'power', 'component': 'storage', 'low': 0.3, 'high': 3},
        {'kind': 'power', 'component': 'network', 'low': 0.1, 'high': 100},
        {'kind': 'power', 'component': 'tokens', 'low': 0.005, 'high': 150},
        {'kind': 'power', 'component': 'energy', 'low': 1000, 'high': 1000},
        {'kind': 'embodied', 'component': 'vcpu', 'low': 3, 'high': 100},
        {'kind': 'embodied', 'component': 'accelerator', 'low': 50, 'high': 1000},
        {'kind': 'embodied', 'component': 'server', 'low': 500, 'high': 5000},
        {'kind': 'embodied', 'component': 'storage', 'low': 1, 'high': 100},
        {'kind': 'embodied', 'component': 'tokens', 'low': 0.0000001, 'high': 0.01},
    ]) }}
{%- endmacro %}

{#-
    Factors that can't be right, each with the reason. Grids in whole grams may be equal by chance.
-#}
{% macro factor_problems(factors, regions) -%}
    select
        factor_id,
        'out of range' as problem
    from {{ factors }}
    where
        not coalesce({% for range in factor_ranges() %}
            (
                factor_kind = '{{ range.kind }}'
                {%- if range.component %}
                and component = '{{ range.component }}'
                {%- endif %}
                and least(value, value_low, value_high) >= {{ range.low }}
                and greatest(value, value_low, value_high) <= {{ range.high }}
            ){{ ' or' if not loop.last }}
        {% endfor %}, false)
    union all
    select
        factor_id,
        'outside its interval' as problem
    from {{ factors }}
    where
        case
            when factor_kind = 'lifespan' then value_low < value or value < value_high
            else value < value_low or value_high < value
        end
    union all
    select
        max(factor_id) as factor_id,
        'stands twice' as problem
    from {{ factors }}
    where last_set is null
    group by
        factor_kind, component, provider, subject,
        case when factor_kind = 'grid_intensity' then year end
    having count(*) > 1
    union all
    select
        idle.factor_id,
        'idle draws no less than full' as problem
    from {{ factors }} as idle
    inner join {{ factors }} as full_power
        on
            idle.component = full_power.component
            and coalesce(idle.provider, '') = coalesce(full_power.provider, '')
            and idle.subject = full_power.subject
            and full_power.factor_kind = 'full_power'
    where idle.factor_kind = 'idle_power' and idle.value >= full_power.value
    union all
    select
        hdd.factor_id,
        'hdd and ssd are exchanged' as problem
    from {{ factors }} as hdd
    inner join {{ factors }} as ssd
        on
            hdd.factor_kind = ssd.factor_kind
            and hdd.component = ssd.component
            and ssd.subject = 'ssd'
    where hdd.component = 'storage' and hdd.subject = 'hdd' and hdd.value >= ssd.value
    union all
    select
        one.factor_id,
        concat('equals the grid of another country, ', other.factor_id) as problem
    from {{ factors }} as one
    inner join {{ factors }} as other
        on
            one.provider = other.provider
            and one.year = other.year
            and one.value = other.value
            and one.factor_id < other.factor_id
    inner join {{ regions }} as place
        on one.provider = place.provider and one.subject = place.region_id
    inner join {{ regions }} as other_place
        on other.provider = other_place.provider and other.subject = other_place.region_id
    where
        one.factor_kind = 'grid_intensity' and other.factor_kind = 'grid_intensity'
        and place.country_code <> other_place.country_code
        and one.value <> round(one.value, 0)
    union all
    select
        factor_id,
        'a grid factor needs its kind and boundary' as problem
    from {{ factors }}
    where factor_kind = 'grid_intensity' and (basis is null or boundary is null)
{%- endmacro %}

{#- Machines that can't be right, each with the reason. -#}
{% macro machine_problems(machines, factors) -%}
    select
        machine_type,
        'size out of range' as problem
    from {{ machines }}
    where
        not coalesce(
            vcpu between 0.25 and 1000 and memory_gib between 0.5 and 32768
            and coalesce(accelerators, 1) between 0.125 and 16
            and coalesce(host_vcpu, vcpu) >= vcpu
            and coalesce(host_embodied_kg, 1000) between 300 and 8000,
            false
        )
    union all
    select
        machine_type,
        'accelerators without a model, or a model without accelerators' as problem
    from {{ machines }}
    where (accelerators is null) <> (accelerator_model is null)
    union all
    select
        machines.machine_type,
        'processor or accelerator without a factor' as problem
    from {{ machines }} as machines
    left join {{ factors }} as processors
        on
            processors.factor_kind = 'idle_power'
            and processors.component = 'vcpu'
            and machines.processor_family = processors.subject
            and coalesce(processors.provider, machines.provider) = machines.provider
    left join {{ factors }} as accelerators
        on
            accelerators.factor_kind = 'idle_power'
            and accelerators.component = 'accelerator'
            and machines.accelerator_model = accelerators.subject
    where
        processors.factor_id is null
        or (machines.accelerator_model is not null and accelerators.factor_id is null)
{%- endmacro %}
