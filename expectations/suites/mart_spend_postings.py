"""What the reader of spend as it is posted may rely on, in place and in the current period."""

from collections.abc import Sequence

from expectations.promises import (
    Promise,
    Scope,
    Suite,
    all_filled,
    columns_in_order,
    never,
    not_empty,
    one_of,
    one_row_per,
)
from expectations.suites.common import (
    COLUMNS_FIXED,
    COST_STATES,
    costs_known,
    first_of_month,
    known_environment,
    known_provider,
)

RESTATED = "mart_spend_restated"
BOOKED = "mart_spend_booked"
ENTRIES = ("spend", "moved_out", "moved_in")
TOLD_APART = (
    "billing_account_id",
    "charge_category",
    "service_category",
    "environment",
    "cost_center",
    "billing_currency",
)
RESTATED_GRAIN = ("billing_month", "provider", *TOLD_APART)
RESTATED_COLUMNS = (
    *RESTATED_GRAIN,
    "billed_cost",
    "effective_cost",
    "charge_lines",
    "cost_state",
    "data_as_of",
)
BOOKED_GRAIN = (
    "posting_month",
    "billing_month",
    "provider",
    "entry",
    "restatement_id",
    *TOLD_APART,
)
BOOKED_COLUMNS = (*BOOKED_GRAIN, "billed_cost", "effective_cost")


def _restated(scope: Scope) -> Sequence[Promise]:
    return (
        columns_in_order(RESTATED_COLUMNS, COLUMNS_FIXED),
        not_empty(RESTATED, "There is spend to post: an empty table is never published."),
        one_row_per(
            "one_row_per_posting",
            RESTATED_GRAIN,
            "One row per month, account, category, environment, cost center and currency.",
        ),
        all_filled(
            ("billing_month", "provider", "billing_currency", "cost_state"),
            "Every row says its month, its provider, its currency and how final it is.",
        ),
        known_provider(),
        known_environment(),
        costs_known(),
        one_of(
            "cost_state_known",
            "cost_state",
            COST_STATES,
            "The cost of a month is open, provisional, closed or restated.",
        ),
        _agrees_with_the_fact(scope),
    )


def _agrees_with_the_fact(scope: Scope) -> Promise:
    return never(
        "agrees_with_the_fact",
        f"""
        select provider, billing_month, billed_cost, fact_billed from (
            select provider, billing_month, billing_currency,
                sum(billed_cost) as billed_cost, sum(effective_cost) as effective_cost
            from batch group by all
        ) as told full join (
            select x_Provider as provider, x_BillingMonth as billing_month,
                BillingCurrency as billing_currency, sum(BilledCost) as fact_billed,
                sum(EffectiveCost) as fact_effective
            from fct_cost_and_carbon
            where x_RecordKind = 'Charge' and {scope.where("x_BillingMonth")}
            group by all
        ) as fact using (provider, billing_month, billing_currency)
        where billed_cost is distinct from fact_billed
            or effective_cost is distinct from fact_effective
        """,
        "All charges are posted, each once.",
    )


def _booked(_: Scope) -> Sequence[Promise]:
    return (
        columns_in_order(BOOKED_COLUMNS, COLUMNS_FIXED),
        one_row_per(
            "one_row_per_posting",
            BOOKED_GRAIN,
            "One row per posting: no change is booked twice.",
        ),
        all_filled(
            ("posting_month", "billing_month", "provider", "entry", "billing_currency"),
            "Every row says what it is, for which month and in which it is posted.",
        ),
        known_provider(),
        known_environment(),
        first_of_month("posting_month"),
        one_of(
            "entry_known",
            "entry",
            ENTRIES,
            "A row is spend, or a change moved out of or into a month.",
        ),
        never(
            "nothing_posted_before_it_was",
            "select * from batch where posting_month < billing_month",
            "Nothing is posted in a month before the one that it belongs to.",
        ),
        never(
            "what_moves_out_moves_in",
            f"""
            select restatement_id from {BOOKED}
            where restatement_id is not null
            group by restatement_id
            having count(*) <> 2 or sum(billed_cost) <> 0 or sum(effective_cost) <> 0
            """,
            "What is taken out of a signed month is posted in another one, to the last digit.",
        ),
        never(
            "both_views_come_to_the_same",
            f"""
            select provider, billing_currency from (
                select provider, billing_currency, billed_cost, effective_cost from {BOOKED}
                union all
                select provider, billing_currency, -billed_cost, -effective_cost from {RESTATED}
            )
            group by all having sum(billed_cost) <> 0 or sum(effective_cost) <> 0
            """,
            "Both ways of posting come to the same grand total.",
        ),
    )


SUITES = (
    Suite(
        name=RESTATED,
        relation=RESTATED,
        reader="For whoever restates months in place: spend as each month is known now.",
        promises=_restated,
        month_column="billing_month",
    ),
    Suite(
        name=BOOKED,
        relation=BOOKED,
        reader="For whoever leaves signed months alone and books later changes when known.",
        promises=_booked,
        month_column="billing_month",
    ),
)
