"""Decodes one landed delivery into one folder of typed Parquet.

Parquet is linked, not rewritten: the bytes are the provider's. CSV, JSON lines and Avro are typed
by the declared columns. A folder appears complete, by rename, or not at all.
"""

import json
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.decoding import values
from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import Schema
from dagster_project.landing.delivery import Delivery, LandedPart
from dagster_project.landing.totals import batches
from dagster_project.months import month_key

STATS_NAME = "decoded.json"
MEMORY_LIMIT = "1500MB"


@dataclass(frozen=True)
class DecodedPart:
    """One decoded file: its name and what DuckDB reads in it."""

    file: str
    columns: Mapping[str, str]


def decode(delivery: Delivery, landed: Path, schema: Schema, target: Path) -> None:
    """Decode a delivery unless its folder is there already.

    Raises:
        CloudtallyError: CT-DECODE-* with file, column and row of the first bad value.
    """
    if (target / STATS_NAME).exists():
        return
    building = target.with_name(target.name + ".building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    counts: dict[tuple[str, str], int] = defaultdict(int)
    parts = []
    with _engine(building) as engine:
        for part in delivery.parts:
            parts.append(_decode_part(engine, delivery, landed, part, schema, building, counts))
    _write_stats(building, delivery, schema, parts, counts)
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    building.rename(target)


def read_stats(folder: Path) -> dict[str, Any]:
    """Return what decoding counted in a delivery."""
    stats: dict[str, Any] = json.loads((folder / STATS_NAME).read_text(encoding="utf-8"))
    return stats


@contextmanager
def _engine(spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    engine = duckdb.connect()
    try:
        engine.execute("set TimeZone = 'UTC'")
        engine.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        engine.execute(f"set temp_directory = {values.literal(str(spill / '.spill'))}")
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
    linked = path.suffix == ".parquet" and not schema.flatten and not part.constants
    relation = _relation(path, part, schema, building, linked)
    types = _types(engine, relation, part.name)
    _refuse_types(schema, types, part.name)
    _refuse_problems(engine, relation, schema, types, delivery, part.name)
    _count_oddities(engine, relation, schema, types, counts)
    if linked:
        _link(path, output)
    else:
        _write_typed(engine, relation, schema, types, part, output)
    (building / "texts.parquet").unlink(missing_ok=True)
    return DecodedPart(output.name, _types(engine, _parquet(output), part.name))


def _relation(path: Path, part: LandedPart, schema: Schema, building: Path, linked: bool) -> str:
    """Return SQL for the rows of a part: native types if linked, else all texts."""
    if linked:
        return _parquet(path)
    if part.file.endswith((".csv", ".csv.gz")):
        return (
            f"read_csv({values.literal(str(path))}, all_varchar = true, header = true, "
            "delim = ',', quote = '\"', escape = '\"', max_line_size = 8388608, "
            "parallel = false)"
        )
    texts = building / "texts.parquet"
    _write_texts(path, part.name, texts)
    return _parquet(texts)


def _parquet(path: Path) -> str:
    return f"read_parquet({values.literal(str(path))}, hive_partitioning = false)"


def _write_texts(path: Path, name: str, texts: Path) -> None:
    """Write the flattened records of a part as Parquet of texts."""
    found: dict[str, None] = {}
    for batch in batches(path, name):
        found |= dict.fromkeys(batch.schema.names)
    schema = pa.schema([(column, pa.string()) for column in found])
    with pq.ParquetWriter(texts, schema) as writer:
        for batch in batches(path, name):
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
        raise _unreadable(name, error) from None
    return {row[0]: row[1] for row in rows}


def _refuse_types(schema: Schema, types: Mapping[str, str], name: str) -> None:
    for column, kind in schema.columns.items():
        found = types.get(column)
        if found is not None and not values.accepts(kind, found):
            raise CloudtallyError(
                "CT-DECODE-TYPE",
                f"A column changed its type: {column} is {found}, declared as {kind}.",
                where={"file": name, "column": column},
                kept="the delivery stays in landing/, the last accepted one stays current.",
                next_step="Check what the provider changed; then extend the declared schema.",
            )


def _refuse_problems(
    engine: duckdb.DuckDBPyConnection,
    relation: str,
    schema: Schema,
    types: Mapping[str, str],
    delivery: Delivery,
    name: str,
) -> None:
    problems = values.problems(schema, types, delivery.month.isoformat())
    if not problems:
        return
    counted = ", ".join(f"count(*) filter (where {problem.condition})" for problem in problems)
    counts = _row(engine, f"select {counted} from {relation}", name)
    for problem, count in zip(problems, counts, strict=True):
        if count:
            _raise_first(engine, relation, problem, int(count), delivery, name)


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
        f"select row_number, cast({values.quoted(problem.column)} as varchar) from ("
        f"select *, row_number() over () as row_number from {relation}) "
        f"where {problem.condition} order by row_number limit 1",
        name,
    )
    raise CloudtallyError(
        problem.code,
        f"{str(text)[:60]!r} {problem.sentence} ({count} such rows).",
        where={
            "source": delivery.source,
            "month": month_key(delivery.month),
            "file": name,
            "column": problem.column,
            "data row": row,
        },
        kept="the delivery stays in landing/, the last accepted one stays current.",
        next_step="Have the provider deliver the month again without such values.",
    )


def _count_oddities(
    engine: duckdb.DuckDBPyConnection,
    relation: str,
    schema: Schema,
    types: Mapping[str, str],
    counts: dict[tuple[str, str], int],
) -> None:
    oddities = values.oddities(schema, types)
    if not oddities:
        return
    counted = ", ".join(f"count(*) filter (where {oddity.condition})" for oddity in oddities)
    found = _row(engine, f"select {counted} from {relation}", "")
    for oddity, count in zip(oddities, found, strict=True):
        if count:
            counts[oddity.name, oddity.column] += int(count)


def _link(path: Path, output: Path) -> None:
    try:
        os.link(path, output)
    except OSError:
        shutil.copyfile(path, output)


def _write_typed(
    engine: duckdb.DuckDBPyConnection,
    relation: str,
    schema: Schema,
    types: Mapping[str, str],
    part: LandedPart,
    output: Path,
) -> None:
    columns = ", ".join(values.typed_columns(schema, list(types), part.constants))
    engine.execute(
        f"copy (select {columns} from {relation}) to {values.literal(str(output))} "
        "(format parquet, compression zstd)"
    )


def _row(engine: duckdb.DuckDBPyConnection, sql: str, name: str) -> tuple[Any, ...]:
    try:
        row: tuple[Any, ...] | None = engine.execute(sql).fetchone()
    except duckdb.Error as error:
        raise _unreadable(name, error) from None
    return row or ()


def _unreadable(name: str, error: duckdb.Error) -> CloudtallyError:
    return CloudtallyError(
        "CT-DECODE-UNREADABLE",
        f"A file can't be read: {str(error).splitlines()[0][:200]}.",
        where={"file": name},
        kept="the delivery stays in landing/, the last accepted one stays current.",
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
