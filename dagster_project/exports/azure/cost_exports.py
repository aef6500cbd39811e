"""Runs of Azure Cost Management exports, whatever their type.

    <path>/<export>/<yyyymmdd-yyyymmdd>/<run>/manifest.json             and part files, or
    <path>/<yyyymmdd-yyyymmdd>/<export>/<yyyymmddhhmm>/<run>/manifest.json

Both orders are seen in the wild, so no path says what belongs to a delivery: the blobs that the
manifest names do. Every run exports the month to date in full; the last run of a month counts.
"""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import (
    Candidate,
    Found,
    Listing,
    Part,
    Unreadable,
    at_fault,
    manifest_error,
    read_manifests,
    sortable_time,
    unreadable,
)
from dagster_project.months import Month, month_of, next_month, parse_month
from dagster_project.stores.base import ObjectInfo, ObjectStore

_MANIFEST = re.compile(r"(?:^|/)manifest\.json$", re.IGNORECASE)
_DATA = re.compile(r"\.(?:csv|csv\.gz|parquet)$", re.IGNORECASE)
_RANGE = re.compile(r"(?:^|/)((?!0000)[0-9]{4})(0[1-9]|1[0-2])[0-9]{2}-[0-9]{8}(?:/|$)")
_DAY = re.compile(r"^((?!0000)[0-9]{4}-(?:0[1-9]|1[0-2]))-([0-9]{2})(?:T([0-9:]+))?")


@dataclass(frozen=True)
class ExportType:
    """One type of export.

    Attributes:
        name: As the manifest states it.
        template: As the portal calls it.
        name_option: Option of a source that picks one export where a location holds several.
    """

    name: str
    template: str
    name_option: str = "export_name"


@dataclass(frozen=True)
class Days:
    """First and last day that a run covers."""

    first: dt.date
    last: dt.date

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


@dataclass(frozen=True)
class Run:
    """One manifest, with what is needed to choose among manifests."""

    info: ObjectInfo
    found: Found
    type: str
    export: str = ""
    days: Days | None = None


def manifests(listing: Listing) -> list[ObjectInfo]:
    """Return the listed manifests of runs."""
    return [info for info, _ in listing.matching(_MANIFEST)]


def runs_of(
    store: ObjectStore,
    listing: Listing,
    kind: ExportType,
    options: Mapping[str, Any],
) -> list[Run]:
    """Return the runs of one type; all others, as errors, where there is none.

    Price sheets and other exports lie beside by right: they are a mistake only where there is
    nothing else.
    """
    wanted = str(options.get(kind.name_option) or "")
    runs = [
        run
        for info, document, raw in read_manifests(store, manifests(listing))
        for run in _run(listing, kind, info, document, raw)
        if not wanted or not run.export or run.export.casefold() == wanted.casefold()
    ]
    return [run for run in runs if run.type == kind.name] or runs


def _run(
    listing: Listing,
    kind: ExportType,
    info: ObjectInfo,
    document: Mapping[str, Any] | CloudtallyError,
    raw: bytes,
) -> Iterator[Run]:
    if isinstance(document, CloudtallyError):
        found = unreadable(_month_hint(info, document), [info], document)
        yield Run(info, found, kind.name)
        return
    config = document.get("exportConfig")
    config = config if isinstance(config, dict) else {}
    stated, name = (_text(config, key) for key in ("type", "exportName"))
    try:
        if stated.casefold() != kind.name.casefold():
            raise _wrong_export(info, stated, kind)
        candidate = _candidate(listing, info, document, raw, _text(config, "dataVersion"))
        days = _days(info, _run_info(info, document))
        yield Run(info, candidate, kind.name, name, days)
    except CloudtallyError as error:
        found = unreadable(_month_hint(info, error), [info], at_fault(error))
        is_other = error.code == "CT-LAND-WRONG-EXPORT"
        yield Run(info, found, stated if is_other else kind.name, name)


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    return value if isinstance(value, str) else ""


def _run_info(info: ObjectInfo, document: Mapping[str, Any]) -> Mapping[str, Any]:
    run = document.get("runInfo")
    if not isinstance(run, dict) or not _text(run, "runId"):
        raise manifest_error(info.key, "it has no runInfo.runId")
    return run


def _candidate(
    listing: Listing, info: ObjectInfo, document: Mapping[str, Any], raw: bytes, version: str
) -> Candidate:
    run = _run_info(info, document)
    try:
        order = sortable_time(_text(run, "submittedTime"))
    except ValueError:
        raise manifest_error(info.key, "its runInfo.submittedTime is no moment") from None
    return Candidate(
        month=_month(info, run),
        native_id=_text(run, "runId"),
        order=order,
        manifest=info,
        manifest_bytes=raw,
        parts=tuple(_parts(listing, info, document)),
        rows=_count(document, "dataRowCount"),
        version=version,
    )


def _month(info: ObjectInfo, run: Mapping[str, Any]) -> Month:
    """Return the calendar month of a run; the end may lie inside it (month to date)."""
    first, last = (_DAY.match(_text(run, key)) for key in ("startDate", "endDate"))
    if first is None or last is None:
        raise manifest_error(info.key, "its runInfo has no startDate or no endDate")
    month = parse_month(first[1])
    after = f"{next_month(month):%Y-%m}"
    ends_at_midnight_after = (
        last[1] == after and last[2] == "01" and not (last[3] or "").strip("0:")
    )
    if first[2] != "01" or not (last[1] == first[1] or ends_at_midnight_after):
        raise manifest_error(
            info.key,
            f"it covers {first[0][:10]} to {last[0][:10]}, not one calendar month from its "
            "first day; set the export's time frame to the month",
        )
    return month


