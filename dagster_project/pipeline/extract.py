"""Brings new deliveries of one source home: find, fetch, decode, accept or quarantine.

A delivery at fault never stops the others, and the last accepted one of its unit stays current.
Whatever may pass by itself (network, throttling, a full disk) leaves no decision in the ledger, so
that the next run tries again.
"""

import datetime as dt
import hashlib
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dagster_project.decoding.decode import decode, forget
from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import (
    Candidate,
    Export,
    Found,
    Unreadable,
    option_error,
)
from dagster_project.landing.archive import clear_staging, fetch, tidy_staging
from dagster_project.landing.delivery import Delivery, read_delivery
from dagster_project.landing.guards import (
    losses,
    lost_accounts,
    oddities,
    refuse_lost_accounts,
    refuse_no_rows,
    refuse_shrink,
)
from dagster_project.landing.nets import hidden, refuse_hidden_cost
from dagster_project.landing.problems import disk_error
from dagster_project.landing.twins import refuse_unequal_twins
from dagster_project.ledger.state import Decision, LedgerState, Unit
from dagster_project.ledger.store import Kind
from dagster_project.months import ALL_MONTHS, Month, month_key
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.displacement import refuse_uncounted, uncounted
from dagster_project.pipeline.fetching import Fetching, fetching
from dagster_project.pipeline.offers import (
    circumstances,
    is_new,
    newest_decision,
    newest_first,
    shrink_reason,
)
from dagster_project.pipeline.overlap import refuse_overlap
from dagster_project.pipeline.readers import reader_of, schema_of
from dagster_project.pipeline.refusals import kept, located, place_of, recorded, staged
from dagster_project.pipeline.timings import Step, timed
from dagster_project.settings import InputConfig, SourceConfig
from dagster_project.stores import ObjectStore
from dagster_project.stores.composite import together

SETTLE_SECONDS = 30.0
"""How long a folder without a manifest must stay unchanged between two listings."""

QUIET_SECONDS = 5.0
"""How long nobody must have written to a delivery that is one file."""

LONGEST_SETTLE_SECONDS = 3600.0


class Status(StrEnum):
    """What became of a unit in this run."""

    UNCHANGED = "unchanged"
    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    FAILED = "failed"
    WAITING = "waiting"
    DISPLACED = "displaced"


