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

import duckdb

from dagster_project.ledger.store import Kind
from dagster_project.months import Month, next_month
from dagster_project.paths import DBT_PROJECT, Home
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.imports import ensure_decoded, import_ledger
from dagster_project.pipeline.plan import Plan

SHARES = ("+int_carbon__month_shares", "+int_carbon__unallocated")
REFERENCE = ("resource_type:seed",)
MONTHLY = ("tag:monthly",)

MONTHLY_MODELS = (
    "int_charges__keyed",
    "int_carbon__month_weights",
    "int_carbon__allocated",
    "int_carbon__fact_totals",
    "int_quality__monthly",
    "int_dimension_members",
    "int_spend_carbon__monthly",
    "int_hotspots__monthly",
    "fct_cost_and_carbon",
    "mart_spend_carbon_daily",
)


def dbt_environment(home: Home, memory: str = "2GB") -> dict[str, str]:
    """Return what `dbt/profiles.yml` reads from the environment."""
    return {
        "CLOUDTALLY_DATABASE": str(home.database),
        "CLOUDTALLY_LAKE": str(home.lake),
        "CLOUDTALLY_SPILL": str(home.warehouse / "spill"),
        "DBT_TARGET_PATH": str(home.dbt_target),
        "DBT_LOG_PATH": str(home.dbt_target / "logs"),
        "CLOUDTALLY_MEMORY": os.environ.get("CLOUDTALLY_MEMORY", memory),
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_NO_VERSION_CHECK": "true",
    }


def build_arguments(
    select: Sequence[str], exclude: Sequence[str] = (), months: Iterable[Month] = ()
) -> list[str]:
    """Return dbt's arguments for a selection, bounded to a range of months if there is one."""
    arguments = ["build", "--select", *select, "--exclude-resource-types", "unit_test"]
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
    ensure_decoded(context)
    import_ledger(context, months)
    shutil.rmtree(context.home.warehouse / "spill", ignore_errors=True)
    for model in MONTHLY_MODELS:
        for month in months:
            folder = context.home.lake / model / f"billing_month={month:%Y-%m-%d}"
            folder.mkdir(parents=True, exist_ok=True)


def touched_by_shares(context: Context, plan: Plan) -> tuple[Month, ...]:
    """Return the months whose carbon shares differ from those they were built with."""
    built = context.state().built
    digests = share_digests(context.home.database, plan.months)
    return tuple(
        month
        for month in plan.months
        if month in plan.dirty or built.get(month, {}).get("shares") != digests[month]
    )


def share_digests(database: Path, months: Iterable[Month]) -> dict[Month, str]:
    """Hash, per billing month, everything that reported carbon gives to its rows."""
    connection = duckdb.connect(str(database))
    try:
        return {month: _share_digest(connection, month) for month in months}
    finally:
        connection.close()


def _share_digest(connection: duckdb.DuckDBPyConnection, month: Month) -> str:
    digest = hashlib.sha256()
    for query in _SHARE_QUERIES:
        for row in connection.execute(query, [month]).fetchall():
            digest.update(repr(row).encode())
    return digest.hexdigest()


_SHARE_QUERIES = (
    "select * exclude (source_name) from int_carbon__month_shares where billing_month = ?"
    " order by all",
    "select * exclude (source_name) from int_carbon__unallocated where usage_month = ?"
    " order by all",
    "select distinct current_months.x_Provider, current_months.usage_month"
    " from int_emissions__current as current_months"
    " inner join int_carbon__month_weights as weights"
    " on current_months.x_Provider = weights.x_Provider"
    " and current_months.usage_month = weights.usage_month"
    " where weights.billing_month = ? order by all",
)


def record_built(context: Context, plan: Plan, months: Iterable[Month]) -> None:
    """Say in the ledger that months are done; before this, a killed run builds them again."""
    digests = share_digests(context.home.database, plan.months)
    for month in months:
        payload: Mapping[str, str] = {
            "fingerprint": plan.months[month],
            "shares": digests[month],
        }
        context.ledger.append(Kind.MONTH_BUILT, month=month, payload=payload)
