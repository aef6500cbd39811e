"""Fetches a delivery and archives it: complete or not at all.

Written to `.incoming/`, synced, renamed, made read-only; never changed afterwards. A killed
fetch leaves only `.incoming/`, which the next one resumes.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import Candidate, Schema, match_schema
from dagster_project.landing.delivery import (
    Delivery,
    LandedPart,
    identify,
    now_text,
    read_delivery,
)
from dagster_project.landing.totals import Tally, header, shape_and_add
from dagster_project.paths import Home
from dagster_project.settings import SourceConfig
from dagster_project.stores.base import ObjectStore
from dagster_project.stores.transfer import Downloaded, download_all

PROVIDER_MANIFEST = "provider-manifest.json"
KNOWN_SUFFIXES = (".csv.gz", ".csv", ".parquet", ".jsonl.gz", ".json.gz", ".jsonl", ".json",
                  ".ndjson", ".avro")

Progress = Callable[[int], None]


def fetch(
    store: ObjectStore,
    source: SourceConfig,
    candidate: Candidate,
    schemas: list[Schema],
    home: Home,
    progress: Progress | None = None,
) -> tuple[Delivery, Path]:
    """Archive a delivery and return our manifest with its folder.

    Raises:
        CloudtallyError: whatever makes the delivery unusable; CT-STORE-* when it may be tried
            again, any other code when the delivery itself is at fault.
    """
    _refuse_missing_parts(candidate)
    _refuse_wrong_sizes(candidate)
    staging = home.incoming / source.name / candidate.signature[:32]
    downloads = _download(store, candidate, staging, progress)
    delivery_id = identify(source, candidate, [item.sha256 for item in downloads])
    target = home.landed(source.name, candidate.month, delivery_id)
    if target.exists():
        shutil.rmtree(staging)
        return read_delivery(target), target
    delivery = _describe(source, candidate, schemas, delivery_id, downloads, staging)
    _seal(delivery, candidate, staging, target)
    return delivery, target


def _refuse_missing_parts(candidate: Candidate) -> None:
    if not candidate.missing:
        return
    raise CloudtallyError(
        "CT-LAND-PART-MISSING",
        f"{len(candidate.missing)} of {len(candidate.parts)} parts that the manifest names are "
        "not there.",
        where={
            "month": f"{candidate.month:%Y-%m}",
            "manifest": candidate.manifest.key if candidate.manifest else None,
            "first missing": candidate.missing[0],
        },
        kept="the last accepted delivery stays current.",
        next_step="Wait until the delivery is complete, or have it exported again.",
    )


def _refuse_wrong_sizes(candidate: Candidate) -> None:
    for part in candidate.parts:
        if part.info and part.bytes is not None and part.bytes != part.info.size:
            raise CloudtallyError(
                "CT-LAND-SIZE",
                f"A part has {part.info.size} bytes; its manifest says {part.bytes}.",
                where={"file": part.name, "month": f"{candidate.month:%Y-%m}"},
                kept="the last accepted delivery stays current.",
                next_step="Have the provider deliver the month again.",
            )


def _download(
    store: ObjectStore, candidate: Candidate, staging: Path, progress: Progress | None
) -> list[Downloaded]:
    staging.mkdir(parents=True, exist_ok=True)
    jobs = [
        (part.info, staging / _file_name(index, part.name))
        for index, part in enumerate(candidate.parts)
        if part.info is not None
    ]
    return download_all(store, jobs, progress=progress)


def _file_name(index: int, name: str) -> str:
    """Name an archived part by its position: a provider's key never becomes a path."""
    lower = name.lower()
    suffix = next((known for known in KNOWN_SUFFIXES if lower.endswith(known)), ".bin")
    return f"{index:05d}{suffix}"


