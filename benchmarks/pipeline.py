"""Times the whole pipeline on one big month, beside DuckDB's bare copy of the same files."""

import argparse
import datetime as dt
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from dagster_project.sample_estate.estate import write_estate

MONTH = dt.date(2026, 4, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it there")
    arguments = parser.parse_args()
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="cloudtally-benchmark-"))
    try:
        rows = write_estate(folder, rows=arguments.rows, months=[MONTH], only={"aws"}).rows
        yardstick = time_yardstick(folder)
        pipeline, peak = time_pipeline(folder)
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)
    today = dt.date.today()
    print(
        f"| {today} | {os.cpu_count()} cores | {rows:,} | {pipeline:.0f} s | {rows / pipeline:,.0f}"
        f" | {peak / 2**20:.2f} GiB | {yardstick:.0f} s | {pipeline / yardstick:.1f} |"
    )


def time_pipeline(folder: Path) -> tuple[float, int]:
    """Return wall seconds and the peak memory of the largest process in KiB."""
    command = [sys.executable, "-m", "dagster_project.cli.main"]
    command += ["--config", str(folder / "cloudtally.yaml"), "run"]
    started = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - started
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def time_yardstick(folder: Path) -> float:
    """Return wall seconds of reading and writing the exports' Parquet once, all columns."""
    files = str(folder / "exports" / "aws" / "*" / "data" / "BILLING_PERIOD=*" / "**" / "*.parquet")
    target = folder / "yardstick.parquet"
    started = time.monotonic()
    duckdb.connect().execute(
        f"copy (select * from read_parquet('{files}', union_by_name = true)) to '{target}'"
        " (format parquet, compression zstd)"
    )
    seconds = time.monotonic() - started
    target.unlink()
    return seconds


if __name__ == "__main__":
    main()
