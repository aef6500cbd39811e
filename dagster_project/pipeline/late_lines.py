"""Lines that came after the carbon of their usage month was closed: they take no share of it.

A close records which lines share the month. What the models leave out follows from that alone, and
a month that leaves lines out says of which closes, so that a reopening makes it dirty.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from dagster_project.ledger.state import Close, LedgerState
from dagster_project.ledger.store import Clock
from dagster_project.months import Month
from dagster_project.paths import Home
from dagster_project.sqltext import literal

COUNTED = "counted_bills"
LATE = "late"

Late = list[list[str]]
"""Closes whose month's lines were left out: provider, usage month, when it was closed."""


def closed_carbon(state: LedgerState) -> list[Close]:
    """Return the standing closes of carbon that say which lines share it."""
    return [
        close
        for period, close in sorted(state.closes.items())
        if period.clock is Clock.CARBON and COUNTED in close.facts
    ]


def still_leaves_out(state: LedgerState, built: Mapping[str, Any]) -> bool:
    """Tell whether every close for which a month was built without lines stands to this day."""
    late: Late = built.get(LATE, [])
    if not late:
        return True
    standing = [_identity(close) for close in closed_carbon(state)]
    return all(each in standing for each in late)


def late_lines(home: Home, state: LedgerState, months: Iterable[Month]) -> dict[Month, Late]:
    """Return, of the months built now, those that leave lines out, and because of which closes."""
    closes = {
        (close.period.provider, close.period.month): _identity(close)
        for close in closed_carbon(state)
    }
    wanted = ", ".join(f"date {literal(month)}" for month in months)
    if not closes or not wanted:
        return {}
    found: dict[Month, Late] = {}
    with duckdb.connect(str(home.database), read_only=True) as connection:
        rows = connection.execute(
            "select distinct billing_month, x_Provider, usage_month from int_charges__keyed"
            f" where billing_month in ({wanted}) and is_late_after_close order by all"
        ).fetchall()
    for month, *period in rows:
        found.setdefault(month, []).append(closes[tuple(period)])
    return found


def _identity(close: Close) -> list[str]:
    return [close.period.provider, close.period.month.isoformat(), close.at.isoformat()]
