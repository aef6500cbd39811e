"""The pipeline without Dagster, in this process, on small homes.

Reference data is loaded once per test session and copied: it takes longer than the months.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

import duckdb

from dagster_project.months import Month
from dagster_project.paths import Home
from dagster_project.pipeline import steps
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.dbt import PARSED
from dagster_project.pipeline.extract import Outcome, extract
from dagster_project.settings import Settings

FACT = "fct_cost_and_carbon"


def load_reference(root: Path) -> Home:
    """Make a home that holds nothing but reference data."""
    context = Context(Settings(home=root))
    steps.load_reference(context)
    return context.home


def give_reference(reference: Home, home: Home) -> None:
    """Start a home with the reference data of another."""
    home.warehouse.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(reference.database, home.database)
    home.dbt_target.mkdir(exist_ok=True)
    for name, copy in (("manifest.json", PARSED), ("partial_parse.msgpack",) * 2):
        shutil.copyfile(reference.dbt_target / name, home.dbt_target / copy)


def land(context: Context, months: Iterable[Month] | None = None) -> list[Outcome]:
    """Extract every source; whatever is not well fails the test."""
    wanted = list(months) if months is not None else None
    outcomes = [
        outcome
        for source in (*context.settings.sources, *context.settings.inputs)
        for outcome in extract(
            context, source, None if source in context.settings.inputs else wanted
        )
    ]
    faults = [str(outcome.error) for outcome in outcomes if not outcome.is_well]
    if faults:
        raise AssertionError(faults)
    return outcomes


def built(context: Context) -> duckdb.DuckDBPyConnection:
    """Build what is dirty and the marts; return the warehouse, read-only."""
    steps.build_months(context)
    steps.build_marts(context)
    return duckdb.connect(str(context.home.database), read_only=True)


def differences(one: Home, other: Home, relation: str = FACT) -> list[tuple[object, ...]]:
    """Return the rows that only one of two warehouses has, delivery ids and all."""
    connection = duckdb.connect()
    try:
        for name, home in (("one", one), ("other", other)):
            connection.execute(
                f"create view {name} as from read_parquet('{home.lake}/{relation}/*/part.parquet',"
                " hive_partitioning = true)"
            )
        found: list[tuple[object, ...]] = connection.execute(
            "(from one except all from other) union all (from other except all from one)"
        ).fetchall()
        return found
    finally:
        connection.close()
