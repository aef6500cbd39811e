{%- set cluster = ['billing_month', 'usage_month', 'provider', 'sub_account_id', 'cluster_name',
    'billing_currency'] %}

with months as (
    select * from {{ ref('int_carbon__kubernetes') }}
),

clusters as (
    select
        {{ cluster | join(',\n        ') }},
        {{ amount_sum('effective_cost') }} as namespaces_effective_cost,
        {{ amount_sum('estimated_energy_kwh') }} as namespaces_energy_kwh
    from months
    where namespace_kind = 'namespace'
    group by {{ cluster | join(', ') }}
)

-- Cardinality: one row per cluster. Nothing is handed on: the ratios say what a namespace would
-- take of what is shared.
select
    months.billing_month,
    months.usage_month,
    months.provider,
    months.sub_account_id,
    months.cluster_name,
    months.namespace,
    months.namespace_kind,
    months.billing_currency,
    {%- for name in kubernetes_measures() %}
    months.{{ name }},
    {%- endfor %}
    months.charge_lines,
    months.estimable_lines,
    months.estimated_lines,
    months.reportable_lines,
    months.reported_lines,
    case
        when months.namespace_kind = 'namespace' and clusters.namespaces_effective_cost > 0
            then {{ ratio_of('months.effective_cost', 'clusters.namespaces_effective_cost') }}
    end as effective_cost_ratio,
    case
        when months.namespace_kind = 'namespace' and clusters.namespaces_energy_kwh > 0
            then {{ ratio_of('months.estimated_energy_kwh', 'clusters.namespaces_energy_kwh') }}
    end as estimated_energy_ratio
from months
left join clusters on {{ same_or_both_null('months', 'clusters', cluster) }}
