"""Expected against arrived, and the states of periods: what readers must know beside the numbers.

Depends on the clock, so none of it is part of a hashed table.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from dagster_project.ledger.state import Decision, LedgerState, Period, Unit
from dagster_project.ledger.store import Clock
from dagster_project.months import Month, add_months, month_of, month_range, next_month
from dagster_project.reference import seed_rows
from dagster_project.settings import Settings, SourceConfig

CHARGES_DUE_DAY = 3
"""Day of the billing month itself by which its first delivery is expected."""

EMISSIONS_DUE_DAY: Mapping[str, int] = {"aws": 21, "gcp": 15, "azure": 19}
"""Day of the following month by which a provider says its emissions are out."""

LAST_EMISSIONS_DUE_DAY = 28

EMISSIONS_KEPT_MONTHS: Mapping[str, int] = {"azure": 12}
"""How many months a provider hands out; what wasn't retrieved before is lost."""

INVOICE_DUE_DAY = 15
"""Day of the following month by which an invoice should be here, where no habit says otherwise."""

RELOAD_UNTIL_DAY = 15
"""Billing of the previous month may still change until this day (AWS two weeks, Azure 5 days)."""


@dataclass(frozen=True)
class CalendarRow:
    """One source and month, expected against arrived."""

    source_name: str
    provider: str
    export: str
    month: Month
    expected: bool
    state: str
    delivery_id: str | None
    rows: int | None
    arrived_at: dt.datetime | None
    reason: str | None
    late_days: int | None
    days_to_loss: int | None
    """Days until the provider drops a month that isn't here; 0 or fewer: it's lost."""


@dataclass(frozen=True)
class PeriodRow:
    """One provider and month, with the states of its two clocks."""

    provider: str
    billing_month: Month
    cost_state: str
    carbon_state: str
    data_as_of: dt.datetime | None


@dataclass(frozen=True)
class InvoiceDueRow:
    """One provider and month, and whether its invoice should be here."""

    provider: str
    billing_month: Month
    due_on: dt.date
    is_due: bool


@dataclass(frozen=True)
class SectorRow:
    """One billing month of the charges: whether it is complete, and when it last changed."""

    month: Month
    complete: bool
    last_updated: dt.datetime


def sector_rows(settings: Settings, state: LedgerState) -> list[SectorRow]:
    """Return one row for every billing month that has charges.

    A month is complete when every source of charges has delivered it, none is held back, and no
    provider restates it as a matter of course any more.
    """
    charges = [source for source in settings.sources if not source.is_emissions]
    names = {source.name for source in charges}
    calendar = [row for row in calendar_rows(settings, state) if row.source_name in names]
    rows = []
    for month in sorted({unit.month for unit in state.current if unit.source in names}):
        arrived = all(row.state == "arrived" for row in calendar if row.month == month)
        settled = month < month_of(settings.today) and not any(
            month in reload_window(source, settings.today) for source in charges
        )
        moments = [
            decision.at
            for unit, decision in state.current.items()
            if unit.month == month and unit.source in names
        ]
        rows.append(SectorRow(month, arrived and settled, max(moments).astimezone(dt.UTC)))
    return rows


def calendar_rows(settings: Settings, state: LedgerState) -> list[CalendarRow]:
    """Return one row for every source and month from its first delivery to the present."""
    rows = []
    for source in settings.sources:
        units = {
            unit: decision for unit, decision in state.current.items() if unit.source == source.name
        }
        standing = [d for d in state.quarantined() if d.unit.source == source.name]
        months = {unit.month for unit in units} | {d.unit.month for d in standing}
        months |= _leaving(settings, source, state)
        if months:
            last = max(max(months), _last_shown(settings, source))
            rows += [
                _row(settings, source, month, units, standing)
                for month in month_range(min(months), last)
            ]
        else:
            rows.append(_row(settings, source, _last_expected(settings, source), units, standing))
    return rows


def due_date(source: SourceConfig, month: Month) -> dt.date:
    """Return the day by which a month's delivery should be here."""
    if not source.is_emissions:
        return month.replace(day=CHARGES_DUE_DAY)
    day = EMISSIONS_DUE_DAY.get(source.provider, LAST_EMISSIONS_DUE_DAY)
    return next_month(month).replace(day=day)


def lost_on(source: SourceConfig, month: Month) -> dt.date | None:
    """Return the day on which a provider drops a month of emissions; None where it keeps all."""
    kept = EMISSIONS_KEPT_MONTHS.get(source.provider) if source.is_emissions else None
    return None if kept is None else due_date(source, add_months(month, kept))


def reload_window(source: SourceConfig, today: dt.date) -> list[Month]:
    """Return the months that a schedule looks at again although nothing announced itself."""
    this_month = month_of(today)
    last_month = add_months(this_month, -1)
    if not source.is_emissions:
        return [last_month, this_month] if today.day <= RELOAD_UNTIL_DAY else [this_month]
    kept = EMISSIONS_KEPT_MONTHS.get(source.provider)
    if kept is not None:
        return list(month_range(add_months(this_month, -kept), last_month))
    return [last_month] if today >= due_date(source, last_month) else []


