"""The ledger as tables of the warehouse: the only way in which decisions reach the models."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from dagster_project.chargeback.table import POOL_COLUMNS, pool_rows
from dagster_project.decoding.decode import read_stats
from dagster_project.history.restatement import Restatement
from dagster_project.landing.delivery import Delivery
from dagster_project.ledger.state import Decision, LedgerState, Unit
from dagster_project.months import ALL_MONTHS, Month
from dagster_project.pipeline.calendar import (
    CalendarRow,
    InvoiceDueRow,
    PeriodRow,
    calendar_rows,
    invoice_due_rows,
    period_rows,
)
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.displacement import billed, displacements
from dagster_project.pipeline.extract import decode_landed, landed_delivery
from dagster_project.pipeline.inputs import input_states, load_inputs
from dagster_project.pipeline.late_lines import COUNTED, closed_carbon
from dagster_project.pipeline.plan import chargeback_of, counted_deliveries, current_inputs
from dagster_project.pipeline.rates import is_configured, locked_rates
from dagster_project.pipeline.readers import reader_of
from dagster_project.pipeline.restated import restatement_table
from dagster_project.rules.model import RuleSet
from dagster_project.rules.parse import load_rules
from dagster_project.rules.table import TAG_RULES_COLUMNS, rule_rows
from dagster_project.sqltext import quoted

_INCOMING = "incoming_rows"

Table = tuple[Sequence[tuple[str, str]], Sequence[Sequence[Any]]]

ODDITY_DETAIL = {
    "amount_as_text": "amounts are stored as texts in a file that has types; read as decimals",
    "null_literal": "cells hold the text NULL; read as absent",
    "digits_beyond_scale": "amounts have more than 18 decimals; rounded half away from zero",
    "zone_missing": "timestamps have no zone; read as UTC, as FOCUS demands",
    "zone_not_utc": "timestamps are not in UTC; converted",
    "json_invalid": "texts are no JSON; tags become NULL, the original stays in x_SourceValues",
}


def ensure_decoded(context: Context, sources: Iterable[str] | None = None) -> None:
    """Decode every counted delivery again whose decoded folder is gone.

    Args:
        context: The run's surroundings.
        sources: Look at these sources only.
    """
    state = context.state()
    configured = {s.name: s for s in (*context.settings.sources, *context.settings.inputs)}
    wanted = set(sources) if sources is not None else set(configured)
    decided = counted_deliveries(context, state) | current_inputs(context, state)
    for unit, decision in decided.items():
        if unit.source in wanted:
            source = configured[unit.source]
            decode_landed(context, source, reader_of(source), landed_delivery(context, decision))


def import_ledger(
    context: Context, dirty: Iterable[Month], restatements: Iterable[Restatement] = ()
) -> None:
    """Write schema `ledger` of the warehouse file anew, in one transaction.

    Its tables hold what decoding found, so deliveries are decoded first where they aren't.

    Args:
        context: The run's surroundings.
        dirty: Months that are built or were, and that readers don't see yet.
        restatements: What the next publication restates, beside what earlier ones did.
    """
    ensure_decoded(context)
    tables = ledger_tables(context, dirty, restatements)
    context.home.warehouse.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(str(context.home.database))
    try:
        connection.execute("begin")
        connection.execute("create schema if not exists ledger")
        for name, (columns, rows) in tables.items():
            write_table(connection, f"ledger.{name}", columns, rows)
        load_inputs(connection, context, current_inputs(context, context.state()))
        connection.execute("commit")
    finally:
        connection.close()


def ledger_tables(
    context: Context, dirty: Iterable[Month], restatements: Iterable[Restatement] = ()
) -> dict[str, Table]:
    """Return every ledger table: columns with types, and rows."""
    state = context.state()
    counted = counted_deliveries(context, state)
    landed = {unit: landed_delivery(context, decision) for unit, decision in counted.items()}
    folders = {
        unit: context.decoded(
            context.settings.source(unit.source), unit.month, decision.delivery_id
        )
        for unit, decision in counted.items()
    }
    return {
        **_decoded(context, counted, folders),
        "sources": _sources(context),
        "inputs": input_states(context, state),
        "deliveries": _deliveries(context, state),
        "control_totals": _control_totals(context, landed),
        "decode_counts": _decode_counts(context, state, landed, folders),
        "calendar": _dataclass_table(CalendarRow, calendar_rows(context.settings, state)),
        "periods": _dataclass_table(PeriodRow, period_rows(context.settings, state)),
        "invoices_due": _dataclass_table(InvoiceDueRow, invoice_due_rows(context.settings, state)),
        "denied_accounts": _denied_accounts(context, landed),
        "displaced": _displaced(context, state),
        "dirty_months": ([("month", "date")], [(month,) for month in dirty]),
        "tag_rules": tag_rules_table(load_rules(context.settings.rules)),
        "chargeback_pools": (
            POOL_COLUMNS,
            pool_rows(chargeback_of(context)),
        ),
        "locked_rates": _locked_rates(state),
        **_carbon_closes(state),
        "restatements": restatement_table(state, restatements),
        "reporting": (
            [("reporting_currency", "varchar"), ("rates_configured", "boolean")],
            [(context.settings.reporting_currency, is_configured(context))],
        ),
    }


def write_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Sequence[Any]],
) -> None:
    """Make a table with those columns and rows, whatever was there before."""
    declared = ", ".join(f"{quoted(column)} {kind}" for column, kind in columns)
    connection.execute(f"create or replace table {name} ({declared})")
    if rows:
        connection.register(_INCOMING, _as_texts(columns, rows))
        values = ", ".join(f"cast({quoted(column)} as {kind})" for column, kind in columns)
        connection.execute(f"insert into {name} select {values} from {_INCOMING}")
        connection.unregister(_INCOMING)


def _as_texts(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Return rows as one table of texts: inserting value by value takes a second per thousand."""
    texts = [
        [None if value is None else str(value) for value in cells]
        for cells in zip(*rows, strict=True)
    ]
    names = [column for column, _ in columns]
    return pa.table([pa.array(each, pa.string()) for each in texts], names=names)