def _days(info: ObjectInfo, run: Mapping[str, Any]) -> Days:
    """Return the days of a run whose month is known; midnight after the month is its last day."""
    month = _month(info, run)
    last = _DAY.match(_text(run, "endDate"))
    try:
        stated = dt.date.fromisoformat(f"{last[1]}-{last[2]}" if last else "")
    except ValueError:
        raise manifest_error(info.key, "its runInfo.endDate is no day") from None
    return Days(month, min(stated, next_month(month) - dt.timedelta(days=1)))


def _parts(listing: Listing, info: ObjectInfo, document: Mapping[str, Any]) -> Iterator[Part]:
    blobs = document.get("blobs")
    if not isinstance(blobs, list) or not all(isinstance(blob, dict) for blob in blobs):
        raise manifest_error(info.key, "it has no list of blobs")
    names = [_text(blob, "blobName") for blob in blobs]
    if not all(names) or len(set(names)) < len(names):
        raise manifest_error(info.key, "it names a blob twice, or one has no name")
    stated = _count(document, "blobCount")
    if stated != len(blobs):
        raise manifest_error(info.key, f"it states {stated} blobs and lists {len(blobs)}")
    for blob, name in zip(blobs, names, strict=True):
        yield Part(
            name=name,
            info=_blob(listing, info, name),
            rows=_count(blob, "dataRowCount"),
            bytes=_count(blob, "byteCount"),
        )


def _blob(listing: Listing, manifest: ObjectInfo, name: str) -> ObjectInfo | None:
    # In a copied estate the container's own path is gone; the folder of the run is not.
    return listing.resolve(name) or listing.beside(manifest, name.rpartition("/")[2])


def _count(document: Mapping[str, Any], key: str) -> int | None:
    value = document.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _wrong_export(info: ObjectInfo, stated: str, kind: ExportType) -> CloudtallyError:
    article = "an" if stated[:1].lower() in tuple("aeiou") else "a"
    what = f"this is {article} {stated} export" if stated else "this export does not state its type"
    create = "an" if kind.name[:1] in tuple("AEIOU") else "a"
    return CloudtallyError(
        "CT-LAND-WRONG-EXPORT",
        f"A manifest announces another kind of data: {what}; create {create} {kind.name} export.",
        where={"file": info.key},
        kept="the last accepted delivery stays current.",
        next_step=f"Cost Management > Exports > {kind.template}.",
    )


def _month_hint(info: ObjectInfo, error: CloudtallyError) -> Month:
    """Return the month that an unusable manifest is about, as well as can be told."""
    in_path = _month_of_path(info.key)
    if in_path is not None:
        return in_path
    if info.modified is None:
        raise error
    return month_of(info.modified)


def _month_of_path(key: str) -> Month | None:
    match = _RANGE.search(key)
    return parse_month(f"{match[1]}-{match[2]}") if match else None


def one_export_a_month(runs: Iterable[Run], kind: ExportType) -> Iterator[Run]:
    """Refuse to choose the newest of two exports: the other's accounts would vanish."""
    months: dict[Month, list[Run]] = defaultdict(list)
    for run in runs:
        months[run.found.month].append(run)
    for month, of_month in sorted(months.items()):
        names = {run.export for run in of_month if isinstance(run.found, Candidate)}
        if len(names) > 1:
            yield replace(of_month[0], found=_two_exports(month, of_month, names, kind), days=None)
        else:
            yield from of_month


def _two_exports(month: Month, runs: list[Run], names: set[str], kind: ExportType) -> Unreadable:
    error = CloudtallyError(
        "CT-LAND-TWO-EXPORTS",
        "A location holds more than one export of a month.",
        where={"month": f"{month:%Y-%m}", "exports": ", ".join(sorted(names))},
        kept="the last accepted delivery stays current.",
        next_step=f"Make each export a source of its own: `options: {{{kind.name_option}: ...}}`.",
    )
    return unreadable(month, [run.info for run in runs], error)


def without_manifest(listing: Listing, announced: set[Month]) -> Iterator[Unreadable]:
    """Report months that have data files and no run: Azure writes the manifest last."""
    folders = {info.key.rpartition("/")[0] for info in manifests(listing)}
    months: dict[Month, list[ObjectInfo]] = defaultdict(list)
    for info, _ in listing.matching(_DATA):
        month = _month_of_path(info.key)
        if month and month not in announced and info.key.rpartition("/")[0] not in folders:
            months[month].append(info)
    for month, files in sorted(months.items()):
        yield unreadable(month, files, _no_manifest(month, files))


def _no_manifest(month: Month, files: list[ObjectInfo]) -> CloudtallyError:
    return CloudtallyError(
        "CT-LAND-NO-MANIFEST",
        "A month has data files and no manifest: Azure writes it last, so the run isn't whole.",
        where={"month": f"{month:%Y-%m}", "files": len(files), "first": files[0].key},
        kept="the last accepted delivery stays current.",
        next_step="Wait for manifest.json, or restore it if it was lost in a copy.",
    )
