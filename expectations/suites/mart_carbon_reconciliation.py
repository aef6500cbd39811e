"""What the reader of reported against estimated carbon may rely on."""

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

RELATION = "mart_carbon_reconciliation"
GRAIN = ("usage_month", "provider", "service_name", "region_id", "method", "scope")
COLUMNS = (
    *GRAIN,
    "reported_kg",
    "compared_reported_kg",
    "compared_estimated_kg",
    "reported_lines",
    "compared_lines",
    "reported_to_estimated_ratio",
    "usual_low_ratio",
    "usual_high_ratio",
    "usual_months",
    "is_outside_usual",
    "comparison_gap",
)
METHODS = ("location", "unspecified")
SCOPES = ("scope2", "scope3", "total")


def _promises(_: Scope) -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        one_row_per(
            "one_row_per_service_region_and_scope",
            GRAIN,
            "One row per month, service, region, method and scope.",
        ),
        all_filled(
            ("usage_month", "provider", "method", "scope", "reported_kg"),
            "Every row says what was reported, by which method.",
        ),
        known_provider(),
        first_of_month("usage_month"),
        one_of(
            "method_comparable",
            "method",
            METHODS,
            "Estimates are location-based: market-based figures are compared with nothing.",
        ),
        one_of("scope_known", "scope", SCOPES, "Like is compared with like, by scope."),
        never(
            "ratio_is_of_the_same_lines",
            """
            select * from batch
            where abs(
                reported_to_estimated_ratio
                - compared_reported_kg::double / compared_estimated_kg::double
            ) > 0.000001
                or compared_lines > reported_lines
            """,
            "The ratio is of the lines that have both figures.",
        ),
        never(
            "no_ratio_without_a_reason",
            """
            select * from batch
            where reported_to_estimated_ratio is null and comparison_gap is null
                or is_outside_usual is null and comparison_gap is null
            """,
            "Where nothing can be compared, the row says why.",
        ),
        never(
            "outside_is_outside",
            """
            select * from batch
            where is_outside_usual <> (
                reported_to_estimated_ratio < usual_low_ratio
                or reported_to_estimated_ratio > usual_high_ratio
            )
            """,
            "A ratio is called unusual if it is outside of the band that stands beside it.",
        ),
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever asks whether reported carbon is plausible, and when that changed.",
    promises=_promises,
    month_column="usage_month",
)
