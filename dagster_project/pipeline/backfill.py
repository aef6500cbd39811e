"""What a backfill would do, found out without doing it.

Belongs here: which units are new, what they weigh, which months they build in which batches, which
closed periods they would change, and why a month has nothing. Nothing is written.
"""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import Found, Unreadable
from dagster_project.landing.archive import landed_before, staging_folder
from dagster_project.landing.delivery import Delivery
from dagster_project.ledger.state import LedgerState, Period, Unit
from dagster_project.ledger.store import Clock
from dagster_project.months import ALL_MONTHS, Month, month_key, month_range
from dagster_project.pipeline.calendar import due_date
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.extract import Outcome, Work, find_work, landed_delivery
from dagster_project.pipeline.plan import Plan, make_plan
from dagster_project.pipeline.readers import reader_of
from dagster_project.pipeline.timings import Step, Timing, read_timings
from dagster_project.settings import SourceConfig


class State(StrEnum):
    """What a backfill finds of a source and month."""

    NEW = "new"
    RESTATED = "restated"
    DONE = "done"
    HELD_BACK = "held back"
    MISSING = "missing"
    NOT_DUE = "not due"
    NOT_OFFERED = "not offered"
    IMPOSSIBLE = "impossible"
    UNREADABLE = "unreadable"


TO_DO = (State.NEW, State.RESTATED)
AT_FAULT = (State.HELD_BACK, State.MISSING, State.UNREADABLE)
"""States that somebody has to look at; the others are as they should be."""


@dataclass(frozen=True)
class Change:
    """What a new delivery changes of what is current, as far as it is known before it is fetched.

    Attributes:
        rows: Rows more or less; None until fetched.
        sums: Difference of every control total; None until fetched.
    """

    rows: int | None
    sums: Mapping[str, Decimal] | None


@dataclass(frozen=True)
class PlannedUnit:
    """One source and month of the range.

    Attributes:
        deliveries: Deliveries that no decision covers yet.
        requests: Objects still to be fetched of the newest of them.
        bytes: Bytes still to be fetched of the newest of them.
        reason: Why there is nothing to do, or why there can't be.
        closed: The signed period that this unit would change.
        change: By how much.
    """

    source: str
    provider: str
    month: Month
    state: State
    variant: str = ""
    deliveries: int = 0
    requests: int = 0
    bytes: int = 0
    reason: str = ""
    closed: Period | None = None
    change: Change | None = None


@dataclass(frozen=True)
class BackfillPlan:
    """Everything that a backfill would do.

    Attributes:
        units: Every source and month of the range, the newest month first.
        batches: Months that are built and published together, in the order in which that is done.
            Months that change what is closed come last, so that they stop no other.
        seconds: How long it should take by this home's own history; None without one.
        basis: What that is estimated from.
    """

    units: tuple[PlannedUnit, ...]
    batches: tuple[tuple[Month, ...], ...]
    seconds: float | None
    basis: str

    @property
    def to_do(self) -> tuple[PlannedUnit, ...]:
        """Units with something new."""
        return tuple(unit for unit in self.units if unit.state in TO_DO)

    @property
    def at_fault(self) -> tuple[PlannedUnit, ...]:
        """Units that somebody has to look at."""
        return tuple(unit for unit in self.units if unit.state in AT_FAULT)

    @property
    def closed(self) -> tuple[PlannedUnit, ...]:
        """Units that would change a closed period."""
        return tuple(unit for unit in self.units if unit.closed is not None)

    @property
    def months(self) -> tuple[Month, ...]:
        """Months that would be built, in the order in which they are."""
        return tuple(month for batch in self.batches for month in batch)


def plan_backfill(
    context: Context, first: Month, last: Month, sources: Iterable[str] = (), batch: int = 12
) -> BackfillPlan:
    """Find out what a backfill of a range of months would do.

    Args:
        context: The run's surroundings.
        first: Oldest month.
        last: Newest month.
        sources: Names of the sources to look at; all of them when empty.
        batch: Months that are built and published together.

    Raises:
        CloudtallyError: CT-CONFIG-SOURCE for a name that isn't configured.
    """
    chosen = [context.settings.source(name) for name in sources] or context.settings.sources
    state = context.state()
    months = list(month_range(first, last))[::-1]
    units = [unit for source in chosen for unit in _units(context, state, source, months)]
    units.sort(key=lambda unit: unit.month, reverse=True)
    plan = make_plan(context)
    batches = _batches(units, set(plan.dirty) & set(months), batch) or _to_publish(plan, months)
    seconds, basis = estimate(read_timings(context.home.timings), units, batches)
    return BackfillPlan(tuple(units), batches, seconds, basis)


