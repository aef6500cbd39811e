with monthly as (
    select * from {{ ref('int_quality__monthly') }}
),

control_totals as (
    select * from {{ source('ledger', 'control_totals') }}
),

decode_counts as (
    select * from {{ source('ledger', 'decode_counts') }}
),

calendar as (
    select * from {{ source('ledger', 'calendar') }}
),

emission_totals as (
    select * from {{ ref('int_quality__emission_totals') }}
),

repairs as (
    {%- for code in repair_codes() %}
    select
        'repair_{{ code }}' as check_id,
        'info' as severity,
        true as passed,
        source_name,
        provider,
        billing_month,
        delivery_id,
        cast(null as {{ varchar_type() }}) as column_name,
        cast(repair_{{ code }} as decimal(38, 18)) as measured,
        'rows' as unit,
        'rows repaired: {{ code }}' as detail
    from monthly
    where repair_{{ code }} > 0
    union all
    {%- endfor %}
    {%- for name, meaning in quality_counts().items() %}
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
        '{{ meaning }}' as detail
    from monthly
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

fact_totals as (
    {%- for name in ['rows', 'BilledCost', 'EffectiveCost', 'ListCost', 'ContractedCost'] %}
    select
        source_name,
        provider,
        billing_month,
        '{{ name }}' as metric,
        {{ name }} as fact_value
    from monthly
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- First leg of the tie-out: the independent reader's totals against the fact, to the last digit.
tie_out as (
    select
        'control_total_equals_fact' as check_id,
        'error' as severity,
        coalesce(control_totals.total, 0) = coalesce(fact_totals.fact_value, 0) as passed,
        control_totals.source_name,
        control_totals.provider,
        control_totals.month as billing_month,
        control_totals.delivery_id,
        control_totals.metric as column_name,
        cast(
            coalesce(fact_totals.fact_value, 0) - coalesce(control_totals.total, 0)
            as decimal(38, 18)
        ) as measured,
        case when control_totals.metric = 'rows' then 'rows' else 'billing currency' end as unit,
        'fact minus control total; must be 0' as detail
    from control_totals
    left join fact_totals
        on
            control_totals.source_name = fact_totals.source_name
            and control_totals.month = fact_totals.billing_month
            and control_totals.metric = fact_totals.metric
    where control_totals.export <> 'carbon'
),

carbon_tie_out as (
    select
        'reported_carbon_equals_fact' as check_id,
        'error' as severity,
        reported_kg = fact_kg as passed,
        cast(null as {{ varchar_type() }}) as source_name,
        provider,
        usage_month as billing_month,
        cast(null as {{ varchar_type() }}) as delivery_id,
        measure as column_name,
        cast(fact_kg - reported_kg as decimal(38, 18)) as measured,
        'kg' as unit,
        'allocated plus unallocated minus reported; must be 0' as detail
    from emission_totals
),

decoded as (
    select
        concat('decode_', name) as check_id,
        case when name = 'unknown_column' then 'warn' else 'info' end as severity,
        name <> 'unknown_column' as passed,
        source_name,
        provider,
        month as billing_month,
        delivery_id,
        column_name,
        cast(rows as decimal(38, 18)) as measured,
        'rows' as unit,
        detail
    from decode_counts
),

arrivals as (
    select
        'delivery_arrived' as check_id,
        case when state = 'quarantined' then 'error' else 'warn' end as severity,
        state = 'arrived' as passed,
        source_name,
        provider,
        month as billing_month,
        delivery_id,
        cast(null as {{ varchar_type() }}) as column_name,
        cast(rows as decimal(38, 18)) as measured,
        'rows' as unit,
        coalesce(reason, state) as detail
    from calendar
    where state in ('arrived', 'missing', 'quarantined')
)

select * from repairs
union all
select * from tie_out
union all
select * from carbon_tie_out
union all
select * from decoded
union all
select * from arrivals
