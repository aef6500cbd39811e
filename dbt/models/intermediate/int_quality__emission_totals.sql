{{ config(materialized='table') }}

with reported as (
    select
        x_Provider as provider,
        {%- for measure in emission_measures() %}
        {{ amount_sum(measure) }} as {{ measure }},
        {%- endfor %}
        usage_month
    from {{ ref('int_emissions__unioned') }}
    where is_current
    group by x_Provider, usage_month
),

carried as (
    select
        provider,
        {%- for measure in emission_measures() %}
        {{ amount_sum(measure) }} as {{ measure }},
        {%- endfor %}
        usage_month
    from {{ ref('int_carbon__fact_totals') }}
    group by provider, usage_month
)

{%- for measure in emission_measures() %}
select
    coalesce(reported.provider, carried.provider) as provider,
    coalesce(reported.usage_month, carried.usage_month) as usage_month,
    '{{ measure }}' as measure,
    coalesce(reported.{{ measure }}, 0) as reported_kg,
    coalesce(carried.{{ measure }}, 0) as fact_kg
from reported
full outer join carried
    on reported.provider = carried.provider and reported.usage_month = carried.usage_month
where coalesce(reported.{{ measure }}, carried.{{ measure }}) is not null
{{ 'union all' if not loop.last }}
{%- endfor %}
