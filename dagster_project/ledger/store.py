"""Events in SQLite, appended and never changed.

Belongs here: writing and reading events. What the events add up to is in `state.py`.
"""

import datetime as dt
import getpass
import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from dagster_project.errors import CloudtallyError
from dagster_project.months import Month, parse_month
from dagster_project.version import code_version

_SCHEMA = """
create table if not exists events (
    id integer primary key autoincrement,
    at text not null,
    kind text not null,
    source text,
    month text,
    variant text not null default '',
    delivery_id text,
    actor text not null,
    reason text not null default '',
    code_version text not null,
    payload text not null
);
create index if not exists events_by_unit on events (source, month, variant);
create trigger if not exists events_are_not_changed before update on events
begin select raise(abort, 'the ledger is append-only'); end;
create trigger if not exists events_are_not_removed before delete on events
begin select raise(abort, 'the ledger is append-only'); end;
"""

_COLUMNS = "id, at, kind, source, month, variant, delivery_id, actor, reason, code_version, payload"


class Kind(StrEnum):
    """What can be recorded."""

    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    LISTING_SEEN = "listing_seen"
    MONTH_BUILT = "month_built"
    CHECKS_FAILED = "checks_failed"
    PUBLISHED = "published"
    CLOSED = "closed"
    REOPENED = "reopened"
    CHANGE_HELD = "change_held"
    ACKNOWLEDGED = "acknowledged"
    RESTATED = "restated"


class Clock(StrEnum):
    """What is closed of a month: cost and carbon have states of their own."""

    COST = "cost"
    CARBON = "carbon"


@dataclass(frozen=True)
class Entry:
    """What is to be recorded; when, who and by which code is added as it is written."""

    kind: Kind
    source: str | None = None
    month: Month | None = None
    variant: str = ""
    delivery_id: str | None = None
    reason: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """One recorded fact: what, when, who, why, by which code."""

    id: int
    at: dt.datetime
    kind: Kind
    source: str | None
    month: Month | None
    variant: str
    delivery_id: str | None
    actor: str
    reason: str
    code_version: str
    payload: Mapping[str, Any]


class Ledger:
    """An append-only list of events in one SQLite file (write-ahead log, full sync)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(
        self,
        kind: Kind,
        *,
        source: str | None = None,
        month: Month | None = None,
        variant: str = "",
        delivery_id: str | None = None,
        reason: str = "",
        payload: Mapping[str, Any] | None = None,
    ) -> None:
        """Record one event durably before returning."""
        self.append_together(
            [Entry(kind, source, month, variant, delivery_id, reason, payload or {})]
        )

    def append_together(self, entries: Sequence[Entry]) -> None:
        """Record several events durably: all of them, or none."""
        at = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
        rows = [
            (
                at,
                entry.kind.value,
                entry.source,
                entry.month.isoformat() if entry.month else None,
                entry.variant,
                entry.delivery_id,
                _actor(),
                entry.reason,
                code_version(),
                json.dumps(entry.payload, sort_keys=True, default=str),
            )
            for entry in entries
        ]
        with self._connect() as connection:
            connection.executemany(
                "insert into events (at, kind, source, month, variant, delivery_id, actor,"
                " reason, code_version, payload) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def events(self) -> list[Event]:
        """Return all events, oldest first.

        What this process has read before it doesn't read again: events are never changed.
        """
        if not self.path.exists():
            return []
        with self._connect() as connection, _reading:
            read = _read_before(connection, self.path.resolve())
            last = read[-1].id if read else 0
            rows = connection.execute(
                f"select {_COLUMNS} from events where id > ? order by id", [last]
            ).fetchall()
            read += [_event(row) for row in rows]
            return list(read)

    def copy(self, target: Path, until: int) -> None:
        """Write the events up to one of them, as they are, into a ledger of their own."""
        copied = Ledger(target)
        with self._connect() as connection:
            rows = connection.execute(
                f"select {_COLUMNS} from events where id <= ? order by id", [until]
            ).fetchall()
        with copied._connect() as connection:
            marks = ", ".join("?" for _ in _COLUMNS.split(","))
            connection.executemany(f"insert into events ({_COLUMNS}) values ({marks})", rows)

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = sqlite3.connect(self.path, timeout=30)
            try:
                connection.execute("pragma journal_mode = wal")
                connection.execute("pragma synchronous = full")
                connection.executescript(_SCHEMA)
                with connection:
                    yield connection
            finally:
                connection.close()
        except sqlite3.OperationalError as error:
            raise CloudtallyError(
                "CT-LEDGER-WRITE",
                f"The ledger can't be opened or written now: {error}.",
                where={"file": self.path},
                kept="every event recorded before; nothing is half-written.",
                next_step="Free the disk or the file, then run again.",
            ) from None
        except sqlite3.DatabaseError as error:
            raise CloudtallyError(
                "CT-LEDGER-UNREADABLE",
                f"The ledger can't be used: {error}.",
                where={"file": self.path},
                kept="landing/ and published/ are untouched.",
                next_step="Restore ledger.sqlite from a backup; it can't be rebuilt.",
            ) from None


_reading = threading.Lock()
_read: dict[Path, list[Event]] = {}


def _read_before(connection: sqlite3.Connection, path: Path) -> list[Event]:
    """Return the events read before; none of another file that has come to lie in this place."""
    read = _read.setdefault(path, [])
    if read:
        query = "select at, kind, code_version from events where id = ?"
        found = connection.execute(query, [read[-1].id]).fetchone()
        last = read[-1]
        if found != (last.at.isoformat(timespec="microseconds"), last.kind, last.code_version):
            read.clear()
    return read


def _event(row: tuple[Any, ...]) -> Event:
    return Event(
        id=row[0],
        at=dt.datetime.fromisoformat(row[1]),
        kind=Kind(row[2]),
        source=row[3],
        month=parse_month(row[4]) if row[4] else None,
        variant=row[5],
        delivery_id=row[6],
        actor=row[7],
        reason=row[8],
        code_version=row[9],
        payload=json.loads(row[10]),
    )


def _actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
