with spend as (
    select
        billing_month,
        provider,
        billing_account_id,
        billing_currency,
        {{ amount_sum('billed_cost') }} as billed_cost,
        {{ amount_sum('effective_cost') }} as effective_cost,
        cast(sum(charge_lines) as bigint) as charge_lines
    from {{ ref('int_spend_carbon__monthly') }}
    where charge_lines > 0
    group by billing_month, provider, billing_account_id, billing_currency
),

reporting as (
    select * from {{ source('ledger', 'reporting') }}
),

months as (
    select distinct
        provider,
        billing_month
    from spend
),

-- An account that is gone from one month to the next has cost nothing: its row says so, or the
-- change would miss it.
gone as (
    select
        months.billing_month,
        spend_before.provider,
        spend_before.billing_account_id,
        spend_before.billing_currency,
        cast(0 as decimal(38, 18)) as billed_cost,
        cast(0 as decimal(38, 18)) as effective_cost,
        cast(0 as bigint) as charge_lines
    from spend as spend_before
    inner join months
        on
            spend_before.provider = months.provider
            and months.billing_month = cast(spend_before.billing_month + interval 1 month as date)
    left join spend as now
        on
            months.billing_month = now.billing_month
            and spend_before.provider = now.provider
            and spend_before.billing_account_id is not distinct from now.billing_account_id
            and spend_before.billing_currency is not distinct from now.billing_currency
    where now.billing_month is null
),

all_spend as (
    select * from spend
    union all
    select * from gone
),

-- What a unit of a currency is worth, by month. Cardinality: one row per month and currency.
worth as (
    select
        currencies.billing_month,
        currencies.billing_currency,
        reporting.reporting_currency,
        reporting.rates_configured,
        case
            when currencies.billing_currency = reporting.reporting_currency
                then cast(1 as decimal(38, 18))
            else rates.rate
        end as rate,
        case
            when currencies.billing_currency = reporting.reporting_currency then 'identity'
            else rates.source
        end as fx_rate_source
    from (
        select distinct
            billing_month,
            billing_currency
        from all_spend
        union
        select distinct
            cast(billing_month - interval 1 month as date) as billing_month,
            billing_currency
        from all_spend
    ) as currencies
    cross join reporting
    left join {{ ref('dim_fx_rate') }} as rates
        on
            currencies.billing_month = rates.month
            and currencies.billing_currency = rates.from_currency
            and reporting.reporting_currency = rates.to_currency
),

-- Cardinality: at most one row of the month before, and one worth of each month.
compared as (
    select
        all_spend.*,
        {%- for cost in ['billed_cost', 'effective_cost'] %}
        case
            when months_before.billing_month is not null then coalesce(spend_before.{{ cost }}, 0)
        end as {{ cost }}_before,
        {%- endfor %}
        worth.reporting_currency,
        worth.rates_configured,
        worth.rate as fx_rate,
        worth.fx_rate_source,
        worth_before.rate as fx_rate_before,
        months_before.billing_month is not null as has_month_before
    from all_spend
    inner join worth
        on
            all_spend.billing_month = worth.billing_month
            and all_spend.billing_currency = worth.billing_currency
    inner join worth as worth_before
        on
            worth_before.billing_month = cast(all_spend.billing_month - interval 1 month as date)
            and all_spend.billing_currency = worth_before.billing_currency
    left join months as months_before
        on
            all_spend.provider = months_before.provider
            and months_before.billing_month
            = cast(all_spend.billing_month - interval 1 month as date)
    left join spend as spend_before
        on
            spend_before.billing_month = cast(all_spend.billing_month - interval 1 month as date)
            and all_spend.provider = spend_before.provider
            and all_spend.billing_account_id is not distinct from spend_before.billing_account_id
            and all_spend.billing_currency = spend_before.billing_currency
),

valued as (
    select
        {%- for cost in ['billed_cost', 'effective_cost'] %}
        {{ converted(cost, 'fx_rate') }} as reporting_{{ cost }},
        {{ converted(cost, 'fx_rate_before') }} as {{ cost }}_at_rate_before,
        {{ converted(cost ~ '_before', 'fx_rate_before') }} as reporting_{{ cost }}_before,
        {%- endfor %}
        compared.*
    from compared
)

select
    billing_month,
    provider,
    billing_account_id,
    billing_currency,
    reporting_currency,
    billed_cost,
    effective_cost,
    fx_rate,
    fx_rate_source,
    reporting_billed_cost,
    reporting_effective_cost,
    case
        when reporting_billed_cost is not null and reporting_effective_cost is not null then null
        when fx_rate is not null then 'out_of_range'
        when rates_configured then 'rate_pending'
        else 'rates_not_configured'
    end as conversion_reason,
    fx_rate_before,
    {%- for cost in ['billed_cost', 'effective_cost'] %}
    {%- set now, at_before, before = 'reporting_' ~ cost, cost ~ '_at_rate_before',
        'reporting_' ~ cost ~ '_before' %}
    case when {{ at_before }} is not null then {{ amount_minus(now, before) }} end
        as {{ cost }}_change,
    case when {{ now }} is not null then {{ amount_minus(at_before, before) }} end
        as {{ cost }}_change_by_amount,
    case when {{ before }} is not null then {{ amount_minus(now, at_before) }} end
        as {{ cost }}_change_by_fx,
    {%- endfor %}
    case
        when not has_month_before then 'no_month_before'
        when
            reporting_billed_cost is null or reporting_effective_cost is null
            or billed_cost_at_rate_before is null or effective_cost_at_rate_before is null
            or reporting_billed_cost_before is null or reporting_effective_cost_before is null
            then 'not_converted'
    end as change_reason,
    charge_lines
from valued
