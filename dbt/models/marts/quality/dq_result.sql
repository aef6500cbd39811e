with monthly as (
    select * from {{ ref('int_quality__monthly') }}
),

control_totals as (
    select * from {{ source('ledger', 'control_totals') }}
),

row_bridge as (
    select * from {{ ref('int_quality__row_bridge') }}
),

row_checks as (
    select
        check_id,
        severity,
        passed,
        source_name,
        provider,
        billing_month,
        delivery_id,
        column_name,
        measured,
        unit,
        detail
    from {{ ref('int_quality__row_checks') }}
),

commitments as (
    select * from {{ ref('int_quality__commitments') }}
),

decode_counts as (
    select * from {{ source('ledger', 'decode_counts') }}
),

sources as (
    select
        source_name,
        export
    from {{ source('ledger', 'sources') }}
),

calendar as (
    select * from {{ source('ledger', 'calendar') }}
),

emission_totals as (
    select * from {{ ref('int_quality__emission_totals') }}
),

focus_gaps as (
    select * from {{ ref('int_focus__gaps') }}
),

known_inputs as (
    select * from {{ source('ledger', 'inputs') }}
),

invoices as (
    select * from {{ source('inputs', 'invoices') }}
),

ledger_postings as (
    select * from {{ source('inputs', 'ledger_postings') }}
),

