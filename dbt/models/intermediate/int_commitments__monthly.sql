{{ monthly_model() }}

with charges as (
    select
        *,
        coalesce(ChargeCategory = 'Usage' and CommitmentDiscountStatus = 'Used', false) as is_used,
        coalesce(ChargeCategory = 'Usage' and CommitmentDiscountStatus = 'Unused', false)
            as is_unused,
        coalesce(ChargeCategory = 'Purchase' and ChargeClass is null, false) as is_purchase,
        coalesce(
            ChargeCategory in ('Credit', 'Adjustment')
            or (ChargeCategory = 'Purchase' and ChargeClass is not null), false
        ) as is_refund
    from {{ ref('fct_cost_and_carbon') }}
    where
        {{ this_month('x_BillingMonth') }}
        and x_RecordKind = 'Charge'
        and CommitmentDiscountId is not null
)

-- What a commitment cost and what came of it. Late usage counts where it is billed.
select
    x_BillingMonth as billing_month,
    x_SourceName as source_name,
    x_Provider as provider,
    CommitmentDiscountId as commitment_discount_id,
    BillingCurrency as billing_currency,
    max(x_DeliveryId) as delivery_id,
    max(CommitmentDiscountCategory) as commitment_discount_category,
    max(CommitmentDiscountType) as commitment_discount_type,
    coalesce({{ amount_sum('case when is_purchase then BilledCost end') }}, 0)
        as purchased_billed_cost,
    coalesce({{ amount_sum('case when is_refund then BilledCost end') }}, 0)
        as refunded_billed_cost,
    coalesce({{ amount_sum('case when not is_purchase and not is_refund then BilledCost end') }}, 0)
        as other_billed_cost,
    coalesce({{ amount_sum('case when is_used then EffectiveCost end') }}, 0)
        as used_effective_cost,
    coalesce({{ amount_sum('case when is_unused then EffectiveCost end') }}, 0)
        as unused_effective_cost,
    coalesce({{ amount_sum('case when is_refund then EffectiveCost end') }}, 0)
        as refunded_effective_cost,
    coalesce({{ amount_sum(
        'case when not is_used and not is_unused and not is_refund then EffectiveCost end'
    ) }}, 0) as other_effective_cost,
    {{ amount_sum('BilledCost') }} as billed_cost,
    {{ amount_sum('EffectiveCost') }} as effective_cost,
    min(case when is_purchase then ChargePeriodStart end) as purchase_start,
    min(case when is_purchase and ChargeFrequency = 'One-Time' then ChargePeriodStart end)
        as paid_once_start,
    max(case when is_purchase then ChargePeriodEnd end) as purchase_end,
    min(case when (is_used or is_unused) and ChargeClass is null then ChargePeriodStart end)
        as covered_start,
    max(case when is_used or is_unused then ChargePeriodEnd end) as covered_end
from charges
group by x_BillingMonth, x_SourceName, x_Provider, CommitmentDiscountId, BillingCurrency
