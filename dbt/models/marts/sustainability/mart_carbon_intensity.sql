{%- set place = ['usage_month', 'provider', 'service_name', 'billing_currency'] %}

with months as (
    select * from {{ ref('int_carbon__monthly') }}
),

prices as (
    select
        cast(concat(valid_from, '-01') as date) as valid_from,
        price_per_tonne,
        {{ rounded_quotient('price_per_tonne', '1000') }} as price_per_kg,
        currency,
        kind,
        owner,
        source as price_source
    from {{ source('inputs', 'carbon_prices') }}
),

services as (
    select
        {{ place | join(',\n        ') }},
        {%- for figure in costed_figures() %}
        {{ amount_sum(figure ~ '_kg') }} as {{ figure }}_kg,
        {{ amount_sum(figure ~ '_effective_cost') }} as {{ figure }}_effective_cost,
        {%- endfor %}
        {{ amount_sum('effective_cost') }} as effective_cost
    from months
    group by {{ place | join(', ') }}
),

figures as (
    {%- for figure in costed_figures() %}
    select
        {{ place | join(',\n        ') }},
        '{{ carbon_method(figure) }}' as method,  -- noqa: RF04
        effective_cost,
        {{ figure }}_effective_cost as covered_effective_cost,
        {{ figure }}_kg as kg
    from services
    where {{ figure }}_kg is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- The price that is valid in the month of use: the newest that doesn't begin after it.
candidate_prices as (
    select
        usage_months.usage_month,
        prices.*,
        row_number() over (
            partition by usage_months.usage_month
            order by prices.valid_from desc
        ) as newness
    from (select distinct usage_month from services) as usage_months
    inner join prices on usage_months.usage_month >= prices.valid_from
),

-- Cardinality: a month has one price at most.
priced as (
    select
        figures.*,
        figures.method = 'estimated-location' as is_estimate,
        case
            when figures.covered_effective_cost > 0
                then {{ ratio_of('figures.kg', 'figures.covered_effective_cost') }}
        end as kg_per_cost,
        candidate_prices.price_per_tonne,
        candidate_prices.currency,
        candidate_prices.kind,
        candidate_prices.owner,
        candidate_prices.price_source,
        {{ rounded_product('figures.kg', 'candidate_prices.price_per_kg') }} as carbon_cost
    from figures
    left join candidate_prices
        on figures.usage_month = candidate_prices.usage_month and candidate_prices.newness = 1
)

select
    usage_month,
    provider,
    service_name,
    method,
    billing_currency,
    effective_cost,
    covered_effective_cost,
    case when not is_estimate then kg end as reported_kg,
    case when is_estimate then kg end as estimated_kg,
    case when not is_estimate then kg_per_cost end as reported_kg_per_cost_ratio,
    case when is_estimate then kg_per_cost end as estimated_kg_per_cost_ratio,
    case when kg_per_cost is null then 'no_covered_cost' end as intensity_reason,
    price_per_tonne as internal_carbon_price,
    currency as internal_carbon_currency,
    kind as internal_carbon_price_kind,
    owner as internal_carbon_price_owner,
    price_source as internal_carbon_price_source,
    carbon_cost as internal_carbon_cost,
    case
        when price_per_tonne is null then 'no_price_declared'
        when carbon_cost is null then 'out_of_range'
    end as internal_carbon_reason
from priced
