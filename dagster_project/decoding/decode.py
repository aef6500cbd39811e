"""Decodes one landed delivery into one folder of typed Parquet.

Parquet is linked, not rewritten: the bytes are the provider's. CSV, JSON lines, Avro and Parquet
with nested records are typed by the declared columns. A folder appears complete, by rename, or not
at all.
"""

import errno
import functools
import json
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.decoding import case_twins, values
from dagster_project.decoding.nested import flattened
from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import ColumnKind, Schema
from dagster_project.files import link_or_copy, remove_if_empty, sync_folder
from dagster_project.landing.delivery import MANIFESTS_REMEMBERED, Delivery, LandedPart
from dagster_project.landing.problems import changed_type
from dagster_project.landing.readers import (
    batches,
    csv_header,
    explained,
    is_csv,
    is_parquet,
    is_zip,
    unzipped,
)
from dagster_project.sqltext import literal, quoted
from dagster_project.stores.base import printable

STATS_NAME = "decoded.json"
TEXTS_NAME = "texts.parquet"
UNZIPPED_NAME = "unzipped.csv"
UNFINISHED = ".building"
MEMORY_LIMIT = "1500MB"
LONGEST_LINE = 8 << 20

_RESERVED = frozenset(f"ct_{name}" for name in values.LINEAGE)


@dataclass(frozen=True)
class DecodedPart:
    """One decoded file: its name and what DuckDB reads in it."""

    file: str
    columns: Mapping[str, str]


