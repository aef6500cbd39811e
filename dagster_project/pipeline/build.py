"""dbt over the dirty months, in two passes.

Pass one builds charges and shares reported carbon over billing months. Only then is it known which
other months the new carbon shares touch; pass two builds the facts and marts of all of them. So a
month whose own deliveries didn't change is still rebuilt when a usage month it shares with
another one moved, in whatever order things arrived.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.ledger.store import Kind
from dagster_project.months import Month, next_month
from dagster_project.paths import DBT_PROJECT, SEEDS, Home
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.imports import import_ledger
from dagster_project.pipeline.late_lines import LATE, late_lines
from dagster_project.pipeline.plan import Plan
from dagster_project.version import hash_files

SHARES = ("+int_carbon__month_shares", "+int_carbon__unallocated")
REFERENCE = ("resource_type:seed",)
MONTHLY = ("tag:monthly",)
MARTS = ("*",)

MONTHLY_MODELS = (
    "int_gcp__billing_detailed_pieces",
    "int_gcp__billing_detailed_row_bridge",
    "int_charges__keyed",
    "int_charges__row_bridge",
    "int_usage__skus",
    "int_usage__netted",
    "int_emissions__unioned",
    "int_estimates__rates",
    "int_carbon__line_weights",
    "int_carbon__month_weights",
    "int_carbon__cumulative",
    "int_carbon__fact_totals",
    "int_carbon__monthly",
    "int_carbon__compared",
    "int_carbon__usage_kinds",
    "int_carbon__ai_workloads",
    "int_carbon__kubernetes",
    "int_quality__monthly",
    "int_commitments__monthly",
    "int_accruals__daily",
    "int_books__monthly",
    "int_dimension_members",
    "int_spend_carbon__monthly",
    "int_hotspots__monthly",
    "int_chargeback__monthly",
    "int_focus__charge_issuers",
    "int_invoices__charged",
    "fct_cost_and_carbon",
    "mart_spend_carbon_daily",
)


def dbt_environment(home: Home, memory: str = "2500MB") -> dict[str, str]:
    """Return what `dbt/profiles.yml` reads from the environment."""
    return {
        "CLOUDTALLY_DATABASE": str(home.database),
        "CLOUDTALLY_LAKE": str(home.lake),
        "CLOUDTALLY_SPILL": str(home.warehouse / "spill"),
        "DBT_TARGET_PATH": str(home.dbt_target),
        "DBT_LOG_PATH": str(home.dbt_target / "logs"),
        # Every statement of every model in the log took a sixth of a small build.
        "DBT_LOG_LEVEL_FILE": os.environ.get("DBT_LOG_LEVEL_FILE", "info"),
        "CLOUDTALLY_MEMORY": os.environ.get("CLOUDTALLY_MEMORY", memory),
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_NO_VERSION_CHECK": "true",
    }


def build_arguments(
    select: Sequence[str], exclude: Sequence[str] = (), months: Iterable[Month] = ()
) -> list[str]:
    """Return dbt's arguments for a selection, bounded to a range of months if there is one."""
    # "buildable": a test runs in the pass that builds its last model, never before.
    arguments = ["build", "--indirect-selection", "buildable"]
    arguments += ["--exclude-resource-types", "unit_test", "--select", *select]
    if exclude:
        arguments += ["--exclude", *exclude]
    return arguments + event_time_arguments(months)


def event_time_arguments(months: Iterable[Month]) -> list[str]:
    """Return the range that spans the months; both ends are given, or dbt builds up to today."""
    span = sorted(months)
    if not span:
        return []
    last = next_month(span[-1])
    return ["--event-time-start", span[0].isoformat(), "--event-time-end", last.isoformat()]


def prepare(context: Context, dirty: Iterable[Month]) -> None:
    """Bring decoded files, ledger tables and folders into place before dbt runs."""
    months = list(dirty)
    import_ledger(context, months)
    shutil.rmtree(context.home.warehouse / "spill", ignore_errors=True)
    for model in MONTHLY_MODELS:
        for month in months:
            folder = context.home.lake / model / f"billing_month={month:%Y-%m-%d}"
            folder.mkdir(parents=True, exist_ok=True)


def touched_by_shares(
    context: Context, digests: Mapping[Month, str], dirty: Iterable[Month]
) -> tuple[Month, ...]:
    """Return the dirty months and those built with other carbon shares than they have now."""
    built = context.state().built
    moved = {
        month
        for month, digest in digests.items()
        if month in built and built[month].get("shares") != digest
    }
    return tuple(sorted(moved | set(dirty)))


def share_digests(database: Path, months: Iterable[Month]) -> dict[Month, str]:
    """Hash, per billing month, everything that reported carbon gives to its rows."""
    digests = {month: hashlib.sha256() for month in months}
    connection = duckdb.connect(str(database))
    try:
        for query in _SHARE_QUERIES:
            for month, *row in connection.execute(query).fetchall():
                if month in digests:
                    digests[month].update(repr(row).encode())
    finally:
        connection.close()
    return {month: digest.hexdigest() for month, digest in digests.items()}


_SHARE_QUERIES = (
    "select billing_month, * exclude (source_name, billing_month)"
    " from int_carbon__month_shares order by all",
    "select usage_month, * exclude (source_name, usage_month)"
    " from int_carbon__unallocated order by all",
    "select weights.billing_month, arrived.x_Provider, arrived.usage_month"
    " from (select distinct x_Provider, usage_month from int_emissions__unioned where is_current)"
    " as arrived"
    " inner join (select distinct billing_month, x_Provider, usage_month"
    " from int_carbon__month_weights) as weights"
    " on arrived.x_Provider = weights.x_Provider and arrived.usage_month = weights.usage_month"
    " order by all",
)
"""Each query's first column is the billing month; one query serves all months."""


def record_built(
    context: Context, plan: Plan, digests: Mapping[Month, str], months: Iterable[Month]
) -> None:
    """Say in the ledger that months are done; before this, a killed run builds them again."""
    months = list(months)
    late = late_lines(context.home, context.state(), months)
    for month in months:
        payload: dict[str, Any] = {
            "fingerprint": plan.months[month],
            "shares": digests[month],
        }
        if month in late:
            payload[LATE] = late[month]
        context.ledger.append(Kind.MONTH_BUILT, month=month, payload=payload)


def seeds_are_loaded(home: Home) -> bool:
    """Tell whether the warehouse holds the seeds of this code."""
    if not home.database.exists():
        return False
    connection = duckdb.connect(str(home.database))
    try:
        row = connection.execute("select hash from ledger.seeds_loaded").fetchone()
    except duckdb.CatalogException:
        return False
    finally:
        connection.close()
    return row is not None and row[0] == seeds_hash()


def record_seeds(home: Home) -> None:
    """Note in the warehouse which seeds it holds."""
    connection = duckdb.connect(str(home.database))
    try:
        connection.execute("create schema if not exists ledger")
        connection.execute("create or replace table ledger.seeds_loaded (hash varchar)")
        connection.execute("insert into ledger.seeds_loaded values (?)", [seeds_hash()])
    finally:
        connection.close()


def seeds_hash() -> str:
    """Hash the seeds' contents."""
    return hash_files([path for path in SEEDS.rglob("*") if path.is_file()], root=SEEDS)
