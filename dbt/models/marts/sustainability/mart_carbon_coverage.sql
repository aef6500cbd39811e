with compared as (
    select * from {{ ref('int_carbon__compared') }}
),

by_status as (
    {%- for source_kind in ['reported', 'estimated'] %}
    select
        billing_month,
        provider,
        service_name,
        billing_currency,
        '{{ source_kind }}' as source_kind,
        {{ 'reported_status' if source_kind == 'reported' else 'estimate_status' }} as status,
        charge_lines,
        effective_cost
    from compared
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

counted as (
    select
        billing_month,
        provider,
        service_name,
        billing_currency,
        source_kind,
        status,
        cast(sum(charge_lines) as bigint) as charge_lines,
        {{ amount_sum('effective_cost') }} as effective_cost
    from by_status
    group by billing_month, provider, service_name, billing_currency, source_kind, status
),

-- What no carbon belongs to, such as taxes, is no part of what could be covered.
applicable as (
    select
        billing_month,
        provider,
        service_name,
        billing_currency,
        source_kind,
        cast(sum(charge_lines) as bigint) as charge_lines,
        {{ amount_sum('effective_cost') }} as effective_cost
    from counted
    where status <> 'NotApplicable'
    group by billing_month, provider, service_name, billing_currency, source_kind
)

-- Cardinality: one sum for each service, currency and kind. Costs may net to nothing or less; then
-- they have no share.
select
    counted.billing_month,
    counted.provider,
    counted.service_name,
    counted.billing_currency,
    counted.source_kind,
    counted.status,
    counted.charge_lines,
    counted.effective_cost,
    case
        when counted.status <> 'NotApplicable'
            then {{ ratio_of('counted.charge_lines', 'applicable.charge_lines') }}
    end as line_ratio,
    case
        when counted.status <> 'NotApplicable' and applicable.effective_cost > 0
            then {{ ratio_of('counted.effective_cost', 'applicable.effective_cost') }}
    end as effective_cost_ratio
from counted
left join applicable
    on
        counted.billing_month = applicable.billing_month
        and counted.provider = applicable.provider
        and counted.service_name is not distinct from applicable.service_name
        and counted.billing_currency = applicable.billing_currency
        and counted.source_kind = applicable.source_kind
