"""Billing and usage months as dates of their first day.

Belongs here: arithmetic on months. The Dagster partitions built on it are in `partitions.py`.
"""

import datetime as dt
import re
from collections.abc import Iterator

from dagster_project.errors import CloudtallyError

Month = dt.date

ALL_MONTHS: Month = dt.date(1970, 1, 1)
"""The month of what belongs to no month, such as a file of all invoices; never a billing month."""

_MONTH = re.compile(r"^(\d{4})-(\d{2})(?:-01)?$")


def parse_month(text: str) -> Month:
    """Read `YYYY-MM` or `YYYY-MM-01`.

    Raises:
        CloudtallyError: CT-MONTH-FORMAT when the text is no month.
    """
    match = _MONTH.match(text.strip())
    if match is None or not 1 <= int(match[2]) <= 12 or int(match[1]) < 1:
        raise CloudtallyError(
            "CT-MONTH-FORMAT",
            f"{text!r} is not a month.",
            next_step="Write it as YYYY-MM, for example 2026-03.",
        )
    return dt.date(int(match[1]), int(match[2]), 1)


def month_of(moment: dt.date) -> Month:
    """Return the month that a date or datetime lies in."""
    return dt.date(moment.year, moment.month, 1)


def add_months(month: Month, count: int) -> Month:
    """Return the month `count` later (earlier when negative)."""
    index = month.year * 12 + month.month - 1 + count
    return dt.date(index // 12, index % 12 + 1, 1)


def next_month(month: Month) -> Month:
    """Return the month after."""
    return add_months(month, 1)


def month_range(first: Month, last: Month) -> Iterator[Month]:
    """Yield the months from first to last, both included."""
    month = first
    while month <= last:
        yield month
        month = next_month(month)


def month_key(month: Month) -> str:
    """Return `YYYY-MM`, as people and the command line write it."""
    return month.strftime("%Y-%m")
