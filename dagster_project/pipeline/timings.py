"""How long things took on this home: what a plan estimates from.

Belongs here: writing durations down and reading them. The file may be lost without harm; the only
thing that then can't be said is how long a backfill will take.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

REMEMBERED = 400
"""Newest entries that are looked at; a home of years ago says little about today's."""

_LONGEST_FILE = 1 << 20


class Step(StrEnum):
    """What was timed."""

    ARRIVE = "arrive"
    BUILD = "build"
    MARTS = "marts"
    CANDIDATE = "candidate"
    PROMISES = "promises"


@dataclass(frozen=True)
class Timing:
    """One timed step.

    Attributes:
        source: Whose deliveries arrived; empty for builds and publications.
        units: Deliveries that arrived, or months that were built or published.
        bytes: Bytes as stored at the provider; 0 for builds and publications.
        seconds: Wall time.
    """

    step: Step
    seconds: float
    units: int
    source: str = ""
    bytes: int = 0


@dataclass
class Tally:
    """What a step turns out to have done; nothing done is not written down."""

    units: int = 0
    bytes: int = 0


@contextmanager
def timed(file: Path, step: Step, source: str = "") -> Iterator[Tally]:
    """Time a step that ends well; whoever runs it says what was done."""
    tally = Tally()
    began = time.monotonic()
    yield tally
    if tally.units:
        seconds = time.monotonic() - began
        _append(file, Timing(step, round(seconds, 3), tally.units, source, tally.bytes))


def read_timings(file: Path) -> list[Timing]:
    """Return the newest entries, oldest first; lines that can't be understood are passed over."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    found = (_timing(line) for line in lines[-REMEMBERED:])
    return [timing for timing in found if timing is not None]


def _append(file: Path, timing: Timing) -> None:
    """Add one line; a long file begins anew with what is still looked at."""
    file.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(vars(timing)) + "\n"
    if file.exists() and file.stat().st_size > _LONGEST_FILE:
        kept = file.read_text(encoding="utf-8", errors="replace").splitlines()[-REMEMBERED:]
        _replace(file, "".join(f"{old}\n" for old in kept) + line)
        return
    with file.open("a", encoding="utf-8") as open_file:
        open_file.write(line)


def _replace(file: Path, text: str) -> None:
    beside = file.with_name(f"{file.name}.next")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)


def _timing(line: str) -> Timing | None:
    try:
        raw: dict[str, Any] = json.loads(line)
        return Timing(
            Step(raw["step"]),
            float(raw["seconds"]),
            int(raw["units"]),
            str(raw["source"]),
            int(raw["bytes"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
