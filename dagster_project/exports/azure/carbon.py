"""Azure Carbon Optimization, item details of resources.

    <YYYY-MM>/manifest.json, scope1.jsonl, scope2.jsonl, scope3.jsonl

The service keeps twelve months, states no model version and restates silently: the moment of
retrieval is the version. A denied subscription yields no rows and no error, so the decisions on
access stay with the delivery. With `location: "api:"` the files come from the API itself.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dagster_project.errors import CloudtallyError
from dagster_project.exports.azure.carbon_api import SCOPES, open_api
from dagster_project.exports.base import (
    MONTH_PATTERN,
    Candidate,
    ColumnKind,
    DeclaredExport,
    Found,
    History,
    Listing,
    Part,
    Schema,
    at_fault,
    manifest_error,
    modified_order,
    read_manifests,
    sortable_time,
    unreadable,
)
from dagster_project.months import Month, month_key, parse_month
from dagster_project.stores.base import ObjectInfo, ObjectStore

_MANIFEST = re.compile(rf"(?:^|/)({MONTH_PATTERN})/manifest\.json$")
_DECISION_FIELDS = ("subscriptionId", "decision", "denialReason")


def find(store: ObjectStore, options: Mapping[str, Any]) -> Iterator[Found]:
    """Yield every retrieved usage month."""
    listing = Listing(store.list())
    months = {info.key: parse_month(match[1]) for info, match in listing.matching(_MANIFEST)}
    for info, document, raw in read_manifests(store, (listing.objects[key] for key in months)):
        yield _found(listing, months[info.key], info, document, raw)


def _found(
    listing: Listing,
    month: Month,
    info: ObjectInfo,
    document: Mapping[str, Any] | CloudtallyError,
    raw: bytes,
) -> Found:
    if isinstance(document, CloudtallyError):
        return unreadable(month, [info], document)
    try:
        return _candidate(listing, month, info, document, raw)
    except CloudtallyError as error:
        return unreadable(month, [info], at_fault(error))


def _candidate(
    listing: Listing, month: Month, info: ObjectInfo, document: Mapping[str, Any], raw: bytes
) -> Candidate:
    if document.get("month") != month_key(month):
        raise manifest_error(info.key, "its month is not the month of its folder")
    retrieved = _retrieved(info, document)
    parts = tuple(_parts(listing, info, document, month_key(month), retrieved))
    rows = [part.rows for part in parts if part.rows is not None]
    decisions = _decisions(info, document)
    denied = bool(decisions) and all(item["decision"] != "Allowed" for item in decisions)
    content = document.get("contentSha256")
    return Candidate(
        month=month,
        native_id=content if isinstance(content, str) else retrieved,
        order=retrieved,
        manifest=info,
        manifest_bytes=raw,
        parts=parts,
        rows=sum(rows) if len(rows) == len(parts) else None,
        may_be_empty=denied,
        note={"subscriptionAccessDecisions": decisions},
    )


def _retrieved(info: ObjectInfo, document: Mapping[str, Any]) -> str:
    """Return the moment of retrieval as text that sorts by time."""
    stated = document.get("retrievedAt")
    try:
        moment = sortable_time(stated) if isinstance(stated, str) else modified_order([info])
    except ValueError:
        moment = ""
    if not moment:
        raise manifest_error(info.key, "it does not say when it was retrieved (retrievedAt)")
    return moment


def _parts(
    listing: Listing, info: ObjectInfo, document: Mapping[str, Any], month: str, retrieved: str
) -> Iterator[Part]:
    files = document.get("files")
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise manifest_error(info.key, "it has no list of files")
    scopes = sorted(str(file.get("scope")) for file in files)
    if scopes != list(SCOPES):
        raise manifest_error(info.key, f"it needs one file for each of {', '.join(SCOPES)}")
    for file in files:
        name, rows = file.get("name"), file.get("rows")
        if not isinstance(name, str) or not name:
            raise manifest_error(info.key, "a file has no name")
        yield Part(
            name=name,
            info=listing.beside(info, name),
            rows=rows if isinstance(rows, int) and not isinstance(rows, bool) else None,
            constants={"scope": file["scope"], "retrieved_at": retrieved, "month": month},
        )


def _decisions(info: ObjectInfo, document: Mapping[str, Any]) -> list[dict[str, str | None]]:
    decisions = document.get("subscriptionAccessDecisions", [])
    if not isinstance(decisions, list) or not all(isinstance(item, dict) for item in decisions):
        raise manifest_error(info.key, "its subscriptionAccessDecisions are no list")
    return [
        {key: None if item.get(key) is None else str(item[key]) for key in _DECISION_FIELDS}
        for item in decisions
    ]


_TEXTS = (
    "dataType",
    "itemName",
    "categoryType",
    "subscriptionId",
    "resourceGroup",
    "resourceId",
    "location",
    "resourceType",
)
_AMOUNTS = (
    "latestMonthEmissions",
    "previousMonthEmissions",
    "monthOverMonthEmissionsChangeRatio",
    "monthlyEmissionsChangeValue",
)

SCHEMA = Schema(
    version="2025-04-01",
    columns={
        **dict.fromkeys(_TEXTS, ColumnKind.TEXT),
        **dict.fromkeys(_AMOUNTS, ColumnKind.DECIMAL),
    },
    mandatory=frozenset({"subscriptionId", "resourceId", "latestMonthEmissions"}),
    totals=("latestMonthEmissions",),
    period=None,
    days=None,
    accounts=("subscriptionId",),
    extensible=False,
)

EXPORT = DeclaredExport(
    is_emissions=True,
    finder=find,
    declared=(SCHEMA,),
    api=open_api,
    history=History(
        months=12, advice="Azure keeps twelve months of emissions; older ones are lost there."
    ),
)
