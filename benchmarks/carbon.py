"""Times what carbon adds to the building of the fact: estimates, and reported emissions shared.

One month of AWS CUR 2.0, spread over so many accounts that its reported emissions come in about
--groups groups, goes through four processes: landing with decoding, the keyed lines (decoded files
to FOCUS lines), the fact with all that carbon needs, and the fact alone, with NULL in place of
carbon. What carbon adds is told against the others together and against their SQL alone; the target
is at most 40 %.
"""

import argparse
import datetime as dt
import json
import multiprocessing
import os
import shutil
import tempfile
from pathlib import Path

import duckdb
from conversion import (
    MONTH,
    decode,
    land,
    run_conversion,
    run_modelling,
    run_models,
    step_command,
    timed,
    write,
)

from dagster_project.paths import Home
from dagster_project.pipeline import build
from dagster_project.pipeline.context import Context
from dagster_project.settings import load_settings

SLOWEST = 8

Taken = tuple[float, float, int]
"""Seconds of wall and of CPU, and the peak memory in KiB."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--groups", type=int, default=10_000)
    parser.add_argument(
        "--keep",
        type=Path,
        help="work in this folder and leave it there; its warehouse is made anew",
    )
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        STEPS[arguments.step](arguments.keep)
        return
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="cloudtally-benchmark-"))
    try:
        # A process's peak counts from its parent's, so that this one stays small.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            shutil.rmtree(folder / "warehouse", ignore_errors=True)
            pool.apply(write, (folder, arguments.rows, {"aws-main", "aws-carbon"}))
            taken = {"landing": timed(step_command(__file__, folder, "landing"))}
            groups = pool.apply(spread, (folder, arguments.groups))
        report(folder, groups, taken)
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)


def spread(folder: Path, groups: int) -> int:
    """Spread the decoded lines over many accounts; return how many groups came out."""
    decoded = folder / "warehouse" / "decoded"
    lines = sorted((decoded / "aws_cur2").rglob("*.parquet"))
    accounts = groups // places(lines) + 1
    for path in lines:
        rewrite(path, SPREAD.replace("$accounts", str(accounts)))
    newest = max((decoded / "aws_carbon").rglob("*.parquet"), key=model_version)
    rewrite(newest, EMISSIONS.replace("$lines", str([str(path) for path in lines])))
    return int(duckdb.sql(f"select count(*) from '{newest}'").fetchall()[0][0])


def places(lines: list[Path]) -> int:
    """Return how many pairs of region and service bucket there are."""
    files = [str(path) for path in lines]
    found = duckdb.execute(
        f"select count(distinct (product_region_code, {BUCKET})) from read_parquet(?)"
        f" where {IS_CARRIER}",
        [files],
    ).fetchall()
    return int(found[0][0])


def model_version(path: Path) -> str:
    return str(duckdb.sql(f"select max(model_version) from '{path}'").fetchall()[0][0])


def rewrite(path: Path, query: str) -> None:
    """Replace a decoded file by what the query makes of it."""
    made = path.with_suffix(".new")
    engine = duckdb.connect()
    engine.execute("set threads = 2; set preserve_insertion_order = true")
    engine.execute(f"copy ({query.replace('$file', str(path))}) to '{made}' (format parquet)")
    made.replace(path)


BUCKET = """
    case
        when line_item_product_code in ('AmazonEC2', 'AmazonS3', 'AmazonCloudFront')
            then line_item_product_code
        else 'Other'
    end"""

IS_CARRIER = "product_region_code is not null and line_item_resource_id is not null"

# A day of a resource stays in one account.
SPREAD = f"""
    select * replace (
        case
            when {IS_CARRIER}
                then cast(200000000000 + hash(
                    line_item_resource_id || cast(line_item_usage_start_date as date)
                ) % $accounts as varchar)
            else line_item_usage_account_id
        end as line_item_usage_account_id
    )
    from read_parquet('$file')
