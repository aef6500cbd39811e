"""Control totals by a reader that shares nothing with the warehouse.

DuckDB decodes and models; pyarrow, csv and fastavro add up here. Two readers that agree to the last digit
are the first leg of every tie-out. A double counts as the decimal of its shortest text, as
everywhere else in the project.
"""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import Schema
from dagster_project.landing.delivery import ControlTotals

SCALE = Decimal("1e-18")
_AMOUNT = pa.decimal128(38, 18)
_BATCH_ROWS = 64 * 1024


@dataclass
class Tally:
    """Running totals over the parts of one delivery."""

    schema: Schema
    rows: int = 0
    sums: dict[str, Decimal] = field(default_factory=dict)
    days: set[str] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)

    @property
    def needed(self) -> frozenset[str]:
        """Columns that have to be read for the totals."""
        days = (self.schema.days,) if self.schema.days else ()
        return frozenset((*self.schema.totals, *days, *self.schema.accounts))

    def add(self, batch: pa.RecordBatch, first_row: int, file: str) -> None:
        """Add one batch of rows."""
        self.rows += batch.num_rows
        names = set(batch.schema.names)
        for column in self.schema.totals:
            if column in names:
                amount = _sum(batch.column(column), column, first_row, file)
                self.sums[column] = self.sums.get(column, Decimal(0)) + amount
        if self.schema.days in names:
            self.days |= {day[:10] for day in _texts(batch.column(self.schema.days)) if day}
        present = [column for column in self.schema.accounts if column in names]
        if present:
            columns = [pc.fill_null(_as_text(batch.column(name)), "") for name in present]
            self.accounts |= set(pc.unique(pc.binary_join_element_wise(*columns, "/")).to_pylist())

    def totals(self) -> ControlTotals:
        """Return what was added up."""
        return ControlTotals(
            rows=self.rows,
            sums={name: format(amount, "f") for name, amount in sorted(self.sums.items())},
            days=tuple(sorted(self.days)),
            accounts=tuple(sorted(self.accounts)),
        )


@dataclass(frozen=True)
class PartShape:
    """Rows and columns of one part, as the independent reader sees them."""

    rows: int
    columns: Mapping[str, str]


def shape_and_add(path: Path, name: str, tally: Tally | None) -> PartShape:
    """Read one part completely; add it to the tally.

    Raises:
        CloudtallyError: CT-LAND-TRUNCATED when the bytes end early or aren't the format,
            CT-DECODE-NUMBER with file, column and row when an amount is no number.
    """
    columns: dict[str, str] = {}
    rows = 0
    try:
        columns = dict(column_types(path, name))
        for batch in batches(path, name, tally.needed if tally else None):
            columns = columns or {item.name: str(item.type) for item in batch.schema}
            if tally is not None:
                tally.add(batch, rows, name)
            rows += batch.num_rows
    except (pa.ArrowException, EOFError, OSError, ValueError, StopIteration) as error:
        raise unreadable(name, error) from None
    return PartShape(rows, columns)


def column_types(path: Path, name: str) -> Mapping[str, str]:
    """Return columns and types that a file states of itself; empty where it states none."""
    if not name.lower().endswith(".parquet"):
        return {}
    schema = _flat(pa.RecordBatch.from_pylist([], schema=pq.read_schema(path))).schema
    return {item.name: str(item.type) for item in schema}


def header(path: Path, name: str) -> list[str]:
    """Return the column names of a part without reading its rows.

    Raises:
        CloudtallyError: CT-LAND-TRUNCATED or CT-LAND-EMPTY when there is no header.
    """
    try:
        stated = column_types(path, name)
        if stated:
            return list(stated)
        first = next(batches(path, name), None)
    except (pa.ArrowException, EOFError, OSError, ValueError) as error:
        raise unreadable(name, error) from None
    return list(first.schema.names) if first is not None else []


