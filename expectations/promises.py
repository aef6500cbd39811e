"""The vocabulary that suites are written in: suites, promises, and the months they look at.

Belongs here: plain descriptions without Great Expectations, so that reading or listing the suites
costs nothing. The translation into expectations is in `engine.py`.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["critical", "warning"]
Kind = Literal["columns_in_order", "columns_present", "filled", "one_of", "between", "rule"]

EXISTS = "relation_is_published"
"""Name of the promise that the engine itself checks first for every suite."""


@dataclass(frozen=True)
class Scope:
    """The months under test: `None` means every month, an empty tuple means none."""

    months: tuple[dt.date, ...] | None = None

    def where(self, column: str) -> str:
        """Return the SQL condition that keeps these months and rows without a month.

        Rows whose month is NULL stay in sight: they belong to no month, so no other run sees them.
        """
        if self.months is None:
            return "true"
        if not self.months:
            return f"{column} is null"
        listed = ", ".join(f"date '{month:%Y-%m-%d}'" for month in sorted(set(self.months)))
        return f"({column} in ({listed}) or {column} is null)"


@dataclass(frozen=True)
class Promise:
    """One sentence that a published table keeps.

    Args:
        name: Stable name, unique within its suite.
        kind: How it is checked.
        notes: The promise in plain English, as a reader of the table would want to hear it.
        severity: `critical` blocks publication, `warning` is shown and doesn't.
        arguments: What the kind needs: columns, values, bounds, or `sql`.
    """

    name: str
    kind: Kind
    notes: str
    severity: Severity = "critical"
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Suite:
    """All promises about one published relation.

    Args:
        name: Name of the suite, used in reports and as a file name.
        relation: Table or view in the published database.
        reader: One sentence: who reads the relation, and for what.
        promises: Builds the promises for the months under test.
        month_column: Column that holds a row's month; None for relations without months.
    """

    name: str
    relation: str
    reader: str
    promises: Callable[[Scope], Sequence[Promise]]
    month_column: str | None = None


def columns_in_order(columns: Sequence[str], notes: str) -> Promise:
    """Promise exactly these columns, in this order."""
    return Promise("columns", "columns_in_order", notes, arguments={"columns": tuple(columns)})


def columns_present(columns: Sequence[str], notes: str) -> Promise:
    """Promise at least these columns, in any order."""
    return Promise("columns", "columns_present", notes, arguments={"columns": tuple(columns)})


def filled(name: str, column: str, notes: str, severity: Severity = "critical") -> Promise:
    """Promise that a column is never NULL."""
    return Promise(name, "filled", notes, severity, {"column": column})


def one_of(
    name: str, column: str, values: Sequence[str], notes: str, severity: Severity = "critical"
) -> Promise:
    """Promise that a column holds one of these words. NULL is left to another promise."""
    return Promise(name, "one_of", notes, severity, {"column": column, "values": tuple(values)})


def between(
    name: str, column: str, low: int, high: int, notes: str, severity: Severity = "critical"
) -> Promise:
    """Promise that a column lies between two bounds, both included, or is NULL."""
    arguments = {"column": column, "low": low, "high": high}
    return Promise(name, "between", notes, severity, arguments)


def never(name: str, sql: str, notes: str, severity: Severity = "critical") -> Promise:
    """Promise that a query finds nothing.

    Args:
        name: Name of the promise.
        sql: Query that returns the rows that break it. The relation, cut down to the months under
            test, is called `batch`; other published relations go by their own name.
        notes: The promise in plain English.
        severity: Whether a broken promise blocks publication.
    """
    return Promise(name, "rule", notes, severity, {"sql": " ".join(sql.split())})


def all_filled(columns: Sequence[str], notes: str) -> Promise:
    """Promise that none of the columns that identify a row is NULL."""
    missing = " or ".join(f"{column} is null" for column in columns)
    return never("keys_filled", f"select {', '.join(columns)} from batch where {missing}", notes)


def one_row_per(
    name: str, columns: Sequence[str], notes: str, severity: Severity = "critical"
) -> Promise:
    """Promise that the columns identify a row, two NULLs being the same.

    The stock compound-unique expectation joins on equality: duplicates with a NULL in the key
    escape it.
    """
    keys = ", ".join(columns)
    sql = f"select {keys}, count(*) as copies from batch group by {keys} having count(*) > 1"
    return never(name, sql, notes, severity)


def not_empty(relation: str, notes: str) -> Promise:
    """Promise that the relation as a whole has rows, whichever months are under test."""
    sql = f"""
        select '{relation} has no rows' as problem
        where not exists (select 1 from batch) and not exists (select 1 from {relation})
    """
    return never("not_empty", sql, notes)


def none_negative(
    name: str, columns: Sequence[str], notes: str, severity: Severity = "critical"
) -> Promise:
    """Promise that no number in these columns is below zero. NULL is allowed."""
    negative = " or ".join(f"{column} < 0" for column in columns)
    return never(name, f"select {', '.join(columns)} from batch where {negative}", notes, severity)
