"""Fetches a delivery and archives it: complete or not at all.

Written to `.incoming/`, synced, renamed, made read-only; never changed afterwards. A killed
fetch leaves only `.incoming/`, which the next one resumes.
"""

import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import Candidate, Part, Schema, match_schema
from dagster_project.files import remove_if_empty, sync_folder
from dagster_project.landing.delivery import (
    Delivery,
    LandedPart,
    identify,
    now_text,
    read_delivery,
)
from dagster_project.landing.readers import columns_of, states_columns
from dagster_project.landing.totals import Tally, shape_and_add
from dagster_project.months import ALL_MONTHS, Month
from dagster_project.paths import Home
from dagster_project.settings import SourceConfig
from dagster_project.stores.base import ObjectInfo, ObjectStore
from dagster_project.stores.transfer import Downloaded, download_all

PROVIDER_MANIFEST = "provider-manifest.json"
KNOWN_SUFFIXES = (
    ".csv.gz",
    ".csv.zip",
    ".csv",
    ".parquet",
    ".jsonl.gz",
    ".json.gz",
    ".jsonl",
    ".json",
    ".ndjson",
    ".avro",
)
_LARGEST_TOTAL = Decimal("1e20")
_READ_BYTES = 1 << 20

Progress = Callable[[int], None]


