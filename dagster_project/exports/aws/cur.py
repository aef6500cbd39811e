"""The legacy AWS Cost and Usage Report.

    <report>/<yyyymmdd>-<yyyymmdd>/<report>-Manifest.json
    <report>/<yyyymmdd>-<yyyymmdd>/<assembly>/<report>-Manifest.json

A report that overwrites keeps one manifest per month. One that creates new files keeps a manifest
per assembly, and a copy of the newest above them. Data files lie beside a manifest, or as Parquet
below `<report>/year=<yyyy>/month=<m>/`: the manifest names them (`reportKeys`), and nothing else is
read.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dagster_project.errors import CloudtallyError
from dagster_project.exports.aws.cur_columns import legacy_schemas
from dagster_project.exports.aws.data_exports import file_names, no_manifest, two_exports
from dagster_project.exports.base import (
    Candidate,
    DeclaredExport,
    Found,
    Listing,
    Part,
    Unreadable,
    at_fault,
    manifest_error,
    modified_order,
    read_manifests,
    unreadable,
)
from dagster_project.months import Month, parse_month
from dagster_project.stores.base import ObjectInfo, ObjectStore

_FIRST_DAY = r"(?P<year>(?:19|20)[0-9]{2})(?P<month>0[1-9]|1[0-2])01"
_MANIFEST = re.compile(
    rf"^(?P<report>.*?)/?{_FIRST_DAY}-[0-9]{{8}}/(?:(?P<assembly>[^/]+)/)?[^/]*Manifest\.json$",
    re.IGNORECASE,
)
_DATA = re.compile(
    rf"(?:^|/)(?:{_FIRST_DAY}-[0-9]{{8}}"
    r"|year=(?P<parquet_year>(?:19|20)[0-9]{2})/month=(?P<parquet_month>[0-9]{1,2}))"
    r"/(?:[^/]+/)?[^/]+\.(?:csv|csv\.gz|csv\.zip|parquet)$",
    re.IGNORECASE,
)
_STARTS_MONTH = re.compile(r"^([0-9]{4})-?([0-9]{2})-?01")


@dataclass(frozen=True)
class _Announced:
    """A manifest as its place names it."""

    info: ObjectInfo
    report: str
    month: Month
    is_newest: bool


def find(store: ObjectStore, options: Mapping[str, Any]) -> Iterator[Found]:
    """Yield every assembly of every billing month."""
    listing = Listing(store.list())
    announced = [_announced(info, match) for info, match in listing.matching(_MANIFEST)]
    doubled = list(_two_reports(announced))
    yield from doubled
    refused = {problem.month for problem in doubled}
    by_key = {item.info.key: item for item in announced if item.month not in refused}
    found: list[tuple[_Announced, Found]] = []
    for info, document, raw in read_manifests(store, [item.info for item in by_key.values()]):
        found.append((by_key[info.key], _candidate(listing, by_key[info.key], document, raw)))
    yield from _once_each(found)
    yield from _unannounced(listing, {item.month for item in announced})


def _announced(info: ObjectInfo, match: re.Match[str]) -> _Announced:
    month = parse_month(f"{match['year']}-{match['month']}")
    return _Announced(info, match["report"], month, is_newest=match["assembly"] is None)


def _two_reports(announced: list[_Announced]) -> Iterator[Unreadable]:
    """Refuse to choose between two reports: the other's accounts would vanish."""
    by_month: dict[Month, list[_Announced]] = defaultdict(list)
    for item in announced:
        by_month[item.month].append(item)
    for month, items in sorted(by_month.items()):
        roots = sorted({item.report for item in items})
        if len(roots) > 1:
            yield two_exports(month, roots, [item.info for item in items])


def _candidate(
    listing: Listing,
    announced: _Announced,
    document: Mapping[str, Any] | CloudtallyError,
    raw: bytes,
) -> Found:
    info = announced.info
    if isinstance(document, CloudtallyError):
        return unreadable(announced.month, [info], document)
    try:
        assembly = _assembly(document, announced)
        parts = tuple(
            Part(name=name, info=listing.resolve(name))
            for name in file_names(document, "reportKeys", info)
        )
    except CloudtallyError as error:
        return unreadable(announced.month, [info], at_fault(error))
    return Candidate(
        month=announced.month,
        native_id=assembly,
        order=modified_order([info]),
        manifest=info,
        manifest_bytes=raw,
        parts=parts,
    )


def _assembly(document: Mapping[str, Any], announced: _Announced) -> str:
    """Return the id of the refresh, once the manifest speaks of the month of its folder."""
    assembly, period = document.get("assemblyId"), document.get("billingPeriod")
    if not isinstance(assembly, str) or not assembly:
        raise manifest_error(announced.info.key, "it has no assemblyId")
    start = period.get("start") if isinstance(period, dict) else None
    stated = _STARTS_MONTH.match(start) if isinstance(start, str) else None
    if stated is None or f"{stated[1]}-{stated[2]}" != f"{announced.month:%Y-%m}":
        raise manifest_error(announced.info.key, "its billingPeriod is not the month of its folder")
    return assembly


def _once_each(found: list[tuple[_Announced, Found]]) -> Iterator[Found]:
    """Yield one candidate per assembly; the one that the upper manifest names is the newest.

    A copied bucket has the moment of the copy on all of its files, so that time alone can't tell.
    """
    kept: dict[tuple[Month, str], Candidate] = {}
    newest = set()
    for announced, item in found:
        if isinstance(item, Unreadable):
            yield item
            continue
        key = (item.month, item.native_id)
        if announced.is_newest:
            newest.add(key)
        other = kept.get(key)
        is_own = other is None or not announced.is_newest
        chosen = item if is_own else other
        kept[key] = replace(chosen or item, order=max(item.order, other.order if other else ""))
    for key, item in sorted(kept.items()):
        yield replace(item, order=f"{item.order} {int(key in newest)}")


def _unannounced(listing: Listing, announced: set[Month]) -> Iterator[Unreadable]:
    found: dict[Month, list[ObjectInfo]] = defaultdict(list)
    for info, match in listing.matching(_DATA):
        year = match["year"] or match["parquet_year"]
        month = parse_month(f"{year}-{int(match['month'] or match['parquet_month']):02d}")
        if month not in announced:
            found[month].append(info)
    for month, files in sorted(found.items()):
        yield no_manifest(month, files)


EXPORT = DeclaredExport(is_emissions=False, finder=find, declared=legacy_schemas())
