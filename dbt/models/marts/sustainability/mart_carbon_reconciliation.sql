{%- set group = ['usage_month', 'provider', 'service_name', 'region_id'] %}
{%- set usual = 'partition by provider, service_name, region_id, method, scope order by usage_month
        rows between 12 preceding and 1 preceding' %}

with compared as (
    select
        *,
        {{ is_comparable() }} as is_comparable
    from {{ ref('int_carbon__compared') }}
    where reported_status in ('Reported', 'BelowThreshold', 'LateAfterClose')
),

-- Only lines that have both figures are compared: a report of all lines against an estimate of few
-- would say nothing.
figures as (
    {%- for comparison in comparisons() %}
    select
        {{ group | join(',\n        ') }},
        '{{ comparison.method }}' as method,  -- noqa: RF04
        '{{ comparison.scope }}' as scope,
        {{ amount_sum(comparison.reported) }} as reported_kg,
        {{ amount_sum('case when is_comparable then ' ~ comparison.reported ~ ' end') }}
            as compared_reported_kg,
        {{ amount_sum(
            'case when is_comparable and ' ~ comparison.reported ~ ' is not null then '
            ~ known_sum(comparison.estimated) ~ ' end'
        ) }} as compared_estimated_kg,
        cast(
            sum(case when {{ comparison.reported }} is not null then charge_lines else 0 end)
            as bigint
        ) as reported_lines,
        cast(
            sum(
                case
                    when is_comparable and {{ comparison.reported }} is not null then charge_lines
                    else 0
                end
            ) as bigint
        ) as compared_lines
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
                then round(
                    cast(compared_reported_kg as double) / cast(compared_estimated_kg as double), 6
                )
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
    reported_to_estimated_ratio,
    usual_low_ratio,
    usual_high_ratio,
    usual_months,
    reported_to_estimated_ratio < usual_low_ratio or reported_to_estimated_ratio > usual_high_ratio
        as is_outside_usual,
    case
        when compared_lines = 0 then 'no_estimate'
        when reported_to_estimated_ratio is null then 'estimate_is_zero'
        when usual_low_ratio is null then 'too_few_months'
    end as comparison_gap
from banded
