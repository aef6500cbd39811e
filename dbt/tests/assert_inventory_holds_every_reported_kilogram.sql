-- The inventory sorts what was reported and neither loses nor adds a gram of it.
{{ config(meta={'dagster': {'ref': {'name': 'mart_ghg_inventory'}}}) }}

with sides as (
    {%- for method in ['location', 'market', 'unspecified'] %}
    select
        provider,
        usage_month,
        '{{ method }}' as method,  -- noqa: RF04
        total_{{ method }}_kg as fact_kg,
        cast(null as decimal(38, 18)) as inventory_kg
    from {{ ref('int_carbon__fact_totals') }}
    union all
    {%- endfor %}
    select
        provider,
        usage_month,
        method,
        cast(null as decimal(38, 18)) as fact_kg,
        kg as inventory_kg
    from {{ ref('mart_ghg_inventory') }}
    where source_kind = 'reported'
)

select
    provider,
    usage_month,
    method,
    sum(fact_kg) as fact_kg,
    sum(inventory_kg) as inventory_kg
from sides
group by provider, usage_month, method
having coalesce(sum(fact_kg), 0) <> coalesce(sum(inventory_kg), 0)
