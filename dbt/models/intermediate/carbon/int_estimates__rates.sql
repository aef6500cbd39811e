{{ monthly_model() }}

with skus as (
    select
        *,
        lower(region_id) as region_word,
        nullif(regexp_extract(lower(region_id), '^([a-z][a-z])-', 1), '') as country_word,
        cast(extract(year from usage_month) as integer) as usage_year
    from {{ ref('int_usage__skus') }}
    where {{ this_month() }} and treatment = 'Estimate'
),

factors as (
    select
        carbon_factors.*,
        {{ factor_key('carbon_factors') }} as factor_key,
        factor_sets.set_number
    from {{ ref('carbon_factors') }} as carbon_factors
    inner join {{ ref('carbon_factor_sets') }} as factor_sets
        on
            carbon_factors.first_set <= factor_sets.set_number
            and (
                carbon_factors.last_set is null
                or carbon_factors.last_set >= factor_sets.set_number
            )
),

loads as (
    select
        set_number,
        factor_key,
        subject as component,
        value_low as load_low,
        value as load_central,
        value_high as load_high
    from factors
    where factor_kind = 'load'
),

lifespans as (
    select
        set_number,
        factor_key,
        cast(value_low as integer) as hours_low,
        cast(value as integer) as hours_central,
        cast(value_high as integer) as hours_high
    from factors
    where factor_kind = 'lifespan'
),

-- What a machine draws grows with its load, from idle to full.
idle_to_full as (
    select
        idle.set_number,
        idle.component,
        idle.provider,
        idle.subject,
        idle.boundary,
        idle.factor_key as idle_factors,
        concat_ws(' ', idle.factor_key, full_power.factor_key, loads.factor_key) as power_factors,
        idle.value as idle_wh,
        {{ each_bound('loads.load_@') }},
        {{ amount_minus('full_power.value', 'idle.value') }} as wh_range
    from factors as idle
    inner join factors as full_power
        on
            idle.set_number = full_power.set_number
            and idle.component = full_power.component
            and coalesce(idle.provider, '') = coalesce(full_power.provider, '')
            and idle.subject = full_power.subject
            and full_power.factor_kind = 'full_power'
    inner join loads on idle.set_number = loads.set_number and idle.component = loads.component
    where idle.factor_kind = 'idle_power'
),

-- Watt-hours of one unit of a component: an hour of a vCPU, a GB-hour, a GB moved, a token.
powers as (
    select
        set_number,
        component,
        provider,
        subject,
        boundary,
        idle_factors,
        power_factors,
        idle_wh,
        {{ each_bound(amount_plus('idle_wh', rate_product('wh_range', 'load_@', 9)) ~ ' as wh_@') }}
    from idle_to_full
    union all
    select
        set_number,
        component,
        provider,
        subject,
        boundary,
        factor_key as idle_factors,
        factor_key as power_factors,
        {{ rate_product('value', unit_of_component(), 12) }} as idle_wh,
        {{ rate_product('value_low', unit_of_component(), 12) }} as wh_low,
        {{ rate_product('value', unit_of_component(), 12) }} as wh_central,
        {{ rate_product('value_high', unit_of_component(), 12) }} as wh_high
    from factors
    where factor_kind = 'power'
),

embodied as (
    select
        factors.set_number,
        factors.component,
        factors.provider,
        factors.subject,
        factors.factor_key,
        {{ rate_product('factors.value_low', unit_of_component(), 12) }} as embodied_low,
        {{ rate_product('factors.value', unit_of_component(), 12) }} as embodied_central,
        {{ rate_product('factors.value_high', unit_of_component(), 12) }} as embodied_high
    from factors
    where factors.factor_kind = 'embodied'
),

included_memory as (
    select
        set_number,
        provider,
        subject,
        factor_key,
        value as included_gib
    from factors
    where factor_kind = 'included_memory'
),

-- The watts of a processor hold those of the memory that servers with it usually have.
with_memory as (
    select
        skus.*,
        included_memory.factor_key as included_memory_factor,
        {{ amount_minus(
            'coalesce(skus.memory_gb_hours, 0)',
            'coalesce(' ~ rate_product(
                'included_memory.included_gib', 'skus.vcpu_hours', 11
            ) ~ ', 0)'
        ) }} as memory_beyond,
        {{ rate_product('skus.replicas', 'skus.storage_gb_hours', 11) }} as stored_gb_hours
    from skus
    left join included_memory
        on
            skus.set_number = included_memory.set_number
            and skus.processor_family = included_memory.subject
            and (
                included_memory.provider is null
                or skus.x_Provider = included_memory.provider
            )
),

