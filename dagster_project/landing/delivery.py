"""Our manifest of a landed delivery: what was fetched, from what, and what it adds up to."""

import datetime as dt
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dagster_project.exports.base import Candidate
from dagster_project.landing.readers import states_columns
from dagster_project.months import Month, parse_month
from dagster_project.settings import SourceConfig

MANIFEST_NAME = "delivery.json"
MANIFESTS_REMEMBERED = 4096

NetTotals = Mapping[str, Mapping[str, int]]
TwinTotals = Mapping[str, Mapping[str, Mapping[str, Sequence[Any]]]]


@dataclass(frozen=True)
class LandedPart:
    """One archived object.

    Attributes:
        name: As the provider names it; never used as a path.
        file: Our file name inside the delivery's folder.
        constants: Facts about the part that stand outside its rows, such as a scope.
    """

    name: str
    key: str
    file: str
    etag: str
    version: str | None
    bytes: int
    sha256: str
    rows: int
    columns: Mapping[str, str]
    constants: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ControlTotals:
    """What an independent reader adds up, before any of our models sees the rows.

    Attributes:
        rows: Number of rows.
        sums: Exact sum of each total column as decimal text, at scale 18.
        days: Dates that have rows, ISO text.
        accounts: Accounts that have rows.
        twins: Of parts that tell the same month twice: per set, sort of line and day, the number
            of lines and what they cost, see `landing/twins.py`.
        nets: Per net column, lines that it makes free, and whether any line has a net amount, see
            `landing/nets.py`.
    """

    rows: int
    sums: Mapping[str, str]
    days: tuple[str, ...]
    accounts: tuple[str, ...]
    twins: TwinTotals = field(default_factory=dict)
    nets: NetTotals = field(default_factory=dict)


@dataclass(frozen=True)
class Delivery:
    """A landed delivery.

    Attributes:
        absent_columns: Columns that the export could have had, with what their absence means.
        signature: Hash of the listing it was fetched by; the same listing isn't fetched again.
    """

    delivery_id: str
    source: str
    provider: str
    export: str
    month: Month
    variant: str
    native_id: str
    order: str
    unmanifested: bool
    fetched_at: str
    schema_version: str
    unknown_columns: tuple[str, ...]
    parts: tuple[LandedPart, ...]
    totals: ControlTotals
    note: Mapping[str, Any]
    shared: bool = False
    signature: str = ""
    absent_columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def uneven_columns(self) -> tuple[str, ...]:
        """Columns that only some of the parts have, in formats that name all of their columns."""
        named = [set(part.columns) for part in self.parts if states_columns(part.file)]
        named = [columns for columns in named if columns]
        everywhere = set.intersection(*named) if named else set()
        return tuple(sorted({name for columns in named for name in columns} - everywhere))

    @property
    def content_sha256(self) -> str:
        """Hash of the parts' hashes: equal for an identical re-delivery."""
        text = "\n".join(sorted(part.sha256 for part in self.parts))
        return hashlib.sha256(text.encode()).hexdigest()

    def write(self, folder: Path) -> None:
        """Write the manifest into the delivery's folder."""
        document = asdict(self) | {"month": self.month.isoformat()}
        text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)
        (folder / MANIFEST_NAME).write_text(text + "\n", encoding="utf-8")


def read_delivery(folder: Path) -> Delivery:
    """Read the manifest of a landed delivery; it never changes, so it is read once."""
    manifest = folder / MANIFEST_NAME
    return _read(manifest, manifest.stat().st_mtime_ns, manifest.stat().st_ino)


@functools.lru_cache(maxsize=MANIFESTS_REMEMBERED)
def _read(manifest: Path, _written: int, _file: int) -> Delivery:
    raw = json.loads(manifest.read_text(encoding="utf-8"))
    totals = raw["totals"]
    return Delivery(
        **{
            **raw,
            "month": parse_month(raw["month"]),
            "unknown_columns": tuple(raw["unknown_columns"]),
            "parts": tuple(LandedPart(**part) for part in raw["parts"]),
            "totals": ControlTotals(
                rows=totals["rows"],
                sums=totals["sums"],
                days=tuple(totals["days"]),
                accounts=tuple(totals["accounts"]),
                twins=totals.get("twins", {}),
                nets=totals.get("nets", {}),
            ),
        }
    )


def identify(source: SourceConfig, candidate: Candidate, part_hashes: list[str]) -> str:
    """Return the id of a delivery.

    The provider's own id and manifest name it, and its contents: files get replaced under an
    unchanged manifest. Where it is stored never enters, so that a copied bucket is the same
    delivery.
    """
    own = sorted(part_hashes)
    if candidate.is_manifested:
        own += [candidate.native_id, hashlib.sha256(candidate.manifest_bytes).hexdigest()]
    text = json.dumps(
        [source.provider, source.export, candidate.variant, candidate.month.isoformat(), *own]
    )
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def now_text() -> str:
    """Return the present moment as stored in manifests."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
