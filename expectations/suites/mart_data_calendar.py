"""What the reader of the data calendar may rely on."""

from collections.abc import Sequence

from expectations.promises import (
    Promise,
    Scope,
    Suite,
    all_filled,
    columns_in_order,
    never,
    none_negative,
    not_empty,
    one_of,
    one_row_per,
)
from expectations.suites.common import (
    CALENDAR_STATES,
    COLUMNS_FIXED,
    first_of_month,
    known_provider,
)

RELATION = "mart_data_calendar"
COLUMNS = (
    "source_name",
    "provider",
    "export",
    "month",
    "expected",
    "state",
    "delivery_id",
    "rows",
    "arrived_at",
    "reason",
    "late_days",
)


def _promises(_: Scope) -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        not_empty(RELATION, "At least one source is in the calendar."),
        one_row_per(
            "one_row_per_source_and_month",
            ("source_name", "month"),
            "One row per source and month: a month either arrived or it didn't.",
        ),
        all_filled(
            ("source_name", "provider", "export", "month", "expected", "state"),
            "Every row says which export of which provider, which month, and how it stands.",
        ),
        one_of(
            "state_known",
            "state",
            CALENDAR_STATES,
            "A month arrived, is pending, is missing, is quarantined or is not expected.",
        ),
        never(
            "arrived_names_its_delivery",
            "select * from batch where state = 'arrived' and delivery_id is null",
            "What arrived can be traced: it names its delivery.",
        ),
        never(
            "arrived_has_a_time",
            "select * from batch where state = 'arrived' and arrived_at is null",
            "What arrived says when.",
        ),
        never(
            "missing_was_expected",
            """
            select * from batch
            where state = 'missing' and expected is distinct from true
                or state = 'not_expected' and expected
            """,
            "Only what was expected can be missing.",
        ),
        never(
            "quarantine_has_a_reason",
            "select * from batch where state = 'quarantined' and nullif(trim(reason), '') is null",
            "What is held back says why.",
        ),
        none_negative("rows_counted", ("rows",), "A delivery has no fewer than zero rows."),
        first_of_month("month"),
        known_provider(),
    )


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever asks whether all the data is in before trusting a total.",
    promises=_promises,
    month_column="month",
)
