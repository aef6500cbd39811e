"""Restatements as a table of the warehouse: those published before, and those of the next one."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from dagster_project.history.restatement import Restatement
from dagster_project.ledger.state import LedgerState

_COLUMNS: dict[str, tuple[str, Callable[[Restatement], Any]]] = {
    "restatement_id": ("varchar", lambda row: row.id),
    "period_clock": ("varchar", lambda row: row.clock),
    "period_provider": ("varchar", lambda row: row.provider),
    "period_month": ("date", lambda row: row.month),
    "billing_currency": ("varchar", lambda row: row.currency),
    "state_before": ("varchar", lambda row: row.state_before),
    "main_cause": ("varchar", lambda row: row.cause),
    "changed_inputs": ("varchar", lambda row: json.dumps(row.changed_inputs)),
    "change_natures": ("varchar", lambda row: json.dumps(row.natures, sort_keys=True)),
    "difference_status": ("varchar", lambda row: row.status),
    "rows_added": ("bigint", lambda row: row.rows_added),
    "rows_changed": ("bigint", lambda row: row.rows_changed),
    "rows_removed": ("bigint", lambda row: row.rows_removed),
    "billed_difference": ("decimal(38,18)", lambda row: row.billed),
    "effective_difference": ("decimal(38,18)", lambda row: row.effective),
    "carbon_location_difference": ("decimal(38,18)", lambda row: row.location_kg),
    "carbon_market_difference": ("decimal(38,18)", lambda row: row.market_kg),
    "carbon_unspecified_difference": ("decimal(38,18)", lambda row: row.unspecified_kg),
    "deliveries_before": ("varchar", lambda row: json.dumps(row.delivered_before)),
    "deliveries_after": ("varchar", lambda row: json.dumps(row.delivered_after)),
    "largest_contributors": ("varchar", lambda row: json.dumps(row.largest)),
    "previous_publication_id": ("varchar", lambda row: row.publication_before),
    "detected_at": ("timestamp", lambda row: row.detected_at),
    "acknowledged_by": ("varchar", lambda row: row.acknowledged_by),
    "acknowledged_at": ("timestamp", lambda row: row.acknowledged_at),
    "acknowledgement_reason": ("varchar", lambda row: row.acknowledgement),
}


def restatement_table(
    state: LedgerState, ahead: Iterable[Restatement]
) -> tuple[Sequence[tuple[str, str]], Sequence[Sequence[Any]]]:
    """Return columns and rows, one per restatement that was published or is about to be."""
    known = [Restatement.from_payload(event.payload) for event in state.restatements]
    columns = [(name, kind) for name, (kind, _) in _COLUMNS.items()]
    rows = [tuple(read(row) for _, read in _COLUMNS.values()) for row in (*known, *ahead)]
    return columns, rows
