"""What the reader of the data-quality results may rely on."""

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
    CHECK_SEVERITIES,
    COLUMNS_FIXED,
    first_of_month,
    known_provider,
)

RELATION = "dq_result"
COLUMNS = (
    "check_id",
    "severity",
    "passed",
    "source_name",
    "provider",
    "billing_month",
    "delivery_id",
    "column_name",
    "measured",
    "unit",
    "detail",
)

# A quarantined delivery fails this check while the accepted one before it stays published.
ARRIVAL = "delivery_arrived"


def _promises(_: Scope) -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        not_empty(RELATION, "The checks ran: no results would look like no problems."),
        all_filled(
            ("check_id", "severity", "passed"),
            "Every row says which check, how grave, and whether it passed.",
        ),
        one_of(
            "severity_known",
            "severity",
            CHECK_SEVERITIES,
            "A finding is an info, a warn or an error.",
        ),
        never(
            "no_failed_error",
            f"""
            select * from batch
            where severity = 'error' and passed is false and check_id <> '{ARRIVAL}'
            """,
            "No published number rests on a check that failed as an error.",
        ),
        never(
            "failures_explained",
            "select * from batch where passed is false and nullif(trim(detail), '') is null",
            "A failed check says in words what it found.",
        ),
        never(
            "measurements_have_units",
            "select * from batch where measured is not null and nullif(trim(unit), '') is null",
            "A measured number comes with its unit.",
            "warning",
        ),
        one_row_per(
            "one_row_per_finding",
            (
                "check_id",
                "source_name",
                "provider",
                "billing_month",
                "delivery_id",
                "column_name",
                "unit",
                "detail",
            ),
            "A check says one thing about one column of one delivery, or one commitment in it.",
            "warning",
        ),
        first_of_month("billing_month"),
        known_provider(),
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever asks what is known to be wrong or odd in the numbers.",
    promises=_promises,
    month_column="billing_month",
)