@dataclass(frozen=True)
class Outcome:
    """What became of one unit.

    Attributes:
        bytes: Bytes of what was accepted, as stored at the provider.
        error: Why it wasn't accepted.
        oddities: What somebody should know about it although it was accepted.
    """

    source: str
    month: Month | None
    variant: str
    status: Status
    delivery_id: str | None = None
    rows: int | None = None
    bytes: int = 0
    error: CloudtallyError | None = None
    oddities: tuple[str, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether nobody has to look at it."""
        return self.status in (Status.UNCHANGED, Status.ACCEPTED, Status.WAITING)


@dataclass(frozen=True)
class Work:
    """Deliveries of one unit that no decision covers yet, newest first."""

    unit: Unit
    found: tuple[Found, ...]


@dataclass(frozen=True)
class Verdict:
    """What speaks for a delivery.

    Attributes:
        delivery: Its manifest.
        forgiven: What is wrong with it and was forgiven.
        oddities: What is worth knowing.
        uncounted: Accounts that nobody counts once it is accepted.
    """

    delivery: Delivery
    forgiven: tuple[str, ...]
    oddities: tuple[str, ...]
    uncounted: tuple[str, ...]


def open_source(source: SourceConfig) -> ObjectStore:
    """Return the store of a source; providers' APIs look like one."""
    export = reader_of(source)
    return together(
        {name: export.open(place, source.options) for name, place in source.locations.items()}
    )


def find_work(
    context: Context, source: SourceConfig, months: Iterable[Month] | None = None
) -> tuple[ObjectStore, list[Work], list[Outcome]]:
    """Compare what the provider offers with what the ledger has decided.

    Returns:
        The store, the units with something new, the newest month first, and the units that need
        nothing.
    """
    store, listed = _list(context, source)
    wanted = set(months) if months is not None else None
    state = context.state()
    offered: dict[Unit, list[Found]] = defaultdict(list)
    for found in listed:
        if wanted is None or found.month in wanted:
            offered[Unit(source.name, found.month, found.variant)].append(found)
    work, settled = [], []
    for unit, deliveries in sorted(offered.items()):
        new = [found for found in deliveries if is_new(context, state, unit, found, deliveries)]
        if new:
            work.append(Work(unit, tuple(sorted(new, key=newest_first, reverse=True))))
        else:
            settled.append(_settled(state, unit))
    return store, work[::-1], settled


def _list(context: Context, source: SourceConfig) -> tuple[ObjectStore, list[Found]]:
    """Return the store of a source and what it offers."""
    if context.listed is not None and source.name in context.listed:
        return context.listed[source.name]
    store = open_source(source)
    listed = store, list(reader_of(source).find(store, source.options))
    if context.listed is not None:
        context.listed[source.name] = listed
    return listed


def extract(
    context: Context, source: SourceConfig, months: Iterable[Month] | None = None
) -> list[Outcome]:
    """Land, decode and judge every new delivery of a source.

    Several are fetched at a time; decided is one after the other, the newest month first.
    """
    try:
        store, work, outcomes = find_work(context, source, months)
        settled = _settled_folders(context, source, store, work)
    except CloudtallyError as error:
        error = located(error, {"source": source.name})
        context.report(f"{source.name}: {error}")
        return [Outcome(source.name, None, "", Status.FAILED, error=error)]

    def bring(found: Candidate, stop: threading.Event) -> Delivery:
        schemas = list(reader_of(source).schemas())
        return fetch(store, source, found, schemas, context.home, stop=stop)[0]

    with timed(context.home.timings, Step.ARRIVE, source.name) as tally, fetching(bring) as coming:
        coming.begin(_to_fetch(work, settled))
        for item in work:
            outcome = _take(context, source, coming, item, settled)
            outcomes.append(outcome)
            context.report(_sentence(outcome))
            if outcome.status is Status.ACCEPTED:
                tally.units += 1
                tally.bytes += outcome.bytes
    tidy_staging(context.home, source.name)
    return outcomes


def _to_fetch(work: Sequence[Work], settled: frozenset[str]) -> list[Candidate]:
    """Return the deliveries that are tried first, one of each unit."""
    first = (item.found[0] for item in work)
    return [
        found
        for found in first
        if isinstance(found, Candidate) and (found.is_manifested or found.signature in settled)
    ]


def _take(
    context: Context,
    source: SourceConfig,
    coming: Fetching,
    work: Work,
    settled: frozenset[str],
) -> Outcome:
    """Try the deliveries of a unit, newest first, until one is accepted."""
    unit = work.unit
    first: Outcome | None = None
    for found in work.found:
        if _is_loose(found) and found.signature not in settled:
            return first or Outcome(unit.source, unit.month, unit.variant, Status.WAITING)
        outcome = _try(context, source, coming, unit, found)
        first = first or outcome
        if outcome.status is not Status.QUARANTINED:
            break
    if first is None:
        raise AssertionError("work without deliveries")
    newest = staged(context, unit, work.found[0])
    keep = None if first.status is Status.ACCEPTED else newest
    clear_staging(context.home, unit.source, unit.month, unit.variant, keep=keep)
    return first


def _try(
    context: Context, source: SourceConfig, coming: Fetching, unit: Unit, found: Found
) -> Outcome:
    try:
        verdict = _examine(context, source, coming, unit, found)
    except CloudtallyError as error:
        if error.code.startswith("CT-STORE-") and isinstance(found, Candidate):
            return _fail(unit, error)
        return _quarantine(context, unit, found, error)
    except OSError as error:
        return _fail(unit, disk_error(error, context.home.root))
    return _accept(context, unit, found, verdict)


def _examine(
    context: Context, source: SourceConfig, coming: Fetching, unit: Unit, found: Found
) -> Verdict:
    """Fetch, decode and judge a delivery; what can't be counted is not left decoded."""
    if isinstance(found, Unreadable):
        raise found.error
    export = reader_of(source)
    delivery = coming.take(found)
    decode_landed(context, source, export, delivery)
    try:
        return _judge(context, source, unit, found, delivery)
    except CloudtallyError:
        forget(context.decoded(source, delivery.month, delivery.delivery_id))
        raise


def _judge(
    context: Context, source: SourceConfig, unit: Unit, found: Candidate, delivery: Delivery
) -> Verdict:
    schema = schema_of(reader_of(source), delivery)
    refuse_unequal_twins(delivery, schema.twins)
    state = context.state()
    current = state.current.get(unit)
    previous = landed_delivery(context, current) if current is not None else None
    older = older_version(state, unit)
    beside = landed_delivery(context, older) if older is not None else None
    if not isinstance(source, InputConfig):
        refuse_overlap(context, state, source, delivery)
    if shrink_reason(context):
        forgiven = _forgiven(delivery, previous, beside)
        lost = tuple(uncounted(context, state, source, delivery))
        return Verdict(delivery, forgiven, tuple(oddities(delivery, previous)), lost)
    if previous is not None:
        refuse_shrink(delivery, previous)
    elif not _may_have_no_rows(found):
        refuse_no_rows(delivery)
    if beside is not None:
        refuse_lost_accounts(delivery, beside)
    refuse_hidden_cost(delivery, schema)
    refuse_uncounted(context, state, source, delivery)
    return Verdict(delivery, (), tuple(oddities(delivery, previous)), ())


def older_version(state: LedgerState, unit: Unit) -> Decision | None:
    """Return the newest older version of a month that has rows and stands beside this one."""
    known = [
        decision
        for other, decision in state.current.items()
        if (other.source, other.month) == (unit.source, unit.month)
        and _version(other.variant) < _version(unit.variant)
        and decision.payload.get("rows")
    ]
    return max(known, key=lambda decision: _version(decision.unit.variant), default=None)


def _version(variant: str) -> tuple[int, ...]:
    """Return a version's numbers: as texts, v3.0.10 would stand before v3.0.9."""
    return tuple(int(number) for number in re.findall(r"\d+", variant))


def _forgiven(
    delivery: Delivery, previous: Delivery | None, beside: Delivery | None
) -> tuple[str, ...]:
    """List what is wrong with a delivery that somebody wants accepted all the same."""
    found = losses(delivery, previous) if previous else []
    found += lost_accounts(delivery, beside) if beside else []
    found += [f"{net} is 0 on all of its lines" for net in hidden(delivery)]
    return tuple(found) or (() if delivery.totals.rows else ("no rows",))


def _may_have_no_rows(found: Candidate) -> bool:
    """Tell whether no rows are usual for the export, or what the manifest itself states."""
    stated = [part.rows for part in found.parts]
    return found.may_be_empty or found.rows == 0 or (bool(stated) and set(stated) == {0})


def _accept(context: Context, unit: Unit, found: Found, verdict: Verdict) -> Outcome:
    delivery = verdict.delivery
    context.ledger.append(
        Kind.ACCEPTED,
        source=unit.source,
        month=unit.month,
        variant=unit.variant,
        delivery_id=delivery.delivery_id,
        reason=shrink_reason(context) if verdict.forgiven or verdict.uncounted else "",
        payload=_facts(context, verdict, found),
    )
    return Outcome(
        unit.source,
        unit.month,
        unit.variant,
        Status.ACCEPTED,
        delivery.delivery_id,
        delivery.totals.rows,
        sum(part.bytes for part in delivery.parts),
        oddities=verdict.oddities,
    )


def _fail(unit: Unit, error: CloudtallyError) -> Outcome:
    error = located(error, place_of(unit))
    return Outcome(unit.source, unit.month, unit.variant, Status.FAILED, error=error)


def _quarantine(context: Context, unit: Unit, found: Found, error: CloudtallyError) -> Outcome:
    """Record a verdict, unless exactly this one stands already."""
    state = context.state()
    error = located(error, place_of(unit), kept=kept(context, state, unit, found))
    decision = newest_decision(state, unit, found.signature)
    payload = {
        "signature": found.signature,
        "circumstances": circumstances(context, state, unit, error.code),
        "error": error.as_dict(),
    }
    if decision is None or decision.kind is not Kind.QUARANTINED or decision.payload != payload:
        context.ledger.append(
            Kind.QUARANTINED,
            source=unit.source,
            month=unit.month,
            variant=unit.variant,
            delivery_id=_quarantine_id(found),
            reason=error.code,
            payload=payload,
        )
    return Outcome(
        unit.source,
        unit.month,
        unit.variant,
        Status.QUARANTINED,
        _quarantine_id(found),
        error=error,
    )


def decode_landed(
    context: Context, source: SourceConfig, export: Export, delivery: Delivery
) -> None:
    """Decode a landed delivery, unless it is decoded already."""
    folder = context.home.landed(source.name, delivery.month, delivery.delivery_id)
    target = context.decoded(source, delivery.month, delivery.delivery_id)
    decode(delivery, folder, schema_of(export, delivery), target)


def landed_delivery(context: Context, decision: Decision) -> Delivery:
    """Return our manifest of a delivery that was decided on."""
    unit = decision.unit
    return read_delivery(context.home.landed(unit.source, unit.month, decision.delivery_id))


def _facts(context: Context, verdict: Verdict, found: Found) -> dict[str, object]:
    delivery = verdict.delivery
    lost = {"accounts": list(verdict.uncounted), "reason": shrink_reason(context)}
    return {
        "signature": found.signature,
        "order": found.order if isinstance(found, Candidate) else "",
        "content": delivery.content_sha256,
        "rows": delivery.totals.rows,
        "schema_version": delivery.schema_version,
        "unmanifested": delivery.unmanifested,
        "forgiven": list(verdict.forgiven),
        "oddities": list(verdict.oddities),
        "uncounted": lost if verdict.uncounted else {},
    }


def _settled(state: LedgerState, unit: Unit) -> Outcome:
    """Report a unit that has nothing new; a standing quarantine stays visible."""
    for decision in reversed(state.quarantined()):
        if decision.unit == unit:
            return Outcome(
                unit.source,
                unit.month,
                unit.variant,
                Status.QUARANTINED,
                decision.delivery_id,
                error=recorded(decision),
            )
    current = state.current.get(unit)
    return Outcome(
        unit.source,
        unit.month,
        unit.variant,
        Status.UNCHANGED,
        current.delivery_id if current else None,
    )


def _quarantine_id(found: Found) -> str:
    return hashlib.sha256(found.signature.encode()).hexdigest()[:32]


def _is_loose(found: Found) -> bool:
    return isinstance(found, Candidate) and not found.is_manifested


def _settled_folders(
    context: Context, source: SourceConfig, store: ObjectStore, work: Sequence[Work]
) -> frozenset[str]:
    """Return signatures of folders without a manifest that two listings saw alike."""
    waiting = [
        found
        for item in work
        for found in item.found
        if isinstance(found, Candidate) and _is_loose(found)
    ]
    seen_before = context.state().listings
    fresh = [
        found
        for found in waiting
        if found.signature not in seen_before.get((source.name, found.month, found.variant), ())
        and not _is_quiet(found)
    ]
    unsettled: set[str] = set()
    if fresh:
        time.sleep(_settle_seconds(source))
        again = {found.signature for found in reader_of(source).find(store, source.options)}
        unsettled = {found.signature for found in fresh} - again
    for found in fresh:
        context.ledger.append(
            Kind.LISTING_SEEN,
            source=source.name,
            month=found.month,
            variant=found.variant,
            delivery_id=found.signature,
        )
    return frozenset(found.signature for found in waiting) - unsettled


def _is_quiet(found: Candidate) -> bool:
    """Tell whether a delivery is one file that nobody is writing any more."""
    if found.quiet_since is None:
        return False
    age = dt.datetime.now(dt.UTC) - found.quiet_since
    return age.total_seconds() >= QUIET_SECONDS


def _settle_seconds(source: SourceConfig) -> float:
    usual = QUIET_SECONDS if isinstance(source, InputConfig) else SETTLE_SECONDS
    stated = source.options.get("settle_seconds", usual)
    is_number = isinstance(stated, int | float) and not isinstance(stated, bool)
    if not is_number or not 0 <= stated <= LONGEST_SETTLE_SECONDS:
        raise option_error("settle_seconds", f"write 0 to {LONGEST_SETTLE_SECONDS:.0f} seconds")
    return float(stated)


def _sentence(outcome: Outcome) -> str:
    has_month = outcome.month is not None and outcome.month != ALL_MONTHS
    month = month_key(outcome.month) if outcome.month and has_month else "all months"
    variant = f" {outcome.variant}" if outcome.variant else ""
    name = f"{outcome.source} {month}{variant}"
    if outcome.status is Status.ACCEPTED:
        return "; ".join([f"{name}: accepted, {outcome.rows} rows", *outcome.oddities])
    return f"{name}: {outcome.status}" + (f" {outcome.error}" if outcome.error else "")