def fetch(
    store: ObjectStore,
    source: SourceConfig,
    candidate: Candidate,
    schemas: list[Schema],
    home: Home,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> tuple[Delivery, Path]:
    """Archive a delivery, unless it is archived already, and return our manifest and its folder.

    Different deliveries may be archived at the same time; setting `stop` ends the download early.

    Raises:
        CloudtallyError: whatever makes the delivery unusable; CT-STORE-* when it may be tried
            again, any other code when the delivery itself is at fault.
        OSError: the home can't be written or read.
    """
    landed = landed_before(home, source.name, candidate.month, candidate.signature)
    if landed is not None:
        return landed
    _refuse_missing_parts(candidate)
    _refuse_doubled_parts(candidate)
    _refuse_wrong_sizes(candidate)
    staging = staging_folder(home, source.name, candidate)
    downloads = _download(store, candidate, staging, progress, stop)
    _refuse_other_bytes(candidate, downloads)
    delivery_id = identify(source, candidate, [item.sha256 for item in downloads])
    target = home.landed(source.name, candidate.month, delivery_id)
    if not target.exists():
        delivery = _describe(source, candidate, schemas, delivery_id, downloads)
        _seal(delivery, candidate, staging, target)
    shutil.rmtree(staging, ignore_errors=True)
    return read_delivery(target), target


def landed_before(
    home: Home, source: str, month: Month, signature: str
) -> tuple[Delivery, Path] | None:
    """Return the archived delivery that was listed exactly like this, if there is one."""
    for folder in sorted(home.landed(source, month, "-").parent.glob("*/")):
        delivery = read_delivery(folder)
        if delivery.signature == signature:
            return delivery, folder
    return None


def staging_folder(home: Home, source: str, candidate: Candidate) -> Path:
    """Return the folder in which a delivery is put together; its name stands for the listing."""
    unit = _unit_staging(home, source, candidate.month, candidate.variant)
    return unit / candidate.signature[:32]


def clear_staging(
    home: Home, source: str, month: Month, variant: str, keep: Path | None = None
) -> None:
    """Remove what was fetched of a unit and never archived, but for one delivery."""
    unit = _unit_staging(home, source, month, variant)
    for folder in unit.glob("*/"):
        if folder != keep:
            shutil.rmtree(folder, ignore_errors=True)
    remove_if_empty(unit)


def tidy_staging(home: Home, source: str) -> None:
    """Remove a source's staging folder if nothing is left in it; nothing may be fetched now."""
    remove_if_empty(home.incoming / source)


def _unit_staging(home: Home, source: str, month: Month, variant: str) -> Path:
    # A variant is part of a provider's key: hashed, because no key ever becomes a path.
    version = f"-{hashlib.sha256(variant.encode()).hexdigest()[:8]}" if variant else ""
    name = "all" if month == ALL_MONTHS else f"{month:%Y-%m}"
    return home.incoming / source / f"{name}{version}"


def _refuse_missing_parts(candidate: Candidate) -> None:
    if not candidate.missing:
        return
    raise CloudtallyError(
        "CT-LAND-PART-MISSING",
        f"{len(candidate.missing)} of {len(candidate.parts)} parts that the manifest names are "
        "not there.",
        where={
            "manifest": candidate.manifest.key if candidate.manifest else None,
            "first missing": candidate.missing[0],
        },
        next_step="Wait until the delivery is complete, or have it exported again.",
    )


def _refuse_doubled_parts(candidate: Candidate) -> None:
    """Refuse a manifest that names one object in two ways: its rows would count twice."""
    keys = [part.info.key for part in candidate.parts if part.info]
    doubled = sorted({key for key in keys if keys.count(key) > 1}) if keys else []
    if doubled:
        raise CloudtallyError(
            "CT-LAND-MANIFEST",
            "A manifest can't be used: it names a data file twice.",
            where={
                "manifest": candidate.manifest.key if candidate.manifest else None,
                "file": doubled[0],
            },
            next_step="Wait for the provider's next delivery, or restore the manifest.",
        )


def _refuse_wrong_sizes(candidate: Candidate) -> None:
    for part in candidate.parts:
        if part.info and part.bytes is not None and part.bytes != part.info.size:
            raise CloudtallyError(
                "CT-LAND-SIZE",
                f"A part has {part.info.size} bytes; its manifest says {part.bytes}.",
                where={"file": part.name},
                next_step="Have the provider deliver the month again.",
            )
        if part.info and part.info.size == 0 and not _may_be_empty(candidate, part):
            raise CloudtallyError(
                "CT-LAND-EMPTY",
                "A file has no bytes at all, not even a header.",
                where={"file": part.name},
                next_step="Have the provider deliver the file again.",
            )


def _may_be_empty(candidate: Candidate, part: Part) -> bool:
    """Tell whether no bytes are no loss: stated so, usual, or proved by the stated rows."""
    is_counted = candidate.rows is not None or part.rows is not None
    return (
        candidate.may_be_empty or part.rows == 0 or (is_counted and not states_columns(part.name))
    )


def _download(
    store: ObjectStore,
    candidate: Candidate,
    staging: Path,
    progress: Progress | None,
    stop: threading.Event | None,
) -> list[Downloaded]:
    """Fetch the parts that an earlier try has not completed, and return all of them in order."""
    staging.mkdir(parents=True, exist_ok=True)
    jobs = list(_jobs(candidate, staging))
    missing = [job for job in jobs if not _is_complete(*job)]
    found = download_all(store, missing, progress=progress, stop=stop)
    fetched = {item.path: item for item in found}
    return [fetched.get(path) or _on_disk(info, path) for info, path in jobs]


def _jobs(candidate: Candidate, staging: Path) -> Iterator[tuple[ObjectInfo, Path]]:
    for index, part in enumerate(candidate.parts):
        if part.info is not None:
            yield part.info, staging / _file_name(index, part.name)


def _is_complete(info: ObjectInfo, path: Path) -> bool:
    """Tell whether a part is there: it got its name when whole, its folder names the listing."""
    return path.exists() and path.stat().st_size == info.size


def _on_disk(info: ObjectInfo, path: Path) -> Downloaded:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(_READ_BYTES):
            digest.update(data)
    return Downloaded(info, path, digest.hexdigest(), info.size)


def _refuse_other_bytes(candidate: Candidate, downloads: list[Downloaded]) -> None:
    for part, download in zip(candidate.parts, downloads, strict=True):
        if part.sha256 is not None and part.sha256 != download.sha256:
            raise CloudtallyError(
                "CT-LAND-CHECKSUM",
                "A part's bytes are not those that its manifest names: the SHA-256 differs.",
                where={"file": part.name, "stated": part.sha256, "found": download.sha256},
                next_step="Have the file copied or delivered again.",
            )


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
) -> Delivery:
    schema = _schema_of(candidate, schemas, downloads)
    tally = Tally(schema, only=candidate.month if candidate.shared else None)
    parts = tuple(
        _landed(part, download, tally)
        for part, download in zip(candidate.parts, downloads, strict=True)
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
        absent_columns=_absent_columns(schema, parts),
        parts=parts,
        totals=totals,
        note=dict(candidate.note),
        shared=candidate.shared,
        signature=candidate.signature,
    )