def batches(
    path: Path, name: str, columns: frozenset[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a part, nested records flattened to dotted names.

    Args:
        path: The archived file.
        name: The provider's name of it, which tells the format.
        columns: Where the format allows, only these (dotted) columns are read.
    """
    lower = name.lower()
    if lower.endswith(".parquet"):
        yield from _parquet(path, columns)
    elif lower.endswith((".csv", ".csv.gz")):
        yield from _csv(path, lower.endswith(".gz"))
    elif lower.endswith(".avro"):
        yield from _records(_avro_records(path))
    elif lower.endswith((".json", ".jsonl", ".json.gz", ".jsonl.gz", ".ndjson")):
        yield from _records(_json_records(path, lower.endswith(".gz")))
    else:
        raise CloudtallyError(
            "CT-LAND-FORMAT",
            "This file format is not read.",
            where={"file": name},
            next_step="Deliver Parquet, CSV, CSV.gz, Avro or JSON lines.",
        )


def unreadable(name: str, error: Exception) -> CloudtallyError:
    """Return the error for bytes that are not a whole file of their format."""
    first_line = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return CloudtallyError(
        "CT-LAND-TRUNCATED",
        f"A file is damaged or cut off: {first_line}.",
        where={"file": name},
        kept="the bytes are kept in landing/, the last accepted delivery stays current.",
        next_step="Have the provider deliver the file again.",
    )


def _parquet(path: Path, columns: frozenset[str] | None) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        roots = {name.split(".", 1)[0] for name in columns} if columns is not None else None
        names = [name for name in file.schema_arrow.names if roots is None or name in roots]
        empty = True
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=names):
            empty = False
            yield _flat(batch)
        if empty:
            yield _flat(pa.RecordBatch.from_pylist([], schema=file.schema_arrow))


def _flat(batch: pa.RecordBatch) -> pa.RecordBatch:
    while any(pa.types.is_struct(item.type) for item in batch.schema):
        table = pa.Table.from_batches([batch]).flatten().combine_chunks()
        if table.num_rows == 0:
            return pa.RecordBatch.from_pylist([], schema=table.schema)
        batch = table.to_batches()[0]
    return batch


def _csv(path: Path, compressed: bool) -> Iterator[pa.RecordBatch]:
    names = csv_header(path, compressed)
    if not names:
        return
    stream = pa.input_stream(str(path), compression="gzip" if compressed else None)
    reader = pacsv.open_csv(
        stream,
        read_options=pacsv.ReadOptions(block_size=8 << 20, column_names=names, skip_rows=1),
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=["", "NULL"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )
    empty = True
    for batch in reader:
        empty = False
        yield batch
    if empty:
        yield pa.RecordBatch.from_pylist([], schema=pa.schema([(n, pa.string()) for n in names]))


def csv_header(path: Path, compressed: bool) -> list[str]:
    """Return the column names of a CSV file; a duplicated one is an error.

    Raises:
        CloudtallyError: CT-DECODE-DUPLICATE-COLUMN.
    """
    import csv

    opener = gzip.open if compressed else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        names = next(csv.reader(file), [])
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise CloudtallyError(
            "CT-DECODE-DUPLICATE-COLUMN",
            f"Columns appear twice: {', '.join(doubled)}.",
            where={"file": path.name},
            kept="the last accepted delivery stays current.",
            next_step="Export the file again with each column once.",
        )
    return names


def _json_records(path: Path, compressed: bool) -> Iterator[Mapping[str, Any]]:
    opener = gzip.open if compressed else open
    with opener(path, "rt", encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line, parse_float=Decimal)


def _avro_records(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open("rb") as file:
        for record in fastavro.reader(file):
            yield record  # type: ignore[misc]


def _records(records: Iterator[Mapping[str, Any]]) -> Iterator[pa.RecordBatch]:
    rows: list[dict[str, str | None]] = []
    for record in records:
        rows.append(flatten_record(record))
        if len(rows) == _BATCH_ROWS:
            yield _text_batch(rows)
            rows = []
    yield _text_batch(rows)


def flatten_record(record: Mapping[str, Any], prefix: str = "") -> dict[str, str | None]:
    """Return a nested record as dotted names and texts; a double as its shortest text."""
    flat: dict[str, str | None] = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            flat |= flatten_record(value, f"{prefix}{key}.")
        elif value is None or isinstance(value, str):
            flat[prefix + key] = value
        elif isinstance(value, list):
            flat[prefix + key] = json.dumps(value, sort_keys=True, default=str)
        else:
            flat[prefix + key] = repr(value) if isinstance(value, float) else str(value)
    return flat


def _text_batch(rows: Sequence[Mapping[str, str | None]]) -> pa.RecordBatch:
    names = sorted({name for row in rows for name in row})
    return pa.RecordBatch.from_pydict(
        {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    )


def _as_text(column: pa.Array) -> pa.Array:
    return column if pa.types.is_string(column.type) else pc.cast(column, pa.string())


def _texts(column: pa.Array) -> list[str | None]:
    values: list[str | None] = pc.unique(pc.utf8_slice_codeunits(_as_text(column), 0, 10)).to_pylist()
    return values


def _sum(column: pa.Array, name: str, first_row: int, file: str) -> Decimal:
    try:
        amounts = pc.cast(pc.utf8_trim_whitespace(_as_text(column)), _AMOUNT)
        total = pc.sum(amounts).as_py()
    except pa.ArrowException:
        total = _sum_slowly(column, name, first_row, file)
    return total if total is not None else Decimal(0)


def _sum_slowly(column: pa.Array, name: str, first_row: int, file: str) -> Decimal:
    """Add values one by one: more than 18 decimals are rounded, no number is an error."""
    total = Decimal(0)
    with localcontext() as context:
        context.prec = 60
        for offset, text in enumerate(_as_text(column).to_pylist()):
            if text is not None:
                total += _amount(text, name, first_row + offset + 1, file)
    return total


def _amount(text: str, name: str, row: int, file: str) -> Decimal:
    try:
        value = Decimal(text.strip())
        if value.is_finite() and value.adjusted() < 20:
            return value.quantize(SCALE, rounding=ROUND_HALF_UP)
    except InvalidOperation:
        pass
    raise not_a_number(text, name, row, file)


def not_a_number(text: str, column: str, row: int, file: str) -> CloudtallyError:
    """Return the error for an amount that is no decimal of at most 20 digits before the point."""
    return CloudtallyError(
        "CT-DECODE-NUMBER",
        f"{text[:60]!r} is not an amount that can be kept exactly.",
        where={"file": file, "column": column, "data row": row},
        kept="the bytes are kept in landing/, the last accepted delivery stays current.",
        next_step="Have the file exported with plain decimals: no thousands separator, no NaN.",
    )
