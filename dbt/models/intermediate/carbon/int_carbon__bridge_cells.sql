{{ conversion_storage() }}
{%- set pair = ['provider', 'comparison', 'usage_month'] %}
{%- set measures = bridged_measures().keys() | list + carrying_energies().keys() | list %}
{%- set attributes = [
    'factor_set_id', 'grid_year', 'energy_per_unit', 'embodied_per_unit', 'hours_per_unit'
] %}
{%- set activities = [
    'used_0_by_0_units', 'used_0_by_1_units', 'used_1_by_0_units', 'used_1_by_1_units'
] %}

with kinds as (
    select * from {{ ref('int_carbon__usage_kinds') }}
),

months as (
    select
        provider,
        usage_month,
        coalesce(max(factor_set_id), '') as factor_set_id
    from kinds
    group by provider, usage_month
),

compared as (
    {{ month_pairs('months') }}
),

-- Cardinality: a month has one row.
pairs as (
    select
        compared.*,
        earlier.factor_set_id <> later.factor_set_id as is_set_moved
    from compared
    inner join months as earlier
        on compared.provider = earlier.provider and compared.earlier_month = earlier.usage_month
    inner join months as later
        on compared.provider = later.provider and compared.usage_month = later.usage_month
),

-- Side 0 is the earlier month, side 1 the later one. Kinds of usage are told apart only where the
-- factors of one differ.
sided as (
    {%- for side, month in [(0, 'earlier_month'), (1, 'usage_month')] %}
    select
        pairs.provider,
        pairs.comparison,
        pairs.usage_month as later_month,
        pairs.is_set_moved,
        {{ side }} as side,
        case when pairs.is_set_moved then kinds.kind_key end as moved_kind_key,
        kinds.service,
        kinds.region_id,
        kinds.is_estimated,
        {{ each_of(attributes + measures, 'kinds.@') }}
    from pairs
    inner join kinds
        on pairs.provider = kinds.provider and pairs.{{ month }} = kinds.usage_month
    where kinds.is_estimable
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

paired as (
    select
        provider,
        comparison,
        later_month as usage_month,
        service,
        region_id,
        {%- for side in [0, 1] %}
        max(case when side = {{ side }} then 1 else 0 end) = 1 as is_used_{{ side }},
        {{ each_of(
            attributes, 'max(case when side = ' ~ side ~ ' and is_estimated then @ end) as @_' ~ side
        ) }},
        {{ each_of(
            measures,
            amount_sum('case when side = ' ~ side ~ ' and is_estimated then @ end')
            ~ ' as @_' ~ side
        ) }},
        {%- endfor %}
        is_set_moved
    from sided
    group by
        provider, comparison, later_month, is_set_moved, service, region_id, moved_kind_key
),

-- A month-long unit holds the hours of its month, which are no change of method.
figures as (
    {%- for figure in bridged_figures() %}
    select
        {{ pair | join(',\n        ') }},
        '{{ figure.source_kind }}' as source_kind,
        '{{ figure.method }}' as method,  -- noqa: RF04
        '{{ figure.figure }}' as figure,
        service,
        region_id,
        {%- for side in [0, 1] %}
        {{ figure.kg }}_{{ side }} as side_{{ side }}_kg,
        coalesce({{ figure.activity }}_{{ side }}, 0) as used_{{ side }}_units,
        factor_set_id_{{ side }},
        grid_year_{{ side }},
        case
            when is_set_moved then {{ scaled(
                'cast(' ~ figure.per_unit ~ '_per_unit_' ~ side ~ ' as decimal(38, 18))',
                'hours_per_unit_' ~ (1 - side)
            ) }}
        end as rate_{{ side }},
        {%- endfor %}
        is_set_moved
        and is_used_0
        and is_used_1
        and ({{ figure.known_by }}_0 is null) <> ({{ figure.known_by }}_1 is null) as is_known_once
    from paired
    where coalesce({{ figure.kg }}_0, {{ figure.kg }}_1) is not null
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

-- What each month used, as each month's factors and rules count it. One month's usage alone says
-- nothing about the other month's method.
moved as (
    select
        *,
        case
            when least(rate_0, rate_1) > 0
                then {{ in_proportion('used_0_units', 'rate_1', 'rate_0') }}
        end as moved_0_units,
        case
            when least(rate_0, rate_1) > 0
                then {{ in_proportion('used_1_units', 'rate_0', 'rate_1') }}
        end as moved_1_units
    from figures
),

by_both_methods as (
    select
        *,
        used_0_units as used_0_by_0_units,
        coalesce(moved_0_units, used_0_units) as used_0_by_1_units,
        coalesce(moved_1_units, used_1_units) as used_1_by_0_units,
        used_1_units as used_1_by_1_units
    from moved
),

cells as (
    select
        {{ bridge_key() | join(',\n        ') }},
        service,
        region_id,
        {%- for side in [0, 1] %}
        {{ amount_sum('case when not is_known_once then side_' ~ side ~ '_kg end') }}
            as side_{{ side }}_kg,
        max(factor_set_id_{{ side }}) as factor_set_id_{{ side }},
        max(grid_year_{{ side }}) as grid_year_{{ side }},
        {%- endfor %}
        {{ each_of(
            activities, amount_sum('case when not is_known_once then @ else 0 end') ~ ' as @'
        ) }},
        {{ amount_minus(
            amount_sum('case when is_known_once then coalesce(side_1_kg, 0) else 0 end'),
            amount_sum('case when is_known_once then coalesce(side_0_kg, 0) else 0 end')
        ) }} as known_once_kg
    from by_both_methods
    group by {{ bridge_key() | join(', ') }}, service, region_id
),

-- A provider's kilograms that the estimated energy is no measure of say nothing per kWh.
judged as (
    select
        *,
        {%- for side in [0, 1] %}
        coalesce(
            side_{{ side }}_kg is not null
            and least(used_{{ side }}_by_0_units, used_{{ side }}_by_1_units)
            >= {{ least_activity() }},
            false
        ) as has_activity_{{ side }},
        {%- endfor %}
        {{ each_of(
            ['0', '1'],
            'coalesce(abs(side_@_kg) > '
            ~ scaled('used_@_by_@_units', var('carbon_bridge_kg_per_kwh_limit'))
            ~ ', false) as is_beyond_@'
        ) }}
    from cells
),

placed as (
    select
        *,
        source_kind = 'estimated'
        or not (has_activity_0 and is_beyond_0 or has_activity_1 and is_beyond_1) as is_measured
    from judged
),

measured as (
    select
        *,
        {{ each_of(['0', '1'], 'has_activity_@ and is_measured as is_there_@') }}
    from placed
),

-- A change of kilograms per unit of activity is one of the grid where its year is another, else of
-- the method where the factor set is another; else it is rounding between kinds of usage.
moving as (
    select
        *,
        case
            when source_kind = 'reported' or grid_year_0 <> grid_year_1 then 'intensity'
            when factor_set_id_0 <> factor_set_id_1 then 'method'
            else 'mix'
        end as intensity_moves_with
    from measured
)

select
    {{ bridge_key() | join(',\n    ') }},
    service,
    region_id,
    intensity_moves_with,
    {%- for side in [0, 1] %}
    is_there_{{ side }},
    max(case when is_there_{{ side }} then 1 else 0 end)
        over (partition by {{ bridge_key() | join(', ') }}, region_id) = 1
        as is_region_there_{{ side }},
    case when is_there_{{ side }} then side_{{ side }}_kg else 0 end as side_{{ side }}_kg,
    {%- endfor %}
    {{ each_of(activities, '@') }},
    max(case
        when
            used_0_by_0_units <> used_0_by_1_units or used_1_by_0_units <> used_1_by_1_units
            or intensity_moves_with = 'method'
            then 1
        else 0
    end) over (partition by {{ bridge_key() | join(', ') }}) = 1 as is_method_moved,
    known_once_kg
from moving
