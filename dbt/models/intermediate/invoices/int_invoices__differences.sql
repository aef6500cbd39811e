{%- set key = tie_out_key() | join(', ') %}
with totals as (
    select * from {{ ref('int_invoices__totals') }}
    where not is_internal
),

legs as (
    select * from {{ ref('int_invoices__legs') }}
),

currencies as (
    select
        code,
        subunit
    from {{ ref('currencies') }}
),

-- An invoice of which only the total is known is compared as a whole.
compared as (
    select
        {{ of_tie_out('legs') }},
        case when totals.is_total_only then 'Total' else legs.charge_category end
            as charge_category,
        case when totals.is_total_only then 'total' else legs.line end as line,
        case when legs.leg = 'charged' then legs.amount end as charged,
        case when legs.leg <> 'charged' then legs.amount end as stated
    from legs
    inner join totals on {{ same_tie_out('legs', 'totals') }}
    where legs.leg in ('charged', 'stated')
),

lined as (
    select
        {{ key }},
        {{ amount_sum('stated') }} as stated
    from compared
    group by {{ key }}
),

whole_invoices as (
    select
        {{ of_tie_out('totals') }},
        'Total' as charge_category,
        'total' as line,
        cast(null as decimal(38, 18)) as charged,
        {{ amount_minus('totals.invoice_total', 'coalesce(lined.stated, 0)') }} as stated
    from totals
    left join lined on {{ same_tie_out('totals', 'lined') }}
    where totals.is_total_only
),

everything as (
    select * from compared
    union all
    select * from whole_invoices
),

by_category as (
    select
        {{ key }},
        charge_category,
        line,
        coalesce({{ amount_sum('charged') }}, 0) as charged,
        coalesce({{ amount_sum('stated') }}, 0) as stated,
        count(stated) as stated_lines
    from everything
    group by {{ key }}, charge_category, line
),

measured as (
    select
        by_category.*,
        {{ amount_minus('by_category.stated', 'by_category.charged') }} as difference,
        {{ is_plain_line('by_category.line') }} as is_plain,
        by_category.stated_lines = 0
        and not {{ is_plain_line('by_category.line') }} as is_unnamed,
        coalesce(currencies.subunit, 0) as subunit
    from by_category
    left join currencies on by_category.currency = currencies.code
),

-- Lines that the invoice doesn't name may be contained in the plain line of their category.
contained as (
    select
        {{ key }},
        charge_category,
        {{ sum_when('is_plain', 'difference') }} as plain_difference,
        {{ sum_when('is_plain or is_unnamed', 'difference') }} as joint_difference
    from measured
    group by {{ key }}, charge_category
),

weighed as (
    select
        measured.*,
        contained.plain_difference,
        contained.joint_difference,
        measured.is_unnamed
        and abs({{ amount_minus('measured.difference', 'contained.joint_difference') }})
        <= measured.subunit as is_missing_one
    from measured
    inner join contained
        on
            {{ same_tie_out('measured', 'contained') }}
            and measured.charge_category = contained.charge_category
),

judged as (
    select
        *,
        sum(case when is_missing_one then 1 else 0 end) over (
            partition by {{ key }}, charge_category
        ) as missing_ones
    from weighed
),

-- When the plain line balances, nothing is contained in it. Else the joint difference belongs to
-- the unnamed line that is exactly missing, or stays with the plain one.
placed as (
    select
        {{ key }},
        line,
        subunit,
        charged,
        stated,
        case
            when not (is_plain or is_unnamed) or abs(plain_difference) <= subunit then difference
            when missing_ones = 1 and is_missing_one then joint_difference
            when missing_ones <> 1 and is_plain then joint_difference
            else 0
        end as difference
    from judged
),

-- A category without a plain line on either leg has nowhere to leave a joint difference.
lines as (
    select
        {{ key }},
        line,
        max(subunit) as subunit,
        {{ amount_sum('charged') }} as charged,
        {{ amount_sum('stated') }} as stated,
        {{ amount_sum('difference') }} as difference
    from placed
    group by {{ key }}, line
),

