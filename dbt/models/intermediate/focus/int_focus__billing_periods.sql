with stated as (
    select
        {{ focus_dataset_values('BillingPeriod') }}
    from {{ source('inputs', 'billing_periods') }}
    where {{ focus_row_is_whole('BillingPeriod') }}
),

invoices as (
    select
        {{ focus_dataset_values('InvoiceDetail') }}
    from {{ source('inputs', 'invoices') }}
    where {{ focus_row_is_whole('InvoiceDetail') }}
),

-- Periods are compared by month: issuers begin them at midnight of their own time zone.
charged_accounts as (
    select distinct
        InvoiceIssuerName,
        billing_month,
        BillingAccountId
    from {{ ref('int_focus__charge_issuers') }}
),

issued_accounts as (
    select distinct
        InvoiceIssuerName,
        cast(date_trunc('month', BillingPeriodStart) as date) as billing_month,
        BillingAccountId
    from invoices
    where InvoiceIssueStatus = 'Issued'
),

-- Which issuer still owes an invoice for an account that has charges in the period?
owing as (
    select
        charged_accounts.InvoiceIssuerName,
        charged_accounts.billing_month,
        count(*) as uninvoiced_accounts
    from charged_accounts
    left join issued_accounts
        on
            charged_accounts.InvoiceIssuerName = issued_accounts.InvoiceIssuerName
            and charged_accounts.billing_month = issued_accounts.billing_month
            and charged_accounts.BillingAccountId = issued_accounts.BillingAccountId
    where issued_accounts.InvoiceIssuerName is null
    group by charged_accounts.InvoiceIssuerName, charged_accounts.billing_month
),

invoiced as (
    select
        InvoiceIssuerName,
        max(BillingPeriodStart) as BillingPeriodStart,
        max(BillingPeriodEnd) as BillingPeriodEnd,
        min(InvoiceDetailCreated) as BillingPeriodCreated,
        max(InvoiceDetailLastUpdated) as BillingPeriodLastUpdated,
        count(case when InvoiceIssueStatus = 'Open' then 1 end) as open_lines,
        count(case when InvoiceIssueStatus = 'Issued' then 1 end) as issued_lines
    from invoices
    group by InvoiceIssuerName, cast(date_trunc('month', BillingPeriodStart) as date)
    having
        min(BillingPeriodStart) = max(BillingPeriodStart)
        and min(BillingPeriodEnd) = max(BillingPeriodEnd)
),

-- An open invoice says that the period is open. Only when every charged account has an issued one
-- do the invoices say that it is closed; in between they say neither.
concluded as (
    select
        invoiced.*,
        case
            when invoiced.open_lines > 0 then 'Open'
            when invoiced.issued_lines > 0 and owing.uninvoiced_accounts is null then 'Closed'
        end as BillingPeriodStatus
    from invoiced
    left join owing
        on
            invoiced.InvoiceIssuerName = owing.InvoiceIssuerName
            and cast(date_trunc('month', invoiced.BillingPeriodStart) as date) = owing.billing_month
    left join stated
        on
            invoiced.InvoiceIssuerName = stated.InvoiceIssuerName
            and date_trunc('month', invoiced.BillingPeriodStart)
            = date_trunc('month', stated.BillingPeriodStart)
    where stated.InvoiceIssuerName is null
),

final as (
    select
        {{ focus_dataset_columns('BillingPeriod') | map(attribute='name') | join(',\n        ') }},
        'billing_periods' as stated_by
    from stated
    union all
    select
        {{ focus_dataset_columns('BillingPeriod') | map(attribute='name') | join(',\n        ') }},
        'invoices' as stated_by
    from concluded
    where BillingPeriodStatus is not null
)

select * from final
