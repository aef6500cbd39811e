"""Measures what a month costs: the first ones, one more after years of history, and none at all.

Processor seconds of everything that a command starts stand beside wall seconds: on a machine that
does other things as well, only the first can be compared.
"""

import argparse
import datetime as dt
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dagster_project.months import Month, add_months, month_key
from dagster_project.paths import PROJECT_ROOT
from dagster_project.sample_estate.estate import write_estate

NEWEST = dt.date(2026, 9, 1)
CLOUDS = ("aws", "azure", "gcp")


@dataclass(frozen=True)
class Cost:
    """What a command took."""

    what: str
    wall: float
    processor: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", type=int, default=36, help="months of history")
    parser.add_argument("--rows", type=int, default=2_000, help="charge lines a month, about")
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it there")
    arguments = parser.parse_args()
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="cloudtally-history-"))
    try:
        for cost in measure(folder, arguments.months, arguments.rows):
            print(f"| {cost.what} | {cost.wall:.0f} s | {cost.processor:.0f} s |", flush=True)
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)


def measure(folder: Path, history: int, rows: int) -> Iterator[Cost]:
    """Load one home month by month and another one with years of history, and compare.

    The newest month of the estate is open and has no emissions yet, so it is never the one that is
    measured.
    """
    months = [add_months(NEWEST, number - history - 1) for number in range(history + 2)]
    write_estate(folder, rows=rows * len(months), months=months, only=CLOUDS)
    *_, before, added, newest = months
    young, old = home(folder, "young"), home(folder, "old")
    yield timed("the first month, with reference data", backfill(young, before, before))
    yield timed("a month after one month", backfill(young, added, added))
    yield timed(
        f"{history} months at once, with reference data",
        [*backfill(old, months[0], before), "--batch", str(history)],
    )
    yield timed(f"a month after {history} months", backfill(old, added, added))
    yield timed("the open month, by `run`", command(old, "run"))
    yield timed(f"`run` without news over {history + 2} months", command(old, "run"))
    yield timed("`backfill` without news over all of them", backfill(old, months[0], newest))


def home(folder: Path, name: str) -> Path:
    """Write a configuration that reads the same exports into a home of its own."""
    text = (folder / "cloudtally.yaml").read_text()
    path = folder / f"{name}.yaml"
    path.write_text(text.replace("home: ./warehouse", f"home: ./{name}"))
    return path


def backfill(config: Path, first: Month, last: Month) -> list[str]:
    """Return the command line of a backfill."""
    return command(config, "backfill", "--from", month_key(first), "--to", month_key(last))


def command(config: Path, *arguments: str) -> list[str]:
    """Return a command line."""
    start = [sys.executable, "-m", "dagster_project.cli.main", "--config", str(config)]
    return [*start, *arguments]


def timed(what: str, line: list[str]) -> Cost:
    """Run a command to its end; 3 is well here: the newest emissions aren't due."""
    began, used = time.monotonic(), processor_seconds()
    ended = subprocess.run(
        line, cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    if ended.returncode not in (0, 3):
        raise SystemExit(f"{what} ended with {ended.returncode}: {' '.join(line)}")
    return Cost(what, time.monotonic() - began, processor_seconds() - used)


def processor_seconds() -> float:
    """Return the processor time of all processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    os.environ.pop("CLOUDTALLY_CONFIG", None)
    main()
