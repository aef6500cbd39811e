{%- set group = ['provider', 'service_name', 'region_id'] %}
{%- set history = var('carbon_nowcast_months') %}

-- Lines that the provider reports or will report.
with compared as (
    select
        *,
        {{ is_comparable() }} as is_comparable,
        {{ known_sum(estimate_of_total()) }} as estimated_kg
    from {{ ref('int_carbon__compared') }}
    where reported_status in ('Reported', 'BelowThreshold', 'Pending')
),

periods as (
    select * from {{ ref('dim_billing_period') }}
),

months as (
    select
        usage_month,
        {{ group | join(',\n        ') }},
        {{ amount_sum('estimated_kg') }} as estimated_kg,
        {{ amount_sum('case when is_comparable then location_total_kg end') }}
            as reported_location_kg,
        {{ amount_sum(
            'case when is_comparable and location_total_kg is not null then estimated_kg end'
        ) }} as compared_estimated_kg,
        cast(sum(charge_lines) as bigint) as awaited_lines,
        cast(sum(case when estimate_status = 'Estimated' then charge_lines else 0 end) as bigint)
            as estimated_lines
    from compared
    group by usage_month, {{ group | join(', ') }}
),

-- A provider that states no location-based figure has none to be expected.
location_based as (
    select distinct provider
    from compared
    where location_total_kg is not null
),

reported as (
    select
        *,
        cast(reported_location_kg as double) / cast(compared_estimated_kg as double)
            as month_ratio
    from months
    where compared_estimated_kg > 0
),

earlier as (
    select
        months.usage_month,
        months.{{ group | join(',\n        months.') }},
        reported.usage_month as basis_month,
        reported.reported_location_kg,
        reported.compared_estimated_kg,
        reported.month_ratio,
        row_number() over (
            partition by months.usage_month, months.{{ group | join(', months.') }}
            order by reported.usage_month desc
        ) as age
    from months
    inner join reported
        on
            months.provider = reported.provider
            and months.service_name is not distinct from reported.service_name
            and months.region_id is not distinct from reported.region_id
            and months.usage_month > reported.usage_month
),

bases as (
    select
        usage_month,
        {{ group | join(',\n        ') }},
        count(*) as basis_months,
        min(basis_month) as basis_from,
        max(basis_month) as basis_to,
        cast({{ amount_sum('reported_location_kg') }} as double)
        / cast({{ amount_sum('compared_estimated_kg') }} as double) as ratio,
        min(month_ratio) as low_ratio,
        max(month_ratio) as high_ratio
    from earlier
    where age <= {{ history }}
    group by usage_month, {{ group | join(', ') }}
),

-- Cardinality: one basis for each group and month.
expected as (
    select
        months.*,
        coalesce(bases.basis_months, 0) as basis_months,
        bases.basis_from,
        bases.basis_to,
        {%- for ratio, nowcast in {
            'ratio': 'carbon_nowcast_location_kg',
            'low_ratio': 'carbon_nowcast_location_low_kg',
            'high_ratio': 'carbon_nowcast_location_high_kg',
        }.items() %}
        case
            when bases.basis_months = {{ history }}
                then {{ at_ratio('months.estimated_kg', 'bases.' ~ ratio) }}
        end as {{ nowcast }},
        {%- endfor %}
        case when bases.basis_months = {{ history }} then round(bases.ratio, 6) end
            as trailing_ratio
    from months
    inner join location_based on months.provider = location_based.provider
    left join bases
        on
            months.usage_month = bases.usage_month
            and months.provider = bases.provider
            and months.service_name is not distinct from bases.service_name
            and months.region_id is not distinct from bases.region_id
)

-- Cardinality: one period for each provider and month. The error is of a whole month: of part of
-- the lines it would be the rest's estimate.
select
    expected.usage_month,
    expected.provider,
    expected.service_name,
    expected.region_id,
    expected.awaited_lines,
    expected.estimated_lines,
    expected.estimated_kg,
    expected.carbon_nowcast_location_kg,
    expected.carbon_nowcast_location_low_kg,
    expected.carbon_nowcast_location_high_kg,
    expected.trailing_ratio,
    'provider, service and region' as basis,
    expected.basis_months,
    expected.basis_from,
    expected.basis_to,
    case
        when expected.estimated_kg is null then 'no_estimate'
        when expected.basis_months < {{ history }} then 'too_few_reported_months'
    end as nowcast_gap,
    expected.reported_location_kg,
    case
        when expected.compared_estimated_kg = expected.estimated_kg
            then {{ amount_minus(
                'expected.carbon_nowcast_location_kg', 'expected.reported_location_kg'
            ) }}
    end as nowcast_error_kg,
    coalesce(periods.carbon_state, 'pending') as carbon_state
from expected
left join periods
    on expected.provider = periods.provider and expected.usage_month = periods.billing_month