def _decoded(
    context: Context, counted: dict[Unit, Decision], folders: dict[Unit, Path]
) -> dict[str, Table]:
    files: list[Sequence[Any]] = []
    schemas: dict[str, dict[str, str]] = {}
    for unit in sorted(counted):
        source = context.settings.source(unit.source)
        for part in read_stats(folders[unit])["parts"]:
            schema_id = hashlib.sha256(json.dumps(part["columns"]).encode()).hexdigest()[:16]
            schemas[schema_id] = part["columns"]
            path = str(folders[unit] / part["file"])
            files.append((source.room, source.kind, unit.source, unit.month, schema_id, path))
    columns = [
        (schema_id, name, kind)
        for schema_id, types in schemas.items()
        for name, kind in types.items()
    ]
    return {
        "decoded_files": (
            [
                ("room", "varchar"),
                ("export", "varchar"),
                ("source_name", "varchar"),
                ("month", "date"),
                ("schema_id", "varchar"),
                ("path", "varchar"),
            ],
            files,
        ),
        "decoded_columns": (
            [("schema_id", "varchar"), ("column_name", "varchar"), ("physical_type", "varchar")],
            columns,
        ),
    }


def _sources(context: Context) -> Table:
    return (
        [
            ("source_name", "varchar"),
            ("provider", "varchar"),
            ("export", "varchar"),
            ("authoritative", "boolean"),
            ("is_internal", "boolean"),
            ("emission_keys", "varchar"),
        ],
        [
            (
                s.name,
                s.provider,
                s.export,
                s.authoritative,
                reader_of(s).is_internal,
                ",".join(s.emission_keys) if s.states_match else None,
            )
            for s in context.settings.sources
        ],
    )


