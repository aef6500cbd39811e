{%- set pool_days = 28 -%}
{%- set fewest_days = 7 -%}
{%- set account = ['source_name', 'billing_account_id', 'billing_currency'] -%}
{%- set estimate = account + ['billing_month'] -%}
{%- set begun_since
    = 'case when daily.usage_date > due.complete_until then daily.billed_cost end' -%}
{%- set mean = rounded_quotient(
    scaled('means.known_cost', 'due.missing_days'), 'means.known_days') -%}
{%- set cheapest = rounded_quotient(
    scaled('spreads.cheapest_cost', 'due.missing_days'), 'spreads.run_days') -%}
{%- set dearest = rounded_quotient(
    scaled('spreads.dearest_cost', 'due.missing_days'), 'spreads.run_days') -%}

with daily as (
    select * from {{ ref('int_accruals__daily') }}
),

months as (
    select * from {{ ref('int_accruals__months') }}
),

invoices as (
    select * from {{ source('inputs', 'invoices') }}
),

currencies as (
    select
        code,
        minor_digits
    from {{ ref('currencies') }}
),

-- An invoice of a purchase may come while its month still runs; that month isn't invoiced yet.
invoiced as (
    select distinct
        BillingAccountId as billing_account_id,
        BillingCurrency as billing_currency,
        cast(date_trunc('month', BillingPeriodStart) as date) as billing_month
    from invoices
    where
        coalesce(InvoiceIssueStatus, 'Issued') = 'Issued'
        and coalesce(InvoiceIssueDate, BillingPeriodEnd)
        >= date_trunc('month', BillingPeriodStart) + interval 1 month
),

-- Usage of days that are here whole, and from when on an account has any.
whole_days as (
    select
        daily.source_name,
        daily.billing_account_id,
        daily.billing_currency,
        daily.billing_month,
        daily.usage_date,
        daily.billed_cost
    from daily
    inner join months
        on daily.source_name = months.source_name and daily.billing_month = months.billing_month
    where daily.usage_date <= months.complete_until
),

begun as (
    select
        {{ account | join(', ') }},
        min(usage_date) as first_day
    from whole_days
    group by {{ account | join(', ') }}
),

seen as (
    select distinct
        daily.source_name,
        daily.billing_account_id,
        daily.billing_currency,
        months.billing_month,
        months.provider,
        months.cost_state,
        months.complete_until,
        months.missing_days
    from daily
    inner join months
        on
            daily.source_name = months.source_name
            and daily.billing_month <= months.billing_month
            and daily.billing_month >= months.billing_month - interval 2 month
    where months.is_due and daily.usage_date is not null
),

-- Cardinality: one invoiced month per account and currency; NULL accounts are nobody's invoice.
due as (
    select seen.*
    from seen
    left join invoiced
        on
            seen.billing_account_id = invoiced.billing_account_id
            and seen.billing_currency = invoiced.billing_currency
            and seen.billing_month = invoiced.billing_month
    where invoiced.billing_month is null
),

-- A whole day without a line is a day on which nothing was used.
calendar_days as (
    select
        months.source_name,
        {{ each_day('months.billing_month', 'months.complete_until') }} as usage_date
    from months
    where months.complete_until >= months.billing_month
),

-- The newest days that are here whole, of the month itself and of those before it.
pooled as (
    select
        due.{{ estimate | join(', due.') }},
        due.missing_days,
        least(due.missing_days, 7) as run_days,
        calendar_days.usage_date,
        coalesce(whole_days.billed_cost, 0) as billed_cost,
        row_number() over (
            partition by due.{{ estimate | join(', due.') }}
            order by calendar_days.usage_date desc
        ) as place
    from due
    inner join begun
        on
            due.source_name = begun.source_name
            and due.billing_account_id is not distinct from begun.billing_account_id
            and due.billing_currency = begun.billing_currency
    inner join calendar_days
        on
            due.source_name = calendar_days.source_name
            and due.complete_until >= calendar_days.usage_date
            and begun.first_day <= calendar_days.usage_date
    left join whole_days
        on
            due.source_name = whole_days.source_name
            and due.billing_account_id is not distinct from whole_days.billing_account_id
            and due.billing_currency = whole_days.billing_currency
            and calendar_days.usage_date = whole_days.usage_date
),

pool as (
    select * from pooled
    where place <= {{ pool_days }}
),

means as (
    select
        {{ estimate | join(', ') }},
        count(*) as known_days,
        {{ amount_sum('billed_cost') }} as known_cost
    from pool
    group by {{ estimate | join(', ') }}
),

-- Every run of as many days in a row as are missing, at most a week.
runs as (
    select
        last_days.{{ estimate | join(', last_days.') }},
        last_days.place,
        last_days.run_days,
        {{ amount_sum('members.billed_cost') }} as run_cost
    from pool as last_days
    inner join pool as members
        on
            last_days.place <= members.place
            and last_days.place + last_days.run_days > members.place
            {%- for column in estimate %}
            and last_days.{{ column }} is not distinct from members.{{ column }}
            {%- endfor %}
    group by
        last_days.{{ estimate | join(', last_days.') }}, last_days.place, last_days.run_days
    having count(*) = last_days.run_days
),

spreads as (
    select
        {{ estimate | join(', ') }},
        run_days,
        min(run_cost) as cheapest_cost,
        max(run_cost) as dearest_cost
    from runs
    group by {{ estimate | join(', ') }}, run_days
),

so_far as (
    select
        due.{{ estimate | join(', due.') }},
        coalesce({{ amount_sum('daily.billed_cost') }}, 0) as billed_so_far_cost,
        coalesce({{ amount_sum(begun_since) }}, 0) as started_cost
    from due
    left join daily
        on
            due.source_name = daily.source_name
            {%- for column in estimate[1:] %}
            and due.{{ column }} is not distinct from daily.{{ column }}
            {%- endfor %}
    group by due.{{ estimate | join(', due.') }}
),

rated as (
    select
        due.*,
        so_far.billed_so_far_cost,
        so_far.started_cost,
        coalesce(means.known_days, 0) as known_days,
        case when means.known_days >= {{ fewest_days }} then {{ mean }} end as mean_cost,
        case when means.known_days >= {{ fewest_days }} then {{ cheapest }} end as cheapest_cost,
        case when means.known_days >= {{ fewest_days }} then {{ dearest }} end as dearest_cost,
        currencies.minor_digits
    from due
    inner join so_far
        on
            due.source_name = so_far.source_name
            {%- for column in estimate[1:] %}
            and due.{{ column }} is not distinct from so_far.{{ column }}
            {%- endfor %}
    left join means
        on
            due.source_name = means.source_name
            {%- for column in estimate[1:] %}
            and due.{{ column }} is not distinct from means.{{ column }}
            {%- endfor %}
    left join spreads
        on
            due.source_name = spreads.source_name
            {%- for column in estimate[1:] %}
            and due.{{ column }} is not distinct from spreads.{{ column }}
            {%- endfor %}
    left join currencies on due.billing_currency = currencies.code
)

-- What a day that has begun holds already is not accrued again.
select
    source_name,
    provider,
    billing_account_id,
    billing_currency,
    billing_month,
    cost_state,
    missing_days,
    known_days,
    billed_so_far_cost,
    {{ to_minor_units(still_to_come('least(cheapest_cost, mean_cost)'), 'minor_digits') }}
        as low_cost,
    {{ to_minor_units(still_to_come('mean_cost'), 'minor_digits') }} as central_cost,
    {{ to_minor_units(still_to_come('greatest(dearest_cost, mean_cost)'), 'minor_digits') }}
        as high_cost
from rated
