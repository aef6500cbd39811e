-- What came as FOCUS is the provider's own word; what we converted is ours.
with monthly as (
    select
        counts.*,
        case when sources.export <> 'focus' then 'error' else 'warn' end as severity_of_converted
    from {{ ref('int_quality__monthly') }} as counts
    left join {{ source('ledger', 'sources') }} as sources
        on counts.source_name = sources.source_name
),

filled as (
    {%- for column in watched_columns() %}
    select
        source_name,
        provider,
        billing_month,
        delivery_id,
        '{{ column }}' as column_name,
        usage_lines,
        {{ filled_lines(column) }} as filled_lines
    from monthly
    where usage_lines > 0
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- A month whose column is empty on nine usage lines of ten, against the year before it.
emptied as (
    select
        filled.source_name,
        filled.provider,
        filled.billing_month,
        filled.delivery_id,
        filled.column_name,
        max(filled.usage_lines - filled.filled_lines) as empty_lines
    from filled
    inner join filled as earlier
        on
            filled.source_name = earlier.source_name
            and filled.column_name = earlier.column_name
            and filled.billing_month > earlier.billing_month
            and filled.billing_month <= earlier.billing_month + interval 12 month
    where
        filled.filled_lines * 10 < filled.usage_lines
        and earlier.filled_lines * 2 >= earlier.usage_lines
    group by
        filled.source_name, filled.provider, filled.billing_month, filled.delivery_id,
        filled.column_name
)

select
    'column_went_empty' as check_id,
    'warn' as severity,
    false as passed,
    source_name,
    provider,
    billing_month,
    delivery_id,
    column_name,
    cast(empty_lines as decimal(38, 18)) as measured,
    'rows' as unit,
    'usage lines lack what most of them had in a month of the year before' as detail
from emptied
union all
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