known as (
    select
        lines.*,
        totals.provider,
        totals.tax_in_data,
        totals.is_paid_elsewhere,
        totals.invoice_count,
        totals.invoice_count > 0 or totals.is_due as is_expected
    from lines
    inner join totals on {{ same_tie_out('lines', 'totals') }}
),

candidates as (
    select * from known
    where
        difference <> 0
        and is_expected
        and {{ has_counterparts('line') }}
),

-- The same amount the other way round: on another invoice, account or issuer, or up to three
-- months before or after.
pairs as (
    select
        {{ of_tie_out('one') }},
        one.line,
        other.billing_month as other_month,
        other.issuer as other_issuer,
        other.account as other_account,
        other.tied_invoice as other_invoice,
        other.difference as other_difference,
        case
            when one.billing_month <> other.billing_month then 'another month'
            when one.account <> other.account then 'another account'
            when one.issuer <> other.issuer then 'another issuer'
            else 'another invoice'
        end as found_on,
        abs({{ months_apart('one.billing_month', 'other.billing_month') }}) as distance
    from candidates as one
    inner join candidates as other
        on
            one.line = other.line
            and one.currency = other.currency
            and abs({{ amount_plus('one.difference', 'other.difference') }}) <= one.subunit
            and abs({{ months_apart('one.billing_month', 'other.billing_month') }}) <= 3
    where
        not ({{ same_tie_out('one', 'other') }})
        and (
            (one.issuer = other.issuer and one.account = other.account)
            or (
                one.billing_month = other.billing_month
                and (one.issuer = other.issuer or one.account = other.account)
            )
        )
),

ranked as (
    select
        *,
        row_number() over (
            partition by {{ key }}, line
            order by distance, other_month, other_issuer, other_account, other_invoice
        ) as choice,
        row_number() over (
            partition by other_month, other_issuer, other_account, other_invoice, currency, line
            order by distance, billing_month, issuer, account, tied_invoice
        ) as chosen
    from pairs
),

counterparts as (
    select * from ranked
    where choice = 1 and chosen = 1
),

tolerances as (
    select
        {{ of_tie_out('totals') }},
        {{ invoice_tolerance('totals.charge_lines', 'currencies.subunit') }} as tolerance
    from totals
    left join currencies on totals.currency = currencies.code
),

explained as (
    select
        known.*,
        tolerances.tolerance,
        counterparts.found_on,
        counterparts.other_month,
        counterparts.other_issuer,
        counterparts.other_account,
        counterparts.other_invoice,
        case
            when known.invoice_count = 0 and counterparts.line is null then 0
            when known.line = 'tax' then known.difference
            when known.line = 'rounding' and abs(known.difference) <= tolerances.tolerance
                then known.difference
            when known.line = 'fx' and known.is_paid_elsewhere then known.difference
            when counterparts.line is null then 0
            when abs(known.difference) <= abs(counterparts.other_difference) then known.difference
            else -counterparts.other_difference
        end as explained
    from known
    inner join tolerances on {{ same_tie_out('known', 'tolerances') }}
    left join counterparts
        on
            {{ same_tie_out('known', 'counterparts') }}
            and known.line = counterparts.line
),

left_over as (
    select
        *,
        {{ amount_minus('difference', 'explained') }} as leftover
    from explained
)

select
    *,
    case
        when leftover = 0 then 'nowhere'
        when explained <> 0 then 'unexplained'
        when charged = 0 then 'on_invoice_not_in_data'
        when stated = 0 then 'in_data_not_invoiced'
        else 'unexplained'
    end as place,
    -- Tax may be missing only where the provider's exports never hold any.
    leftover <> 0
    or (line = 'tax' and difference <> 0 and (tax_in_data or charged <> 0))
        as is_at_variance
from left_over
