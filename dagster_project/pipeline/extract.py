"""Brings new deliveries of one source home: find, fetch, decode, accept or quarantine.

A delivery at fault never stops the others, and the last accepted one of its unit stays current.
Whatever may pass by itself (network, throttling, a full disk) leaves no decision in the ledger, so
that the next run tries again.
"""

import hashlib
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dagster_project.decoding.decode import decode
from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import Candidate, Export, Found, Schema, Unreadable
from dagster_project.exports.registry import export_of
from dagster_project.landing.archive import fetch
from dagster_project.landing.delivery import Delivery, read_delivery
from dagster_project.landing.guards import refuse_shrink
from dagster_project.ledger.state import Decision, LedgerState, Unit
from dagster_project.ledger.store import Kind
from dagster_project.months import Month, month_key
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.overlap import refuse_overlap
from dagster_project.settings import SourceConfig
from dagster_project.stores import ObjectStore, open_store

SETTLE_SECONDS = 30.0
"""How long a folder without a manifest must stay unchanged between two listings."""


class Status(StrEnum):
    """What became of a unit in this run."""

    UNCHANGED = "unchanged"
    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    FAILED = "failed"
    WAITING = "waiting"


@dataclass(frozen=True)
class Outcome:
    """What became of one unit; `error` says why it wasn't accepted."""

    source: str
    month: Month | None
    variant: str
    status: Status
    delivery_id: str | None = None
    rows: int | None = None
    error: CloudtallyError | None = None

    @property
    def is_well(self) -> bool:
        """Whether nobody has to look at it."""
        return self.status in (Status.UNCHANGED, Status.ACCEPTED, Status.WAITING)


@dataclass(frozen=True)
class Work:
    """Deliveries of one unit that no decision covers yet, newest first."""

    unit: Unit
    found: tuple[Found, ...]


def open_source(source: SourceConfig) -> ObjectStore:
    """Return the store of a source; providers' APIs look like one."""
    if source.location.startswith("api:"):
        from dagster_project.exports.azure.carbon_api import AzureCarbonApiStore

        return AzureCarbonApiStore.from_options(source.location, source.options)
    return open_store(source.location, source.options)


def find_work(
    context: Context, source: SourceConfig, months: Iterable[Month] | None = None
) -> tuple[ObjectStore, list[Work], list[Outcome]]:
    """Compare what the provider offers with what the ledger has decided.

    Returns:
        The store, the units with something new, and the units that need nothing.
    """
    store = open_source(source)
    wanted = set(months) if months is not None else None
    state = context.state()
    offered: dict[Unit, list[Found]] = defaultdict(list)
    for found in export_of(source).find(store, source.options):
        if wanted is None or found.month in wanted:
            offered[Unit(source.name, found.month, found.variant)].append(found)
    work, settled = [], []
    for unit, deliveries in sorted(offered.items()):
        new = [found for found in deliveries if _is_new(context, state, unit, found)]
        if new:
            work.append(Work(unit, tuple(sorted(new, key=_newest_first, reverse=True))))
        else:
            settled.append(_settled(state, unit))
    return store, work, settled


def extract(
    context: Context, source: SourceConfig, months: Iterable[Month] | None = None
) -> list[Outcome]:
    """Land, decode and judge every new delivery of a source."""
    try:
        store, work, outcomes = find_work(context, source, months)
    except CloudtallyError as error:
        context.report(f"{source.name}: {error}")
        return [Outcome(source.name, None, "", Status.FAILED, error=error)]
    settled = _settled_folders(context, source, store, work)
    for item in work:
        outcome = _take(context, source, store, item, settled)
        outcomes.append(outcome)
        context.report(_sentence(outcome))
    return outcomes


def _take(
    context: Context,
    source: SourceConfig,
    store: ObjectStore,
    work: Work,
    settled: frozenset[str],
) -> Outcome:
    """Try the deliveries of a unit, newest first, until one is accepted."""
    outcome: Outcome | None = None
    for found in work.found:
        if isinstance(found, Candidate) and not found.is_manifested:
            if found.signature not in settled:
                return Outcome(source.name, found.month, found.variant, Status.WAITING)
        tried = _try(context, source, store, work.unit, found)
        outcome = outcome or tried
        if tried.status is not Status.QUARANTINED:
            break
    if outcome is None:
        raise AssertionError("work without deliveries")
    return outcome


def _try(
    context: Context, source: SourceConfig, store: ObjectStore, unit: Unit, found: Found
) -> Outcome:
    export = export_of(source)
    try:
        if isinstance(found, Unreadable):
            raise found.error
        delivery, folder = fetch(store, source, found, list(export.schemas()), context.home)
        decode_landed(context, source, export, delivery)
        _judge(context, source, unit, delivery)
    except CloudtallyError as error:
        if error.code.startswith("CT-STORE-"):
            return Outcome(unit.source, unit.month, unit.variant, Status.FAILED, error=error)
        delivery_id = _quarantine_id(found)
        context.ledger.append(
            Kind.QUARANTINED,
            source=unit.source,
            month=unit.month,
            variant=unit.variant,
            delivery_id=delivery_id,
            reason=error.code,
            payload={"signature": found.signature, "error": error.as_dict()},
        )
        return Outcome(
            unit.source, unit.month, unit.variant, Status.QUARANTINED, delivery_id, error=error
        )
    context.ledger.append(
        Kind.ACCEPTED,
        source=unit.source,
        month=unit.month,
        variant=unit.variant,
        delivery_id=delivery.delivery_id,
        reason=context.accept_shrink or "",
        payload=_facts(delivery, found),
    )
    return Outcome(
        unit.source,
        unit.month,
        unit.variant,
        Status.ACCEPTED,
        delivery.delivery_id,
        delivery.totals.rows,
    )


