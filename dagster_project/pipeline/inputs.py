"""Accepted inputs as tables of the warehouse: declared columns, each in its one type.

An input that isn't configured, or of which nothing was accepted yet, is an empty table with the
same columns, so that no model has to know.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from dagster_project.decoding.decode import read_stats
from dagster_project.exports.base import ColumnKind
from dagster_project.inputs.declared import columns_of
from dagster_project.ledger.state import Decision, LedgerState, Unit
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.refusals import recorded
from dagster_project.settings import INPUT_KINDS, INPUTS, InputConfig
from dagster_project.sqltext import literal, quoted

_TYPES = {
    ColumnKind.TEXT: "varchar",
    ColumnKind.JSON: "varchar",
    ColumnKind.DECIMAL: "decimal(38,18)",
    ColumnKind.TIMESTAMP: "timestamp",
}
DELIVERY = "delivery_id"


def load_inputs(
    connection: duckdb.DuckDBPyConnection, context: Context, current: Mapping[Unit, Decision]
) -> None:
    """Write schema `inputs` anew: one table for every input that this version knows."""
    connection.execute(f"create schema if not exists {INPUTS}")
    by_kind = {
        source.export: (source, unit, decision)
        for source in context.settings.inputs
        for unit, decision in current.items()
        if unit.source == source.name
    }
    for kind in INPUT_KINDS:
        columns = columns_of(kind)
        declared = ", ".join(f"{quoted(name)} {_TYPES[each]}" for name, each in columns.items())
        table = f"{INPUTS}.{table_of(kind)}"
        connection.execute(f"create or replace table {table} ({declared}, {DELIVERY} varchar)")
        if kind in by_kind:
            source, unit, decision = by_kind[kind]
            folder = context.decoded(source, unit.month, decision.delivery_id)
            for part in read_stats(folder)["parts"]:
                select = _typed_select(columns, part["columns"], decision.delivery_id)
                path = literal(folder / part["file"])
                connection.execute(
                    f"insert into {table} {select}"
                    f" from read_parquet({path}, hive_partitioning = false)"
                )


def table_of(kind: str) -> str:
    """Return the table of an input: `billing-periods` is `billing_periods`."""
    return kind.replace("-", "_")


def input_states(
    context: Context, state: LedgerState
) -> tuple[Sequence[tuple[str, str]], Sequence[Sequence[Any]]]:
    """Return the ledger's table of inputs: what every known input has come to."""
    configured = {source.export: source for source in context.settings.inputs}
    columns = [
        ("input_name", "varchar"),
        ("source_name", "varchar"),
        ("state", "varchar"),
        ("delivery_id", "varchar"),
        ("rows", "bigint"),
        ("arrived_at", "timestamp"),
        ("reason", "varchar"),
    ]
    return columns, [_state_row(kind, configured.get(kind), state) for kind in INPUT_KINDS]


def _state_row(kind: str, source: InputConfig | None, state: LedgerState) -> Sequence[Any]:
    if source is None:
        return (table_of(kind), None, "not_configured", None, None, None, None)
    current = next((d for unit, d in state.current.items() if unit.source == source.name), None)
    refused = [d for d in state.quarantined() if d.unit.source == source.name]
    word = "quarantined" if refused else "arrived" if current else "missing"
    error = recorded(refused[-1]) if refused else None
    return (
        table_of(kind),
        source.name,
        word,
        current.delivery_id if current else None,
        int(current.payload["rows"]) if current else None,
        current.at.replace(tzinfo=None) if current else None,
        f"[{error.code}] {error.what}" if error else None,
    )


def _typed_select(
    columns: Mapping[str, ColumnKind], physical: Mapping[str, str], delivery_id: str
) -> str:
    values = [_typed(name, kind, physical.get(name)) for name, kind in columns.items()]
    return f"select {', '.join(values)}, {literal(delivery_id)}"


def _typed(name: str, kind: ColumnKind, physical: str | None) -> str:
    """Return SQL for a declared column as its one type, whatever the file stores."""
    column = quoted(name)
    if physical is None:
        return f"cast(null as {_TYPES[kind]})"
    is_text = physical.startswith("VARCHAR")
    value = f"nullif(nullif({column}, ''), 'NULL')" if is_text else column
    if kind is ColumnKind.DECIMAL and physical in ("DOUBLE", "FLOAT"):
        value = f"cast({column} as varchar)"  # its shortest text, as everywhere
    elif kind is ColumnKind.TIMESTAMP and physical == "TIMESTAMP WITH TIME ZONE":
        value = f"({column} at time zone 'UTC')"
    elif kind is ColumnKind.JSON and not is_text:
        value = f"to_json({column})"
    return f"cast({value} as {_TYPES[kind]})"
