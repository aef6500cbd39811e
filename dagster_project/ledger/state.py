"""What the events add up to: current deliveries, built months, closed periods, the publication.

Belongs here: folding events. Nothing here writes.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dagster_project.ledger.store import Clock, Event, Kind
from dagster_project.months import Month


@dataclass(frozen=True, order=True)
class Unit:
    """One (source, month), split where a provider keeps several versions side by side."""

    source: str
    month: Month
    variant: str = ""


@dataclass(frozen=True)
class Decision:
    """The newest decision about one delivery."""

    unit: Unit
    delivery_id: str
    kind: Kind
    at: dt.datetime
    payload: Mapping[str, Any]

    @property
    def order(self) -> str:
        """Sortable text by which the provider's deliveries of one unit follow each other."""
        return str(self.payload.get("order", ""))

    @property
    def signature(self) -> str:
        """Hash of the listed objects that the decision was made on."""
        return str(self.payload.get("signature", ""))


@dataclass(frozen=True, order=True)
class Period:
    """What somebody signs: one clock of a provider's month."""

    clock: Clock
    provider: str
    month: Month


@dataclass(frozen=True)
class Close:
    """A standing close.

    Attributes:
        digest: What the period's rows must come to; an acknowledged change replaces it.
        facts: Everything recorded when the period was closed.
        acknowledgement: The newest change of it that somebody accepted.
    """

    period: Period
    at: dt.datetime
    actor: str
    reason: str
    digest: str
    facts: Mapping[str, Any]
    acknowledgement: Event | None = None

    @property
    def is_restated(self) -> bool:
        """Whether a change was acknowledged since."""
        return self.acknowledgement is not None


@dataclass
class LedgerState:
    """The folded ledger, as of a moment.

    Attributes:
        held: The newest change of each period that was kept from being published.
    """

    decisions: dict[tuple[Unit, str], Decision] = field(default_factory=dict)
    current: dict[Unit, Decision] = field(default_factory=dict)
    built: dict[Month, Mapping[str, Any]] = field(default_factory=dict)
    published: Mapping[str, Any] | None = None
    listings: dict[tuple[str, Month, str], set[str]] = field(default_factory=dict)
    closes: dict[Period, Close] = field(default_factory=dict)
    held: dict[Period, Event] = field(default_factory=dict)
    restatements: list[Event] = field(default_factory=list)

    def decision(self, unit: Unit, delivery_id: str) -> Decision | None:
        """Return the newest decision about a delivery, if any."""
        return self.decisions.get((unit, delivery_id))

    def quarantined(self) -> list[Decision]:
        """Return deliveries that stand in quarantine and are newer than what is current."""
        standing = []
        for decision in self.decisions.values():
            if decision.kind is not Kind.QUARANTINED:
                continue
            current = self.current.get(decision.unit)
            if current is None or current.at < decision.at:
                standing.append(decision)
        return sorted(standing, key=lambda decision: (decision.unit, decision.at))

    def current_months(self) -> list[Month]:
        """Return months that have a current delivery, oldest first."""
        return sorted({unit.month for unit in self.current})


def fold(events: Iterable[Event], as_of: dt.datetime | None = None) -> LedgerState:
    """Fold events into the state at a moment (default: now).

    Current = the newest accepted delivery of a unit.
    """
    state = LedgerState()
    for event in events:
        if as_of is not None and event.at > as_of:
            continue
        _apply(state, event)
    return state


def _apply(state: LedgerState, event: Event) -> None:
    if event.kind is Kind.MONTH_BUILT and event.month is not None:
        state.built[event.month] = event.payload
    elif event.kind is Kind.PUBLISHED:
        state.published = event.payload
    elif event.kind is Kind.RESTATED:
        state.restatements.append(event)
    elif event.kind in (Kind.CLOSED, Kind.REOPENED, Kind.CHANGE_HELD, Kind.ACKNOWLEDGED):
        _apply_to_period(state, event)
    elif event.source is None or event.month is None or event.delivery_id is None:
        return
    elif event.kind is Kind.LISTING_SEEN:
        key = (event.source, event.month, event.variant)
        state.listings.setdefault(key, set()).add(event.delivery_id)
    elif event.kind in (Kind.ACCEPTED, Kind.QUARANTINED):
        unit = Unit(event.source, event.month, event.variant)
        decision = Decision(unit, event.delivery_id, event.kind, event.at, event.payload)
        state.decisions[unit, event.delivery_id] = decision
        if event.kind is Kind.ACCEPTED:
            state.current[unit] = decision


def _apply_to_period(state: LedgerState, event: Event) -> None:
    if event.month is None:
        return
    period = Period(Clock(event.variant), str(event.payload["provider"]), event.month)
    if event.kind is Kind.CHANGE_HELD:
        state.held[period] = event
    elif event.kind is Kind.REOPENED:
        state.closes.pop(period, None)
    elif event.kind is Kind.CLOSED:
        state.closes[period] = Close(
            period,
            event.at,
            event.actor,
            event.reason,
            str(event.payload["digest"]),
            event.payload,
        )
    elif period in state.closes:
        close = state.closes[period]
        state.closes[period] = replace(
            close, digest=str(event.payload["digest"]), acknowledgement=event
        )
