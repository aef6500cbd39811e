{%- set measures = [
    'carbon_location_kg', 'carbon_market_kg', 'carbon_unspecified_kg', 'estimated_carbon_kg'
] %}

with budgets as (
    select
        cast(concat(month, '-01') as date) as usage_month,
        budget,
        measure,
        provider,
        owner,
        environment,
        amount as budget_kg
    from {{ source('inputs', 'budgets') }}
),

months as (
    select
        usage_month,
        provider,
        owner,
        environment,
        {%- for measure in measures %}
        {{ amount_sum(measure) }} as {{ measure }},
        {%- endfor %}
        max(case when carbon_eligible_list_cost is not null then 1 else 0 end) as has_usage
    from {{ ref('int_spend_carbon__monthly') }}
    group by usage_month, provider, owner, environment
),

-- What a budget doesn't name, it takes in whole. A figure is of the budget's measure alone.
-- Cardinality: a budget finds as many rows as it covers.
spent as (
    select
        budgets.usage_month,
        budgets.budget,
        budgets.measure,
        months.provider,
        max(months.has_usage) = 1 as has_usage,
        {{ amount_sum(
            "case budgets.measure"
            ~ " when 'carbon_location_kg' then months.carbon_location_kg"
            ~ " when 'carbon_market_kg' then months.carbon_market_kg"
            ~ " when 'carbon_unspecified_kg' then months.carbon_unspecified_kg"
            ~ " when 'estimated_carbon_kg' then months.estimated_carbon_kg end"
        ) }} as actual_kg
    from budgets
    inner join months
        on
            budgets.usage_month = months.usage_month
            and (budgets.provider is null or budgets.provider = months.provider)
            and (budgets.owner is null or budgets.owner = months.owner)
            and (budgets.environment is null or budgets.environment = months.environment)
    group by budgets.usage_month, budgets.budget, budgets.measure, months.provider
),

summed as (
    select
        usage_month,
        budget,
        measure,
        {{ amount_sum('actual_kg') }} as actual_kg,
        {{ listed('case when has_usage and actual_kg is null then provider end') }}
            as lacks_providers
    from spent
    group by usage_month, budget, measure
),

compared as (
    select
        budgets.*,
        summed.actual_kg,
        summed.lacks_providers
    from budgets
    left join summed
        on
            budgets.usage_month = summed.usage_month
            and budgets.budget = summed.budget
            and budgets.measure = summed.measure
)

select
    usage_month,
    budget,
    measure,
    provider,
    owner,
    environment,
    budget_kg,
    actual_kg,
    {{ amount_minus('budget_kg', 'actual_kg') }} as remaining_kg,
    {{ ratio_of('actual_kg', 'budget_kg') }} as used_ratio,
    case
        when actual_kg is null then 'no_figure'
        when actual_kg > budget_kg then 'over'
        when lacks_providers is not null then 'within_so_far'
        else 'within'
    end as budget_status,
    lacks_providers
from compared
