"""What the reader of the roll-forward of commitments may rely on."""

from collections.abc import Sequence

from expectations.promises import (
    Promise,
    Scope,
    Suite,
    all_filled,
    between,
    columns_in_order,
    never,
    one_of,
    one_row_per,
)
from expectations.suites.common import COLUMNS_FIXED, COST_STATES, first_of_month, known_provider

RELATION = "mart_commitment_rollforward"
GRAIN = ("billing_month", "provider", "commitment_discount_id", "billing_currency")
KNOWN = ("known", "paid_as_it_runs")
STATUSES = (
    *KNOWN,
    "paid_before_first_month",
    "only_purchase_loaded",
    "only_use_loaded",
    "month_missing_before",
)
COLUMNS = (
    "billing_month",
    "provider",
    "commitment_discount_id",
    "commitment_discount_category",
    "commitment_discount_type",
    "billing_currency",
    "balance_status",
    "is_term_loaded",
    "opening_balance",
    "purchases_billed_cost",
    "refunds_billed_cost",
    "refunds_effective_cost",
    "used_effective_cost",
    "unused_effective_cost",
    "closing_balance",
    "other_billed_cost",
    "other_effective_cost",
    "billed_cost",
    "effective_cost",
    "effective_minus_billed_cost",
    "utilisation_ratio",
    "cost_state",
    "data_as_of",
)
LIFE = "partition by provider, commitment_discount_id, billing_currency order by billing_month"


def _promises(scope: Scope) -> Sequence[Promise]:
    return (*_shape(), *_balance(), *_bridge(scope))


def _shape() -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        one_row_per(
            "one_row_per_commitment_and_month",
            GRAIN,
            "One row per commitment, month and currency: no balance is counted twice.",
        ),
        all_filled(
            (*GRAIN, "balance_status", "billed_cost", "effective_cost", "cost_state"),
            "Every row says which commitment, month and currency, its cost and how final it is.",
        ),
        known_provider(),
        first_of_month("billing_month"),
        one_of(
            "balance_status_known",
            "balance_status",
            STATUSES,
            "A balance is known, or one of the listed reasons says why it isn't.",
        ),
        one_of(
            "cost_state_known",
            "cost_state",
            COST_STATES,
            "The cost of a month is open, provisional, closed or restated.",
        ),
    )


def _balance() -> Sequence[Promise]:
    known = ", ".join(f"'{status}'" for status in KNOWN)
    return (
        never(
            "unknown_balance_is_null",
            f"""
            select * from batch
            where (balance_status in ({known})) <> (opening_balance is not null)
                or (balance_status in ({known})) <> (closing_balance is not null)
            """,
            "A balance that isn't known is empty with a reason, never 0.",
        ),
        never(
            "balance_rolls_forward",
            """
            select * from batch
            where closing_balance <> opening_balance + purchases_billed_cost + refunds_billed_cost
                - refunds_effective_cost - used_effective_cost - unused_effective_cost
            """,
            "Opening balance, purchases, refunds and use come to the closing balance.",
        ),
        never(
            "opening_is_closing_before",
            f"""
            select * from (
                select *, lag(closing_balance) over ({LIFE}) as balance_before from {RELATION}
            ) where opening_balance <> balance_before
            """,
            "A month opens with what the month before closed with.",
        ),
        between(
            "utilisation_is_a_share",
            "utilisation_ratio",
            0,
            1,
            "Utilisation is a share between 0 and 1, or unknown.",
            "warning",
        ),
    )


def _bridge(scope: Scope) -> Sequence[Promise]:
    return (
        never(
            "bridge_closes",
            """
            select * from batch
            where effective_minus_billed_cost <> effective_cost - billed_cost
                or effective_minus_billed_cost <> used_effective_cost + unused_effective_cost
                    + refunds_effective_cost + other_effective_cost
                    - purchases_billed_cost - refunds_billed_cost - other_billed_cost
            """,
            "What is effective beyond what is billed is told line by line, to the last digit.",
        ),
        never(
            "agrees_with_the_fact",
            f"""
            select provider, billing_month, billed_cost, effective_cost from (
                select provider, billing_month, billing_currency,
                    sum(billed_cost) as billed_cost, sum(effective_cost) as effective_cost
                from batch group by all
            ) as told full join (
                select x_Provider as provider, x_BillingMonth as billing_month,
                    BillingCurrency as billing_currency, sum(BilledCost) as fact_billed,
                    sum(EffectiveCost) as fact_effective
                from fct_cost_and_carbon
                where CommitmentDiscountId is not null and x_RecordKind = 'Charge'
                    and {scope.where("x_BillingMonth")}
                group by all
            ) as fact using (provider, billing_month, billing_currency)
            where coalesce(billed_cost, 0) <> coalesce(fact_billed, 0)
                or coalesce(effective_cost, 0) <> coalesce(fact_effective, 0)
            """,
            "All cost of commitments in the fact is in the roll-forward, and no other.",
        ),
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever keeps prepaid commitments in the books and asks what came of them.",
    promises=_promises,
    month_column="billing_month",
)
