"""What the month was made from: landed bytes, decisions, code, seeds and rules.

Belongs here: sections that the ledger and the folders of a home answer. Bytes are hashed again, so
that a pack says what is there now and not what was there once.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from dagster_project.evidence.sections import Section
from dagster_project.landing.delivery import Delivery, read_delivery
from dagster_project.ledger.store import Event, Kind
from dagster_project.months import ALL_MONTHS, Month
from dagster_project.paths import SEEDS, Home

INTACT, CHANGED, ABSENT, GONE = "intact", "changed", "absent", "gone"
_BLOCK = 1 << 20

Progress = Callable[[str], None]
Named = tuple[str, Month, str]
"""A delivery of the publication: source, month, id."""


def delivery_sections(
    home: Home, manifest: dict[str, Any], month: Month, progress: Progress
) -> tuple[Section, ...]:
    """Return the deliveries behind the month and the files of each, hashed anew."""
    deliveries: list[Sequence[Any]] = []
    files: list[Sequence[Any]] = []
    for source, unit_month, delivery_id in sorted(_named(manifest, month)):
        progress(f"hashing {source} {delivery_id[:12]}")
        folder = home.landed(source, unit_month, delivery_id)
        try:
            delivery = read_delivery(folder)
        except FileNotFoundError:
            deliveries.append((source, delivery_id, *(None,) * 6, GONE))
            continue
        parts = [(part, _state(folder / part.file, part.sha256)) for part in delivery.parts]
        files += [
            (source, delivery_id, part.name, part.bytes, part.rows, part.sha256, state)
            for part, state in parts
        ]
        deliveries.append((*_delivery_row(delivery), _worst(state for _, state in parts)))
    return (
        Section(
            "deliveries",
            "Deliveries",
            "What the month was built from. Intact: every file has the hash it was landed with.",
            ("source", "delivery_id", "provider", "export", "provider_id", "fetched_at", "rows",
             "content_sha256", "landed_bytes"),
            deliveries,
        ),
        Section(
            "delivery_files",
            "Files of the deliveries",
            "The provider's own bytes, file by file, by the names that the provider gave them.",
            ("source", "delivery_id", "object_name", "bytes", "rows", "sha256", "landed_bytes"),
            files,
        ),
    )  # fmt: skip


def _named(manifest: dict[str, Any], month: Month) -> Iterable[Named]:
    for source, unit_month, _, delivery_id in manifest["deliveries"]:
        if unit_month == month.isoformat():
            yield source, month, delivery_id
    for source, delivery_id in manifest["inputs"]:
        yield source, ALL_MONTHS, delivery_id


def _delivery_row(delivery: Delivery) -> tuple[Any, ...]:
    return (
        delivery.source,
        delivery.delivery_id,
        delivery.provider,
        delivery.export,
        delivery.native_id or None,
        delivery.fetched_at,
        delivery.totals.rows,
        delivery.content_sha256,
    )


def _state(path: Path, expected: str) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    except FileNotFoundError:
        return ABSENT
    return INTACT if digest.hexdigest() == expected else CHANGED


def _worst(states: Iterable[str]) -> str:
    found = set(states)
    return next((state for state in (ABSENT, CHANGED) if state in found), INTACT)


def decision_section(events: Sequence[Event], month: Month) -> Section:
    """Return who decided what about the month, in order."""
    kinds = {
        Kind.ACCEPTED,
        Kind.QUARANTINED,
        Kind.CLOSED,
        Kind.REOPENED,
        Kind.ACKNOWLEDGED,
        Kind.RESTATED,
    }
    rows = [
        (
            event.at,
            event.kind.value,
            event.source or event.payload.get("provider"),
            event.variant or None,
            event.delivery_id,
            event.actor,
            event.reason or None,
            event.code_version,
        )
        for event in events
        if event.month == month and event.kind in kinds
    ]
    return Section(
        "decisions",
        "Decisions",
        "Acceptances, refusals, closes and acknowledgements from the append-only ledger.",
        ("at", "decision", "about", "variant", "delivery_id", "by", "reason", "code_version"),
        rows,
    )


def seeds_section() -> Section:
    """Return the reference data that the code carries, hashed; each file names its sources."""
    rows = [
        (str(path.relative_to(SEEDS)), path.stat().st_size, _sha256(path))
        for path in sorted(SEEDS.rglob("*.csv"))
    ]
    return Section(
        "seeds",
        "Reference data",
        "Maps, lists and factors of this code; seeds/README.md gives source, licence and year.",
        ("file", "bytes", "sha256"),
        rows,
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
