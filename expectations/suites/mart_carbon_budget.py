"""What the reader of carbon budgets may rely on."""

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
from expectations.suites.common import COLUMNS_FIXED, first_of_month

RELATION = "mart_carbon_budget"
MEASURES = (
    "carbon_location_kg",
    "carbon_market_kg",
    "carbon_unspecified_kg",
    "estimated_carbon_kg",
)
STATUSES = ("over", "within", "within_so_far", "no_figure")
GRAIN = ("usage_month", "budget", "measure")
COLUMNS = (
    *GRAIN,
    "provider",
    "owner",
    "environment",
    "budget_kg",
    "actual_kg",
    "remaining_kg",
    "used_ratio",
    "budget_status",
    "lacks_providers",
)


def _promises(_: Scope) -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        one_row_per(
            "one_row_per_budget",
            GRAIN,
            "One row per month, budget and measure: none stands twice.",
        ),
        all_filled((*GRAIN, "budget_kg"), "Every row says what is allowed, by which measure."),
        first_of_month("usage_month"),
        one_of(
            "measure_known",
            "measure",
            MEASURES,
            "A budget is of one method of reported emissions, or of the estimate.",
        ),
        one_of(
            "status_known",
            "budget_status",
            STATUSES,
            "A budget is exceeded, kept, kept so far, or has nothing to be held against.",
        ),
        never(
            "remaining_is_budget_less_actual",
            """
            select * from batch
            where remaining_kg <> budget_kg - actual_kg
                or (remaining_kg is null) <> (actual_kg is null)
            """,
            "What remains is the budget less what was emitted, to the last digit.",
        ),
        never(
            "status_follows_figures",
            """
            select * from batch
            where (budget_status = 'no_figure') <> (actual_kg is null)
                or (budget_status = 'over') <> coalesce(actual_kg > budget_kg, false)
                or budget_status = 'within' and lacks_providers is not null
            """,
            "A budget is called kept only when every provider that it covers has a figure.",
        ),
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever answers for a limit on emissions.",
    promises=_promises,
)