def _schema_of(candidate: Candidate, schemas: list[Schema], downloads: list[Downloaded]) -> Schema:
    """Choose the schema by the columns of all parts; each must have what is mandatory."""
    found = [
        (part.name, list(columns_of(download.path, part.name, flatten=schemas[0].flatten)))
        for part, download in zip(candidate.parts, downloads, strict=True)
    ]
    columns = list(dict.fromkeys(column for _, names in found for column in names))
    if not columns and candidate.may_be_empty:
        return schemas[0]
    if not columns:
        raise CloudtallyError(
            "CT-LAND-EMPTY",
            "The delivery holds no rows and no columns.",
            where={"parts": len(candidate.parts)},
            next_step="Check the export's configuration at the provider.",
        )
    schema = _matched(columns, schemas, candidate.version, candidate.parts[0].name)
    for name, names in found:
        if names and states_columns(name):
            _matched(names, [schema], "", name)
    return schema


def _matched(columns: list[str], schemas: list[Schema], stated: str, file: str) -> Schema:
    """Match columns, and say in which file mandatory ones are missing."""
    try:
        return match_schema(columns, schemas, stated)
    except CloudtallyError as error:
        raise CloudtallyError(
            error.code,
            error.what,
            where={"file": file, **error.where},
            next_step=error.next_step,
        ) from None


def _landed(part: Part, download: Downloaded, tally: Tally) -> LandedPart:
    shape = shape_and_add(download.path, part.name, tally, part.constants)
    return LandedPart(
        name=part.name,
        key=download.info.key,
        file=download.path.name,
        etag=download.info.etag,
        version=download.info.version,
        bytes=download.size,
        sha256=download.sha256,
        rows=shape.rows,
        columns=shape.columns,
        constants=dict(part.constants),
    )


def _refuse_other_counts(
    candidate: Candidate, parts: tuple[LandedPart, ...], rows: int, sums: dict[str, str]
) -> None:
    for stated, landed in zip(candidate.parts, parts, strict=True):
        if stated.rows is not None and stated.rows != landed.rows:
            raise _other_count(landed.name, "rows", stated.rows, landed.rows)
    if candidate.rows is not None and candidate.rows != rows:
        raise _other_count("all parts", "rows", candidate.rows, rows)
    for column, text in sums.items():
        stated_sum = candidate.sums.get(column)
        if stated_sum is not None and Decimal(stated_sum) != Decimal(text):
            raise _other_count("all parts", column, stated_sum, text)
        if abs(Decimal(text)) >= _LARGEST_TOTAL:
            raise _too_large(column, text)


def _other_count(file: str, what: str, stated: object, found: object) -> CloudtallyError:
    return CloudtallyError(
        "CT-LAND-COUNT",
        f"The files hold {what} = {found}; the manifest says {stated}.",
        where={"file": file},
        next_step="Have the provider deliver the month again.",
    )


def _too_large(column: str, total: str) -> CloudtallyError:
    return CloudtallyError(
        "CT-LAND-TOTAL",
        f"The amounts of {column} add up to {total}: more than 20 digits before the point.",
        where={"column": column},
        next_step="Check the amounts at the provider.",
    )


def _unknown_columns(schema: Schema, parts: tuple[LandedPart, ...]) -> tuple[str, ...]:
    unknown = {
        name
        for part in parts
        for name in set(part.columns) - set(schema.spelled(part.columns).columns)
    }
    return tuple(
        sorted(
            name
            for name in unknown
            if not (schema.extensible and name.startswith("x_"))
            and not name.startswith(schema.prefixes)
        )
    )


def _absent_columns(schema: Schema, parts: tuple[LandedPart, ...]) -> dict[str, str]:
    names = {name for part in parts for name in part.columns}
    return {name: meaning for name, meaning in schema.noted.items() if names and name not in names}


def _seal(delivery: Delivery, candidate: Candidate, staging: Path, target: Path) -> None:
    """Complete the folder, make it durable, and give it its name in one step."""
    parts = {part.file for part in delivery.parts}
    for file in staging.iterdir():
        if file.name not in parts:  # of an earlier try
            file.unlink()
    if candidate.manifest_bytes:
        (staging / PROVIDER_MANIFEST).write_bytes(candidate.manifest_bytes)
    delivery.write(staging)
    for file in staging.iterdir():
        file.chmod(0o444)
    sync_folder(staging)
    target.parent.mkdir(parents=True, exist_ok=True)
    staging.rename(target)
    sync_folder(target.parent, files=False)
