"""The layout that all AWS Data Exports share.

    <export>/data/<PERIOD>=YYYY-MM/[<execution>/]*.parquet|*.csv.gz
    <export>/metadata/<PERIOD>=YYYY-MM/[<execution>/]<export>-Manifest.json

AWS writes the manifest after all data files. `OVERWRITE_REPORT` replaces files in place,
`CREATE_NEW_REPORT` keeps every refresh under its execution id: reading all files of a month
counts it once per refresh (3.19 times the true cost over four real snapshots). So the files of a
delivery are those that one manifest names, and nothing else.
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
    manifest_error,
    read_manifests,
    unreadable,
)
from dagster_project.months import Month, parse_month
from dagster_project.stores.base import ObjectInfo, ObjectStore

_STARTS_WITH_TIME = re.compile(r"^\d{4}-\d{2}-\d{2}T[\d:.]+Z")

_Unit = tuple[Month, str]
_Manifests = dict[_Unit, dict[str, list[ObjectInfo]]]


def find_bills(store: ObjectStore, options: Mapping[str, Any]) -> Iterator[Found]:
    """Yield every refresh of every billing month, as FOCUS and CUR 2.0 exports lay them out."""
    yield from find(store, period="BILLING_PERIOD")


def find(
    store: ObjectStore, *, period: str, partition: str = "", may_be_empty: bool = False
) -> Iterator[Found]:
    """Yield every delivery of a Data Exports location.

    Args:
        store: Rooted at the export or at a folder above it.
        period: Name of the month partition, `BILLING_PERIOD` or `usage_period`.
        partition: Pattern for the name of a partition above it that tells variants apart.
        may_be_empty: Whether AWS writes empty files for months without data.
    """
    listing = Listing(store.list())
    variants = rf"(?:(?:{partition})=(?P<variant>[^/]+)/)?" if partition else "(?P<variant>)"
    unit = rf"{variants}{period}=(?P<month>{MONTH_PATTERN})/"
    announced = _announced(listing, unit)
    clear: dict[str, _Unit] = {}
    for key, folders in sorted(announced.items()):
        problem = _two_exports(key, folders) or _two_manifests(key, folders)
        if problem is None:
            clear |= {infos[0].key: key for infos in folders.values()}
        else:
            yield problem
    for info, document, raw in read_manifests(store, (listing.objects[key] for key in clear)):
        yield _candidate(listing, clear[info.key], info, document, raw, may_be_empty)
    yield from _unannounced(listing, unit, announced)


def _announced(listing: Listing, unit: str) -> _Manifests:
    """Return manifests by unit and folder."""
    pattern = re.compile(rf"(?:^|/)metadata/{unit}.*Manifest\.json$", re.IGNORECASE)
    found: _Manifests = defaultdict(lambda: defaultdict(list))
    for info, match in listing.matching(pattern):
        found[_unit(match)][info.key.rpartition("/")[0]].append(info)
    return found


def _unannounced(listing: Listing, unit: str, announced: _Manifests) -> Iterator[Unreadable]:
    pattern = re.compile(rf"(?:^|/)data/{unit}.*\.(?:parquet|csv\.gz|csv)$", re.IGNORECASE)
    found: dict[_Unit, list[ObjectInfo]] = defaultdict(list)
    for info, match in listing.matching(pattern):
        if _unit(match) not in announced:
            found[_unit(match)].append(info)
    for key, files in sorted(found.items()):
        yield no_manifest(key[0], files, key[1])


def _unit(match: re.Match[str]) -> _Unit:
    return parse_month(match["month"]), match["variant"] or ""


def _candidate(
    listing: Listing,
    unit: _Unit,
    manifest: ObjectInfo,
    document: Mapping[str, Any] | CloudtallyError,
    raw: bytes,
    may_be_empty: bool,
) -> Found:
    month, variant = unit
    if isinstance(document, CloudtallyError):
        return unreadable(month, [manifest], document, variant)
    try:
        execution = _execution(document, manifest)
        parts = tuple(_part(listing, name) for name in file_names(document, "dataFiles", manifest))
    except CloudtallyError as error:
        return unreadable(month, [manifest], at_fault(error), variant)
    started = _STARTS_WITH_TIME.match(execution)
    modified = manifest.modified.isoformat() if manifest.modified else ""
    return Candidate(
        month=month,
        variant=variant,
        native_id=execution,
        order=started[0] if started else modified,
        manifest=manifest,
        manifest_bytes=raw,
        parts=parts,
        columns=_columns(document),
        may_be_empty=may_be_empty,
    )


def _execution(document: Mapping[str, Any], manifest: ObjectInfo) -> str:
    execution = document.get("executionId") or document.get("assemblyId")
    if not isinstance(execution, str):
        raise manifest_error(manifest.key, "it has no executionId")
    return execution


def file_names(document: Mapping[str, Any], key: str, manifest: ObjectInfo) -> list[str]:
    """Return the data files that a manifest lists under a key.

    Raises:
        CloudtallyError: CT-LAND-MANIFEST when it has no such list, or one with a name twice.
    """
    names = document.get(key)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise manifest_error(manifest.key, f"it has no list of {key}")
    if len(set(names)) < len(names):
        raise manifest_error(manifest.key, "it names a data file twice")
    return names


def _part(listing: Listing, name: str) -> Part:
    return Part(name=name, info=listing.resolve(name))


def _columns(document: Mapping[str, Any]) -> tuple[str, ...] | None:
    columns = document.get("columns")
    if not isinstance(columns, list):
        return None
    names = [column.get("name") for column in columns if isinstance(column, dict)]
    return tuple(name for name in names if isinstance(name, str)) or None


def _two_exports(unit: _Unit, folders: Mapping[str, list[ObjectInfo]]) -> Unreadable | None:
    """Refuse to choose the newest of two exports: the other's accounts would vanish."""
    roots = sorted({re.split(r"(?:^|/)metadata/", f"{folder}/")[0] for folder in folders})
    return None if len(roots) == 1 else two_exports(unit[0], roots, _all(folders), unit[1])


