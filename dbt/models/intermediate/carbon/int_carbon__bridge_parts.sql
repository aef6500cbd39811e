{{ conversion_storage() }}
{%- set key = bridge_key() %}
{%- set corner = key + ['is_method_moved', 'mix_at', 'intensity_at', 'method_at'] %}
{%- set movers = bridge_movers() %}

with cells as (
    select * from {{ ref('int_carbon__bridge_cells') }}
),

sides as (
    select 0 as side
    union all
    select 1 as side
),

-- A corner takes each mover from one of the two months. What only one month has can't be taken
-- from the other: its shares and its intensity are those that it has.
corners as (
    select
        mixes.side as mix_at,
        intensities.side as intensity_at,
        methods.side as method_at
    from sides as mixes
    cross join sides as intensities
    cross join sides as methods
),

shared as (
    select
        cells.*,
        corners.mix_at,
        corners.intensity_at,
        corners.method_at,
        {{ side_or_other(
            'corners.mix_at', 'cells.is_region_there_0', 'cells.is_region_there_1'
        ) }} as shares_at,
        case cells.intensity_moves_with
            when 'intensity' then corners.intensity_at
            when 'method' then corners.method_at
        end as moved_intensity_at
    from cells
    inner join corners on cells.is_method_moved or corners.method_at = 0
    where cells.is_there_0 or cells.is_there_1
),

taken as (
    select
        *,
        {{ side_or_other('coalesce(moved_intensity_at, shares_at)', 'is_there_0', 'is_there_1') }}
            as kg_at
    from shared
),

measured as (
    select
        {{ corner | join(',\n        ') }},
        region_id,
        {%- for side in [0, 1] %}
        case
            when is_there_{{ side }} then {{ used_at(side, 'method_at') }}
            else 0
        end as used_{{ side }}_units,
        {%- endfor %}
        shares_at,
        {{ at_side('shares_at', 'is_there_0', 'is_there_1') }} as is_there,
        {{ at_side('kg_at', 'side_0_kg', 'side_1_kg') }} as kg,
        {{ used_at('shares_at', 'method_at') }} as units,
        case
            when source_kind = 'reported'
                then {{ used_at('kg_at', 'method_at') }}
            else {{ used_at('kg_at', 'kg_at') }}
        end as of_units
    from taken
),

-- Kilograms of a cell's activity in one month at the intensity of one month.
emitted as (
    select
        *,
        case
            when is_there then {{ at_units('kg', 'units', 'of_units') }}
            else 0
        end as emitted_kg
    from measured
),

-- One corner that is beyond exact arithmetic makes the whole bridge unknown.
by_region as (
    select
        {{ corner | join(',\n        ') }},
        region_id,
        max(shares_at) as shares_at,
        {{ amount_sum('used_0_units') }} as used_0_units,
        {{ amount_sum('used_1_units') }} as used_1_units,
        case when {{ are_exact('emitted_kg') }} then {{ amount_sum('emitted_kg') }} end as kg
    from emitted
    group by {{ corner | join(', ') }}, region_id
),

with_presence as (
    select
        *,
        sum(used_0_units) over (partition by {{ corner | join(', ') }}) > 0 as is_provider_there_0,
        sum(used_1_units) over (partition by {{ corner | join(', ') }}) > 0 as is_provider_there_1
    from by_region
),

spread as (
    select
        with_presence.*,
        sides.side as region_at,
        {{ side_or_other('sides.side', 'is_provider_there_0', 'is_provider_there_1') }} as spread_at
    from with_presence
    cross join sides
),

resized as (
    select
        *,
        {{ at_side('spread_at', 'used_0_units', 'used_1_units') }} as units,
        {{ at_side('shares_at', 'used_0_units', 'used_1_units') }} as of_units
    from spread
),

-- The same with a region as large as it is in one month.
regional as (
    select
        *,
        case
            when units > 0 then {{ at_units('kg', 'units', 'of_units') }}
            else 0
        end as regional_kg
    from resized
),

