with legs as (
    select * from {{ ref('int_invoices__legs') }}
),

control_totals as (
    select
        source_name,
        month,
        {{ amount_sum('total') }} as total
    from {{ source('ledger', 'control_totals') }}
    where metric = 'BilledCost'
    group by source_name, month
),

due_days as (
    select * from {{ source('ledger', 'invoices_due') }}
),

habits as (
    select
        provider,
        tax_in_data,
        coarse_reason
    from {{ ref('invoice_habits') }}
),

-- One invoice: its total as stated, and what its lines come to.
documents as (
    select
        {{ tie_out_key() | join(',\n        ') }},
        document,
        {{ sum_when("leg = 'stated'", 'amount') }} as lines_total,
        {{ sum_when("leg = 'stated' and line = 'tax'", 'amount') }} as lines_tax,
        count(case when leg = 'stated' then 1 end) as stated_lines,
        max(case when leg = 'total' then amount end) as stated_total,
        count(case when leg = 'total' then 1 end) as stated_totals
    from legs
    where leg in ('stated', 'total')
    group by {{ tie_out_key() | join(', ') }}, document
),

invoiced as (
    select
        {{ tie_out_key() | join(',\n        ') }},
        count(*) as invoice_count,
        max(document) as some_document,
        {{ amount_sum('coalesce(stated_total, lines_total)') }} as invoice_total,
        {{ amount_sum('case when stated_lines > 0 then lines_tax end') }} as invoice_tax,
        {{ amount_sum('case when stated_lines > 0 and stated_total is not null then '
            ~ amount_minus('stated_total', 'lines_total') ~ ' else 0 end') }}
            as total_minus_lines,
        max(case when stated_lines = 0 then 1 else 0 end) = 1 as is_total_only,
        max(stated_totals) > 1 as is_stated_again
    from documents
    group by {{ tie_out_key() | join(', ') }}
),

-- A unit whose charges all stand on one invoice has its control total there.
unit_invoices as (
    select distinct
        source_name,
        {{ tie_out_key() | join(',\n        ') }}
    from legs
    where leg = 'charged'
),

whole_units as (
    select
        source_name,
        billing_month
    from unit_invoices
    group by source_name, billing_month
    having count(*) = 1
),

controlled as (
    select
        {{ of_tie_out('unit_invoices') }},
        case
            when count(*) = count(control_totals.total)
                then {{ amount_sum('control_totals.total') }}
        end as control_total
    from unit_invoices
    left join whole_units
        on
            unit_invoices.source_name = whole_units.source_name
            and unit_invoices.billing_month = whole_units.billing_month
    left join control_totals
        on
            whole_units.source_name = control_totals.source_name
            and whole_units.billing_month = control_totals.month
    group by {{ of_tie_out('unit_invoices') }}
),

summed as (
    select
        {{ tie_out_key() | join(',\n        ') }},
        max(provider) as provider,
        max(case when is_coarse then 1 else 0 end) = 1 as is_coarse,
        max(case when is_internal then 1 else 0 end) = 1 as has_internal,
        max(case when is_paid_elsewhere then 1 else 0 end) = 1 as is_paid_elsewhere,
        count(case when leg = 'charged' then 1 end) > 0 as has_charges,
        count(case when leg = 'open' then 1 end) > 0 as is_open,
        {{ amount_sum("case when leg = 'charged' then amount end") }} as fact_total,
        {{ amount_sum("case when leg = 'charged' and line = 'tax' then amount end") }} as fact_tax,
        {{ amount_sum("case when leg = 'posted' then amount end") }} as ledger_total,
        cast(
            coalesce(sum(case when leg = 'charged' and line <> 'tax' then items end), 0) as bigint
        ) as charge_lines
    from legs
    group by {{ tie_out_key() | join(', ') }}
)

select
    summed.*,
    -- Own recharges that somebody invoices nevertheless tie like any others.
    summed.has_internal and invoiced.invoice_count is null as is_internal,
    controlled.control_total,
    coalesce(invoiced.invoice_count, 0) as invoice_count,
    case
        when invoiced.invoice_count = 1 then invoiced.some_document
        else nullif(summed.tied_invoice, '')
    end as invoice_id,
    invoiced.invoice_total,
    case when not invoiced.is_total_only then coalesce(invoiced.invoice_tax, 0) end as invoice_tax,
    coalesce(invoiced.total_minus_lines, 0) as total_minus_lines,
    coalesce(invoiced.is_total_only, false) as is_total_only,
    coalesce(invoiced.is_stated_again, false) as is_stated_again,
    due_days.due_on as invoice_due_on,
    coalesce(due_days.is_due, true) as is_due,
    coalesce(habits.tax_in_data, true) as tax_in_data,
    coalesce(habits.coarse_reason, 'the charges name no invoice; the account ties by month')
        as coarse_reason
from summed
left join invoiced on {{ same_tie_out('summed', 'invoiced') }}
left join controlled on {{ same_tie_out('summed', 'controlled') }}
left join due_days
    on
        summed.provider = due_days.provider
        and summed.billing_month = due_days.billing_month
left join habits on summed.provider = habits.provider
