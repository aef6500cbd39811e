{%- set told_apart = [
    'billing_account_id', 'charge_category', 'service_category', 'environment', 'cost_center'
] -%}

with spend as (
    select * from {{ ref('mart_spend_restated') }}
),

restatements as (
    select * from {{ ref('fct_restatement') }}
),

-- A signed month stays as it was signed: what changed it later is posted when it was acknowledged.
-- A change whose size is lost stays where it is.
later as (
    select
        RestatementId as restatement_id,
        Provider,
        PeriodMonth as billing_month,
        BillingCurrency as billing_currency,
        BilledCostDifference as billed_cost,
        EffectiveCostDifference as effective_cost,
        greatest(PeriodMonth, cast(date_trunc('month', AcknowledgedAt) as date)) as posting_month
    from restatements
    where
        Clock = 'cost'
        and AcknowledgedAt is not null
        and DifferenceStatus = 'computed'
),

as_known_now as (
    select
        billing_month as posting_month,
        billing_month,
        provider,
        'spend' as entry,
        cast(null as {{ varchar_type() }}) as restatement_id,
        {{ told_apart | join(', ') }},
        billing_currency,
        billed_cost,
        effective_cost
    from spend
),

moved_out as (
    select
        billing_month as posting_month,
        billing_month,
        provider,
        'moved_out' as entry,
        restatement_id,
        {%- for column in told_apart %}
        cast(null as {{ varchar_type() }}) as {{ column }},
        {%- endfor %}
        billing_currency,
        -billed_cost as billed_cost,
        -effective_cost as effective_cost
    from later
),

moved_in as (
    select
        posting_month,
        billing_month,
        provider,
        'moved_in' as entry,
        restatement_id,
        {%- for column in told_apart %}
        cast(null as {{ varchar_type() }}) as {{ column }},
        {%- endfor %}
        billing_currency,
        billed_cost,
        effective_cost
    from later
)

select * from as_known_now
union all
select * from moved_out
union all
select * from moved_in