def _units(
    context: Context, state: LedgerState, source: SourceConfig, months: Sequence[Month]
) -> list[PlannedUnit]:
    try:
        _, work, settled = find_work(context, source)
    except CloudtallyError as error:
        return [_bare(source, month, State.UNREADABLE, str(error)) for month in months]
    wanted = set(months)
    found = [_to_do(context, state, source, item) for item in work if item.unit.month in wanted]
    found += [_settled(source, outcome) for outcome in settled if outcome.month in wanted]
    offered = {item.unit.month for item in work} | {o.month for o in settled if o.month}
    offered |= {unit.month for unit in state.current if unit.source == source.name}
    lacking = wanted - {unit.month for unit in found}
    found += [_lacking(context, state, source, month, offered) for month in lacking]
    return found


def _to_do(context: Context, state: LedgerState, source: SourceConfig, work: Work) -> PlannedUnit:
    unit, newest = work.unit, work.found[0]
    clock = Clock.CARBON if source.is_emissions else Clock.COST
    period = Period(clock, source.provider, unit.month)
    is_closed = period in state.closes
    requests, size = _still_to_fetch(context, unit, newest)
    return PlannedUnit(
        source.name,
        source.provider,
        unit.month,
        State.RESTATED if unit in state.current else State.NEW,
        unit.variant,
        len(work.found),
        requests,
        size,
        closed=period if is_closed else None,
        change=_change(context, state, unit, newest) if is_closed else None,
    )


def _settled(source: SourceConfig, outcome: Outcome) -> PlannedUnit:
    state = State.DONE if outcome.is_well else State.HELD_BACK
    reason = str(outcome.error) if outcome.error else ""
    return PlannedUnit(
        source.name, source.provider, outcome.month or ALL_MONTHS, state, outcome.variant,
        reason=reason,
    )  # fmt: skip


def _lacking(
    context: Context,
    state: LedgerState,
    source: SourceConfig,
    month: Month,
    offered: set[Month],
) -> PlannedUnit:
    """Say why a month has nothing: it can't have, it needn't have yet, or something failed."""
    if any((unit.source, unit.month) == (source.name, month) for unit in state.current):
        reason = "landed before; the source doesn't offer it any more"
        return _bare(source, month, State.DONE, reason)
    today = context.settings.today
    due = due_date(source, month)
    history = reader_of(source).history
    begins = history.begins(today)
    if begins is not None and month < begins:
        reason = f"the provider has nothing before {month_key(begins)}. {history.advice}"
        return _bare(source, month, State.IMPOSSIBLE, reason)
    if due > today:
        return _bare(source, month, State.NOT_DUE, f"due on {due:%Y-%m-%d}")
    if not offered or month < min(offered):
        first = f"the source begins with {month_key(min(offered))}" if offered else "it is empty"
        return _bare(source, month, State.NOT_OFFERED, f"{first}. {history.advice}".strip())
    return _bare(source, month, State.MISSING, f"it was due on {due:%Y-%m-%d}")


def _bare(source: SourceConfig, month: Month, state: State, reason: str) -> PlannedUnit:
    return PlannedUnit(source.name, source.provider, month, state, reason=reason)


def _still_to_fetch(context: Context, unit: Unit, found: Found) -> tuple[int, int]:
    """Return objects and bytes that are neither archived nor left by a killed fetch."""
    if isinstance(found, Unreadable):
        return 0, 0
    if landed_before(context.home, unit.source, unit.month, found.signature) is not None:
        return 0, 0
    staging = staging_folder(context.home, unit.source, found)
    there = Counter(file.stat().st_size for file in staging.glob("*") if file.suffix != ".part")
    sizes = Counter(part.info.size for part in found.parts if part.info is not None)
    left = sizes - there
    return left.total(), sum(size * count for size, count in left.items())


