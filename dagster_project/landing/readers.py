"""Reads a file's rows without the warehouse: pyarrow, csv and fastavro.

Belongs here: formats and damage. What rows add up to is in `totals.py`. Bytes are hostile: whatever
a parser raises about them becomes one readable error.
"""

import csv
import gzip
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import fastavro
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from dagster_project.errors import CloudtallyError
from dagster_project.landing.problems import damaged, refuse_doubled

_BATCH_ROWS = 64 * 1024
_CSV_BLOCK = 8 << 20
_READ_BYTES = 1 << 20
_CSV = (".csv", ".csv.gz", ".csv.zip")
_JSON = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz")
_PACKED_AT_MOST = 200
_UNPACKED_AT_LEAST = 64 << 20
"""Bills pack 20 to 40 times. What unpacks to more than both of these together is hostile."""
_DAMAGE = (
    pa.ArrowException,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    RecursionError,
    StopIteration,
    TypeError,
    ValueError,
    NotImplementedError,
    csv.Error,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn whatever reading a file raises into one error.

    A parser's complaint has no `errno`; where there is one, this machine is at fault.

    Raises:
        CloudtallyError: CT-LAND-TRUNCATED.
        OSError: The archived file can't be read.
    """
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            raise
        raise damaged(name, error) from None
    except _DAMAGE as error:
        raise damaged(name, error) from None


def is_csv(name: str) -> bool:
    """Tell whether a file is CSV by its name."""
    return name.lower().endswith(_CSV)


def is_parquet(name: str) -> bool:
    """Tell whether a file is Parquet by its name."""
    return name.lower().endswith(".parquet")


def is_zip(name: str) -> bool:
    """Tell whether a file is a zip archive by its name."""
    return name.lower().endswith(".zip")


def states_columns(name: str) -> bool:
    """Tell whether a format names all of its columns up front: JSON may leave out nulls."""
    return is_csv(name) or is_parquet(name)


def columns_of(path: Path, name: str, *, flatten: bool) -> dict[str, str]:
    """Return the columns of a part with the types that it states of itself.

    Args:
        path: The archived file.
        name: The provider's name of it, which tells the format.
        flatten: Whether nested records become columns with dotted names.

    Raises:
        CloudtallyError: CT-LAND-TRUNCATED, CT-LAND-FORMAT, CT-DECODE-DUPLICATE-COLUMN.
    """
    with explained(name):
        if path.stat().st_size == 0:
            return {}
        if is_parquet(name):
            stated = parquet_schema(path, name, flatten=flatten)
            return {item.name: str(item.type) for item in stated}
        if is_csv(name):
            return dict.fromkeys(csv_header(path, name), "string")
        found: dict[str, str] = {}
        for batch in batches(path, name, flatten=flatten):
            found |= {item.name: str(item.type) for item in batch.schema}
        refuse_doubled(list(found), name)
        return found


def parquet_schema(path: Path, name: str, *, flatten: bool) -> pa.Schema:
    """Return the columns of a Parquet file; a duplicated one is an error."""
    stored = pq.read_schema(path)
    refuse_doubled(stored.names, name)
    if not flatten:
        return stored
    flat = _flat(pa.RecordBatch.from_pylist([], schema=stored)).schema
    refuse_doubled(flat.names, name)
    return flat


def csv_header(path: Path, name: str) -> list[str]:
    """Return the column names of a CSV file; a duplicated one is an error.

    Raises:
        CloudtallyError: CT-DECODE-DUPLICATE-COLUMN.
    """
    with _text(path, name) as file:
        names = next(csv.reader(file), [])
    refuse_doubled(names, name)
    return names


@contextmanager
def _text(path: Path, name: str) -> Iterator[IO[str]]:
    if is_zip(name):
        with unzipped(path) as member:
            yield io.TextIOWrapper(member, encoding="utf-8-sig", newline="")
        return
    opener = gzip.open if name.lower().endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        yield file


@contextmanager
def unzipped(path: Path) -> Iterator[io.BufferedReader]:
    """Open the one file inside a zip archive; its name inside is never used.

    Raises:
        ValueError: The archive is no single file, is locked, or unpacks without end.
    """
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if len(members) != 1:
            raise ValueError(f"the archive holds {len(members)} files, not one")
        (member,) = members
        if member.flag_bits & 1:
            raise ValueError("the archive is locked with a password")
        limit = path.stat().st_size * _PACKED_AT_MOST + _UNPACKED_AT_LEAST
        with archive.open(member) as stream:
            yield io.BufferedReader(_Bounded(stream, limit), _READ_BYTES)


class _Bounded(io.RawIOBase):
    """A stream that ends with an error rather than fill the disk: sizes in a zip can lie."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        super().__init__()
        self._stream = stream
        self._left = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise ValueError(f"the archive unpacks to more than {_PACKED_AT_MOST} times its size")
        buffer[: len(data)] = data
        return len(data)


def batches(
    path: Path, name: str, columns: frozenset[str] | None = None, *, flatten: bool
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a part; JSON, Avro and CSV as texts.

    Args:
        path: The archived file.
        name: The provider's name of it, which tells the format.
        columns: Where the format allows, only these (dotted) columns are read.
        flatten: Whether nested records become columns with dotted names, else JSON texts.
    """
    if path.stat().st_size == 0:
        return
    compressed = name.lower().endswith(".gz")
    if is_parquet(name):
        yield from _parquet(path, columns, flatten)
    elif is_csv(name):
        yield from _csv(path, name, compressed)
    elif name.lower().endswith(".avro"):
        yield from _records(_avro_records(path), flatten)
    elif name.lower().endswith(_JSON):
        yield from _records(_json_records(path, compressed), flatten)
    else:
        raise CloudtallyError(
            "CT-LAND-FORMAT",
            "This file format is not read.",
            where={"file": name},
            next_step="Deliver Parquet, CSV, CSV.gz, CSV.zip, Avro or JSON lines.",
        )


def _parquet(path: Path, columns: frozenset[str] | None, flatten: bool) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        roots = {name.split(".", 1)[0] for name in columns or ()} | set(columns or ())
        names = [name for name in file.schema_arrow.names if columns is None or name in roots]
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=names):
            yield _flat(batch) if flatten else batch


def _flat(batch: pa.RecordBatch) -> pa.RecordBatch:
    while any(pa.types.is_struct(item.type) for item in batch.schema):
        table = pa.Table.from_batches([batch]).flatten().combine_chunks()
        if table.num_rows == 0:
            return _flat(pa.RecordBatch.from_pylist([], schema=table.schema))
        batch = table.to_batches()[0]
    return batch


def _csv(path: Path, name: str, compressed: bool) -> Iterator[pa.RecordBatch]:
    names = csv_header(path, name)
    if not names:
        return
    with ExitStack() as opened:
        source = opened.enter_context(unzipped(path)) if is_zip(name) else str(path)
        stream = pa.input_stream(source, compression="gzip" if compressed else None)
        yield from _csv_batches(stream, names)


def _csv_batches(stream: pa.NativeFile, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    yield from pacsv.open_csv(
        stream,
        read_options=pacsv.ReadOptions(block_size=_CSV_BLOCK, column_names=names, skip_rows=1),
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=["", "NULL"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )


def _json_records(path: Path, compressed: bool) -> Iterator[Mapping[str, Any]]:
    opener = gzip.open if compressed else open
    with opener(path, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _json_record(line, number)


def _json_record(line: str, number: int) -> Mapping[str, Any]:
    try:
        record = json.loads(line, parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {number} is no JSON ({error.msg})") from None
    if not isinstance(record, dict):
        raise TypeError(f"line {number} is no JSON object")
    return record


def _avro_records(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open("rb") as file:
        yield from fastavro.reader(file)  # type: ignore[misc]


def _records(records: Iterator[Mapping[str, Any]], flatten: bool) -> Iterator[pa.RecordBatch]:
    rows: list[dict[str, str | None]] = []
    for record in records:
        rows.append(texts_of(record, flatten=flatten))
        if len(rows) == _BATCH_ROWS:
            yield _text_batch(rows)
            rows = []
    if rows:
        yield _text_batch(rows)


def texts_of(
    record: Mapping[str, Any], prefix: str = "", *, flatten: bool
) -> dict[str, str | None]:
    """Return a record as texts: nested ones as dotted names or JSON, a double as shortest text.

    A flattened record leaves out what is null: a null record would pass for a column.
    """
    found: dict[str, str | None] = {}
    for key, value in record.items():
        if value is None and flatten:
            continue
        if isinstance(value, Mapping) and flatten:
            found |= texts_of(value, f"{prefix}{key}.", flatten=True)
        elif isinstance(value, list) and flatten:
            found[prefix + key] = _exact_json(value)
        elif value is None or isinstance(value, str):
            found[prefix + key] = value
        elif isinstance(value, Mapping | list):
            found[prefix + key] = json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
        else:
            found[prefix + key] = repr(value) if isinstance(value, float) else str(value)
    return found


def _exact_json(records: Sequence[Any]) -> str:
    """Return records as JSON with every fraction as text: a JSON number would be read as double."""
    return json.dumps(_without_fractions(records), sort_keys=True, default=str, ensure_ascii=False)


def _without_fractions(value: Any) -> Any:
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        return {key: _without_fractions(item) for key, item in value.items()}
    return [_without_fractions(item) for item in value] if isinstance(value, list) else value


def _text_batch(rows: Sequence[Mapping[str, str | None]]) -> pa.RecordBatch:
    names = sorted({name for row in rows for name in row})
    return pa.RecordBatch.from_pydict(
        {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    )