def two_exports(
    month: Month, roots: list[str], infos: list[ObjectInfo], variant: str = ""
) -> Unreadable:
    """Return what is reported for a month of which a location holds several exports."""
    error = CloudtallyError(
        "CT-LAND-TWO-EXPORTS",
        "A location holds more than one export of a month.",
        where={"month": f"{month:%Y-%m}", "exports": ", ".join(roots)},
        kept="the last accepted delivery stays current.",
        next_step="Make each export a source of its own, with its own folder as location.",
    )
    return unreadable(month, infos, error, variant)


def _two_manifests(unit: _Unit, folders: Mapping[str, list[ObjectInfo]]) -> Unreadable | None:
    doubled = [info for found in folders.values() if len(found) > 1 for info in found]
    if not doubled:
        return None
    error = CloudtallyError(
        "CT-LAND-TWO-MANIFESTS",
        "A month has two manifests in one folder, so it is unclear which files belong to it.",
        where={"manifests": ", ".join(info.key for info in doubled)},
        kept="the last accepted delivery stays current.",
        next_step="Point the source at one export's own folder, or remove the stale manifest.",
    )
    return unreadable(unit[0], _all(folders), error, unit[1])


def _all(folders: Mapping[str, list[ObjectInfo]]) -> list[ObjectInfo]:
    return [info for found in folders.values() for info in found]


def no_manifest(month: Month, files: list[ObjectInfo], variant: str = "") -> Unreadable:
    """Return what is reported for a month of data files without a manifest."""
    error = CloudtallyError(
        "CT-LAND-NO-MANIFEST",
        "A month has data files and no manifest: AWS writes it last, so the delivery isn't whole.",
        where={"month": f"{month:%Y-%m}", "files": len(files), "first": files[0].key},
        kept="the last accepted delivery stays current.",
        next_step="Wait for the manifest, or restore metadata/ if it was lost in a copy.",
    )
    return unreadable(month, files, error, variant)