def decode_landed(
    context: Context, source: SourceConfig, export: Export, delivery: Delivery
) -> None:
    """Decode a landed delivery, unless it is decoded already."""
    folder = context.home.landed(source.name, delivery.month, delivery.delivery_id)
    target = context.home.decoded_delivery(
        source.room, source.export, source.name, delivery.month, delivery.delivery_id
    )
    decode(delivery, folder, schema_of(export, delivery), target)


def schema_of(export: Export, delivery: Delivery) -> Schema:
    """Return the declared schema that a delivery was matched with."""
    for schema in export.schemas():
        if schema.version == delivery.schema_version:
            return schema
    raise CloudtallyError(
        "CT-DECODE-VERSION",
        f"Version {delivery.schema_version!r} of this export is no longer declared.",
        where={"source": delivery.source, "delivery": delivery.delivery_id},
        kept="the delivery stays in landing/.",
        next_step="Use the release that landed it, or declare the version again.",
    )


def _judge(context: Context, source: SourceConfig, unit: Unit, delivery: Delivery) -> None:
    state = context.state()
    previous = state.current.get(unit)
    if previous is not None and context.accept_shrink is None:
        refuse_shrink(delivery, landed_delivery(context, previous))
    refuse_overlap(context, state, source, delivery)


def landed_delivery(context: Context, decision: Decision) -> Delivery:
    """Return our manifest of a delivery that was decided on."""
    unit = decision.unit
    return read_delivery(context.home.landed(unit.source, unit.month, decision.delivery_id))


def _facts(delivery: Delivery, found: Found) -> dict[str, object]:
    order = found.order if isinstance(found, Candidate) else ""
    return {
        "signature": found.signature,
        "order": order,
        "content": delivery.content_sha256,
        "rows": delivery.totals.rows,
        "schema_version": delivery.schema_version,
        "unmanifested": delivery.unmanifested,
    }


def _is_new(context: Context, state: LedgerState, unit: Unit, found: Found) -> bool:
    """Tell whether no decision covers this delivery as it is listed now."""
    decided = [
        decision
        for (decided_unit, _), decision in state.decisions.items()
        if decided_unit == unit and decision.signature == found.signature
    ]
    if decided:
        is_shrunk = decided[-1].kind is Kind.QUARANTINED and context.accept_shrink is not None
        return is_shrunk and _code(decided[-1]) == "CT-LAND-SHRINK"
    current = state.current.get(unit)
    is_older = (
        current is not None
        and isinstance(found, Candidate)
        and found.is_manifested
        and found.order < current.order
    )
    return not is_older


def _code(decision: Decision) -> str:
    return str(decision.payload.get("error", {}).get("code", ""))


def _settled(state: LedgerState, unit: Unit) -> Outcome:
    """Report a unit that has nothing new; a standing quarantine stays visible."""
    for decision in state.quarantined():
        if decision.unit == unit:
            raw = decision.payload["error"]
            error = CloudtallyError(
                raw["code"],
                raw["what"],
                where=raw["where"],
                kept=raw["kept"],
                next_step=raw["next_step"],
            )
            return Outcome(
                unit.source,
                unit.month,
                unit.variant,
                Status.QUARANTINED,
                decision.delivery_id,
                error=error,
            )
    current = state.current.get(unit)
    return Outcome(
        unit.source,
        unit.month,
        unit.variant,
        Status.UNCHANGED,
        current.delivery_id if current else None,
    )


def _newest_first(found: Found) -> tuple[bool, str]:
    if isinstance(found, Unreadable):
        return (True, "")
    return (False, found.order)


def _quarantine_id(found: Found) -> str:
    return hashlib.sha256(found.signature.encode()).hexdigest()[:32]


def _settled_folders(
    context: Context, source: SourceConfig, store: ObjectStore, work: Sequence[Work]
) -> frozenset[str]:
    """Return signatures of folders without a manifest that two listings saw alike."""
    waiting = [
        found
        for item in work
        for found in item.found
        if isinstance(found, Candidate) and not found.is_manifested
    ]
    if not waiting:
        return frozenset()
    listings = context.state().listings
    seen = {
        found.signature
        for found in waiting
        if found.signature in listings.get((source.name, found.month, found.variant), set())
    }
    if len(seen) < len(waiting):
        time.sleep(float(source.options.get("settle_seconds", SETTLE_SECONDS)))
        again = export_of(source).find(store, source.options)
        seen |= {found.signature for found in again}
    for found in waiting:
        context.ledger.append(
            Kind.LISTING_SEEN,
            source=source.name,
            month=found.month,
            variant=found.variant,
            delivery_id=found.signature,
        )
    return frozenset(found.signature for found in waiting if found.signature in seen)


def _sentence(outcome: Outcome) -> str:
    month = month_key(outcome.month) if outcome.month else "all months"
    variant = f" {outcome.variant}" if outcome.variant else ""
    name = f"{outcome.source} {month}{variant}"
    if outcome.status is Status.ACCEPTED:
        return f"{name}: accepted, {outcome.rows} rows"
    return f"{name}: {outcome.status}" + (f" {outcome.error}" if outcome.error else "")
