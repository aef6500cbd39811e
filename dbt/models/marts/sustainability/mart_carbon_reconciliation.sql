{%- set group = ['usage_month', 'provider', 'service_name', 'region_id'] %}
{%- set usual = 'partition by provider, service_name, region_id, method, scope order by usage_month
        rows between 12 preceding and 1 preceding' %}

with compared as (
    select * from {{ ref('int_carbon__compared') }}
    where reported_status in ('Reported', 'BelowThreshold', 'LateAfterClose')
),

-- Only lines that have both figures are compared, the estimate with every part that the scope
-- holds: a report of all lines against an estimate of few would say nothing.
figures as (
    {%- for comparison in comparisons() %}
    {%- set is_reported = comparison.reported ~ ' is not null' %}
    {%- set is_compared = comparison.is_comparable ~ ' and ' ~ is_reported %}
    select
        {{ group | join(',\n        ') }},
        '{{ comparison.method }}' as method,  -- noqa: RF04
        '{{ comparison.scope }}' as scope,
        {%- for name, counted in {
            'reported_lines': is_reported,
            'estimated_lines': is_comparable() ~ ' and ' ~ is_reported,
            'compared_lines': is_compared,
        }.items() %}
        cast(sum(case when {{ counted }} then charge_lines else 0 end) as bigint)
            as {{ name }},
        {%- endfor %}
        {{ amount_sum(comparison.reported) }} as reported_kg,
        {{ amount_sum('case when ' ~ is_compared ~ ' then ' ~ comparison.reported ~ ' end') }}
            as compared_reported_kg,
        {{ amount_sum(
            'case when ' ~ is_compared ~ ' then ' ~ known_sum(comparison.estimated) ~ ' end'
        ) }} as compared_estimated_kg
    from compared
    group by {{ group | join(', ') }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

divided as (
    select
        *,
        case
            when compared_estimated_kg > 0
                then {{ ratio_of('compared_reported_kg', 'compared_estimated_kg') }}
        end as reported_to_estimated_ratio
    from figures
    where reported_kg is not null
),

with_usual as (
    select
        *,
        count(reported_to_estimated_ratio) over ({{ usual }}) as usual_months,
        min(reported_to_estimated_ratio) over ({{ usual }}) as lowest_ratio,
        max(reported_to_estimated_ratio) over ({{ usual }}) as highest_ratio
    from divided
),

-- A level says little, since methods differ; a ratio that leaves its own past says that something
-- changed.
banded as (
    select
        *,
        case
            when usual_months >= {{ var('carbon_usual_months') }}
                then round(lowest_ratio * {{ 1 - var('carbon_ratio_tolerance_percent') / 100 }}, 6)
        end as usual_low_ratio,
        case
            when usual_months >= {{ var('carbon_usual_months') }}
                then round(highest_ratio * {{ 1 + var('carbon_ratio_tolerance_percent') / 100 }}, 6)
        end as usual_high_ratio
    from with_usual
)

select
    {{ group | join(',\n    ') }},
    method,
    scope,
    reported_kg,
    compared_reported_kg,
    compared_estimated_kg,
    reported_lines,
    compared_lines,
    case
        when reported_kg > 0
            then {{ ratio_of('compared_reported_kg', 'reported_kg') }}
    end as compared_reported_ratio,
    reported_to_estimated_ratio,
    usual_low_ratio,
    usual_high_ratio,
    usual_months,
    reported_to_estimated_ratio < usual_low_ratio or reported_to_estimated_ratio > usual_high_ratio
        as is_outside_usual,
    case
        when estimated_lines = 0 then 'no_estimate'
        when compared_lines = 0 then 'estimate_lacks_a_part'
        when reported_to_estimated_ratio is null then 'estimate_is_zero'
        when usual_low_ratio is null then 'too_few_months'
    end as comparison_gap
from banded
