"""What the reader of accruals may rely on."""

from collections.abc import Sequence

from expectations.promises import (
    Promise,
    Scope,
    Suite,
    all_filled,
    columns_in_order,
    never,
    one_of,
    one_row_per,
)
from expectations.suites.common import COLUMNS_FIXED, first_of_month, known_provider

RELATION = "mart_accrual"
ENTRIES = ("accrual", "reversal")
STATUSES = ("estimated", "too_few_days")
STATES = ("open", "provisional")
GRAIN = ("entry", "billing_month", "provider", "billing_account_id", "billing_currency")
COLUMNS = (
    "posting_month",
    "billing_month",
    "provider",
    "billing_account_id",
    "billing_currency",
    "entry",
    "estimate_status",
    "missing_days",
    "estimated_from_days",
    "billed_so_far_cost",
    "accrual_low_cost",
    "accrual_cost",
    "accrual_high_cost",
    "expected_low_cost",
    "expected_cost",
    "expected_high_cost",
    "cost_state",
    "data_as_of",
)


def _promises(_: Scope) -> Sequence[Promise]:
    return (*_shape(), *_amounts())


def _shape() -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        one_row_per(
            "one_row_per_entry",
            GRAIN,
            "One accrual and one reversal per account, month and currency: none stands twice.",
        ),
        all_filled(
            ("posting_month", "billing_month", "provider", "billing_currency", "missing_days"),
            "Every row says for which month and currency it is, when it is posted and why.",
        ),
        known_provider(),
        first_of_month("posting_month"),
        one_of("entry_known", "entry", ENTRIES, "A row accrues or takes back."),
        one_of(
            "estimate_status_known",
            "estimate_status",
            STATUSES,
            "A month is estimated, or too few of its days are known.",
        ),
        one_of(
            "nothing_accrued_for_a_closed_month",
            "cost_state",
            STATES,
            "Nothing is accrued for a month that somebody signed.",
        ),
    )


def _amounts() -> Sequence[Promise]:
    return (
        never(
            "accrual_is_reversed",
            f"""
            select provider, billing_account_id, billing_currency, billing_month
            from {RELATION}
            group by all
            having count(*) <> 2 or coalesce(sum(accrual_cost), 0) <> 0
                or max(posting_month) <> min(posting_month) + interval 1 month
            """,
            "Every accrual is taken back in the next month, to the last cent.",
        ),
        never(
            "estimate_lies_in_its_interval",
            """
            select * from batch
            where entry = 'accrual'
                and not (accrual_low_cost <= accrual_cost and accrual_cost <= accrual_high_cost)
            """,
            "The estimate lies between its ends.",
        ),
        never(
            "unknown_is_null",
            """
            select * from batch
            where (estimate_status = 'estimated') <> (accrual_cost is not null)
            """,
            "What can't be estimated is empty with a reason, never 0.",
        ),
        never(
            "expected_is_billed_and_accrued",
            """
            select * from batch
            where entry = 'accrual' and expected_cost <> billed_so_far_cost + accrual_cost
                or entry = 'reversal' and expected_cost is not null
            """,
            "What a month should come to is what is billed so far and what is accrued.",
        ),
        never(
            "everything_expected_is_said_once",
            "select * from batch where entry = 'reversal' and billed_so_far_cost is not null",
            "What was billed so far stands on the accrual alone: a sum counts it once.",
        ),
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever closes a month before the last bill of it has come.",
    promises=_promises,
    month_column="billing_month",
)
