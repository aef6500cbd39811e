"""What an authoritative source leaves out of the build, and which accounts nobody counts then.

A displaced month is left out whole: fees, commitments and credits of an organisation belong to no
single account, so that no part of a bill adds up by itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from dagster_project.errors import CloudtallyError
from dagster_project.landing.delivery import Delivery, read_delivery
from dagster_project.landing.totals import billed_by
from dagster_project.ledger.state import Decision, LedgerState, Unit
from dagster_project.months import Month
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.overlap import (
    comparable_accounts,
    is_same_kind,
    shared_accounts,
)
from dagster_project.pipeline.readers import reader_of, schema_of
from dagster_project.settings import SourceConfig

DISPLACED = "CT-LAND-DISPLACED"
_SHOWN = 3

Held = tuple[SourceConfig, Delivery]


@dataclass(frozen=True)
class Displacement:
    """A month of a source that another source's authority leaves out.

    Attributes:
        lost: Accounts that only this month holds, as the source names them.
        reason: Why somebody said that nobody needs to count them; empty while nobody has.
    """

    unit: Unit
    delivery: Delivery
    authority: str
    lost: tuple[str, ...]
    reason: str

    @property
    def is_settled(self) -> bool:
        """Whether nothing is lost, or somebody said that it may be."""
        return not self.lost or bool(self.reason)

    @property
    def sentence(self) -> str:
        """What a reader of the month must know."""
        if not self.lost:
            return f"left out; {self.authority} is authoritative and holds every account of it"
        said = f"; accepted: {self.reason}" if self.reason else ""
        return (
            f"left out, because {self.authority} is authoritative; nobody counts "
            f"{_counted(self.lost)} that only this source holds{said}"
        )


def displaced_units(context: Context, state: LedgerState) -> dict[Unit, str]:
    """Return the current units that an authority leaves out, each with that authority."""
    found: dict[Unit, str] = {}
    for authority in context.settings.sources:
        if not authority.authoritative:
            continue
        for unit, decision in state.current.items():
            if unit.source == authority.name and unit not in found:
                delivery = _landed(context, unit, decision)
                overlapped = {
                    other.name
                    for other in context.settings.sources
                    if shared_accounts(context, state, authority, delivery, other)
                }
                found |= {
                    displaced: authority.name
                    for displaced in state.current
                    if displaced.source in overlapped
                    and displaced.month == unit.month
                    and displaced not in found
                }
    return found


def displacements(context: Context, state: LedgerState) -> list[Displacement]:
    """Return every month that is left out, with the accounts that are lost with it."""
    displaced = displaced_units(context, state)
    return [
        _displacement(context, state, unit, authority, displaced)
        for unit, authority in sorted(displaced.items())
    ]


def billed(context: Context, displacement: Displacement) -> Decimal | None:
    """Return what the lost accounts were billed; None for an export that bills nothing."""
    source = context.settings.source(displacement.unit.source)
    return _billed(context, source, displacement.delivery, displacement.lost)


def unsettled_error(context: Context, displacement: Displacement) -> CloudtallyError:
    """Return the error for accounts that nobody counts since the configuration changed."""
    source = context.settings.source(displacement.unit.source)
    return _error(context, source, displacement.delivery, displacement.authority, displacement.lost)


def refuse_uncounted(
    context: Context, state: LedgerState, source: SourceConfig, delivery: Delivery
) -> None:
    """Refuse a delivery for which nobody would count some accounts of the month.

    Raises:
        CloudtallyError: CT-LAND-DISPLACED names them and what they were billed.
    """
    for loser, left_out, authority, lost in _losses(context, state, source, delivery):
        raise _error(context, loser, left_out, authority, lost)


def uncounted(
    context: Context, state: LedgerState, source: SourceConfig, delivery: Delivery
) -> list[str]:
    """Return the accounts that nobody counts once a delivery is accepted."""
    losses = _losses(context, state, source, delivery)
    return sorted({account for _, _, _, lost in losses for account in lost})


def _losses(
    context: Context, state: LedgerState, source: SourceConfig, delivery: Delivery
) -> list[tuple[SourceConfig, Delivery, str, tuple[str, ...]]]:
    """List what would be left out for or by a delivery, as if it were current already."""
    current = _current(context, state, delivery.month)
    others = {unit: held for unit, held in current.items() if unit.source != source.name}
    found = []
    for unit, (other, landed) in sorted(others.items()):
        if not shared_accounts(context, state, source, delivery, other):
            continue
        rest = [held for rival, held in others.items() if rival.source != unit.source]
        if source.authoritative:
            lost = _lost((other, landed), [(source, delivery), *rest])
            found.append((other, landed, source.name, lost))
        elif other.authoritative:
            lost = _lost((source, delivery), list(others.values()))
            found.append((source, delivery, other.name, lost))
    return [loss for loss in found if loss[-1]]


def _displacement(
    context: Context,
    state: LedgerState,
    unit: Unit,
    authority: str,
    displaced: Mapping[Unit, str],
) -> Displacement:
    current = _current(context, state, unit.month)
    counted = [held for other, held in current.items() if other not in displaced]
    lost = _lost(current[unit], counted)
    of_authority = Unit(authority, unit.month)
    decided = [state.current[one] for one in (unit, of_authority) if one in state.current]
    return Displacement(unit, current[unit][1], authority, lost, _reason(decided, lost))


def _reason(decided: Iterable[Decision], lost: tuple[str, ...]) -> str:
    """Return why somebody said that all of these accounts may be lost."""
    for decision in decided:
        said = decision.payload.get("uncounted", {})
        if lost and set(lost) <= set(said.get("accounts", ())):
            return str(said["reason"])
    return ""


def _current(context: Context, state: LedgerState, month: Month) -> dict[Unit, Held]:
    sources = {source.name: source for source in context.settings.sources}
    return {
        unit: (sources[unit.source], _landed(context, unit, decision))
        for unit, decision in state.current.items()
        if unit.month == month and unit.source in sources
    }


def _lost(left_out: Held, holders: Iterable[Held]) -> tuple[str, ...]:
    source, delivery = left_out
    lost = set(delivery.totals.accounts)
    for other, held in holders:
        if is_same_kind(source, other):
            there = set(comparable_accounts(held, source, other).values())
            mine = comparable_accounts(delivery, source, other)
            lost -= {account for account, name in mine.items() if name in there}
    return tuple(sorted(lost))


def _landed(context: Context, unit: Unit, decision: Decision) -> Delivery:
    return read_delivery(context.home.landed(unit.source, unit.month, decision.delivery_id))


def _billed(
    context: Context, source: SourceConfig, delivery: Delivery, accounts: Iterable[str]
) -> Decimal | None:
    folder = context.home.landed(delivery.source, delivery.month, delivery.delivery_id)
    return billed_by(folder, delivery, schema_of(reader_of(source), delivery), frozenset(accounts))


def _error(
    context: Context,
    source: SourceConfig,
    delivery: Delivery,
    authority: str,
    lost: tuple[str, ...],
) -> CloudtallyError:
    total = _billed(context, source, delivery, lost)
    worth = "" if total is None else f", billed {total.normalize():f} in this month,"
    return CloudtallyError(
        DISPLACED,
        f"Source {authority!r} is authoritative and leaves out {source.name!r}; nobody would count "
        f"{_counted(lost)} that only {source.name!r} holds{worth} with it.",
        where={"left out": source.name, "first account": lost[0]},
        next_step="Make the larger source the authority, or split the other so that these accounts "
        'come alone; if nobody needs them: cloudtally run --accept-shrink "why".',
    )


def _counted(accounts: tuple[str, ...]) -> str:
    names = ", ".join(accounts[:_SHOWN]) + (", ..." if len(accounts) > _SHOWN else "")
    return f"{len(accounts)} account{'' if len(accounts) == 1 else 's'} ({names})"