"""

# Three grams to three tonnes a group, the parts of which come to its totals.
EMISSIONS = f"""
    with places as (
        select distinct
            line_item_usage_account_id as usage_account_id,
            product_region_code as region_code,
            {BUCKET} as product_code
        from read_parquet($lines)
        where {IS_CARRIER}
    ),

    measured as (
        select
            *,
            (hash(usage_account_id || region_code || product_code) % 1000000 + 1)
                * cast(0.000001 as decimal(18, 6)) as part
        from places
    ),

    pattern as (select * from read_parquet('$file') limit 1)

    select pattern.* replace (
        measured.usage_account_id as usage_account_id,
        measured.region_code as region_code,
        measured.product_code as product_code,
        cast(part as double) as total_scope_1_emissions_value,
        cast(part as double) as total_scope_2_lbm_emissions_value,
        cast(part as double) as total_scope_2_mbm_emissions_value,
        cast(part as double) as total_scope_3_lbm_emissions_value,
        cast(part as double) as total_scope_3_mbm_emissions_value,
        cast(3 * part as double) as total_lbm_emissions_value,
        cast(3 * part as double) as total_mbm_emissions_value
    )
    from measured, pattern
"""


def report(folder: Path, groups: int, taken: dict[str, Taken]) -> None:
    """Run the other steps in their processes; print a line of the table and the slowest models."""
    for step in ("conversion", "modelling", "without"):
        taken[step] = timed(step_command(__file__, folder, step))
        if step == "modelling":
            models = seconds_of_models(folder)
    lines = int(
        duckdb.sql(
            "select count(*) from read_parquet("
            f"'{home_of(folder).lake_month('int_charges__keyed', MONTH)}')"
        ).fetchall()[0][0]
    )
    of_sql = taken["conversion"][0] + taken["without"][0]
    bare = taken["landing"][0] + of_sql
    added = taken["modelling"][0] - taken["without"][0]
    cells = [f"{dt.date.today()}", f"{os.cpu_count()} cores", f"{lines:,}", f"{groups:,}"]
    for seconds, cpu, peak in taken.values():
        cells.append(f"{seconds:.0f} s ({cpu:.0f} s CPU), {peak / 2**20:.2f} GiB")
    cells += [f"{added:.0f} s, {lines / added:,.0f} rows/s, +{added / bare:.0%}"]
    print(f"| {' | '.join(cells)}, of SQL alone +{added / of_sql:.0%} |")
    for name, seconds in models:
        print(f"{seconds:8.1f} s  {name}")


def seconds_of_models(folder: Path) -> list[tuple[str, float]]:
    """Return the slowest models of the last build."""
    results = json.loads((home_of(folder).dbt_target / "run_results.json").read_text())
    taken = [
        (node["unique_id"].split(".")[-1], float(node["execution_time"]))
        for node in results["results"]
    ]
    return sorted(taken, key=lambda one: -one[1])[:SLOWEST]


def run_landing(folder: Path) -> None:
    """Check, archive and decode what was delivered."""
    land(folder)
    decode(folder)


def run_without(folder: Path) -> None:
    """Build the fact alone, over charge lines that have NULL for all of carbon."""
    with duckdb.connect(str(home_of(folder).database)) as engine:
        known = columns(engine, "int_charges__keyed")
        absent = [
            f"cast(null as {kind}) as {name}"
            for name, kind in columns(engine, "int_carbon__charges").items()
            if name not in known
        ]
        engine.execute(
            "create or replace view int_carbon__charges as"
            f" select *, {', '.join(absent)} from int_charges__keyed"
        )
    run_models(folder, ["fct_cost_and_carbon"], build.REFERENCE)


def columns(engine: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Return a relation's columns and their types."""
    return {row[0]: row[1] for row in engine.execute(f"describe {relation}").fetchall()}


def home_of(folder: Path) -> Home:
    return Context(load_settings(folder / "cloudtally.yaml")).home


STEPS = {
    "landing": run_landing,
    "conversion": run_conversion,
    "modelling": run_modelling,
    "without": run_without,
}


if __name__ == "__main__":
    main()
