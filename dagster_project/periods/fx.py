"""The exchange rates of a month, as a close locks them."""

from pathlib import Path
from typing import Any

import duckdb

from dagster_project.history.digest import plain
from dagster_project.ledger.state import LedgerState
from dagster_project.months import Month, month_key
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.imports import ensure_decoded
from dagster_project.pipeline.inputs import load_inputs
from dagster_project.pipeline.plan import current_inputs

Rate = tuple[str, str, str]
DIMENSION = "dim_fx_rate"


def rates_of(context: Context, state: LedgerState, database: Path, month: Month) -> list[Rate]:
    """Return from, to and rate of every pair of a month, as published; else as supplied."""
    with duckdb.connect(str(database), read_only=True) as connection:
        is_published = connection.execute(
            "select 1 from information_schema.tables where table_name = ?", [DIMENSION]
        ).fetchone()
        if is_published:
            return _rates(connection, f"{DIMENSION} where month = ?", month)
    inputs = current_inputs(context, state)
    ensure_decoded(context, [unit.source for unit in inputs])
    with duckdb.connect() as connection:
        load_inputs(connection, context, inputs)
        return _rates(connection, "inputs.fx_rates where month = ?", month_key(month))


def _rates(connection: duckdb.DuckDBPyConnection, source: str, month: Any) -> list[Rate]:
    rows = connection.execute(
        f"select from_currency, to_currency, rate from {source} order by all", [month]
    ).fetchall()
    return [(one, other, plain(rate) or "") for one, other, rate in rows]
