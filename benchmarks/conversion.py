"""Times the conversion of AWS CUR 2.0 beside one hand-written statement that does the same columns.

Three processes, one after the other, so that each has a peak of its own: the floor, the conversion
(decoded files to keyed FOCUS lines) and the modelling (keyed lines to the fact, carbon and virtual
tags included). Landing and decoding come before and aren't timed. With --focus-converter, that
program converts the landed files too, in a process of its own.
"""

import argparse
import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from dagster_project.paths import SEEDS
from dagster_project.pipeline import build
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.dbt import run_dbt
from dagster_project.pipeline.extract import extract
from dagster_project.pipeline.plan import make_plan
from dagster_project.pipeline.steps import load_reference
from dagster_project.sample_estate.estate import write_estate
from dagster_project.settings import load_settings

MONTH = dt.date(2026, 4, 1)
FLOOR = Path(__file__).with_name("cur2_floor.sql")
MEMORY = "2500MB"
CONVERSION = ("+int_charges__keyed",)
MODELLING = ("+fct_cost_and_carbon",)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it there")
    parser.add_argument("--focus-converter", help="the program of that name, installed apart")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        STEPS[arguments.step](arguments.keep)
        return
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="cloudtally-benchmark-"))
    try:
        commands = {name: step_command(__file__, folder, name) for name in STEPS}
        rows = prepare(folder, arguments.rows)
        if arguments.focus_converter:
            commands["focus_converters"] = converter_command(folder, arguments.focus_converter)
        report(commands, rows)
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)


def report(commands: Mapping[str, Sequence[str]], rows: int) -> None:
    """Run every command in a process of its own and print a line of the table."""
    taken = {name: timed(command) for name, command in commands.items()}
    cells = [f"{dt.date.today()}", f"{os.cpu_count()} cores", f"{rows:,}"]
    for name, (seconds, cpu, peak) in taken.items():
        ratio = "" if name == "floor" else f", {seconds / taken['floor'][0]:.1f} x floor"
        cells.append(
            f"{seconds:.0f} s ({cpu:.0f} s CPU), {rows / seconds:,.0f} rows/s,"
            f" {peak / 2**20:.2f} GiB{ratio}"
        )
    print(f"| {' | '.join(cells)} |")


def prepare(folder: Path, rows: int) -> int:
    """Write, land and decode one month of CUR 2.0, unless the folder holds one already."""
    write(folder, rows, {"aws-main"})
    land(folder)
    decode(folder)
    return sum(
        row[0]
        for row in duckdb.sql(
            f"select count(*) from read_parquet('{folder}/warehouse/decoded/*/**/*.parquet')"
        ).fetchall()
    )


def write(folder: Path, rows: int, sources: set[str]) -> None:
    """Write one month of the sources, unless the folder holds one already, and load the seeds."""
    config = folder / "cloudtally.yaml"
    if not config.exists():
        write_estate(folder, rows=rows, months=[MONTH], only=sources, formats="native")
    load_reference(Context(load_settings(config)))


def land(folder: Path) -> None:
    """Land what is written, unless it is already."""
    context = Context(load_settings(folder / "cloudtally.yaml"))
    for source in context.settings.sources:
        extract(context, source)


def decode(folder: Path) -> None:
    """Decode what is landed, unless it is already."""
    context = Context(load_settings(folder / "cloudtally.yaml"))
    build.prepare(context, make_plan(context).dirty)


def step_command(script: str, folder: Path, step: str) -> list[str]:
    """Return the command that runs a step of a benchmark."""
    return [sys.executable, script, "--keep", str(folder), "--step", step]


def converter_command(folder: Path, program: str) -> list[str]:
    """Return the command by which focus_converters reads the landed files, FOCUS columns only."""
    data = next((folder / "exports").rglob("*.parquet")).parents[1]
    target = folder / "focus_converters"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    return [
        program, "convert", "--provider", "aws", "--data-path", f"{data}/", "--data-format",
        "parquet", "--parquet-data-format", "dataset", "--export-path", f"{target}/",
        "--no-export-include-source-columns",
    ]  # fmt: skip


def timed(command: Sequence[str]) -> tuple[float, float, int]:
    """Return seconds of wall and of CPU, and the peak memory of the largest process in KiB."""
    started = time.monotonic()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def run_floor(folder: Path) -> None:
    """Run the hand-written statement on the landed files."""
    files = sorted(str(path) for path in (folder / "exports").rglob("*.parquet"))
    engine = duckdb.connect()
    engine.execute(f"set memory_limit = '{MEMORY}'; set temp_directory = '{folder / 'spill'}'")
    engine.execute("set preserve_insertion_order = false; set TimeZone = 'UTC'")
    sql = FLOOR.read_text(encoding="utf-8")
    literals = {
        "$files": str(files),
        "$services": f"'{SEEDS / 'maps' / 'service_map.csv'}'",
        "$target": f"'{folder / 'floor.parquet'}'",
    }
    for name, value in literals.items():
        sql = sql.replace(name, value)
    engine.execute(sql)


def run_conversion(folder: Path) -> None:
    """Build the keyed lines of the month."""
    run_models(folder, CONVERSION, build.REFERENCE)


def run_modelling(folder: Path) -> None:
    """Build whatever stands between the keyed lines and the fact."""
    run_models(folder, MODELLING, (*CONVERSION, *build.REFERENCE))


def run_models(folder: Path, select: Sequence[str], exclude: Sequence[str]) -> None:
    """Run models of the month; the step's own process waits for dbt, so its peak includes dbt's."""
    context = Context(load_settings(folder / "cloudtally.yaml"))
    arguments = ["run", "--select", *select, *build.event_time_arguments([MONTH])]
    run_dbt(context, [*arguments, "--exclude", *exclude])


STEPS = {"floor": run_floor, "conversion": run_conversion, "modelling": run_modelling}


if __name__ == "__main__":
    main()
