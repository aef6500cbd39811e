with charged as (
    select * from {{ ref('int_invoices__charged') }}
),

sources as (
    select
        source_name,
        is_internal
    from {{ source('ledger', 'sources') }}
),

-- A period begins at midnight of the issuer's own zone, so its middle tells its month.
invoice_rows as (
    select
        InvoiceIssuerName as issuer,
        BillingAccountId as account,
        upper(BillingCurrency) as currency,
        InvoiceId as document,
        cast(date_trunc('month', BillingPeriodStart + interval 15 day) as date) as billing_month,
        {{ enum_value('InvoiceIssueStatus', ['Open', 'Issued', 'Voided']) }} as status,
        InvoiceDetailId is null and ChargeCategory is null as is_total,
        coalesce(
            {{ enum_value(
                'ChargeCategory', ['Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment']
            ) }},
            'Usage'
        ) as ChargeCategory,
        concat_ws(' ', InvoiceDetailDescription, InvoiceDetailGrain) as told,
        coalesce(upper(PaymentCurrency) <> upper(BillingCurrency), false) as is_paid_elsewhere,
        BilledCost as amount
    from {{ source('inputs', 'invoices') }}
    where
        InvoiceIssuerName is not null
        and BillingAccountId is not null
        and BillingCurrency is not null
        and InvoiceId is not null
        and BillingPeriodStart is not null
),

-- An invoice with one open line isn't issued yet.
unissued as (
    select distinct
        issuer,
        document
    from invoice_rows
    where status = 'Open'
),

stated as (
    select
        invoice_rows.*,
        {{ stated_line() }} as line,
        unissued.document is not null as is_open
    from invoice_rows
    left join unissued
        on invoice_rows.issuer = unissued.issuer and invoice_rows.document = unissued.document
    where coalesce(invoice_rows.status, 'Issued') <> 'Voided'
),

-- Charges that don't name their issuer belong to the only one that invoices the account.
only_issuers as (
    select
        account,
        currency,
        billing_month,
        min(issuer) as issuer
    from stated
    group by account, currency, billing_month
    having count(distinct issuer) = 1
),

-- An absent issuer or account is an empty text, so that legs join on it.
issued_charges as (
    select
        charged.billing_month,
        coalesce(charged.InvoiceIssuerName, only_issuers.issuer, '') as issuer,
        coalesce(charged.BillingAccountId, '') as account,
        coalesce(charged.BillingCurrency, 'XXX') as currency,
        charged.InvoiceId as document,
        charged.source_name,
        charged.provider,
        coalesce(sources.is_internal, false) as is_internal,
        charged.ChargeCategory,
        charged.line,
        charged.billed_cost,
        charged.priced_lines,
        charged.charge_lines
    from charged
    left join sources on charged.source_name = sources.source_name
    left join only_issuers
        on
            charged.BillingAccountId = only_issuers.account
            and charged.BillingCurrency = only_issuers.currency
            and charged.billing_month = only_issuers.billing_month
),

-- Where charges don't name their invoice, an account ties by month.
coarse_accounts as (
    select
        issuer,
        account,
        currency,
        billing_month
    from issued_charges
    group by issuer, account, currency, billing_month
    having sum(case when document is null then priced_lines else 0 end) > 0
),

account_providers as (
    select
        account,
        min(provider) as provider
    from issued_charges
    group by account
),

issuer_providers as (
    select
        issuer,
        min(provider) as provider
    from issued_charges
    group by issuer
),

postings as (
    select
        try_cast(concat(month, '-01') as date) as billing_month,
        coalesce(invoice_issuer_name, '') as issuer,
        coalesce(billing_account_id, '') as account,
        upper(currency) as currency,
        invoice_id as document,
        amount
    from {{ source('inputs', 'ledger_postings') }}
    where try_cast(concat(month, '-01') as date) is not null and currency is not null
),

legs as (
    select
        billing_month,
        issuer,
        account,
        currency,
        document,
        'charged' as leg,
        source_name,
        provider,
        is_internal,
        ChargeCategory,
        line,
        false as is_paid_elsewhere,
        billed_cost as amount,
        charge_lines as items
    from issued_charges
    union all
    select
        billing_month,
        issuer,
        account,
        currency,
        document,
        case when is_open then 'open' when is_total then 'total' else 'stated' end as leg,
        cast(null as {{ varchar_type() }}) as source_name,
        cast(null as {{ varchar_type() }}) as provider,
        false as is_internal,
        ChargeCategory,
        line,
        is_paid_elsewhere,
        amount,
        1 as items
    from stated
    union all
    select
        billing_month,
        issuer,
        account,
        currency,
        document,
        'posted' as leg,
        cast(null as {{ varchar_type() }}) as source_name,
        cast(null as {{ varchar_type() }}) as provider,
        false as is_internal,
        cast(null as {{ varchar_type() }}) as ChargeCategory,
        cast(null as {{ varchar_type() }}) as line,
        false as is_paid_elsewhere,
        amount,
        1 as items
    from postings
)

-- Cardinality: every join finds at most one row.
select
    legs.billing_month,
    legs.issuer,
    legs.account,
    case when coarse_accounts.account is null then coalesce(legs.document, '') else '' end
        as tied_invoice,
    legs.currency,
    coarse_accounts.account is not null as is_coarse,
    legs.leg,
    legs.document,
    legs.source_name,
    coalesce(legs.provider, account_providers.provider, issuer_providers.provider) as provider,
    legs.is_internal,
    legs.ChargeCategory as charge_category,
    legs.line,
    legs.is_paid_elsewhere,
    legs.amount,
    legs.items
from legs
left join coarse_accounts
    on
        legs.issuer = coarse_accounts.issuer
        and legs.account = coarse_accounts.account
        and legs.currency = coarse_accounts.currency
        and legs.billing_month = coarse_accounts.billing_month
left join account_providers on legs.account = account_providers.account
left join issuer_providers on legs.issuer = issuer_providers.issuer