def _describe(
    source: SourceConfig,
    candidate: Candidate,
    schemas: list[Schema],
    delivery_id: str,
    downloads: list[Downloaded],
    staging: Path,
) -> Delivery:
    schema = _schema_of(candidate, schemas, downloads)
    tally = Tally(schema)
    parts = tuple(
        _landed(part_name.name, part_name.constants, download, tally)
        for part_name, download in zip(candidate.parts, downloads, strict=True)
    )
    totals = tally.totals()
    _refuse_other_counts(candidate, parts, totals.rows, dict(totals.sums))
    return Delivery(
        delivery_id=delivery_id,
        source=source.name,
        provider=source.provider,
        export=source.export,
        month=candidate.month,
        variant=candidate.variant,
        native_id=candidate.native_id,
        order=candidate.order,
        unmanifested=not candidate.is_manifested,
        fetched_at=now_text(),
        schema_version=schema.version,
        unknown_columns=_unknown_columns(schema, parts),
        parts=parts,
        totals=totals,
        note=dict(candidate.note),
    )


def _schema_of(
    candidate: Candidate, schemas: list[Schema], downloads: list[Downloaded]
) -> Schema:
    columns: dict[str, None] = {}
    for part, download in zip(candidate.parts, downloads, strict=True):
        columns |= dict.fromkeys(header(download.path, part.name))
    if not columns and candidate.may_be_empty:
        return schemas[0]
    if not columns:
        raise CloudtallyError(
            "CT-LAND-EMPTY",
            "The delivery holds no rows and no columns.",
            where={"month": f"{candidate.month:%Y-%m}", "parts": len(candidate.parts)},
            kept="the last accepted delivery stays current.",
            next_step="Check the export's configuration at the provider.",
        )
    return match_schema(list(columns), schemas, stated=candidate.version)


def _landed(
    name: str, constants: object, download: Downloaded, tally: Tally
) -> LandedPart:
    shape = shape_and_add(download.path, name, tally)
    return LandedPart(
        name=name,
        key=download.info.key,
        file=download.path.name,
        etag=download.info.etag,
        version=download.info.version,
        bytes=download.size,
        sha256=download.sha256,
        rows=shape.rows,
        columns=shape.columns,
        constants=dict(constants),  # type: ignore[call-overload]
    )


def _refuse_other_counts(
    candidate: Candidate, parts: tuple[LandedPart, ...], rows: int, sums: dict[str, str]
) -> None:
    for stated, landed in zip(candidate.parts, parts, strict=True):
        if stated.rows is not None and stated.rows != landed.rows:
            raise _other_count(landed.name, "rows", stated.rows, landed.rows, candidate)
    if candidate.rows is not None and candidate.rows != rows:
        raise _other_count("all parts", "rows", candidate.rows, rows, candidate)
    from decimal import Decimal

    for column, text in candidate.sums.items():
        if column in sums and Decimal(text) != Decimal(sums[column]):
            raise _other_count("all parts", column, text, sums[column], candidate)


def _other_count(
    part: str, what: str, stated: object, found: object, candidate: Candidate
) -> CloudtallyError:
    return CloudtallyError(
        "CT-LAND-COUNT",
        f"The files hold {what} = {found}; the manifest says {stated}.",
        where={"file": part, "month": f"{candidate.month:%Y-%m}"},
        kept="the bytes stay in landing/.incoming, the last accepted delivery stays current.",
        next_step="Have the provider deliver the month again.",
    )


def _unknown_columns(schema: Schema, parts: tuple[LandedPart, ...]) -> tuple[str, ...]:
    names = {name for part in parts for name in part.columns}
    return tuple(
        sorted(
            name
            for name in names - set(schema.columns)
            if not (schema.extensible and name.startswith("x_"))
        )
    )


def _seal(delivery: Delivery, candidate: Candidate, staging: Path, target: Path) -> None:
    if candidate.manifest_bytes:
        (staging / PROVIDER_MANIFEST).write_bytes(candidate.manifest_bytes)
    delivery.write(staging)
    for file in staging.iterdir():
        file.chmod(0o444)
    sync_folder(staging)
    target.parent.mkdir(parents=True, exist_ok=True)
    staging.rename(target)
    sync_folder(target.parent, files=False)


def sync_folder(folder: Path, *, files: bool = True) -> None:
    """Flush a folder, and its files, to the disk."""
    paths = [*folder.iterdir(), folder] if files else [folder]
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