def decode(delivery: Delivery, landed: Path, schema: Schema, target: Path) -> None:
    """Decode a delivery unless its folder is there already.

    Raises:
        CloudtallyError: CT-DECODE-* with file, column and row of the first bad value.
        OSError: the home can't be written or read.
    """
    if (target / STATS_NAME).exists():
        return
    _remove_unfinished(target.parent)
    building = target.with_name(target.name + UNFINISHED)
    building.mkdir(parents=True)
    try:
        _decode_parts(delivery, landed, schema, building)
        sync_folder(building)
        shutil.rmtree(target, ignore_errors=True)
        building.rename(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
        _remove_empty(target.parent)


def forget(target: Path) -> None:
    """Remove a decoded delivery that nobody counts."""
    shutil.rmtree(target, ignore_errors=True)
    _remove_empty(target.parent)


def _remove_unfinished(month: Path) -> None:
    """Remove what a killed run left of any delivery of the month."""
    for folder in month.glob(f"*{UNFINISHED}"):
        shutil.rmtree(folder, ignore_errors=True)


def _remove_empty(month: Path) -> None:
    for folder in (month, month.parent, month.parent.parent):
        remove_if_empty(folder)


def _decode_parts(delivery: Delivery, landed: Path, schema: Schema, building: Path) -> None:
    counts: dict[tuple[str, str], int] = defaultdict(int)
    parts = []
    with _engine(building) as engine:
        for part in delivery.parts:
            parts.append(_decode_part(engine, delivery, landed, part, schema, building, counts))
        _refuse_doubled_rows(engine, building, parts, schema, delivery)
    _write_stats(building, delivery, schema, parts, counts)


def read_stats(folder: Path) -> Mapping[str, Any]:
    """Return what decoding counted in a delivery; the same file is read once."""
    stats = folder / STATS_NAME
    return _stats(stats, stats.stat().st_mtime_ns, stats.stat().st_ino)


@functools.lru_cache(maxsize=MANIFESTS_REMEMBERED)
def _stats(path: Path, _written: int, _file: int) -> Mapping[str, Any]:
    stats: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return stats


@contextmanager
def _engine(spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    engine = duckdb.connect()
    try:
        engine.execute("set TimeZone = 'UTC'")
        engine.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        engine.execute(f"set temp_directory = {literal(str(spill / '.spill'))}")
        yield engine
    finally:
        engine.close()
        shutil.rmtree(spill / ".spill", ignore_errors=True)


def _decode_part(
    engine: duckdb.DuckDBPyConnection,
    delivery: Delivery,
    landed: Path,
    part: LandedPart,
    schema: Schema,
    building: Path,
    counts: dict[tuple[str, str], int],
) -> DecodedPart:
    path = landed / part.file
    output = building / (part.file.split(".", 1)[0] + ".parquet")
    if not part.columns:
        return DecodedPart(output.name, {})
    _refuse_reserved(part)
    relation = _relation(path, part, schema, building)
    types = _present(_types(engine, relation, part.name), part)
    declared, schema = schema, schema.spelled(types)
    if delivery.shared:
        belongs = values.in_month(schema, types, delivery.month.isoformat())
        relation = f"(select * from {relation} where {belongs})"
    _refuse_types(schema, types, part.name)
    problems = values.problems(schema, types, delivery.month.isoformat())
    _refuse_problems(engine, relation, problems, delivery, part.name)
    _refuse_absent(schema, types, part)
    rules = values.broken_rules(schema, types, part.constants)
    _refuse_problems(engine, relation, rules, delivery, part.name)
    has_types = is_parquet(part.file) and not schema.flatten
    oddities = values.oddities(schema, types, has_types=has_types)
    _count_oddities(engine, relation, oddities, counts, part.name)
    names = dict(zip(schema.columns, declared.columns, strict=True))
    if not delivery.shared and schema is declared and _is_linked(part, schema, types):
        link_or_copy(path, output)
    else:
        _write_typed(engine, relation, schema, types, names, part, output)
    for name in (TEXTS_NAME, UNZIPPED_NAME):
        (building / name).unlink(missing_ok=True)
    _refuse_other_rows(engine, output, part)
    return DecodedPart(output.name, _present(_types(engine, _parquet(output), part.name), part))


def _relation(path: Path, part: LandedPart, schema: Schema, building: Path) -> str:
    """Return SQL for the rows of a part: as stored in Parquet, else all texts."""
    if is_parquet(part.file):
        return flattened(path, schema, _parquet(path)) if schema.flatten else _stored(path)
    if is_csv(part.file):
        names = case_twins.told_apart(csv_header(path, part.file))
        # Not by the manifest of ours: JSON is written with sorted keys, and CSV goes by position.
        return _csv(_unpacked(path, part, building / UNZIPPED_NAME), names)
    texts = building / TEXTS_NAME
    with explained(part.name):
        _write_texts(path, part.file, texts, flatten=schema.flatten)
    return _parquet(texts)


def _unpacked(path: Path, part: LandedPart, target: Path) -> Path:
    """Return a CSV file that DuckDB can read: it reads no zip."""
    if not is_zip(part.file):
        return path
    with explained(part.name), unzipped(path) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file)
    return target


def _is_linked(part: LandedPart, schema: Schema, types: Mapping[str, str]) -> bool:
    """Tell whether the provider's own file serves: typed Parquet to which nothing is added."""
    if not is_parquet(part.file) or schema.flatten or set(part.constants) - set(values.LINEAGE):
        return False
    if any(case_twins.is_numbered(name) for name in types):
        return False
    return not any(
        types.get(column, "").startswith("VARCHAR")
        for column, kind in schema.columns.items()
        if kind in (ColumnKind.DECIMAL, *values.MOMENTS)
    )


def _present(types: Mapping[str, str], part: LandedPart) -> dict[str, str]:
    """Leave out columns without a type: a writer that saw only nulls stored none."""
    return {
        name: kind
        for name, kind in types.items()
        if part.columns.get(case_twins.original(name)) != "null"
    }


def _csv(path: Path, names: Sequence[str]) -> str:
    # Nothing is guessed: a sniffer may take first rows for comments.
    columns = ", ".join(f"{literal(name)}: 'varchar'" for name in names)
    return (
        f"read_csv({literal(str(path))}, auto_detect = false, columns = {{{columns}}}, "
        "header = true, delim = ',', quote = '\"', escape = '\"', "
        f"max_line_size = {LONGEST_LINE}, parallel = false)"
    )


def _parquet(path: Path) -> str:
    return f"read_parquet({literal(str(path))}, hive_partitioning = false)"


def _stored(path: Path) -> str:
    """Return SQL for the rows of a Parquet file, with all of its columns told apart."""
    stored = pq.read_schema(path).names
    names = case_twins.told_apart(stored)
    if names == stored:
        return _parquet(path)
    return f"(select * from {_parquet(path)} as stored({', '.join(map(quoted, names))}))"


def _write_texts(path: Path, name: str, texts: Path, *, flatten: bool) -> None:
    """Write the flattened records of a part as Parquet of texts."""
    found: dict[str, None] = {}
    for batch in batches(path, name, flatten=flatten):
        found |= dict.fromkeys(batch.schema.names)
    schema = pa.schema([(column, pa.string()) for column in found])
    with pq.ParquetWriter(texts, schema) as writer:
        for batch in batches(path, name, flatten=flatten):
            columns = [
                batch.column(column).cast(pa.string())
                if column in batch.schema.names
                else pa.nulls(batch.num_rows, pa.string())
                for column in found
            ]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _types(engine: duckdb.DuckDBPyConnection, relation: str, name: str) -> dict[str, str]:
    try:
        rows = engine.execute(f"describe select * from {relation}").fetchall()
    except duckdb.Error as error:
        raise _explain(name, error) from None
    return {row[0]: row[1] for row in rows}


def _refuse_types(schema: Schema, types: Mapping[str, str], name: str) -> None:
    for column, kind in schema.columns.items():
        found = types.get(column)
        if found is not None and not values.accepts(kind, found):
            raise changed_type(column, found, kind, name)


def _refuse_reserved(part: LandedPart) -> None:
    """Refuse columns that would pass for the lineage of a row, or for a twin told apart."""
    reserved = sorted(
        name for name in part.columns if name.lower() in _RESERVED or case_twins.is_numbered(name)
    )
    if reserved:
        raise CloudtallyError(
            "CT-DECODE-RESERVED-COLUMN",
            f"A column has a name that Cloudtally keeps for itself: {', '.join(reserved)}.",
            where={"file": part.name, "column": reserved[0]},
            next_step="Have the column renamed or left out of the export.",
        )


def _refuse_other_rows(engine: duckdb.DuckDBPyConnection, output: Path, part: LandedPart) -> None:
    """Refuse a part of which two readers see different rows."""
    (rows,) = _row(engine, f"select count(*) from {_parquet(output)}", part.name)
    if rows != part.rows:
        raise CloudtallyError(
            "CT-DECODE-ROWS",
            f"Two independent readers see {part.rows} and {rows} rows in a file.",
            where={"file": part.name},
            next_step="Have the provider deliver the file again; keep this one for a bug report.",
        )


def _refuse_doubled_rows(
    engine: duckdb.DuckDBPyConnection,
    building: Path,
    parts: Sequence[DecodedPart],
    schema: Schema,
    delivery: Delivery,
) -> None:
    """Refuse two rows that share what names a row; one without a part of its name is no row's."""
    needed = set(schema.key) - schema.key_may_lack
    held = [part for part in parts if schema.key and needed <= set(part.columns)]
    if not held:
        return
    engine.execute("set threads = 1")  # so that rows are numbered as they stand
    rows = " union all ".join(
        f"select {number} as part, row_number() over () as row_number,"
        f" {_key_texts(schema, part)} from {_parquet(building / part.file)}"
        for number, part in enumerate(held)
    )
    keys = ", ".join(quoted(name) for name in schema.key)
    known = " and ".join(f"{quoted(name)} is not null" for name in schema.key)
    name = delivery.parts[0].name
    doubled = _row(
        engine,
        f"select part, row_number, {keys}, copies, total from ("
        f"select *, row_number() over (partition by {keys} order by part, row_number) as copies,"
        f" count(*) over () - count(distinct row({keys})) over () as total"
        f" from ({rows}) where {known}) where copies = 2 order by part, row_number limit 1",
        name,
    )
    if doubled:
        part, row, *values_of_key = doubled[:-2]
        raise CloudtallyError(
            "CT-DECODE-DUPLICATE-KEY",
            f"Two rows have the same {', '.join(schema.key)}: "
            f"{', '.join(_shown(str(value)) for value in values_of_key)} "
            f"({doubled[-1]} such row{'' if doubled[-1] == 1 else 's'}).",
            where={"file": delivery.parts[int(part)].name, "data row": row},
            next_step="Have the file written again with every row once.",
        )


def _key_texts(schema: Schema, part: DecodedPart) -> str:
    """Return what names a row as texts: NULL where it must be there and isn't."""
    return ", ".join(f"{_key_text(schema, part, name)} as {quoted(name)}" for name in schema.key)


def _key_text(schema: Schema, part: DecodedPart, name: str) -> str:
    text = f"nullif(cast({quoted(name)} as varchar), '')" if name in part.columns else "null"
    return f"coalesce({text}, '')" if name in schema.key_may_lack else text


def _refuse_problems(
    engine: duckdb.DuckDBPyConnection,
    relation: str,
    problems: Sequence[values.Problem],
    delivery: Delivery,
    name: str,
) -> None:
    if not problems:
        return
    counted = ", ".join(f"count(*) filter (where {problem.condition})" for problem in problems)
    counts = _row(engine, f"select {counted} from {relation}", name)
    for problem, count in zip(problems, counts, strict=True):
        if count:
            _raise_first(engine, relation, problem, int(count), delivery, name)


def _refuse_absent(schema: Schema, types: Mapping[str, str], part: LandedPart) -> None:
    """Refuse a part that lacks a required column for which no constant stands in."""
    lacking = sorted(
        rule.column
        for rule in schema.rules
        if rule.required and rule.column not in types and rule.column not in part.constants
    )
    if lacking:
        raise CloudtallyError(
            "CT-DECODE-MISSING-COLUMN",
            f"Mandatory columns are missing or empty: {', '.join(lacking)}.",
            where={"file": part.name},
            next_step="Add the column, or set the source's option of that name if it has one.",
        )


def _raise_first(
    engine: duckdb.DuckDBPyConnection,
    relation: str,
    problem: values.Problem,
    count: int,
    delivery: Delivery,
    name: str,
) -> None:
    engine.execute("set threads = 1")
    row, text = _row(
        engine,
        f"select row_number, cast({quoted(problem.column)} as varchar) from ("
        f"select *, row_number() over () as row_number from {relation}) "
        f"where {problem.condition} order by row_number limit 1",
        name,
    )
    raise CloudtallyError(
        problem.code,
        f"{_shown(text)} {problem.sentence} ({count} such row{'' if count == 1 else 's'}).",
        where={"file": name, "column": problem.column, "data row": row},
        next_step="Have the provider deliver the month again without such values.",
    )


def _shown(text: str | None) -> str:
    return "an empty cell" if text is None else repr(printable(text)[:60])


def _count_oddities(
    engine: duckdb.DuckDBPyConnection,
    relation: str,
    oddities: Sequence[values.Oddity],
    counts: dict[tuple[str, str], int],
    name: str,
) -> None:
    if not oddities:
        return
    counted = ", ".join(f"count(*) filter (where {oddity.condition})" for oddity in oddities)
    found = _row(engine, f"select {counted} from {relation}", name)
    for oddity, count in zip(oddities, found, strict=True):
        if count:
            counts[oddity.name, oddity.column] += int(count)


def _write_typed(
    engine: duckdb.DuckDBPyConnection,
    relation: str,
    schema: Schema,
    types: Mapping[str, str],
    names: Mapping[str, str],
    part: LandedPart,
    output: Path,
) -> None:
    columns = ", ".join(values.typed_columns(schema, types, part.constants, names))
    _row(
        engine,
        f"copy (select {columns} from {relation}) to {literal(str(output))} "
        "(format parquet, compression zstd)",
        part.name,
    )


def _row(engine: duckdb.DuckDBPyConnection, sql: str, name: str) -> tuple[Any, ...]:
    try:
        row: tuple[Any, ...] | None = engine.execute(sql).fetchone()
    except duckdb.Error as error:
        raise _explain(name, error) from None
    return row or ()


def _explain(name: str, error: duckdb.Error) -> Exception:
    """Return what a failure of the engine means: the file's fault, or this machine's."""
    message = (str(error).splitlines() or [""])[0]
    if isinstance(error, duckdb.OutOfMemoryException):
        return OSError(errno.ENOMEM, message)
    if isinstance(error, duckdb.IOException):
        known = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EIO, errno.EROFS, errno.EMFILE)
        for number in known:
            if os.strerror(number) in message:
                return OSError(number, message)
    return CloudtallyError(
        "CT-DECODE-UNREADABLE",
        f"A file can't be read: {printable(message).rstrip('.')}.",
        where={"file": name},
        next_step="Have the provider deliver the file again.",
    )


def _write_stats(
    building: Path,
    delivery: Delivery,
    schema: Schema,
    parts: list[DecodedPart],
    counts: Mapping[tuple[str, str], int],
) -> None:
    document = {
        "delivery_id": delivery.delivery_id,
        "schema_version": schema.version,
        "parts": [{"file": part.file, "columns": part.columns} for part in parts if part.columns],
        "counts": [
            {"name": name, "column": column, "rows": rows}
            for (name, column), rows in sorted(counts.items())
        ],
    }
    (building / STATS_NAME).write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
