"""What became different between two publications, for every period that a comparison found changed.

Deliveries are held against each other by content: one that came again under another name is the
same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from dagster_project.history import restatement as words
from dagster_project.history.restatement import Restatement, cause_of, restatement_id
from dagster_project.ledger.state import LedgerState, Period, Unit
from dagster_project.ledger.store import Clock
from dagster_project.months import Month, parse_month
from dagster_project.pipeline.calendar import period_rows
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.plan import configuration_id, counted_deliveries, rules_id
from dagster_project.version import code_version

Delivered = dict[tuple[str, str, Month], dict[tuple[str, str], str]]
"""Deliveries by kind, provider and month: source and variant, and the delivery's id."""


def described(context: Context, state: LedgerState, row: Restatement) -> Restatement:
    """Add to the numbers what changed between the publications, and the state before."""
    period, published = row.period, state.published or {}
    before, after = _deliveries_before(context, published), _deliveries_now(context, state)
    changed = _changed_inputs(context, state, period, published, (before, after))
    kind = words.EMISSIONS if period.clock is Clock.CARBON else words.CHARGES
    publication = str(published.get("publication_id", ""))
    return replace(
        row,
        changed_inputs=sorted(changed),
        cause=cause_of(row, changed),
        delivered_before=_named(before, kind, period),
        delivered_after=_named(after, kind, period),
        state_before=_state_before(context, state, period, published),
        publication_before=publication,
        detected_at=moment_text(datetime.now(UTC)),
        id=restatement_id(publication, period, row.currency),
    )


def _deliveries_before(context: Context, published: Mapping[str, Any]) -> Delivered:
    units = [
        (Unit(source, parse_month(month), variant), delivery)
        for source, month, variant, delivery in published.get("deliveries", [])
    ]
    return _delivered(context, units)


def _deliveries_now(context: Context, state: LedgerState) -> Delivered:
    counted = counted_deliveries(context, state)
    return _delivered(context, [(unit, found.delivery_id) for unit, found in counted.items()])


def _delivered(context: Context, units: Iterable[tuple[Unit, str]]) -> Delivered:
    sources = {source.name: source for source in context.settings.sources}
    found: Delivered = {}
    for unit, delivery in units:
        if source := sources.get(unit.source):
            kind = words.EMISSIONS if source.is_emissions else words.CHARGES
            key = (kind, source.provider, unit.month)
            found.setdefault(key, {})[unit.source, unit.variant] = delivery
    return found


def _named(delivered: Delivered, kind: str, period: Period) -> list[list[str]]:
    found = delivered.get((kind, period.provider, period.month), {})
    return [[source, delivery] for (source, _), delivery in sorted(found.items())]


def _changed_inputs(
    context: Context,
    state: LedgerState,
    period: Period,
    published: Mapping[str, Any],
    delivered: tuple[Delivered, Delivered],
) -> set[str]:
    """Return what is not as it was when the period was published."""
    before, after = delivered
    keys = {
        key
        for key in before.keys() | after.keys()
        if key[1] == period.provider and _may_shape(key, period)
    }
    changed = {
        key[0]
        for key in keys
        if _contents(state, key[2], before.get(key, {}))
        != _contents(state, key[2], after.get(key, {}))
    }
    if published.get("code_version") != code_version():
        changed.add(words.CODE)
    if published.get("rules") != rules_id(context):
        changed.add(words.RULES)
    if published.get("configuration", configuration_id(context)) != configuration_id(context):
        changed.add(words.CONFIGURATION)
    return changed


def _may_shape(key: tuple[str, str, Month], period: Period) -> bool:
    """Tell whether deliveries of a kind and month can move a period.

    The cost of a month is in its own charges. The carbon of a month is in its own emissions, shared
    by charges of any month.
    """
    kind, _, month = key
    if period.clock is Clock.COST:
        return kind == words.CHARGES and month == period.month
    return kind == words.CHARGES or month == period.month


def _contents(
    state: LedgerState, month: Month, found: Mapping[tuple[str, str], str]
) -> list[tuple[str, str, str]]:
    """Return deliveries by content: one that came again with another name is the same."""
    contents = []
    for (source, variant), delivery in sorted(found.items()):
        decision = state.decision(Unit(source, month, variant), delivery)
        content = str(decision.payload.get("content", delivery)) if decision else delivery
        contents.append((source, variant, content))
    return contents


def _state_before(
    context: Context, state: LedgerState, period: Period, published: Mapping[str, Any]
) -> str:
    close = state.closes.get(period)
    if close is not None:
        is_restated = any(
            event.at > close.at and _event_period(event.payload) == period
            for event in state.restatements
        )
        return "restated" if is_restated else "closed"
    for provider, month, cost_state, carbon_state in published.get("periods", []):
        if (provider, parse_month(month)) == (period.provider, period.month):
            shown = str(cost_state if period.clock is Clock.COST else carbon_state)
            # what was closed when it was published and isn't any more was opened since
            return "provisional" if shown in ("closed", "restated") else shown
    for row in period_rows(context.settings, state):
        if (row.provider, row.billing_month) == (period.provider, period.month):
            return row.cost_state if period.clock is Clock.COST else row.carbon_state
    return "provisional"


def _event_period(payload: Mapping[str, Any]) -> Period:
    return Period(
        Clock(payload["clock"]), str(payload["provider"]), parse_month(str(payload["month"]))
    )


def moment_text(at: datetime) -> str:
    """Return a moment as text in UTC, as the ledger's tables read it."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
