-- What came as FOCUS is the provider's own word; what we converted is ours.
with monthly as (
    select
        counts.*,
        case when sources.export <> 'focus' then 'error' else 'warn' end as severity_of_converted
    from {{ ref('int_quality__monthly') }} as counts
    left join {{ source('ledger', 'sources') }} as sources
        on counts.source_name = sources.source_name
)

{%- for name, check in focus_row_checks().items() %}
select
    '{{ name }}' as check_id,
    {{ 'severity_of_converted' if check.severity == 'converted' else "'warn'" }} as severity,
    {{ name }} = 0 as passed,
    source_name,
    provider,
    billing_month,
    delivery_id,
    '{{ check.rule }}' as column_name,
    cast({{ name }} as decimal(38, 18)) as measured,
    'rows' as unit,
    '{{ check.meaning }}' as detail
from monthly
union all
{%- endfor %}
{%- for name, check in quality_counts().items() %}
select
    '{{ name }}' as check_id,
    'warn' as severity,
    {{ name }} = 0 as passed,
    source_name,
    provider,
    billing_month,
    delivery_id,
    cast(null as {{ varchar_type() }}) as column_name,
    cast({{ name }} as decimal(38, 18)) as measured,
    'rows' as unit,
    '{{ check.meaning }}' as detail
from monthly
{{ 'union all' if not loop.last }}
{%- endfor %}
