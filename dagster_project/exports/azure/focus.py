"""Azure FocusCost exports.

    <path>/<export>/<yyyymmdd-yyyymmdd>/<run>/manifest.json             and part files, or
    <path>/<yyyymmdd-yyyymmdd>/<export>/<yyyymmddhhmm>/<run>/manifest.json

Both orders are seen in the wild, so no path says what belongs to a delivery: the blobs that the
manifest names do. Every run exports the month to date in full; the last run of a month counts.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import (
    Candidate,
    DeclaredExport,
    Found,
    Listing,
    Part,
    Unreadable,
    at_fault,
    focus_schema,
    manifest_error,
    read_manifests,
    sortable_time,
    unreadable,
)
from dagster_project.months import Month, month_of, next_month, parse_month
from dagster_project.stores.base import ObjectInfo, ObjectStore

EXPORT_TYPE = "FocusCost"

_MANIFEST = re.compile(r"(?:^|/)manifest\.json$", re.IGNORECASE)
_DATA = re.compile(r"\.(?:csv|csv\.gz|parquet)$", re.IGNORECASE)
_RANGE = re.compile(r"(?:^|/)((?!0000)[0-9]{4})(0[1-9]|1[0-2])[0-9]{2}-[0-9]{8}(?:/|$)")
_DAY = re.compile(r"^((?!0000)[0-9]{4}-(?:0[1-9]|1[0-2]))-([0-9]{2})(?:T([0-9:]+))?")


@dataclass(frozen=True)
class _Run:
    """One manifest, with what is needed to choose among manifests."""

    info: ObjectInfo
    found: Found
    type: str = EXPORT_TYPE
    export: str = ""


def find(store: ObjectStore, options: Mapping[str, Any]) -> Iterator[Found]:
    """Yield every run of every billing month.

    Option `export_name` picks one export where a location holds several.
    """
    listing = Listing(store.list())
    infos = [info for info, _ in listing.matching(_MANIFEST)]
    wanted = str(options.get("export_name") or "")
    runs = [
        run
        for info, document, raw in read_manifests(store, infos)
        for run in _run(listing, info, document, raw)
        if not wanted or not run.export or run.export.casefold() == wanted.casefold()
    ]
    # Price sheets and actual costs lie beside FocusCost exports by right: they are a mistake
    # only where there is nothing else.
    focus = [run for run in runs if run.type == EXPORT_TYPE] or runs
    yield from _one_export_a_month(focus)
    yield from _without_manifest(listing, infos, {run.found.month for run in focus})


def _run(
    listing: Listing,
    info: ObjectInfo,
    document: Mapping[str, Any] | CloudtallyError,
    raw: bytes,
) -> Iterator[_Run]:
    if isinstance(document, CloudtallyError):
        yield _Run(info, unreadable(_month_hint(info, document), [info], document))
        return
    config = document.get("exportConfig")
    config = config if isinstance(config, dict) else {}
    kind, name = (_text(config, key) for key in ("type", "exportName"))
    try:
        if kind.casefold() != EXPORT_TYPE.casefold():
            raise _wrong_export(info, kind)
        candidate = _candidate(listing, info, document, raw, _text(config, "dataVersion"))
        yield _Run(info, candidate, EXPORT_TYPE, name)
    except CloudtallyError as error:
        found = unreadable(_month_hint(info, error), [info], at_fault(error))
        yield _Run(info, found, kind if error.code == "CT-LAND-WRONG-EXPORT" else EXPORT_TYPE, name)


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    return value if isinstance(value, str) else ""


def _candidate(
    listing: Listing, info: ObjectInfo, document: Mapping[str, Any], raw: bytes, version: str
) -> Candidate:
    run = document.get("runInfo")
    if not isinstance(run, dict) or not _text(run, "runId"):
        raise manifest_error(info.key, "it has no runInfo.runId")
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


def _wrong_export(info: ObjectInfo, kind: str) -> CloudtallyError:
    article = "an" if kind[:1].lower() in tuple("aeiou") else "a"
    what = f"this is {article} {kind} export" if kind else "this export does not state its type"
    return CloudtallyError(
        "CT-LAND-WRONG-EXPORT",
        f"A manifest announces another kind of data: {what}; create a {EXPORT_TYPE} export.",
        where={"file": info.key},
        kept="the last accepted delivery stays current.",
        next_step="Cost Management > Exports > Cost and usage details (FOCUS).",
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


def _one_export_a_month(runs: list[_Run]) -> Iterator[Found]:
    """Refuse to choose the newest of two exports: the other's accounts would vanish."""
    months: dict[Month, list[_Run]] = defaultdict(list)
    for run in runs:
        months[run.found.month].append(run)
    for month, of_month in sorted(months.items()):
        names = {run.export for run in of_month if isinstance(run.found, Candidate)}
        if len(names) > 1:
            yield _two_exports(month, of_month, names)
        else:
            yield from (run.found for run in of_month)


def _two_exports(month: Month, runs: list[_Run], names: set[str]) -> Unreadable:
    error = CloudtallyError(
        "CT-LAND-TWO-EXPORTS",
        "A location holds more than one export of a month.",
        where={"month": f"{month:%Y-%m}", "exports": ", ".join(sorted(names))},
        kept="the last accepted delivery stays current.",
        next_step="Make each export a source of its own: `options: {export_name: ...}`.",
    )
    return unreadable(month, [run.info for run in runs], error)


def _without_manifest(
    listing: Listing, manifests: list[ObjectInfo], announced: set[Month]
) -> Iterator[Unreadable]:
    """Report months that have data files and no run: Azure writes the manifest last."""
    folders = {info.key.rpartition("/")[0] for info in manifests}
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


# Microsoft delivers these two since 1.0, FOCUS defines them since 1.2.
_AHEAD = frozenset({"BillingAccountType", "SubAccountType"})

EXPORT = DeclaredExport(
    is_emissions=False,
    finder=find,
    declared=(
        focus_schema("1.2", name="1.2-preview"),
        focus_schema("1.0", name="1.0r2", extras=_AHEAD),
        focus_schema("1.0", extras=_AHEAD),
    ),
)
