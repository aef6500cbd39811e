{%- set measures = inventory_measures() %}
{%- set parts = ['estimated_operational', 'estimated_embodied', 'estimated_fera'] %}
{%- set place = ['usage_month', 'provider', 'hosting'] %}
{%- set line = place + ['reporter_scope', 'ghg_category', 'method', 'source_kind'] %}

with months as (
    select * from {{ ref('int_carbon__monthly') }}
),

sources as (
    select
        source_name,
        is_internal
    from {{ ref('dim_source') }}
),

rules as (
    select * from {{ ref('carbon_inventory_rules') }}
),

periods as (
    select * from {{ ref('dim_billing_period') }}
),

-- What a source charges the organisation itself stands on its own sites. Cardinality: a source has
-- one name.
hosted as (
    select
        months.usage_month,
        months.provider,
        case when coalesce(sources.is_internal, false) then 'own_site' else 'cloud' end as hosting,
        {%- for measure in measures if not measure.is_missing %}
        {{ amount_sum('months.' ~ measure.name ~ '_kg') }} as {{ measure.name }}_kg,
        {%- endfor %}
        cast(sum(months.reportable_lines) as bigint) as reportable_lines,
        cast(sum(months.reported_lines) as bigint) as reported_lines,
        cast(sum(months.estimable_lines) as bigint) as estimable_lines,
        cast(sum(months.estimated_lines) as bigint) as estimated_lines
    from months
    left join sources on months.source_name = sources.source_name
    group by
        months.usage_month,
        months.provider,
        case when coalesce(sources.is_internal, false) then 'own_site' else 'cloud' end
),

measured as (
    {%- for measure in measures %}
    select
        {{ place | join(',\n        ') }},
        '{{ measure.name }}' as measure,
        '{{ measure.method }}' as method,  -- noqa: RF04
        '{{ measure.source_kind }}' as source_kind,
        {%- if measure.is_missing %}
        cast(null as decimal(38, 18)) as kg,
        {%- else %}
        {{ measure.name }}_kg as kg,
        {%- endif %}
        {{ 'reportable' if measure.source_kind == 'reported' else 'estimable' }}_lines
            as eligible_lines,
        {{ 'reported' if measure.source_kind == 'reported' else 'estimated' }}_lines
            as covered_lines
    from hosted
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- A figure that no rule takes up stays in sight. Cardinality: a measure has one rule for each kind
-- of hosting.
assigned as (
    select
        measured.*,
        coalesce(cast(rules.reporter_scope as {{ varchar_type() }}), 'unassigned')
            as reporter_scope,
        coalesce(rules.ghg_category, 'unassigned') as ghg_category,
        rules.gap
    from measured
    left join rules
        on measured.hosting = rules.hosting and measured.measure = rules.measure
    where
        measured.kg is not null
        or (rules.gap is not null and measured.eligible_lines > 0)
),

inventory as (
    select
        {{ line | join(',\n        ') }},
        {{ amount_sum('kg') }} as kg,
        max(gap) as kg_reason,
        {%- for part in parts %}
        {{ amount_sum("case when measure = '" ~ part ~ "' then kg end") }} as {{ part }}_kg,
        {%- endfor %}
        max(eligible_lines) as eligible_lines,
        max(covered_lines) as covered_lines
    from assigned
    group by {{ line | join(', ') }}
),

gaps as (
    select
        hosting,
        {{ listed('gap') }} as gaps
    from rules
    group by hosting
),

eligible_providers as (
    select distinct
        usage_month,
        provider,
        source_kind
    from measured
    where eligible_lines > 0
),

totals as (
    select distinct
        usage_month,
        method,
        source_kind
    from inventory
),

with_figure as (
    select distinct
        usage_month,
        provider,
        method,
        source_kind
    from inventory
    where kg is not null
),

-- Who has usage in the month and no figure of that method: a total over providers leaves them out.
lacking as (
    select
        totals.usage_month,
        totals.method,
        totals.source_kind,
        {{ listed('eligible_providers.provider') }} as lacks_providers
    from totals
    inner join eligible_providers
        on
            totals.usage_month = eligible_providers.usage_month
            and totals.source_kind = eligible_providers.source_kind
    left join with_figure
        on
            totals.usage_month = with_figure.usage_month
            and totals.method = with_figure.method
            and totals.source_kind = with_figure.source_kind
            and eligible_providers.provider = with_figure.provider
    where with_figure.provider is null
    group by totals.usage_month, totals.method, totals.source_kind
)

-- Cardinality: one list of gaps per hosting, one of providers per total, one period per provider
-- and month.
select
    inventory.usage_month,
    inventory.provider,
    inventory.hosting,
    inventory.reporter_scope,
    inventory.ghg_category,
    inventory.method,
    inventory.source_kind,
    inventory.kg,
    inventory.kg_reason,
    inventory.estimated_operational_kg,
    inventory.estimated_embodied_kg,
    inventory.estimated_fera_kg,
    inventory.eligible_lines,
    inventory.covered_lines,
    gaps.gaps,
    lacking.lacks_providers,
    case
        when inventory.source_kind = 'reported' then coalesce(periods.carbon_state, 'pending')
    end as carbon_state
from inventory
left join gaps on inventory.hosting = gaps.hosting
left join lacking
    on
        inventory.usage_month = lacking.usage_month
        and inventory.method = lacking.method
        and inventory.source_kind = lacking.source_kind
left join periods
    on
        inventory.provider = periods.provider
        and inventory.usage_month = periods.billing_month
