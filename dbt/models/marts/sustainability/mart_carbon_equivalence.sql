with months as (
    select * from {{ ref('int_carbon__monthly') }}
),

equivalences as (
    select
        *,
        cast(round(kg_per_unit * 1000000, 0) as bigint) as milligrams_per_unit
    from {{ ref('carbon_equivalences') }}
),

providers as (
    select
        usage_month,
        {%- for figure in costed_figures() %}
        {{ amount_sum(figure ~ '_kg') }} as {{ figure }}_kg,
        {%- endfor %}
        provider
    from months
    group by usage_month, provider
),

figures as (
    {%- for figure in costed_figures() %}
    select
        usage_month,
        provider,
        '{{ carbon_method(figure) }}' as method,  -- noqa: RF04
        {{ figure }}_kg as kg
    from providers
    where {{ figure }}_kg is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    figures.usage_month,
    figures.provider,
    figures.method,
    equivalences.equivalence,
    figures.kg,
    {{ rounded_quotient(
        scaled(scaled('figures.kg', 1000), 1000), 'equivalences.milligrams_per_unit'
    ) }} as equivalent_units,
    equivalences.unit,
    equivalences.kg_per_unit,
    equivalences.boundary,
    equivalences.source,
    equivalences.licence,
    equivalences.year
from figures
cross join equivalences
