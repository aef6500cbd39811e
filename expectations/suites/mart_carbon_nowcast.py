"""What the reader of the carbon nowcast may rely on."""

from collections.abc import Sequence

from expectations.promises import (
    Promise,
    Scope,
    Suite,
    all_filled,
    columns_in_order,
    never,
    one_row_per,
)
from expectations.suites.common import COLUMNS_FIXED, first_of_month, known_provider

RELATION = "mart_carbon_nowcast"
GRAIN = ("usage_month", "provider", "service_name", "region_id")
COLUMNS = (
    *GRAIN,
    "awaited_lines",
    "estimated_lines",
    "estimated_kg",
    "carbon_nowcast_location_kg",
    "carbon_nowcast_location_low_kg",
    "carbon_nowcast_location_high_kg",
    "trailing_ratio",
    "basis",
    "basis_months",
    "basis_from",
    "basis_to",
    "nowcast_gap",
    "reported_location_kg",
    "nowcast_error_kg",
    "carbon_state",
)


def _promises(_: Scope) -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        one_row_per(
            "one_row_per_service_and_region",
            GRAIN,
            "One row per month, provider, service and region.",
        ),
        all_filled(
            ("usage_month", "provider", "basis", "carbon_state"),
            "Every row says of which month it is and what its ratio is of.",
        ),
        known_provider(),
        first_of_month("usage_month"),
        never(
            "basis_is_past",
            "select * from batch where basis_to >= usage_month or basis_from > basis_to",
            "A nowcast is made of months before its own: what comes later never changes it.",
        ),
        never(
            "nowcast_or_reason",
            """
            select * from batch
            where (carbon_nowcast_location_kg is null) <> (nowcast_gap is not null)
            """,
            "Where there is no nowcast, the row says why; it is empty, never 0.",
        ),
        never(
            "no_estimate_is_said",
            """
            select * from batch
            where awaited_lines is null or estimated_lines is null
                or estimated_lines > awaited_lines
                or (estimated_lines = 0) <> (coalesce(nowcast_gap, '') = 'no_estimate')
            """,
            "Lines that nobody can estimate are counted: a nowcast of a part is not taken for one "
            "of the whole.",
        ),
        never(
            "nowcast_is_within_its_bounds",
            """
            select * from batch
            where carbon_nowcast_location_kg < carbon_nowcast_location_low_kg - 0.000001
                or carbon_nowcast_location_kg > carbon_nowcast_location_high_kg + 0.000001
            """,
            "The nowcast lies within its bounds.",
        ),
        never(
            "error_is_the_difference",
            """
            select * from batch
            where nowcast_error_kg <> carbon_nowcast_location_kg - reported_location_kg
            """,
            "The error is the nowcast less what was reported.",
        ),
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever can't wait for the provider's report of last month.",
    promises=_promises,
    month_column="usage_month",
)
