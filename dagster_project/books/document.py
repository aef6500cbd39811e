"""The journal as a CSV file that a spreadsheet opens without running anything in it."""

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dagster_project.books.journal import COLUMNS, Journal
from dagster_project.errors import CloudtallyError

_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""First characters of a cell that a spreadsheet takes for a formula, or skips before one."""


def journal_csv(journal: Journal) -> str:
    """Return the journal as CSV, by the same lines in the same order each time."""
    return csv_text(COLUMNS, ([getattr(line, name) for name in COLUMNS] for line in journal.lines))


def csv_text(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return CSV whose text cells are never formulas."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink)  # lines end as RFC 4180 says, so that a bare CR in a cell is quoted
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return sink.getvalue()


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        CloudtallyError: CT-JOURNAL-TARGET when it can't be written.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(text, encoding="utf-8", newline="")
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise CloudtallyError(
            "CT-JOURNAL-TARGET",
            f"The journal can't be written: {error.strerror}.",
            where={"file": path},
            kept="what was there before.",
            next_step="Name a file in a folder that exists and may be written to.",
        ) from None


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_RUNS) else text