def _deliveries(context: Context, state: LedgerState) -> Table:
    current = {(d.unit, d.delivery_id) for d in state.current.values()}
    rows = [
        (
            unit.source,
            None if unit.month == ALL_MONTHS else unit.month,
            unit.variant,
            delivery_id,
            decision.kind.value,
            decision.at.replace(tzinfo=None),
            (unit, delivery_id) in current,
            decision.payload.get("rows"),
        )
        for (unit, delivery_id), decision in sorted(state.decisions.items())
    ]
    return (
        [
            ("source_name", "varchar"),
            ("month", "date"),
            ("variant", "varchar"),
            ("delivery_id", "varchar"),
            ("decision", "varchar"),
            ("decided_at", "timestamp"),
            ("is_current", "boolean"),
            ("rows", "bigint"),
        ],
        rows,
    )


def _control_totals(context: Context, landed: dict[Unit, Delivery]) -> Table:
    rows: list[Sequence[Any]] = []
    for unit, delivery in landed.items():
        source = context.settings.source(unit.source)
        head = (unit.source, source.provider, source.export, unit.month, delivery.delivery_id)
        rows.append((*head, "rows", str(delivery.totals.rows)))
        rows += [(*head, metric, total) for metric, total in delivery.totals.sums.items()]
    return (
        [
            ("source_name", "varchar"),
            ("provider", "varchar"),
            ("export", "varchar"),
            ("month", "date"),
            ("delivery_id", "varchar"),
            ("metric", "varchar"),
            ("total", "decimal(38,18)"),
        ],
        rows,
    )


def _decode_counts(
    context: Context,
    state: LedgerState,
    landed: dict[Unit, Delivery],
    folders: dict[Unit, Path],
) -> Table:
    rows = _input_counts(context, state)
    for unit, delivery in landed.items():
        provider = context.settings.source(unit.source).provider
        head = (unit.source, provider, unit.month, delivery.delivery_id)
        rows += _oddity_rows(head, folders[unit])
        for column in delivery.unknown_columns:
            detail = "a column that this export doesn't declare; kept in x_SourceValues"
            rows.append((*head, "unknown_column", column, delivery.totals.rows, detail))
        for column, detail in delivery.absent_columns.items():
            rows.append((*head, "absent_column", column, delivery.totals.rows, detail))
        for column in delivery.uneven_columns:
            detail = "only some files of the month have this column; NULL in the others"
            rows.append((*head, "uneven_column", column, _rows_without(delivery, column), detail))
        for net, found in delivery.totals.nets.items():
            detail = "lines are free by this column, which counts, and cost something without it"
            rows.append((*head, "net_cost_zero", net, found["rows"], detail))
        if delivery.unmanifested:
            detail = "the provider gave no manifest; accepted after two equal listings"
            rows.append((*head, "unmanifested", None, delivery.totals.rows, detail))
    return (
        [
            ("source_name", "varchar"),
            ("provider", "varchar"),
            ("month", "date"),
            ("delivery_id", "varchar"),
            ("name", "varchar"),
            ("column_name", "varchar"),
            ("rows", "bigint"),
            ("detail", "varchar"),
        ],
        rows,
    )


def _oddity_rows(head: Sequence[Any], folder: Path) -> list[Sequence[Any]]:
    """Return what decoding counted in one delivery, behind the columns that name it."""
    return [
        (*head, count["name"], count["column"], count["rows"], ODDITY_DETAIL[count["name"]])
        for count in read_stats(folder)["counts"]
    ]


def _rows_without(delivery: Delivery, column: str) -> int:
    return sum(part.rows for part in delivery.parts if column not in part.columns)


