"""A folder of plain files in no provider's layout: FOCUS, or emissions.

A file's month stands in its path (`BILLING_PERIOD=2026-03`, `2026-03` or `202603`), or its rows
name it; a file with rows of several months belongs to each of them. A `manifest.json` says which
files make a delivery:

    {"delivery_id": "...", "month": "2026-03", "delivered_at": "2026-04-02T06:00:00Z",
     "files": [{"name": "part-1.csv.gz", "rows": 1000, "sha256": "..."}]}

Without it, all files of a month are one delivery.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import (
    MONTH_PATTERN,
    Candidate,
    Found,
    Listing,
    Part,
    Unreadable,
    at_fault,
    focus_columns,
    manifest_error,
    modified_order,
    option_error,
    read_manifests,
    sortable_time,
    unreadable,
)
from dagster_project.exports.generic.peek import COLUMN, months_inside
from dagster_project.months import Month, month_of, parse_month
from dagster_project.stores.base import ObjectInfo, ObjectStore

_MANIFEST = re.compile(r"(?:^|/)manifest\.json$", re.IGNORECASE)
_DATA = re.compile(r"\.(?:csv|csv\.gz|parquet)$", re.IGNORECASE)
_NAMED = re.compile(
    rf"(?:^|/)(?:billing_period|usage_month|month)=({MONTH_PATTERN})(?:-01)?/", re.IGNORECASE
)
# A day (2026-03-15, 20260315) is no month: it may be the day of delivery.
_ANYWHERE = re.compile(
    r"(?<![0-9A-Za-z])((?:19|20)[0-9]{2})(-?)(0[1-9]|1[0-2])(?!-?[0-9]|[A-Za-z])"
)
_SHA256 = re.compile(r"^[0-9a-f]{64}$")


def find(store: ObjectStore, options: Mapping[str, Any], period: str = COLUMN) -> Iterator[Found]:
    """Yield every delivery.

    Option `version` states the FOCUS version of the files.

    Args:
        store: Holds the files.
        options: Of the source.
        period: Column of which the month is read where no path names it.
    """
    version = _version(options)
    listing = Listing(store.list())
    infos = [info for info, _ in listing.matching(_MANIFEST)]
    listed: set[str] = set()
    announced: set[Month] = set()
    for info, document, raw in read_manifests(store, infos):
        found = _manifested(listing, info, document, raw, version)
        if isinstance(found, Candidate):
            listed |= {part.info.key for part in found.parts if part.info}
        announced.add(found.month)
        yield found
    loose = [info for info, _ in listing.matching(_DATA) if info.key not in listed]
    yield from _unmanifested(store, loose, announced, version, period)


def _version(options: Mapping[str, Any]) -> str:
    version = str(options.get("version") or "")
    level = f"v{version.replace('.', '_')}"
    if version and level not in focus_columns()[0]:
        raise option_error("version", f"{version[:20]!r} is no FOCUS version that is read")
    return version


def _manifested(
    listing: Listing,
    info: ObjectInfo,
    document: Mapping[str, Any] | CloudtallyError,
    raw: bytes,
    version: str,
) -> Found:
    if isinstance(document, CloudtallyError):
        return unreadable(_month_hint(info, document), [info], document)
    try:
        return _candidate(listing, info, document, raw, version)
    except CloudtallyError as error:
        return unreadable(_month_hint(info, error), [info], at_fault(error))


def _candidate(
    listing: Listing, info: ObjectInfo, document: Mapping[str, Any], raw: bytes, version: str
) -> Candidate:
    delivery_id, month = document.get("delivery_id"), document.get("month")
    if not isinstance(delivery_id, str) or not delivery_id:
        raise manifest_error(info.key, "it has no delivery_id")
    if not isinstance(month, str) or not re.fullmatch(MONTH_PATTERN, month):
        raise manifest_error(info.key, "it has no month (YYYY-MM)")
    return Candidate(
        month=parse_month(month),
        native_id=delivery_id,
        order=_delivered_at(info, document),
        manifest=info,
        manifest_bytes=raw,
        parts=tuple(_parts(listing, info, document)),
        version=version,
    )


def _delivered_at(info: ObjectInfo, document: Mapping[str, Any]) -> str:
    stated = document.get("delivered_at")
    if stated is None:
        return modified_order([info])
    try:
        return sortable_time(str(stated))
    except ValueError:
        raise manifest_error(info.key, "its delivered_at is no moment") from None


def _parts(listing: Listing, info: ObjectInfo, document: Mapping[str, Any]) -> Iterator[Part]:
    files = document.get("files")
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise manifest_error(info.key, "it has no list of files")
    names = [file.get("name") for file in files]
    if len({str(name) for name in names}) < len(names):
        raise manifest_error(info.key, "it names a file twice")
    for file, name in zip(files, names, strict=True):
        if not isinstance(name, str) or not name:
            raise manifest_error(info.key, "a file has no name")
        yield Part(
            name=name, info=listing.beside(info, name), rows=_rows(file), sha256=_hash(info, file)
        )


def _rows(file: Mapping[str, Any]) -> int | None:
    rows = file.get("rows")
    return rows if isinstance(rows, int) and not isinstance(rows, bool) else None


def _hash(info: ObjectInfo, file: Mapping[str, Any]) -> str | None:
    stated = file.get("sha256")
    if stated is None:
        return None
    if not isinstance(stated, str) or not _SHA256.match(stated.lower()):
        raise manifest_error(info.key, "a sha256 is not 64 hex digits")
    return stated.lower()


def _unmanifested(
    store: ObjectStore,
    files: list[ObjectInfo],
    announced: set[Month],
    version: str,
    period: str,
) -> Iterator[Found]:
    months: dict[Month, list[ObjectInfo]] = defaultdict(list)
    shared: set[Month] = set()
    problems: list[Unreadable] = []
    for info in files:
        in_path = _month_of_path(info.key)
        found = [in_path] if in_path else _months_inside(store, info, period)
        if isinstance(found, Unreadable):
            problems.append(found)
            continue
        shared |= set(found) if len(found) > 1 else set()
        for month in set(found) - announced:
            months[month].append(info)
    for month, of_month in sorted(months.items()):
        yield Candidate(
            month=month,
            native_id="",
            order=modified_order(of_month),
            parts=tuple(Part(name=info.key, info=info) for info in of_month),
            version=version,
            shared=month in shared,
        )
    yield from (problem for problem in problems if problem.month not in announced)


def _month_of_path(key: str) -> Month | None:
    """Return the month that a path names; None when it names none or several."""
    named = _NAMED.search(key)
    if named is not None:
        return parse_month(named[1])
    found = {f"{match[1]}-{match[3]}" for match in _ANYWHERE.finditer(key)}
    return parse_month(found.pop()) if len(found) == 1 else None


def _months_inside(store: ObjectStore, info: ObjectInfo, period: str) -> list[Month] | Unreadable:
    """Return the months that a file's rows name."""
    try:
        return months_inside(store, info, period)
    except CloudtallyError as error:
        return unreadable(_month_hint(info, error), [info], at_fault(error))


def _month_hint(info: ObjectInfo, error: CloudtallyError) -> Month:
    """Return the month that an unusable object is about, as well as can be told."""
    in_path = _month_of_path(info.key)
    if in_path is not None:
        return in_path
    if info.modified is None:
        raise error
    return month_of(info.modified)