parts as (
    {%- for part in estimate_parts() %}
    select
        billing_month,
        sku_key,
        set_number,
        x_Provider,
        is_held_idle,
        '{{ part.component }}' as component,
        '{{ part.made_as or part.component }}' as made_as,
        {{ part.subject }} as subject,
        {{ part.embodied_subject or part.subject }} as embodied_subject,
        {{ part.host_vcpu or 'cast(null as decimal(38, 18))' }} as host_vcpu,
        {{ part.host_kg or 'cast(null as decimal(38, 18))' }} as host_embodied_kg,
        {{ 'included_memory_factor' if part.component == 'memory'
            else 'cast(null as ' ~ varchar_type() ~ ')' }} as amount_factor,
        cast({{ part.amount }} as decimal(38, 18)) as amount
    from with_memory
    where {{ part.amount }} > 0
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

-- Cardinality: powers and embodied have one row per set, component, provider and subject.
rated as (
    select
        parts.*,
        powers.set_number is null and parts.component <> 'owned_server' as has_no_power,
        powers.boundary,
        concat_ws(
            ' ',
            case
                when parts.is_held_idle then powers.idle_factors
                else powers.power_factors
            end,
            parts.amount_factor,
            case when parts.host_embodied_kg is null then embodied.factor_key end,
            case
                when
                    coalesce(parts.host_embodied_kg, embodied.embodied_central) is not null
                    and {{ is_made_for_years('parts.component') }}
                    then lifespans.factor_key
            end
        ) as part_factors,
        {{ each_bound(
            'case when parts.is_held_idle then powers.idle_wh else powers.wh_@ end as wh_@'
        ) }},
        {{ each_bound('coalesce(parts.host_embodied_kg, embodied.embodied_@) as kg_@') }},
        {{ each_bound(hours_of_making() ~ ' as spread_@') }}
    from parts
    inner join lifespans on parts.set_number = lifespans.set_number
    left join powers
        on
            parts.set_number = powers.set_number
            and parts.component = powers.component
            and parts.subject = powers.subject
            and (powers.provider is null or parts.x_Provider = powers.provider)
    left join embodied
        on
            parts.set_number = embodied.set_number
            and parts.made_as = embodied.component
            and parts.embodied_subject = embodied.subject
            and (embodied.provider is null or parts.x_Provider = embodied.provider)
),

spread as (
    select
        *,
        {{ each_bound(rounded_quotient('kg_@', 'spread_@') ~ ' as kg_per_unit_@') }}
    from rated
),

priced as (
    select
        billing_month,
        sku_key,
        has_no_power,
        boundary,
        part_factors,
        {{ each_bound(rate_product('wh_@', 'amount', 11) ~ ' as wh_@') }},
        {{ each_bound(rate_product('kg_per_unit_@', 'amount', 11) ~ ' as embodied_@') }}
    from spread
),

-- Some sources state the energy of a whole data centre: no overhead comes on top of it.
summed as (
    select
        billing_month,
        sku_key,
        max(case when has_no_power then 1 else 0 end) = 1 as has_no_power,
        max(case when boundary = 'facility' then 1 else 0 end) = 1 as is_of_facility,
        {{ listed('part_factors') }} as part_factors,
        {{ each_bound(
            amount_sum("case when coalesce(boundary, '') <> 'facility' then wh_@ end")
            ~ ' as it_wh_@'
        ) }},
        {{ each_bound(
            amount_sum("case when boundary = 'facility' then wh_@ end") ~ ' as facility_wh_@'
        ) }},
        {{ each_bound(amount_sum('embodied_@') ~ ' as embodied_@') }}
    from priced
    group by billing_month, sku_key
),

-- A site of one's own is named after its country: what is known of the country holds for it.
known_places as (
    select distinct
        set_number,
        provider,
        subject
    from factors
    where factor_kind = 'grid_intensity'
),

placed as (
    select
        skus.billing_month,
        skus.sku_key,
        skus.set_number,
        skus.x_Provider,
        skus.usage_year,
        coalesce(known_places.subject, skus.country_word) as place
    from skus
    left join known_places
        on
            skus.set_number = known_places.set_number
            and skus.x_Provider = known_places.provider
            and skus.region_word = known_places.subject
),

-- The newest year that isn't after the usage, else the oldest.
grids as (
    select
        placed.billing_month,
        placed.sku_key,
        factors.value as grid_central,
        factors.value_low as grid_low,
        factors.value_high as grid_high,
        factors.boundary,
        factors.factor_key,
        factors.year as grid_year,
        row_number() over (
            partition by placed.billing_month, placed.sku_key
            order by
                case when factors.year <= placed.usage_year then 0 else 1 end,
                abs(factors.year - placed.usage_year)
        ) as nearness
    from placed
    inner join factors
        on
            placed.set_number = factors.set_number
            and placed.x_Provider = factors.provider
            and placed.place = factors.subject
            and factors.factor_kind = 'grid_intensity'
),

{%- for kind in ['pue', 'wue', 'source_water'] %}
{{ kind }} as (
    select * from factors
    where factor_kind = '{{ kind }}'
),
{% endfor %}
losses as (
    select
        upstream.set_number,
        upstream.subject as boundary,
        concat_ws(' ', upstream.factor_key, transmission.factor_key) as loss_factors,
        {{ amount_plus('upstream.value', 'transmission.value') }} as fera_share
    from factors as upstream
    inner join factors as transmission
        on
            upstream.set_number = transmission.set_number
            and transmission.factor_kind = 'transmission'
    where upstream.factor_kind = 'upstream'
),

-- Cardinality: a place has one overhead, one year's grid and one water factor of each kind.
located as (
    select
        summed.*,
        grids.grid_low,
        grids.grid_central,
        grids.grid_high,
        grids.grid_year,
        losses.fera_share,
        concat_ws(
            ' ', replace(summed.part_factors, ',', ''), grids.factor_key, losses.loss_factors,
            pue.factor_key, wue.factor_key, source_water.factor_key
        ) as factor_keys,
        pue.value_low as pue_low,
        pue.value as pue_central,
        pue.value_high as pue_high,
        wue.value as water_per_it_kwh,
        source_water.value as water_per_kwh
    from summed
    inner join placed
        on summed.sku_key = placed.sku_key and summed.billing_month = placed.billing_month
    left join grids
        on
            placed.sku_key = grids.sku_key
            and placed.billing_month = grids.billing_month
            and grids.nearness = 1
    left join losses
        on placed.set_number = losses.set_number and grids.boundary = losses.boundary
    {%- for kind in ['pue', 'wue', 'source_water'] %}
    left join {{ kind }}
        on
            placed.set_number = {{ kind }}.set_number
            and placed.x_Provider = {{ kind }}.provider
            and placed.place = {{ kind }}.subject
    {%- endfor %}
),

in_kwh as (
    select
        *,
        {{ each_bound(rate_product(thousandth(), 'it_wh_@', 11) ~ ' as it_kwh_@') }},
        {{ each_bound(rate_product(thousandth(), 'facility_wh_@', 11) ~ ' as facility_kwh_@') }},
        {{ each_bound(rate_product('grid_@', thousandth(), 12) ~ ' as grid_kg_@') }}
    from located
),

-- A data centre's overhead has to be known for what draws its power.
with_overhead as (
    select
        *,
        {{ each_bound(energy_of_facility() ~ ' as kwh_@') }}
    from in_kwh
),

emitting as (
    select
        *,
        {{ each_bound(rate_product('kwh_@', 'grid_kg_@', 12) ~ ' as operational_@') }},
        case
            when not is_of_facility
                then {{ amount_plus(
                    rate_product('it_kwh_central', 'water_per_it_kwh', 12),
                    rate_product('kwh_central', 'water_per_kwh', 12)
                ) }}
        end as water
    from with_overhead
),

with_losses as (
    select
        *,
        {{ rate_product('operational_central', 'fera_share', 12) }} as fera,
        {{ each_bound(
            amount_plus('coalesce(operational_@, 0)', 'coalesce(embodied_@, 0)') ~ ' as carbon_@'
        ) }},
        not has_no_power
        and (
            operational_central is not null
            or (
                it_wh_central is null and facility_wh_central is null
                and embodied_central is not null
            )
        ) as is_covered
    from emitting
)

select
    billing_month,
    sku_key,
    is_covered,
    {{ per_unit_of('kwh_central', 15) }} as energy_kwh,
    {{ per_unit_of('operational_central', 15) }} as operational_kg,
    {{ per_unit_of('fera', 15) }} as fera_kg,
    {{ per_unit_of('embodied_central', 15) }} as embodied_kg,
    {{ per_unit_of('carbon_low', 15) }} as low_kg,
    {{ per_unit_of('carbon_high', 15) }} as high_kg,
    {{ per_unit_of('water', 15) }} as water_l,
    factor_keys,
    grid_year
from with_losses
