{%- set key = bridge_key() %}
{%- set figures = bridged_figures() %}
{%- set lines = ['eligible_lines', 'covered_lines'] %}

with kinds as (
    select * from {{ ref('int_carbon__usage_kinds') }}
),

told_parts as (
    select * from {{ ref('int_carbon__bridge_parts') }}
),

emissions as (
    select
        *,
        coalesce(model_version, '') as version_word
    from {{ ref('fct_emissions_reported') }}
),

periods as (
    select * from {{ ref('dim_billing_period') }}
),

months as (
    select
        provider,
        usage_month,
        {%- for figure in figures %}
        {{ amount_sum(figure.kg) }} as {{ figure.kg }},
        {%- endfor %}
        {{ listed('factor_set_id') }} as factor_sets,
        cast(sum(case when is_estimable then charge_lines else 0 end) as bigint)
            as estimable_lines,
        cast(sum(case when is_estimated then charge_lines else 0 end) as bigint)
            as estimated_lines,
        cast(sum(reportable_lines) as bigint) as reportable_lines,
        cast(sum(reported_lines) as bigint) as reported_lines
    from kinds
    group by provider, usage_month
),

-- Versions by which the provider reports a month now.
versions as (
    select
        provider,
        usage_month,
        {{ listed('model_version') }} as model_versions
    from emissions
    where is_current
    group by provider, usage_month
),

-- Cardinality: one list of versions and one period for each provider and month.
stated as (
    select
        months.*,
        versions.model_versions,
        coalesce(periods.carbon_state, 'pending') as carbon_state,
        periods.cost_state
    from months
    left join versions
        on months.provider = versions.provider and months.usage_month = versions.usage_month
    left join periods
        on months.provider = periods.provider and months.usage_month = periods.billing_month
),

figure_months as (
    {%- for figure in figures %}
    {%- set is_reported = figure.source_kind == 'reported' %}
    select
        provider,
        usage_month,
        '{{ figure.source_kind }}' as source_kind,
        '{{ figure.method }}' as method,  -- noqa: RF04
        '{{ figure.figure }}' as figure,
        {{ figure.kg }} as kg,
        {{ 'model_versions' if is_reported else 'factor_sets' }} as stated_version,
        {{ 'reportable' if is_reported else 'estimable' }}_lines as eligible_lines,
        {{ 'reported' if is_reported else 'estimated' }}_lines as covered_lines,
        {{ 'carbon' if is_reported else 'cost' }}_state as figure_state
    from stated
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

pairs as (
    {{ month_pairs('months') }}
),

-- Cardinality: a month has one row of each figure.
bridges as (
    select
        pairs.provider,
        pairs.comparison,
        pairs.usage_month,
        pairs.earlier_month,
        later.source_kind,
        later.method,
        later.figure,
        earlier.kg as earlier_kg,
        later.kg as later_kg,
        {{ amount_minus('later.kg', 'earlier.kg') }} as difference_kg,
        earlier.stated_version as earlier_version,
        later.stated_version as later_version,
        {%- for column in lines %}
        earlier.{{ column }} as earlier_{{ column }},
        later.{{ column }} as later_{{ column }},
        {%- endfor %}
        earlier.figure_state as earlier_state,
        later.figure_state as later_state
    from pairs
    inner join figure_months as later
        on pairs.provider = later.provider and pairs.usage_month = later.usage_month
    inner join figure_months as earlier
        on
            pairs.provider = earlier.provider
            and pairs.earlier_month = earlier.usage_month
            and later.source_kind = earlier.source_kind
            and later.method = earlier.method
            and later.figure = earlier.figure
    where coalesce(earlier.kg, later.kg) is not null
),

-- What a source said of a month by the first version that states the method, and what it says now.
by_version as (
    {%- for figure in figures if figure.source_kind == 'reported' %}
    {%- set total = 'total_' ~ figure.method ~ '_kg' %}
    select
        source_name,
        provider,
        usage_month,
        '{{ figure.method }}' as method,  -- noqa: RF04
        {{ amount_sum(total) }} as kg,
        max(case when is_current then 1 else 0 end) = 1 as is_current,
        row_number() over (
            partition by source_name, provider, usage_month
            order by {{ semantic_order('version_word') }}, version_word
        ) as place
    from emissions
    where {{ total }} is not null
    group by source_name, provider, usage_month, version_word
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

restated as (
    select
        provider,
        usage_month,
        method,
        {{ amount_minus(
            amount_sum('case when is_current then kg else 0 end'),
            amount_sum('case when place = 1 then kg else 0 end')
        ) }} as restated_kg
    from by_version
    group by provider, usage_month, method
),

-- Cardinality: one restatement for each provider, month and method.
since_first as (
    select
        bridges.*,
        case
            when bridges.source_kind = 'reported' and bridges.earlier_kg is not null
                then coalesce(restated.restated_kg, 0)
        end as restated_kg
    from bridges
    left join restated
        on
            bridges.provider = restated.provider
            and bridges.earlier_month = restated.usage_month
            and bridges.method = restated.method
),

told_sums as (
    select
        {{ key | join(',\n        ') }},
        {{ amount_sum('kg') }} as told_kg,
        count(kg) < count(*) as is_beyond_arithmetic
    from told_parts
    group by {{ key | join(', ') }}
),

-- Cardinality: one sum for each bridge.
summed as (
    select
        since_first.*,
        told_sums.told_kg,
        case
            when since_first.earlier_kg is null then 'no_figure_in_earlier_month'
            when since_first.later_kg is null then 'no_figure_in_later_month'
            when told_sums.provider is null then 'no_activity_known'
            when told_sums.is_beyond_arithmetic then 'beyond_exact_arithmetic'
        end as bridge_gap
    from since_first
    left join told_sums on {{ same_columns('since_first', 'told_sums', key) }}
),

-- A version step is one line: a provider's own intensity can't be told from its new method.
-- Cardinality: one row for each part that is told.
parts as (
    select
        summed.*,
        case
            when told_parts.part <> 'intensity' then told_parts.part
            when summed.source_kind = 'estimated' then 'grid_factor'
            when coalesce(summed.earlier_version, '') <> coalesce(summed.later_version, '')
                then 'intensity_and_method'
            else 'provider_intensity'
        end as part,
        told_parts.kg
    from summed
    inner join told_parts on {{ same_columns('summed', 'told_parts', key) }}
    where summed.bridge_gap is null
    union all
    select
        summed.*,
        'restatement' as part,
        summed.restated_kg as kg
    from summed
    where summed.restated_kg is not null and summed.later_kg is not null
    union all
    select
        summed.*,
        'not_decomposed' as part,
        case
            when summed.bridge_gap is null
                then {{ amount_minus('summed.difference_kg', 'summed.told_kg') }}
            else summed.difference_kg
        end as kg
    from summed
)

select
    usage_month,
    comparison,
    earlier_month,
    provider,
    source_kind,
    method,
    figure,
    part,
    case part
        {%- for part, place in bridge_parts().items() %}
        when '{{ part }}' then {{ place }}
        {%- endfor %}
    end as part_order,
    kg,
    {{ amount_minus('earlier_kg', 'restated_kg') }} as first_reported_earlier_kg,
    earlier_kg,
    later_kg,
    difference_kg,
    earlier_version,
    later_version,
    {%- for column in lines %}
    earlier_{{ column }},
    later_{{ column }},
    {%- endfor %}
    earlier_state,
    later_state,
    bridge_gap
from parts
