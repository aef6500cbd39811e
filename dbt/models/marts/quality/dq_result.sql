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

displaced as (
    select * from {{ source('ledger', 'displaced') }}
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

emissions_reported as (
    select * from {{ ref('fct_emissions_reported') }}
),

focus_gaps as (
    select * from {{ ref('int_focus__gaps') }}
),

known_inputs as (
    select * from {{ source('ledger', 'inputs') }}
),

fx_rates as (
    select * from {{ ref('dim_fx_rate') }}
),

reporting_spend as (
    select * from {{ ref('mart_spend_reporting_month') }}
),

chargeback as (
    select * from {{ ref('mart_chargeback_month') }}
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

emission_accounts as (
    select distinct
        source_name,
        provider,
        usage_month,
        lower(coalesce(billing_account_id, '')) as billing_account_id,
        lower(coalesce(sub_account_id, '')) as sub_account_id,
        is_current
    from emissions_reported
),

-- Cardinality: an account of an older version is at most once in the current one.
emission_versions as (
    select
        older.source_name,
        older.provider,
        older.usage_month,
        sum(case when newest.source_name is null then 1 else 0 end) as lost_accounts,
        min(case
            when newest.source_name is null
                then concat(older.billing_account_id, '/', older.sub_account_id)
        end) as first_lost_account
    from emission_accounts as older
    left join emission_accounts as newest
        on
            older.source_name = newest.source_name
            and older.usage_month = newest.usage_month
            and older.billing_account_id = newest.billing_account_id
            and older.sub_account_id = newest.sub_account_id
            and newest.is_current
    where not older.is_current
    group by older.source_name, older.provider, older.usage_month
),

-- The newest version counts alone: an account that it doesn't name has no emissions any more.
superseded as (
    select
        'emission_version_lacks_accounts' as check_id,
        case when lost_accounts > 0 then 'warn' else 'info' end as severity,
        lost_accounts = 0 as passed,
        source_name,
        provider,
        usage_month as billing_month,
        cast(null as {{ varchar_type() }}) as delivery_id,
        cast(null as {{ varchar_type() }}) as column_name,
        cast(lost_accounts as decimal(38, 18)) as measured,
        'accounts' as unit,
        case
            when lost_accounts > 0
                then concat('only an older version has them, first ', first_lost_account)
            else 'the newest version names every account of the older ones'
        end as detail
    from emission_versions
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
            decode_counts.name in ('unknown_column', 'net_cost_zero')
            or (
                decode_counts.name in ('amount_as_text', 'zone_missing')
                and coalesce(sources.export, '') = 'focus'
            ) as is_fault
        from decode_counts
        left join sources on decode_counts.source_name = sources.source_name
    ) as judged
),

-- A month that an authority leaves out takes accounts with it that only this source holds.
left_out as (
    select
        'accounts_displaced' as check_id,
        case when lost_accounts > 0 then 'warn' else 'info' end as severity,
        lost_accounts = 0 as passed,
        source_name,
        provider,
        month as billing_month,
        delivery_id,
        cast(null as {{ varchar_type() }}) as column_name,
        lost_billed as measured,
        case when lost_billed is not null then 'billing currency' end as unit,
        detail
    from displaced
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

-- A provider that keeps a year of emissions takes the oldest month away every month.
losses as (
    select
        'emissions_before_loss' as check_id,
        case when days_to_loss < 60 then 'error' else 'warn' end as severity,
        false as passed,
        source_name,
        provider,
        month as billing_month,
        delivery_id,
        cast(null as {{ varchar_type() }}) as column_name,
        cast(days_to_loss as decimal(38, 18)) as measured,
        'days' as unit,
        reason as detail
    from calendar
    where state in ('missing', 'quarantined') and days_to_loss is not null
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

-- A closed month keeps its rates; the file that says otherwise is worth a look.
locked_rates as (
    select
        'fx_rate_of_closed_month' as check_id,
        'warn' as severity,
        false as passed,
        cast(null as {{ varchar_type() }}) as source_name,
        cast(null as {{ varchar_type() }}) as provider,
        month as billing_month,
        cast(null as {{ varchar_type() }}) as delivery_id,
        concat(from_currency, ' to ', to_currency) as column_name,
        {{ amount_minus('supplied_rate', 'rate') }} as measured,
        'rate' as unit,
        'the file states another rate for a closed month, which keeps its own' as detail
    from fx_rates
    where is_locked and supplied_rate <> rate
),

unconverted as (
    select
        'fx_not_converted' as check_id,
        case
            when conversion_reason = 'out_of_range' then 'error'
            when conversion_reason = 'rate_pending' then 'warn'
            else 'info'
        end as severity,
        conversion_reason = 'rates_not_configured' as passed,
        cast(null as {{ varchar_type() }}) as source_name,
        provider,
        billing_month,
        cast(null as {{ varchar_type() }}) as delivery_id,
        concat(billing_currency, ' to ', reporting_currency) as column_name,
        cast(count(*) as decimal(38, 18)) as measured,
        'rows' as unit,
        concat('not in the reporting currency: ', conversion_reason) as detail
    from reporting_spend
    where conversion_reason is not null
    group by
        provider, billing_month, billing_currency, reporting_currency, conversion_reason
),

-- The figure is the sum of what is converted account by account; converting the sum of a month
-- would differ by this much.
fx_totals as (
    {%- for cost in ['billed_cost', 'effective_cost'] %}
    select
        billing_month,
        billing_currency,
        reporting_currency,
        fx_rate,
        '{{ cost }}' as cost_name,
        {{ amount_sum(cost) }} as amount,
        {{ amount_sum('reporting_' ~ cost) }} as converted_amount
    from reporting_spend
    where fx_rate_source <> 'identity' and conversion_reason is null
    group by billing_month, billing_currency, reporting_currency, fx_rate
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

fx_rounding as (
    select
        'fx_rounding' as check_id,
        'info' as severity,
        true as passed,
        cast(null as {{ varchar_type() }}) as source_name,
        cast(null as {{ varchar_type() }}) as provider,
        billing_month,
        cast(null as {{ varchar_type() }}) as delivery_id,
        concat(cost_name, ' ', billing_currency, ' to ', reporting_currency) as column_name,
        {{ amount_minus('converted_amount', converted('amount', 'fx_rate')) }} as measured,
        reporting_currency as unit,
        'sum of converted accounts minus the converted sum' as detail
    from fx_totals
),

idle_pools as (
    select
        'chargeback_driver_is_zero' as check_id,
        'warn' as severity,
        false as passed,
        cast(null as {{ varchar_type() }}) as source_name,
        provider,
        billing_month,
        cast(null as {{ varchar_type() }}) as delivery_id,
        concat('pool ', case when movement = 'in' then held_in else pool end) as column_name,
        {{ amount_sum('effective_cost') }} as measured,
        billing_currency as unit,
        'nobody has cost that could drive the pool; it stays where it arose' as detail
    from chargeback
    where reason = 'driver_is_zero'
    group by
        provider, billing_month, case when movement = 'in' then held_in else pool end,
        billing_currency
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
select * from superseded
union all
select * from decoded
union all
select * from left_out
union all
select * from arrivals
union all
select * from losses
union all
select * from input_arrivals
union all
select * from gaps
union all
select * from locked_rates
union all
select * from unconverted
union all
select * from fx_rounding
union all
select * from idle_pools
union all
select * from invoice_ties
union all
select * from unusable