def period_rows(settings: Settings, state: LedgerState) -> list[PeriodRow]:
    """Return one row for every provider and month that has anything."""
    by_provider: dict[str, list[SourceConfig]] = {}
    for source in settings.sources:
        by_provider.setdefault(source.provider, []).append(source)
    rows = []
    for provider, sources in sorted(by_provider.items()):
        names = {source.name for source in sources}
        months = {unit.month for unit in state.current if unit.source in names}
        rows += [_period(settings, state, provider, sources, month) for month in sorted(months)]
    return rows


def invoice_due_rows(settings: Settings, state: LedgerState) -> list[InvoiceDueRow]:
    """Return one row for every provider and month that has anything."""
    days = {row["provider"]: int(row["due_day"]) for row in seed_rows("maps/invoice_habits")}
    rows = []
    for period in period_rows(settings, state):
        day = days.get(period.provider, INVOICE_DUE_DAY)
        due = next_month(period.billing_month).replace(day=day)
        rows.append(
            InvoiceDueRow(period.provider, period.billing_month, due, due <= settings.today)
        )
    return rows


def _leaving(settings: Settings, source: SourceConfig, state: LedgerState) -> set[Month]:
    """Return the charged months whose emissions are out and will be dropped by the provider."""
    charges = {
        other.name
        for other in settings.sources
        if other.provider == source.provider and not other.is_emissions
    }
    months = {unit.month for unit in state.current if unit.source in charges}
    return {
        month
        for month in months
        if due_date(source, month) <= settings.today < (lost_on(source, month) or dt.date.min)
    }


def _last_shown(settings: Settings, source: SourceConfig) -> Month:
    """Return the last month with a row: emissions of the last full month show as pending."""
    if source.is_emissions:
        return add_months(month_of(settings.today), -1)
    return _last_expected(settings, source)


def _last_expected(settings: Settings, source: SourceConfig) -> Month:
    month = month_of(settings.today)
    while due_date(source, month) > settings.today:
        month = add_months(month, -1)
    return month


def _row(
    settings: Settings,
    source: SourceConfig,
    month: Month,
    units: Mapping[Unit, Decision],
    standing: list[Decision],
) -> CalendarRow:
    arrived = [decision for unit, decision in units.items() if unit.month == month]
    refused = [decision for decision in standing if decision.unit.month == month]
    newest = max(arrived, key=lambda decision: decision.at, default=None)
    due = due_date(source, month)
    state = _arrival_state(bool(arrived), bool(refused), due, settings.today)
    lost = None if arrived else lost_on(source, month)
    return CalendarRow(
        source_name=source.name,
        provider=source.provider,
        export=source.export,
        month=month,
        expected=due <= settings.today,
        state=state,
        delivery_id=newest.delivery_id if newest else None,
        rows=sum(int(decision.payload["rows"]) for decision in arrived) if arrived else None,
        arrived_at=newest.at.astimezone(dt.UTC).replace(tzinfo=None) if newest else None,
        reason=_reason(refused) if refused else _pending_reason(state, due, lost, settings.today),
        late_days=max((settings.today - due).days, 0) if state == "missing" else None,
        days_to_loss=(lost - settings.today).days if lost else None,
    )


def _arrival_state(arrived: bool, refused: bool, due: dt.date, today: dt.date) -> str:
    if refused:
        return "quarantined"
    if arrived:
        return "arrived"
    return "missing" if today > due else "pending"


def _reason(refused: list[Decision]) -> str:
    error = refused[-1].payload["error"]
    return f"[{error['code']}] {error['what']}"


def _pending_reason(state: str, due: dt.date, lost: dt.date | None, today: dt.date) -> str | None:
    if state == "missing":
        late = f"nothing has arrived; it was due on {due:%Y-%m-%d}"
        if lost is None:
            return late
        if lost <= today:
            return f"{late}, and the provider dropped it on {lost:%Y-%m-%d}"
        return f"{late}, and the provider drops it on {lost:%Y-%m-%d}"
    return f"due on {due:%Y-%m-%d}" if state == "pending" else None


def _period(
    settings: Settings,
    state: LedgerState,
    provider: str,
    sources: list[SourceConfig],
    month: Month,
) -> PeriodRow:
    charges = {source.name for source in sources if not source.is_emissions}
    emissions = {source.name for source in sources if source.is_emissions}
    decisions = {u.source: d for u, d in state.current.items() if u.month == month}
    has_carbon = any(name in decisions for name in emissions)
    moments = [decision.at for name, decision in decisions.items() if name in charges | emissions]
    return PeriodRow(
        provider=provider,
        billing_month=month,
        cost_state=_signed(state, Clock.COST, provider, month)
        or ("open" if month >= month_of(settings.today) else "provisional"),
        carbon_state=_signed(state, Clock.CARBON, provider, month)
        or ("provisional" if has_carbon else "pending"),
        data_as_of=max(moments).astimezone(dt.UTC).replace(tzinfo=None) if moments else None,
    )


def _signed(state: LedgerState, clock: Clock, provider: str, month: Month) -> str | None:
    """Return the state of a clock that somebody stopped; None while it runs."""
    close = state.closes.get(Period(clock, provider, month))
    if close is None:
        return None
    return "restated" if close.is_restated else "closed"
