"""What a run of the suites found, as plain data.

Belongs here: the result types that the publisher, Dagster and the reports read. Nothing of Great
Expectations, so that it can be replaced behind `engine.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from expectations.promises import EXISTS, Promise, Severity, Suite

SAMPLE_ROWS = 5
SAMPLE_WIDTH = 300


@dataclass(frozen=True)
class PromiseResult:
    """How one promise fared.

    Args:
        name: Name of the promise within its suite.
        severity: `critical` blocks publication, `warning` doesn't.
        passed: False also when the promise couldn't be checked.
        observed: One sentence about what was seen.
        unexpected_count: Rows that break the promise; None when rows aren't what was counted.
        sample: A few of these rows as text.
        notes: The promise in plain English.
    """

    name: str
    severity: Severity
    passed: bool
    observed: str
    unexpected_count: int | None
    sample: tuple[str, ...]
    notes: str


@dataclass(frozen=True)
class SuiteResult:
    """How the promises of one relation fared.

    Args:
        suite: Name of the suite.
        relation: The relation it describes.
        reader: Who reads the relation, and for what.
        promises: Every promise, in the order of the suite.
    """

    suite: str
    relation: str
    reader: str
    promises: tuple[PromiseResult, ...]

    @property
    def passed(self) -> bool:
        """Whether the relation may be published: no critical promise is broken."""
        return not self.blocking

    @property
    def blocking(self) -> tuple[PromiseResult, ...]:
        """The broken promises that stop publication."""
        return tuple(p for p in self.promises if not p.passed and p.severity == "critical")

    @property
    def warnings(self) -> tuple[PromiseResult, ...]:
        """The broken promises that don't."""
        return tuple(p for p in self.promises if not p.passed and p.severity == "warning")


def published(suite: Suite, passed: bool, observed: str) -> PromiseResult:
    """Return the result of the first promise of every suite: the relation is there."""
    notes = f"{suite.relation} is published and can be read."
    return PromiseResult(EXISTS, "critical", passed, observed, None, (), notes)


def unchecked(promise: Promise, reason: str) -> PromiseResult:
    """Return the result of a promise that couldn't be checked: it counts as broken."""
    observed = f"could not be checked: {shorten(reason)}"
    return PromiseResult(promise.name, promise.severity, False, observed, None, (), promise.notes)


def sample_text(rows: Sequence[object]) -> tuple[str, ...]:
    """Return the first rows as one line of text each."""
    return tuple(shorten(_row_text(row)) for row in rows[:SAMPLE_ROWS])


def shorten(text: str) -> str:
    """Return one printable line of at most `SAMPLE_WIDTH` characters."""
    line = "".join(char if char.isprintable() else " " for char in text).strip()
    return line if len(line) <= SAMPLE_WIDTH else line[: SAMPLE_WIDTH - 1] + "…"


def _row_text(row: object) -> str:
    if isinstance(row, dict):
        return ", ".join(f"{column}={_value_text(value)}" for column, value in row.items())
    return _value_text(row)


def _value_text(value: object) -> str:
    return "NULL" if value is None else str(value)
