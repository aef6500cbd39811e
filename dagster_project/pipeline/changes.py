"""What the warehouse would change of what is published.

Every month whose file isn't the published one is compared with it, line by line. What was found is
noted beside the warehouse until either side changes, so asking again costs nothing.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from dagster_project.files import is_same_file
from dagster_project.history.columns import FACT
from dagster_project.history.compare import Group, compare_files, periods_in
from dagster_project.history.digest import period_contents
from dagster_project.history.restatement import (
    NO_BASELINE,
    Restatement,
    restatements_of,
    without_baseline,
)
from dagster_project.ledger.state import LedgerState, Period
from dagster_project.ledger.store import Clock
from dagster_project.months import Month, parse_month
from dagster_project.paths import Home
from dagster_project.pipeline.attribution import described
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.plan import configuration_id, rules_id
from dagster_project.sqltext import literal
from dagster_project.version import code_version

NOTE = "changes.json"


@dataclass(frozen=True)
class Changes:
    """What would change.

    Attributes:
        restatements: One row per changed period and currency.
        digests: What closed periods among them would come to.
    """

    restatements: tuple[Restatement, ...] = ()
    digests: Mapping[Period, str] = field(default_factory=dict)

    def of(self, period: Period) -> list[Restatement]:
        """Return the rows of one period."""
        return [row for row in self.restatements if row.period == period]


def find_changes(context: Context) -> Changes:
    """Compare every month that isn't the published file with it; nothing is judged or recorded."""
    state = context.state()
    months = changed_months(context.home, state)
    if not months:
        return Changes()
    note = context.home.warehouse / NOTE
    key = _key(context, state, months)
    return _read_note(note, key) or _write_note(note, key, _compare(context, state, months))


def changed_months(home: Home, state: LedgerState) -> list[Month]:
    """Return the published months that the warehouse holds in another file than readers see."""
    return [
        month
        for text in (state.published or {}).get("fact_months", {})
        if home.lake_month(FACT, month := parse_month(text)).exists()
        and not is_published_file(home, state, month)
    ]


def is_published_file(home: Home, state: LedgerState, month: Month) -> bool:
    """Tell whether the warehouse's file of a month is the one that readers see.

    Where no copy of that is left, a month is the same if it was built from the same.
    """
    item = (state.published or {}).get("fact_months", {}).get(month.isoformat())
    if item is None:
        return False
    copies = _published_copies(home, state, month)
    if not copies:
        return bool(item.get("built") == state.built.get(month))
    return any(is_same_file(copy, home.lake_month(FACT, month)) for copy in copies)


def _published_copies(home: Home, state: LedgerState, month: Month) -> list[Path]:
    """Return the files of a month as readers see it: the kept one, and the publication's own."""
    published = state.published or {}
    item = published["fact_months"][month.isoformat()]
    folder = home.publications / str(published.get("publication_id", ""))
    copies = (
        home.kept_month(FACT, month, item["hash"]),
        folder / FACT / f"billing_month={month.isoformat()}" / "part.parquet",
    )
    return [path for path in copies if path.exists()]


def _compare(context: Context, state: LedgerState, months: Sequence[Month]) -> Changes:
    home = context.home
    groups: list[Group] = []
    lost: set[Period] = set()
    present: set[Period] = set()
    with workbench(home) as connection:
        for month in months:
            after, copies = home.lake_month(FACT, month), _published_copies(home, state, month)
            for clock in Clock:
                if copies:
                    present |= _periods(connection, copies[0], clock)
                    groups += compare_files(connection, copies[0], after, clock)
                else:
                    lost |= _periods(connection, after, clock) | _closed(state, clock, month)
        known = present | set(state.closes)  # what arrives for the first time changes nothing
        groups = [group for group in groups if _period(group) in known]
        rows = [*restatements_of(groups), *(without_baseline(each) for each in sorted(lost))]
        changed = {row.period for row in rows}
        digests = _digests(connection, home, [p for p in sorted(state.closes) if p in changed])
    rows = [row for row in rows if not _is_as_closed(row, state, digests)]
    return Changes(tuple(described(context, state, row) for row in rows), digests)


def _period(group: Group) -> Period:
    return Period(group.clock, group.provider, group.month)


def _periods(connection: duckdb.DuckDBPyConnection, path: Path, clock: Clock) -> set[Period]:
    return {
        Period(clock, provider, month) for provider, month in periods_in(connection, path, clock)
    }


def _closed(state: LedgerState, clock: Clock, month: Month) -> set[Period]:
    return {period for period in state.closes if (period.clock, period.month) == (clock, month)}


def _digests(
    connection: duckdb.DuckDBPyConnection, home: Home, periods: Iterable[Period]
) -> dict[Period, str]:
    """Return what periods come to in the warehouse; the carbon of a month lies in many files."""
    digests = {}
    for period in periods:
        files = (
            [home.lake_month(FACT, period.month)]
            if period.clock is Clock.COST
            else sorted((home.lake / FACT).glob("billing_month=*/part.parquet"))
        )
        contents = period_contents(connection, files, period.clock, period.month)
        found = contents.get(period.provider)
        digests[period] = found.digest if found else "0:0:0"
    return digests


def _is_as_closed(row: Restatement, state: LedgerState, digests: Mapping[Period, str]) -> bool:
    """Tell whether a period without a baseline is, by its digest, what was closed."""
    close = state.closes.get(row.period)
    return (
        row.status == NO_BASELINE and close is not None and close.digest == digests.get(row.period)
    )


@contextmanager
def workbench(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory that spills beside the warehouse."""
    connection = duckdb.connect()
    try:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"set memory_limit = '{os.environ.get('CLOUDTALLY_MEMORY', '2500MB')}'")
        connection.execute(f"set temp_directory = {literal(home.warehouse / 'spill')}")
        connection.execute("set preserve_insertion_order = false")
        yield connection
    finally:
        connection.close()


def _key(context: Context, state: LedgerState, months: Sequence[Month]) -> str:
    """Return what the comparison depends on: another key, another comparison."""
    parts = [
        (month, part.stat().st_size, part.stat().st_mtime_ns)
        for month in months
        if (part := context.home.lake_month(FACT, month))
    ]
    published = (state.published or {}).get("publication_id")
    made_of = [published, parts, sorted(state.closes), code_version(), rules_id(context),
               configuration_id(context)]  # fmt: skip
    return hashlib.sha256(json.dumps(made_of, default=str).encode()).hexdigest()


def _read_note(path: Path, key: str) -> Changes | None:
    try:
        note = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    if not isinstance(note, dict) or note.get("key") != key:
        return None
    return Changes(
        tuple(Restatement(**row) for row in note["restatements"]),
        {
            Period(Clock(clock), provider, parse_month(month)): digest
            for clock, provider, month, digest in note["digests"]
        },
    )


def _write_note(path: Path, key: str, changes: Changes) -> Changes:
    note = {
        "key": key,
        "restatements": [row.as_payload() for row in changes.restatements],
        "digests": [
            [period.clock.value, period.provider, period.month.isoformat(), digest]
            for period, digest in (changes.digests or {}).items()
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(note))
    return changes
