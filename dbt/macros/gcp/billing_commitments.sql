{#-
    CTEs that bring covered usage and the fees of commitments together, within one billing month.

    A fee that a credit names by its subscription is linked. All other fees of a billing account are
    pooled by region and kind, and shared over what they may have covered. Fees of the newer
    consumption model are linked to nothing: their usage has its price already, so what their
    offsets leave over is unused. An hour in which nothing was used has no offset, and is known by
    the other hours of its subscription.

    A correction takes covered usage back: its part counts below zero, gives back what it had drawn
    of the fee, and leaves more of the commitment unused.

    Gives:
        used: a covered part of a line, with the fee group that it draws on.
        fee_groups: fees that are shared together, with what was committed, consumed, taken back.
-#}
{% macro gcp_billing_commitments() -%}
fee_lines as (
    select
        source_name,
        billing_month,
        delivery_id,
        billing_account_id,
        currency,
        {{ gcp_fee_category() }} as commitment_category,
        subscription_id,
        commitment_region,
        offset_amount <> 0
        or (
            subscription_id is not null
            and max(abs(offset_amount)) over (
                partition by source_name, billing_month, billing_account_id, subscription_id
            ) > 0
        ) as is_offset,
        resource_kind,
        service_name,
        service_id,
        sku_id,
        sku_description,
        project_id,
        project_name,
        location,
        region,
        pricing_unit,
        pricing_quantity,
        kept_cost,
        usage_start_time,
        usage_end_time
    from ({{ gcp_billing_lines(
        "lower(sku_description) like 'commitment%' or subscription_id is not null "
        ~ "or upper(credits) like '%FEE_UTILIZATION_OFFSET%'"
    ) }}) as lines
    where charge_category = 'Purchase'
),

covered_lines as (
    select *
    from ({{ gcp_billing_lines("upper(credits) like '%COMMITTED_USAGE_DISCOUNT%'") }}) as lines
    where covered_cost > 0
),

covered_parts as (
    {{ exploded_records('covered_lines', 'commitment_records') }}
),

-- Several commitments may cover one line: each covers what those before it have left.
covered_up_to as (
    select
        *,
        {{ gcp_covered(first_records('commitment_records', 'place')) }} as covered_to,
        {{ gcp_covered(first_records('commitment_records', 'place - 1')) }} as covered_from,
        case
            when upper(record.type) = 'COMMITTED_USAGE_DISCOUNT' then 'Usage'
            else 'Spend'
        end as commitment_category,
        coalesce(record.id, '') as credit_id,
        {{ gcp_credit_name() }} as credit_name
    from covered_parts
),

measured_parts as (
    select
        *,
        case when commitment_category = 'Usage' then resource_kind else service_name end
            as commitment_kind,
        {{ gcp_share('pricing_quantity') }} as covered_quantity,
        {{ with_sign_of('cost', amount_minus('covered_to', 'covered_from')) }} as covered_amount
    from covered_up_to
),

used_parts as (
    select
        *,
        coalesce(
            case when commitment_category = 'Usage' then covered_quantity else covered_amount end,
            cast(0 as decimal(38, 18))
        ) as consumed_amount
    from measured_parts
),

credit_ids as (
    select distinct
        source_name,
        billing_month,
        billing_account_id,
        credit_id
    from used_parts
    where credit_id <> ''
),

linked_fees as (
    select
        fee_lines.*,
        case
            when fee_lines.commitment_category = 'Usage' then fee_lines.resource_kind
            else fee_lines.service_name
        end as commitment_kind,
        coalesce(
            credit_ids.credit_id, case when fee_lines.is_offset then fee_lines.subscription_id end
        ) as linked_id
    from fee_lines
    left join credit_ids
        on
            fee_lines.source_name = credit_ids.source_name
            and fee_lines.billing_month = credit_ids.billing_month
            and fee_lines.billing_account_id = credit_ids.billing_account_id
            and fee_lines.subscription_id = credit_ids.credit_id
),

fees as (
    select
        source_name,
        billing_month,
        max(delivery_id) as delivery_id,
        billing_account_id,
        currency,
        commitment_category,
        linked_id,
        commitment_region,
        commitment_kind,
        is_offset,
        case when count(distinct subscription_id) = 1 then max(subscription_id) end
            as only_subscription_id,
        cast(sum(kept_cost) as decimal(38, 18)) as fee,
        cast(sum(pricing_quantity) as decimal(38, 18)) as committed_quantity,
        case when min(pricing_unit) = max(pricing_unit) then max(pricing_unit) end as pricing_unit,
        max(service_name) as service_name,
        max(service_id) as service_id,
        case when min(sku_id) = max(sku_id) then max(sku_id) end as sku_id,
        case when min(sku_description) = max(sku_description) then max(sku_description) end
            as sku_description,
        case when min(coalesce(project_id, '')) = max(coalesce(project_id, '')) then max(project_id)
        end as project_id,
        case when min(coalesce(project_id, '')) = max(coalesce(project_id, ''))
            then max(project_name) end as project_name,
        max(location) as location,
        max(region) as region,
        min(usage_start_time) as usage_start_time,
        max(usage_end_time) as usage_end_time,
        concat_ws(
            '|', billing_account_id, currency, commitment_category, coalesce(linked_id, ''),
            commitment_region, commitment_kind, case when is_offset then 'offset' else '' end
        ) as fee_group
    from linked_fees
    group by
        source_name, billing_month, billing_account_id, currency, commitment_category, linked_id,
        commitment_region, commitment_kind, is_offset
),

-- What asks for a fee: few combinations, however many lines.
asked as (
    select distinct
        source_name,
        billing_month,
        billing_account_id,
        currency,
        commitment_category,
        credit_id,
        commitment_region,
        commitment_kind
    from used_parts
),

-- The linked fee first, then one of the same kind, then one of the same region. A spend commitment
-- without a region covers every service.
ranked_fees as (
    select
        asked.*,
        fees.fee_group,
        fees.linked_id is not null as is_linked,
        fees.only_subscription_id,
        row_number() over (
            partition by
                asked.source_name, asked.billing_month, asked.billing_account_id, asked.currency,
                asked.commitment_category, asked.credit_id, asked.commitment_region,
                asked.commitment_kind
            order by
                case when fees.linked_id is not null then 0 else 1 end,
                case when fees.commitment_kind = asked.commitment_kind then 0 else 1 end,
                case when fees.commitment_region = asked.commitment_region then 0 else 1 end,
                fees.fee_group
        ) as choice
    from asked
    inner join fees
        on
            asked.source_name = fees.source_name
            and asked.billing_month = fees.billing_month
            and asked.billing_account_id = fees.billing_account_id
            and asked.currency = fees.currency
            and asked.commitment_category = fees.commitment_category
            and not fees.is_offset
            and coalesce(fees.linked_id, asked.credit_id) = asked.credit_id
            and (
                fees.commitment_region in (asked.commitment_region, '')
                or fees.linked_id is not null
            )
            and (
                fees.commitment_kind = asked.commitment_kind
                or (
                    asked.commitment_category = 'Spend'
                    and (fees.commitment_region = '' or fees.linked_id is not null)
                )
            )
),

used as (
    select
        used_parts.*,
        ranked_fees.fee_group,
        coalesce(ranked_fees.is_linked, false) as is_linked,
        ranked_fees.only_subscription_id,
        {{ amount_billionths('used_parts.consumed_amount') }} as consumed,
        round(used_parts.consumed_amount, 9) < 0 as is_taken_back
    from used_parts
    left join ranked_fees
        on
            used_parts.source_name = ranked_fees.source_name
            and used_parts.billing_month = ranked_fees.billing_month
            and used_parts.billing_account_id = ranked_fees.billing_account_id
            and used_parts.currency = ranked_fees.currency
            and used_parts.commitment_category = ranked_fees.commitment_category
            and used_parts.credit_id = ranked_fees.credit_id
            and used_parts.commitment_region = ranked_fees.commitment_region
            and used_parts.commitment_kind = ranked_fees.commitment_kind
            and ranked_fees.choice = 1
),

consumption as (
    select
        source_name,
        billing_month,
        fee_group,
        cast(sum(case when is_taken_back then 0 else consumed end) as decimal(38, 0)) as consumed,
        cast(sum(case when is_taken_back then consumed else 0 end) as decimal(38, 0)) as taken_back
    from used
    where fee_group is not null
    group by source_name, billing_month, fee_group
),

-- A fee without a quantity is worth what was consumed.
committed_fees as (
    select
        fees.*,
        {{ gcp_wide('coalesce(consumption.consumed, 0)') }} as consumed,
        {{ gcp_wide('coalesce(consumption.taken_back, 0)') }} as taken_back,
        case
            when fees.committed_quantity <> 0
                then {{ amount_billionths('fees.committed_quantity') }}
            else {{ gcp_wide('coalesce(consumption.consumed, 0)') }}
        end as committed
    from fees
    left join consumption
        on
            fees.source_name = consumption.source_name
            and fees.billing_month = consumption.billing_month
            and fees.fee_group = consumption.fee_group
),

-- What was neither committed nor consumed has no price: all of such a fee is unused. More can't be
-- used than there is: then all of the fee is used. A millionth of what is taken back is no price
-- of it either, and would be more than mul_div holds.
fee_groups as (
    select
        *,
        case
            when committed = 0 then 1
            else greatest(committed - consumed + taken_back, 0)
        end as unused,
        case
            when committed > 0 and taken_back <= committed * {{ gcp_wide(1000000) }}
                then {{ amount_up_to(
                    'fee', 'taken_back', gcp_wide('greatest(committed, consumed - taken_back)')
                ) }}
        end as given_back
    from committed_fees
)
{%- endmacro %}

{% macro gcp_wide(number) -%}cast({{ number }} as {{ wide_integer_type() }}){%- endmacro %}

{#- Whether a fee commits to spending or to using. -#}
{% macro gcp_fee_category() -%}
    case
        when offset_amount <> 0 or lower(sku_description) like '%dollar based%' then 'Spend'
        when lower(sku_description) like 'commitment%' then 'Usage'
        else 'Spend'
    end
{%- endmacro %}

{#-
    What mul_div can share by the cost of a line: bytes times seconds grow large, so beyond 1e15 the
    weights have to be smaller.
-#}
{% macro gcp_can_share(amount) -%}
    (
        abs({{ amount }}) < cast(1000000000000000 as decimal(38,18))
        or (
            abs({{ amount }}) < cast(1000000000000000000 as decimal(38,18))
            and abs(cost) < cast(8000000 as decimal(38,18))
        )
    )
{%- endmacro %}

{#- The covered part's share of something that belongs to the whole line. -#}
{% macro gcp_share(amount) -%}
    case
        when {{ gcp_can_share(amount) }} then
            {{ amount_minus(
                amount_up_to(amount, amount_billionths('covered_to'), amount_billionths('cost')),
                amount_up_to(amount, amount_billionths('covered_from'), amount_billionths('cost'))
            ) }}
    end
{%- endmacro %}

{#- What is left of it for the line that stays. -#}
{% macro gcp_rest(amount) -%}
    case
        when covered_cost = 0 then {{ amount }}
        when {{ gcp_can_share(amount) }} then
            {{ amount_minus(
                amount, amount_up_to(amount, amount_billionths('covered_cost'), amount_billionths('cost'))
            ) }}
    end
{%- endmacro %}
