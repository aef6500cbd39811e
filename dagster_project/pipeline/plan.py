"""Which months have to be built: those whose fingerprint changed.

A fingerprint is made of contents, never of times or places, so the order in which deliveries
arrive doesn't matter and a second run finds nothing to do.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from dagster_project.chargeback.model import Chargeback
from dagster_project.chargeback.parse import load_chargeback
from dagster_project.ledger.state import Decision, LedgerState, Unit
from dagster_project.months import Month
from dagster_project.paths import PROJECT_ROOT, Home
from dagster_project.pipeline.calendar import (
    calendar_rows,
    invoice_due_rows,
    period_rows,
    sector_rows,
)
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.displacement import displaced_units, displacements
from dagster_project.pipeline.late_lines import still_leaves_out
from dagster_project.pipeline.rates import locked_rates
from dagster_project.rules.parse import load_rules
from dagster_project.settings import INPUTS
from dagster_project.version import code_hash, hash_files

NOTE = "warehouse.json"
_PUBLISHING_ROOMS = (
    "dagster_project/publish", "dagster_project/inputs", "dagster_project/history", "expectations",
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What a run has to do.

    Attributes:
        months: Every month that the fact has or had, oldest first, with its fingerprint.
        dirty: Months to build: others than the last build's, or built without lines that count
            since the carbon of their usage month was reopened.
        absent: Those of them that the warehouse has no rows of, or none that can be used.
        content: Fingerprint of everything that a publication shows.
        is_published: Whether readers already see exactly this.
    """

    months: dict[Month, str]
    dirty: tuple[Month, ...]
    absent: tuple[Month, ...]
    content: str
    is_published: bool

    @property
    def has_work(self) -> bool:
        """Whether anything is to be built or published."""
        return bool(self.dirty) or not self.is_published


def make_plan(context: Context) -> Plan:
    """Compare the fingerprints of all months with those of the last build."""
    state = context.state()
    counted = counted_deliveries(context, state)
    months = sorted({unit.month for unit in counted} | set(state.built))
    rules = rules_id(context)
    prints = {month: fingerprint(context, counted, month, rules) for month in months}
    is_usable = is_complete(context.home)
    absent = tuple(
        month for month in months if not is_usable or not _is_in_lake(context.home, month)
    )
    dirty = tuple(
        month
        for month in months
        if month in absent
        or state.built.get(month, {}).get("fingerprint") != prints[month]
        or not still_leaves_out(state, state.built[month])
    )
    content = _publication_content(context, state, prints)
    published = state.published or {}
    is_published = (
        published.get("content") == content
        and published.get("place") == place_of(context.home)
        and (context.home.published / "cloudtally.duckdb").exists()
    )
    return Plan(prints, dirty, absent, content, is_published)


def place_of(home: Home) -> str:
    """Return where a home is: views name their files by absolute path."""
    return str(home.root.resolve())


def is_complete(home: Home) -> bool:
    """Tell whether the warehouse was built here and to its end."""
    note = read_note(home)
    is_here = note.get("place") == place_of(home) and home.database.exists()
    return is_here and note.get("complete") is True


