with estimated as (
    select * from {{ ref('int_accruals__estimated') }}
),

periods as (
    select * from {{ ref('dim_billing_period') }}
),

-- An account that one source can't say enough of is not estimated in part.
months as (
    select
        provider,
        billing_account_id,
        billing_currency,
        billing_month,
        max(cost_state) as cost_state,
        max(missing_days) as missing_days,
        min(known_days) as estimated_from_days,
        count(central_cost) = count(*) as is_estimated,
        {{ amount_sum('billed_so_far_cost') }} as billed_so_far_cost,
        {{ amount_sum('low_cost') }} as low_cost,
        {{ amount_sum('central_cost') }} as central_cost,
        {{ amount_sum('high_cost') }} as high_cost
    from estimated
    group by provider, billing_account_id, billing_currency, billing_month
),

entries as (
    select
        *,
        'accrual' as entry,
        billing_month as posting_month,
        case when is_estimated then low_cost end as accrual_low_cost,
        case when is_estimated then central_cost end as accrual_cost,
        case when is_estimated then high_cost end as accrual_high_cost,
        billed_so_far_cost as billed_cost
    from months
    union all
    select
        *,
        'reversal' as entry,
        cast(billing_month + interval 1 month as date) as posting_month,
        case when is_estimated then -low_cost end as accrual_low_cost,
        case when is_estimated then -central_cost end as accrual_cost,
        case when is_estimated then -high_cost end as accrual_high_cost,
        cast(null as decimal(38, 18)) as billed_cost
    from months
)

-- Cardinality: one period per provider and month.
select
    entries.posting_month,
    entries.billing_month,
    entries.provider,
    entries.billing_account_id,
    entries.billing_currency,
    entries.entry,
    case when entries.is_estimated then 'estimated' else 'too_few_days' end as estimate_status,
    entries.missing_days,
    entries.estimated_from_days,
    entries.billed_cost as billed_so_far_cost,
    entries.accrual_low_cost,
    entries.accrual_cost,
    entries.accrual_high_cost,
    {{ amount_plus('entries.billed_cost', 'entries.accrual_low_cost') }} as expected_low_cost,
    {{ amount_plus('entries.billed_cost', 'entries.accrual_cost') }} as expected_cost,
    {{ amount_plus('entries.billed_cost', 'entries.accrual_high_cost') }} as expected_high_cost,
    entries.cost_state,
    periods.data_as_of
from entries
left join periods
    on entries.provider = periods.provider and entries.billing_month = periods.billing_month