reconciliation as (
    select * from {{ ref('mart_invoice_reconciliation') }}
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

bridged as (
    select
        source_name,
        billing_month,
        cast(sum(rows) as decimal(38, 18)) as rows
    from row_bridge
    group by source_name, billing_month
),

bridge_steps as (
    select
        'row_bridge' as check_id,
        'info' as severity,
        true as passed,
        source_name,
        provider,
        billing_month,
        delivery_id,
        concat(step, ': ', reason) as column_name,
        cast(rows as decimal(38, 18)) as measured,
        'rows' as unit,
        'lines by which the fact differs from the delivery' as detail
    from row_bridge
),

-- What the fact must come to: the metrics that the independent reader added up, and its rows with
-- those that a conversion nets, replaces, splits off or synthesises.
expected as (
    select
        control_totals.source_name,
        control_totals.provider,
        control_totals.month as billing_month,
        control_totals.delivery_id,
        control_totals.metric,
        cast(
            control_totals.total + case
                when control_totals.metric = 'rows' then coalesce(bridged.rows, 0)
                else 0
            end as decimal(38, 18)
        ) as total
    from control_totals
    left join bridged
        on
            control_totals.source_name = bridged.source_name
            and control_totals.month = bridged.billing_month
    where
        control_totals.export <> 'carbon'
        and control_totals.metric in (
            'rows', 'BilledCost', 'EffectiveCost', 'ListCost', 'ContractedCost'
        )
),

-- First leg of the tie-out: the independent reader's totals against the fact, to the last digit.
tie_out as (
    select
        'control_total_equals_fact' as check_id,
        'error' as severity,
        coalesce(expected.total, 0) = coalesce(fact_totals.fact_value, 0) as passed,
        expected.source_name,
        expected.provider,
        expected.billing_month,
        expected.delivery_id,
        expected.metric as column_name,
        cast(
            coalesce(fact_totals.fact_value, 0) - coalesce(expected.total, 0)
            as decimal(38, 18)
        ) as measured,
        case when expected.metric = 'rows' then 'rows' else 'billing currency' end as unit,
        'fact minus control total; must be 0' as detail
    from expected
    left join fact_totals
        on
            expected.source_name = fact_totals.source_name
            and expected.billing_month = fact_totals.billing_month
            and expected.metric = fact_totals.metric
),

-- What was paid for a commitment against what its use came to.
commitment_checks as (
    select
        check_id,
        severity,
        passed,
        source_name,
        provider,
        billing_month,
        delivery_id,
        -- A unit has many commitments: each is a result of its own.
        concat_ws(' ', 'CommitmentDiscountId', commitment_discount_id, billing_currency)
            as column_name,
        measured,
        billing_currency as unit,
        detail
    from commitments
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

-- Amounts as texts and moments without zone are against FOCUS; elsewhere they are its own form.
decoded as (
    select
        concat('decode_', judged.name) as check_id,
        case when judged.is_fault then 'warn' else 'info' end as severity,
        not judged.is_fault as passed,
        judged.source_name,
        judged.provider,
        judged.month as billing_month,
        judged.delivery_id,
        judged.column_name,
        cast(judged.rows as decimal(38, 18)) as measured,
        'rows' as unit,
        judged.detail
    from (
        select
            decode_counts.*,
            decode_counts.name = 'unknown_column'
            or (
                decode_counts.name in ('amount_as_text', 'zone_missing')
                and coalesce(sources.export, '') = 'focus'
            ) as is_fault
        from decode_counts
        left join sources on decode_counts.source_name = sources.source_name
    ) as judged
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
),

input_arrivals as (
    select
        'delivery_arrived' as check_id,
        case when state = 'quarantined' then 'error' else 'warn' end as severity,
        state = 'arrived' as passed,
        source_name,
        cast(null as {{ varchar_type() }}) as provider,
        cast(null as date) as billing_month,
        delivery_id,
        cast(null as {{ varchar_type() }}) as column_name,
        cast(rows as decimal(38, 18)) as measured,
        'rows' as unit,
        coalesce(reason, state) as detail
    from known_inputs
    where state <> 'not_configured'
),

-- What a FOCUS dataset can't say, and why. Rows that were supplied and left out are worth a look.
gaps as (
    select
        concat('focus_', dataset, '_', gap) as check_id,
        case when gap = 'incomplete_rows' then 'warn' else 'info' end as severity,
        gap <> 'incomplete_rows' as passed,
        source_name,
        cast(null as {{ varchar_type() }}) as provider,
        billing_month,
        delivery_id,
        column_name,
        measured,
        case when gap like 'status_%' then 'periods' when measured is not null then 'rows' end
            as unit,
        detail
    from focus_gaps
),

-- Second and third leg of the tie-out. An invoice that differs is not our fault, so it warns.
invoice_ties as (
    select
        'invoice_tie_out' as check_id,
        case when outcome = 'variance' then 'warn' else 'info' end as severity,
        outcome <> 'variance' as passed,
        cast(null as {{ varchar_type() }}) as source_name,
        provider,
        billing_month,
        cast(null as {{ varchar_type() }}) as delivery_id,
        concat_ws(' ', invoice_issuer_name, billing_account_id, invoice_id) as column_name,
        unexplained as measured,
        billing_currency as unit,
        concat_ws(': ', outcome, outcome_reason) as detail
    from reconciliation
),

-- Rows that no invoice can be made of: they stand in no other check and in no mart.
unusable_inputs as (
    select
        'invoices' as input_name,
        delivery_id,
        'rows without issuer, account, invoice, period or currency; not reconciled' as detail
    from invoices
    where
        InvoiceIssuerName is null
        or BillingAccountId is null
        or InvoiceId is null
        or BillingPeriodStart is null
        or BillingCurrency is null
    union all
    select
        'ledger_postings' as input_name,
        delivery_id,
        'postings without a month (YYYY-MM) or a currency; not shown' as detail
    from ledger_postings
    where try_cast(concat(month, '-01') as date) is null or currency is null
),

unusable as (
    select
        'input_rows_unusable' as check_id,
        'warn' as severity,
        false as passed,
        known_inputs.source_name,
        cast(null as {{ varchar_type() }}) as provider,
        cast(null as date) as billing_month,
        unusable_inputs.delivery_id,
        cast(null as {{ varchar_type() }}) as column_name,
        cast(count(*) as decimal(38, 18)) as measured,
        'rows' as unit,
        unusable_inputs.detail
    from unusable_inputs
    inner join known_inputs on unusable_inputs.input_name = known_inputs.input_name
    group by known_inputs.source_name, unusable_inputs.delivery_id, unusable_inputs.detail
)

select * from repairs
union all
select * from row_checks
union all
select * from commitment_checks
union all
select * from tie_out
union all
select * from bridge_steps
union all
select * from carbon_tie_out
union all
select * from decoded
union all
select * from arrivals
union all
select * from input_arrivals
union all
select * from gaps
union all
select * from invoice_ties
union all
select * from unusable
