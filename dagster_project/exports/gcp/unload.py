"""What the shipped BigQuery queries unload, and unloads made by hand in the same layout.

    month=YYYY-MM/run=<id>/part-*.parquet|avro|json|jsonl(.gz)
    month=YYYY-MM/run=<id>/manifest.json

BigQuery writes its output through a wildcard: a manifest of its own making is called
`manifest-000000000000.json` and can't know how many parts there are. Then the rows and sums that
it states prove that all are there. The manifest is written last.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from typing import Any

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import (
    MONTH_PATTERN,
    Candidate,
    Found,
    Listing,
    Part,
    at_fault,
    manifest_error,
    modified_order,
    read_manifests,
    sortable_time,
    unreadable,
)
from dagster_project.months import Month, month_key, parse_month
from dagster_project.stores.base import ObjectInfo, ObjectStore

_KEY = re.compile(
    rf"^(?P<folder>(?:.*/)?month=(?P<month>{MONTH_PATTERN})(?:/run=[^/]+)?)/(?P<name>[^/]+)$"
)
_MANIFEST = re.compile(r"^manifest[^/]*\.json$")
_DATA = re.compile(r"\.(?:parquet|avro|jsonl?(?:\.gz)?)$", re.IGNORECASE)
_WHOLE = re.compile(r"^[0-9]{1,18}$")


@dataclass
class _Folder:
    """One run: its data objects and its manifests."""

    month: Month
    data: list[ObjectInfo] = field(default_factory=list)
    manifests: list[ObjectInfo] = field(default_factory=list)


def find(store: ObjectStore, options: Mapping[str, Any]) -> Iterator[Found]:
    """Yield every run of every month."""
    listing = Listing(store.list())
    folders = _folders(listing)
    owners: dict[str, _Folder] = {}
    for folder in folders:
        if len(folder.manifests) > 1:
            yield unreadable(folder.month, folder.manifests, _two_manifests(folder))
        else:
            owners |= {info.key: folder for info in folder.manifests}
    for info, document, raw in read_manifests(store, (listing.objects[key] for key in owners)):
        yield _found(listing, owners[info.key], info, document, raw)
    yield from _unmanifested(folders)


def _folders(listing: Listing) -> list[_Folder]:
    folders: dict[str, _Folder] = {}
    for info, match in listing.matching(_KEY):
        folder = folders.setdefault(match["folder"], _Folder(parse_month(match["month"])))
        if _MANIFEST.match(match["name"]):
            # EXPORT DATA may add empty shards.
            folder.manifests += [info] if info.size else []
        elif _DATA.search(match["name"]):
            folder.data.append(info)
    return list(folders.values())


def _unmanifested(folders: Sequence[_Folder]) -> Iterator[Candidate]:
    """Yield runs without a manifest, of months in which no run has one.

    Beside a run with a manifest, one without it has not finished or has failed.
    """
    announced = {folder.month for folder in folders if folder.manifests}
    for folder in folders:
        if folder.data and folder.month not in announced:
            yield Candidate(
                month=folder.month,
                native_id="",
                order=modified_order(folder.data),
                parts=tuple(Part(name=info.key, info=info) for info in folder.data),
            )


def _found(
    listing: Listing,
    folder: _Folder,
    info: ObjectInfo,
    document: Mapping[str, Any] | CloudtallyError,
    raw: bytes,
) -> Found:
    if isinstance(document, CloudtallyError):
        return unreadable(folder.month, [info], document)
    try:
        return _candidate(listing, folder, info, document, raw)
    except CloudtallyError as error:
        return unreadable(folder.month, [info], at_fault(error))


def _candidate(
    listing: Listing, folder: _Folder, info: ObjectInfo, document: Mapping[str, Any], raw: bytes
) -> Candidate:
    run, month = document.get("run_id"), document.get("month")
    if not isinstance(run, str) or not run:
        raise manifest_error(info.key, "it has no run_id")
    if month != month_key(folder.month):
        raise manifest_error(info.key, "its month is not the month of its folder")
    rows = _rows(info, document)
    return Candidate(
        month=folder.month,
        native_id=run,
        order=_exported_at(info, document),
        manifest=info,
        manifest_bytes=raw,
        parts=tuple(_parts(listing, folder, info, document, rows)),
        rows=rows,
        sums=_sums(info, document),
        note={"table": str(document.get("table") or "")},
    )


def _rows(info: ObjectInfo, document: Mapping[str, Any]) -> int:
    """Return the stated rows; BigQuery writes 64-bit integers as JSON strings."""
    stated = document.get("rows")
    if isinstance(stated, bool) or not _WHOLE.match(str(stated)):
        raise manifest_error(info.key, "it does not state the number of rows")
    return int(str(stated))


def _exported_at(info: ObjectInfo, document: Mapping[str, Any]) -> str:
    try:
        return sortable_time(str(document.get("exported_at")))
    except ValueError:
        raise manifest_error(info.key, "its exported_at is no moment") from None


def _sums(info: ObjectInfo, document: Mapping[str, Any]) -> dict[str, str]:
    """Return stated sums: an object of texts, or a list of {name, total} as SQL writes it."""
    stated = document.get("sums") or {}
    if isinstance(stated, list) and all(isinstance(item, dict) for item in stated):
        stated = {str(item.get("name")): item.get("total") for item in stated}
    if not isinstance(stated, dict):
        raise manifest_error(info.key, "its sums are not readable")
    known = {str(name): text for name, text in stated.items() if text is not None}
    for name, text in known.items():
        if not isinstance(text, str) or not _is_amount(text):
            raise manifest_error(info.key, f"its sum of {name[:60]} is not the text of a number")
    return known


def _is_amount(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _parts(
    listing: Listing,
    folder: _Folder,
    info: ObjectInfo,
    document: Mapping[str, Any],
    rows: int,
) -> Iterator[Part]:
    names = document.get("files")
    if names is None:
        yield from (Part(name=item.key, info=item) for item in folder.data)
        return
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise manifest_error(info.key, "its files are no list of names")
    if len(set(names)) < len(names):
        raise manifest_error(info.key, "it names a file twice")
    for name in names:
        if "*" in name:
            yield from _matching(folder, name, rows)
        else:
            yield Part(name=name, info=listing.beside(info, name))


def _matching(folder: _Folder, pattern: str, rows: int) -> Iterator[Part]:
    """Yield the data objects of the folder that a `gs://` pattern means."""
    last = pattern.rpartition("/")[2]
    found = [item for item in folder.data if fnmatchcase(item.key.rpartition("/")[2], last)]
    if not found and rows:
        yield Part(name=pattern, info=None)
    yield from (Part(name=item.key, info=item) for item in found)


def _two_manifests(folder: _Folder) -> CloudtallyError:
    return CloudtallyError(
        "CT-LAND-TWO-MANIFESTS",
        "A run has two manifests, so it is unclear which files belong to it.",
        where={"manifests": ", ".join(info.key for info in folder.manifests)},
        kept="the last accepted delivery stays current.",
        next_step="Give each run a folder of its own, or remove the stale manifest.",
    )
