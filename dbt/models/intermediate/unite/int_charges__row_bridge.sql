{{ monthly_model() }}

-- Lines of a delivery that are no line of the fact, and the other way round, by reason:
-- source - netted - replaced + split off + synthesised = fact.
{%- for name in row_bridge_models() %}
select
    source_name,
    billing_month,
    step,
    reason,
    cast(rows as bigint) as rows
from {{ ref(name).render() }}
where {{ this_month() }}
union all
{%- endfor %}
select
    cast(null as {{ varchar_type() }}) as source_name,
    cast(null as date) as billing_month,
    cast(null as {{ varchar_type() }}) as step,
    cast(null as {{ varchar_type() }}) as reason,
    cast(null as bigint) as rows
where false