def _input_counts(context: Context, state: LedgerState) -> list[Sequence[Any]]:
    """Return what decoding found in inputs; they belong to no provider and no month."""
    sources = {source.name: source for source in context.settings.inputs}
    rows: list[Sequence[Any]] = []
    for unit, decision in sorted(current_inputs(context, state).items()):
        head = (unit.source, None, None, decision.delivery_id)
        folder = context.decoded(sources[unit.source], unit.month, decision.delivery_id)
        rows += _oddity_rows(head, folder)
        delivery = landed_delivery(context, decision)
        for column in delivery.unknown_columns:
            detail = "a column that this input doesn't declare; it is not read"
            rows.append((*head, "unknown_column", column, delivery.totals.rows, detail))
    return rows


def _denied_accounts(context: Context, landed: dict[Unit, Delivery]) -> Table:
    rows = [
        (
            context.settings.source(unit.source).provider,
            unit.month,
            str(item["subscriptionId"]).lower(),
        )
        for unit, delivery in landed.items()
        for item in delivery.note.get("subscriptionAccessDecisions", [])
        if item.get("decision") == "Denied"
    ]
    return (
        [("provider", "varchar"), ("month", "date"), ("account_id", "varchar")],
        sorted(set(rows)),
    )


def _displaced(context: Context, state: LedgerState) -> Table:
    rows = [
        (
            item.unit.source,
            context.settings.source(item.unit.source).provider,
            item.unit.month,
            item.delivery.delivery_id,
            len(item.lost),
            billed(context, item) if item.lost else None,
            item.sentence,
        )
        for item in displacements(context, state)
    ]
    return (
        [
            ("source_name", "varchar"),
            ("provider", "varchar"),
            ("month", "date"),
            ("delivery_id", "varchar"),
            ("lost_accounts", "bigint"),
            ("lost_billed", "decimal(38,18)"),
            ("detail", "varchar"),
        ],
        rows,
    )


def tag_rules_table(rules: RuleSet) -> Table:
    """Return the ledger's table of virtual tag rules."""
    rows = [tuple(row[name] for name, _ in TAG_RULES_COLUMNS) for row in rule_rows(rules)]
    kinds = {"string": "varchar", "int": "integer"}
    return [(name, kinds[kind]) for name, kind in TAG_RULES_COLUMNS], list(rows)


def _locked_rates(state: LedgerState) -> Table:
    return (
        [
            ("month", "date"),
            ("from_currency", "varchar"),
            ("to_currency", "varchar"),
            ("rate", "decimal(38,18)"),
        ],
        locked_rates(state),
    )


def _carbon_closes(state: LedgerState) -> dict[str, Table]:
    closes: list[Sequence[Any]] = []
    bills: list[Sequence[Any]] = []
    lines: list[Sequence[Any]] = []
    for close in closed_carbon(state):
        period = (close.period.provider, close.period.month)
        closes.append(period)
        for bill, keys in close.facts[COUNTED].items():
            if keys is None:
                bills.append((*period, bill))
            else:
                lines += [(key,) for key in keys]
    period_columns = [("provider", "varchar"), ("usage_month", "date")]
    return {
        "carbon_closes": (period_columns, closes),
        "counted_bills": ([*period_columns, ("billing_month", "date")], bills),
        "counted_lines": ([("charge_key", "varchar")], lines),
    }


def _dataclass_table(row_type: type, rows: list[Any]) -> Table:
    types = {
        "source_name": "varchar",
        "provider": "varchar",
        "export": "varchar",
        "month": "date",
        "expected": "boolean",
        "state": "varchar",
        "delivery_id": "varchar",
        "rows": "bigint",
        "arrived_at": "timestamp",
        "reason": "varchar",
        "late_days": "integer",
        "days_to_loss": "integer",
        "billing_month": "date",
        "cost_state": "varchar",
        "carbon_state": "varchar",
        "data_as_of": "timestamp",
        "due_on": "date",
        "is_due": "boolean",
    }
    columns = [(item.name, types[item.name]) for item in fields(row_type)]
    return columns, [astuple(row) for row in rows]
