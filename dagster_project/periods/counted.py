"""Which lines share the carbon of a usage month when it is closed.

The month's own bill counts as a whole. Of other bills, which hold a few late lines of it, each line
is named, so that one that joins them in a later delivery is known for what it is.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from dagster_project.history.columns import month_column
from dagster_project.ledger.store import Clock
from dagster_project.months import Month
from dagster_project.sqltext import literal

MOST_NAMED = 10_000
"""Late lines of one bill that are named; where it has more, the bill counts as a whole."""

Counted = dict[str, list[str] | None]
"""Billing months with the keys of the lines that count; None: all of them do."""


def counted_bills(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], month: Month
) -> dict[str, Counted]:
    """Return by provider the bills that hold lines of a usage month, from files of the fact."""
    found: dict[str, Counted] = {}
    for provider, billing_month, keys in connection.execute(_query(files, month)).fetchall():
        found.setdefault(provider, {})[billing_month.isoformat()] = keys
    return found


def _query(files: Sequence[Path], month: Month) -> str:
    return f"""
        with lines as (
            select x_Provider, x_BillingMonth, x_ChargeKey
            from read_parquet([{", ".join(map(literal, files))}], hive_partitioning = false,
                union_by_name = true)
            where x_RecordKind = 'Charge'
                and {month_column(Clock.CARBON)} = date {literal(month)}
                and x_CarbonReportedStatus not in ('NotApplicable', 'LateAfterClose')
        )
        select
            x_Provider,
            x_BillingMonth,
            case when x_BillingMonth <> date {literal(month)} and count(*) <= {MOST_NAMED}
                then list(x_ChargeKey order by x_ChargeKey) end
        from lines
        group by x_Provider, x_BillingMonth
        order by x_Provider, x_BillingMonth
    """