def read_note(home: Home) -> dict[str, Any]:
    """Return what the warehouse says about itself; nothing when there is no warehouse."""
    try:
        note = json.loads((home.warehouse / NOTE).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return dict(note) if isinstance(note, dict) else {}


def write_note(home: Home, *, complete: bool) -> None:
    """Say of the warehouse where it was built, and whether every month is in it."""
    home.warehouse.mkdir(parents=True, exist_ok=True)
    note = {"place": place_of(home), "complete": complete}
    (home.warehouse / NOTE).write_text(json.dumps(note))


def counted_deliveries(context: Context, state: LedgerState) -> dict[Unit, Decision]:
    """Return the current deliveries of configured sources, without what an authority displaces."""
    sources = {source.name for source in context.settings.sources}
    displaced = displaced_units(context, state)
    return {
        unit: decision
        for unit, decision in state.current.items()
        if unit.source in sources and unit not in displaced
    }


def current_inputs(context: Context, state: LedgerState) -> dict[Unit, Decision]:
    """Return the current deliveries of configured inputs: they shape what is published."""
    names = {source.name for source in context.settings.inputs}
    return {unit: decision for unit, decision in state.current.items() if unit.source in names}


def fingerprint(context: Context, counted: dict[Unit, Decision], month: Month, rules: str) -> str:
    """Hash everything that shapes a month: deliveries, rules, seeds, models, configuration."""
    sources = {source.name: source for source in context.settings.sources}
    deliveries = sorted(
        [
            unit.source,
            sources[unit.source].provider,
            sources[unit.source].export,
            unit.variant,
            decision.payload["content"],
            decision.payload["schema_version"],
        ]
        for unit, decision in counted.items()
        if unit.month == month
    )
    reporting = sorted(
        {
            (source.provider, *source.emission_keys)
            for source in context.settings.sources
            if source.is_emissions
        }
    )
    return _hash([deliveries, reporting, rules, code_hash()])


def rules_id(context: Context) -> str:
    """Return the content hash of the virtual tag rules."""
    return load_rules(context.settings.rules).id


def configuration_id(context: Context) -> str:
    """Return a hash of what the configuration says about the sources that are counted."""
    return _hash(
        sorted(
            [s.name, s.provider, s.export, s.authoritative, *s.emission_keys]
            for s in context.settings.sources
        )
    )


def chargeback_of(context: Context) -> Chargeback:
    """Return the configured pools and drivers of shared costs."""
    return load_chargeback(context.settings.chargeback)


def finance_content(context: Context) -> list[Any]:
    """Return what shapes finance's marts beside inputs: currency, drivers, locked rates."""
    return [
        context.settings.reporting_currency,
        chargeback_of(context).content(),
        [[str(value) for value in row] for row in locked_rates(context.state())],
    ]


def _publication_content(context: Context, state: LedgerState, prints: dict[Month, str]) -> str:
    calendar = [
        [row.source_name, row.month, row.state, row.delivery_id, row.late_days is not None]
        for row in calendar_rows(context.settings, state)
    ]
    periods = [
        [row.provider, row.billing_month, row.cost_state, row.carbon_state]
        for row in period_rows(context.settings, state)
    ]
    due = [
        [row.provider, row.billing_month, row.is_due]
        for row in invoice_due_rows(context.settings, state)
    ]
    months = sorted((month.isoformat(), value) for month, value in prints.items())
    sectors = [[row.month, row.complete] for row in sector_rows(context.settings, state)]
    inputs = sorted(
        [unit.source, decision.payload["content"], decision.payload["schema_version"]]
        for unit, decision in current_inputs(context, state).items()
    )
    held_back = sorted(
        [decision.unit.source, decision.delivery_id]
        for decision in state.quarantined()
        if decision.unit.source.startswith(f"{INPUTS}.")
    )
    configured = [source.export for source in context.settings.inputs]
    left_out = [[item.unit, item.sentence] for item in displacements(context, state)]
    return _hash(
        [
            months,
            calendar,
            periods,
            due,
            sectors,
            configured,
            inputs,
            held_back,
            left_out,
            finance_content(context),
            publishing_code(),
        ]
    )


def publishing_code() -> str:
    """Hash what shapes a publication beside its rows: views, report, promises."""
    folders = [PROJECT_ROOT / room for room in _PUBLISHING_ROOMS]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    return hash_files(files, root=PROJECT_ROOT)


def _is_in_lake(home: Home, month: Month) -> bool:
    """Tell whether every monthly model has its file; a killed build leaves empty folders."""
    folders = list(home.lake.glob(f"*/billing_month={month:%Y-%m-%d}"))
    return bool(folders) and all((folder / "part.parquet").exists() for folder in folders)


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, default=str, sort_keys=True).encode()).hexdigest()