by_pattern as (
    select
        {{ corner | join(',\n        ') }},
        region_at,
        max(spread_at) as spread_at,
        {{ amount_sum('used_0_units') }} as used_0_units,
        {{ amount_sum('used_1_units') }} as used_1_units,
        case when {{ are_exact('regional_kg') }} then {{ amount_sum('regional_kg') }} end as kg
    from regional
    group by {{ corner | join(', ') }}, region_at
),

scaled_up as (
    select
        by_pattern.*,
        sides.side as activity_at,
        {{ at_side('sides.side', 'used_0_units', 'used_1_units') }} as units,
        {{ at_side('spread_at', 'used_0_units', 'used_1_units') }} as of_units
    from by_pattern
    cross join sides
),

-- The same with all regions together as large as in one month.
totals as (
    select
        *,
        case
            when units > 0 then {{ at_units('kg', 'units', 'of_units') }}
            else 0
        end as corner_kg
    from scaled_up
),

moved as (
    select
        {{ key | join(',\n        ') }},
        {%- for mover, part in movers.items() %}
        {{ amount_sum(scaled('corner_kg', weight_in_orders(mover))) }} as {{ part }}_moves,
        {%- endfor %}
        {{ are_exact('corner_kg') }} as is_exact
    from totals
    group by {{ key | join(', ') }}
),

-- Kilograms as a measure of activity have no region and no mix that would change them.
weighed as (
    select
        {{ key | join(',\n        ') }},
        is_exact,
        case
            when figure = 'embodied' then {{ amount_plus(
                amount_plus('activity_moves', 'region_moves'),
                amount_plus('mix_moves', 'intensity_moves')
            ) }}
            else activity_moves
        end as activity_moves,
        region_moves,
        mix_moves,
        intensity_moves,
        method_moves
    from moved
),

parts as (
    {%- for part in movers.values() %}
    select
        {{ key | join(',\n        ') }},
        is_exact,
        '{{ part }}' as part,
        {{ loop.index }} as place,
        cast(round({{ rounded_quotient(part ~ '_moves', bridge_orders()) }}, 9) as decimal(38, 18))
            as rounded_kg
    from weighed
    {%- if part == 'method' %}
    where source_kind = 'estimated'
    {%- elif part != 'activity' %}
    where figure <> 'embodied'
    {%- endif %}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

differences as (
    select
        {{ key | join(',\n        ') }},
        {{ amount_minus(amount_sum('side_1_kg'), amount_sum('side_0_kg')) }} as difference_kg,
        {{ amount_sum('known_once_kg') }} as known_once_kg
    from cells
    group by {{ key | join(', ') }}
),

-- Cardinality: one difference for each bridge.
ranked as (
    select
        parts.*,
        count(parts.rounded_kg) over (partition by parts.{{ key | join(', parts.') }})
        = count(*) over (partition by parts.{{ key | join(', parts.') }}) as is_whole,
        differences.difference_kg,
        differences.known_once_kg,
        cast(sum(parts.rounded_kg) over (
            partition by parts.{{ key | join(', parts.') }}
        ) as decimal(38, 18)) as all_rounded_kg,
        row_number() over (
            partition by parts.{{ key | join(', parts.') }}
            order by abs(parts.rounded_kg) desc, parts.place
        ) as size_rank
    from parts
    inner join differences
        on {{ same_columns('parts', 'differences', key) }}
),

-- What rounding leaves goes to the largest part. Usage that both months have and one set of factors
-- alone can estimate is a matter of method.
closed as (
    select
        *,
        case
            when size_rank = 1 then {{ amount_plus(
                'rounded_kg', amount_minus('difference_kg', 'all_rounded_kg')
            ) }}
            else rounded_kg
        end as closed_kg
    from ranked
)

select
    {{ key | join(',\n    ') }},
    part,
    case
        when not (is_exact and is_whole) then null
        when part = 'method' then {{ amount_plus('closed_kg', 'known_once_kg') }}
        else closed_kg
    end as kg
from closed