def _change(context: Context, state: LedgerState, unit: Unit, found: Found) -> Change:
    """Compare a new delivery with the current one by what either states of itself."""
    current = state.current.get(unit)
    before = landed_delivery(context, current) if current is not None else None
    if isinstance(found, Unreadable):
        return Change(None, None)
    landed = landed_before(context.home, unit.source, unit.month, found.signature)
    rows = landed[0].totals.rows if landed else found.rows
    sums = landed[0].totals.sums if landed else found.sums
    return Change(
        None if rows is None else rows - (before.totals.rows if before else 0),
        _differences(sums, before) if sums else None,
    )


def _differences(sums: Mapping[str, str], before: Delivery | None) -> dict[str, Decimal]:
    old = before.totals.sums if before else {}
    return {name: Decimal(text) - Decimal(old.get(name, "0")) for name, text in sums.items()}


def _to_publish(plan: Plan, months: Sequence[Month]) -> tuple[tuple[Month, ...], ...]:
    """Return a batch that builds nothing, for what a killed command built and didn't publish."""
    built = set(plan.months) & set(months)
    return ((max(built),),) if built and not plan.is_published else ()


def _batches(
    units: Sequence[PlannedUnit], interrupted: set[Month], size: int
) -> tuple[tuple[Month, ...], ...]:
    """Return months with something new, or that arrived and aren't built as they are now."""
    months = {unit.month for unit in units if unit.state in TO_DO} | interrupted
    signed = {unit.month for unit in units if unit.closed is not None}
    found = []
    for group in (months - signed, months & signed):
        newest_first = sorted(group, reverse=True)
        found += [tuple(newest_first[at : at + size]) for at in range(0, len(newest_first), size)]
    return tuple(found)


def estimate(
    timings: Sequence[Timing],
    units: Sequence[PlannedUnit],
    batches: Sequence[Sequence[Month]],
) -> tuple[float | None, str]:
    """Return the seconds that units and batches should take, and what that is estimated from."""
    to_do = [unit for unit in units if unit.state in TO_DO]
    arrivals = [timing for timing in timings if timing.step is Step.ARRIVE]
    builds = [timing for timing in timings if timing.step is Step.BUILD]
    to_publish = [
        [timing.seconds for timing in timings if timing.step is step]
        for step in (Step.MARTS, Step.CANDIDATE, Step.PROMISES)
    ]
    if (to_do and not arrivals) or (batches and not (builds and all(to_publish))):
        return None, "no history of this home yet"
    seconds = sum(_arrival_seconds(unit, arrivals) for unit in to_do)
    if batches:
        fixed, per_month = _line(builds)
        fixed += sum(statistics.median(found) for found in to_publish)
        seconds += sum(fixed + per_month * len(batch) for batch in batches)
    return seconds, f"{len(arrivals)} arrivals and {len(builds)} builds on this home"


def _arrival_seconds(unit: PlannedUnit, arrivals: Sequence[Timing]) -> float:
    """Return the seconds of one delivery, by its source's own history where there is one."""
    own = [timing for timing in arrivals if timing.source == unit.source] or list(arrivals)
    seconds = math.fsum(timing.seconds for timing in own)
    per_delivery = seconds / sum(timing.units for timing in own)
    average = sum(timing.bytes for timing in own) / sum(timing.units for timing in own)
    return per_delivery * max(1.0, unit.bytes / average if average else 1.0)


def _line(timings: Sequence[Timing]) -> tuple[float, float]:
    """Return seconds per run and seconds per month that fit the timings best, neither negative."""
    count = len(timings)
    mean_months = math.fsum(timing.units for timing in timings) / count
    mean_seconds = math.fsum(timing.seconds for timing in timings) / count
    spread = math.fsum((timing.units - mean_months) ** 2 for timing in timings)
    if not spread:
        return 0.0, mean_seconds / mean_months
    slope = math.fsum(
        (timing.units - mean_months) * (timing.seconds - mean_seconds) for timing in timings
    )
    per_month = min(max(slope / spread, 0.0), mean_seconds / mean_months)
    return mean_seconds - per_month * mean_months, per_month
