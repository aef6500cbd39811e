"""Which months have to be built: those whose fingerprint changed.

A fingerprint is made of contents, never of times or places, so the order in which deliveries
arrive doesn't matter and a second run finds nothing to do.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from dagster_project.ledger.state import Decision, LedgerState, Unit
from dagster_project.months import Month
from dagster_project.pipeline.calendar import calendar_rows, period_rows
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.overlap import shared_accounts
from dagster_project.rules.parse import load_rules
from dagster_project.version import code_hash


@dataclass(frozen=True)
class Plan:
    """What a run has to do.

    Attributes:
        months: Every month that the fact has or had, oldest first, with its fingerprint.
        dirty: Months to build.
        content: Fingerprint of everything that a publication shows.
        is_published: Whether readers already see exactly this.
    """

    months: dict[Month, str]
    dirty: tuple[Month, ...]
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
    prints = {month: fingerprint(context, counted, month) for month in months}
    whole = not context.home.database.exists()
    dirty = tuple(
        month
        for month in months
        if whole
        or state.built.get(month, {}).get("fingerprint") != prints[month]
        or not _is_in_lake(context, month)
    )
    content = _publication_content(context, state, prints)
    published = state.published or {}
    is_published = (
        published.get("content") == content
        and (context.home.published / "cloudtally.duckdb").exists()
    )
    return Plan(prints, dirty, content, is_published)


def counted_deliveries(context: Context, state: LedgerState) -> dict[Unit, Decision]:
    """Return the current deliveries of configured sources, without what an authority displaces."""
    sources = {source.name: source for source in context.settings.sources}
    counted = {unit: decision for unit, decision in state.current.items() if unit.source in sources}
    for authority in context.settings.sources:
        if authority.authoritative:
            counted = _without_displaced(context, state, counted, authority.name)
    return counted


def fingerprint(context: Context, counted: dict[Unit, Decision], month: Month) -> str:
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
        {source.provider for source in context.settings.sources if source.is_emissions}
    )
    return _hash([deliveries, reporting, rules_id(context), code_hash()])


def rules_id(context: Context) -> str:
    """Return the content hash of the virtual tag rules."""
    return load_rules(context.settings.rules).id


def _without_displaced(
    context: Context, state: LedgerState, counted: dict[Unit, Decision], authority: str
) -> dict[Unit, Decision]:
    from dagster_project.pipeline.extract import landed_delivery

    source = context.settings.source(authority)
    kept = dict(counted)
    for unit, decision in counted.items():
        if unit.source != authority:
            continue
        delivery = landed_delivery(context, decision)
        for other in context.settings.sources:
            if shared_accounts(context, state, source, delivery, other):
                kept = {
                    u: d
                    for u, d in kept.items()
                    if not (u.source == other.name and u.month == unit.month)
                }
    return kept


def _publication_content(context: Context, state: LedgerState, prints: dict[Month, str]) -> str:
    calendar = [
        [row.source_name, row.month, row.state, row.delivery_id, row.late_days is not None]
        for row in calendar_rows(context.settings, state)
    ]
    periods = [
        [row.provider, row.billing_month, row.cost_state, row.carbon_state]
        for row in period_rows(context.settings, state)
    ]
    return _hash([sorted((m.isoformat(), p) for m, p in prints.items()), calendar, periods])


def _is_in_lake(context: Context, month: Month) -> bool:
    folder = context.home.lake / "fct_cost_and_carbon" / f"billing_month={month:%Y-%m-%d}"
    return (folder / "part.parquet").exists()


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, default=str, sort_keys=True).encode()).hexdigest()
