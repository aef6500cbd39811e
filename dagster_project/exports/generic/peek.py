"""Looks into a file whose path names no month.

Only for that: what the rows hold is checked when the delivery is landed.
"""

import codecs
import csv
import datetime as dt
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import MONTH_PATTERN
from dagster_project.months import Month, month_of
from dagster_project.stores.base import ObjectInfo, ObjectStore

COLUMN = "BillingPeriodStart"
CSV_BYTES = 256 << 20
PARQUET_BYTES = 512 << 20

_DAMAGED = (
    pa.ArrowException,
    csv.Error,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    KeyError,
    OverflowError,
    UnicodeError,
    ValueError,
)


def months_inside(store: ObjectStore, info: ObjectInfo, column: str = COLUMN) -> list[Month]:
    """Return the billing months that a column of a file names, sorted, at least one.

    A CSV file is judged by its first 256 MB, a Parquet file by all rows.

    Raises:
        CloudtallyError: CT-LAND-NO-MONTH when the file can't tell; CT-STORE-*.
    """
    is_parquet = info.key.lower().endswith(".parquet")
    if is_parquet and info.size > PARQUET_BYTES:
        raise _no_month(info, f"it is larger than {PARQUET_BYTES >> 20} MB")
    try:
        with store.open(info) as stream:
            values = (
                _of_parquet(stream, column) if is_parquet else _of_csv(stream, info.key, column)
            )
            months = sorted({_month(value) for value in values})
    except _DAMAGED as error:
        raise _no_month(info, f"its {column} can't be read ({type(error).__name__})") from None
    if not months:
        raise _no_month(info, "it has no rows")
    return months


def _of_parquet(stream: BinaryIO, column: str) -> Iterable[object]:
    table = pq.read_table(pa.BufferReader(stream.read()), columns=[column])
    values: list[object] = pc.unique(table.column(column)).to_pylist()
    return values


def _of_csv(stream: BinaryIO, key: str, column: str) -> Iterator[object]:
    if key.lower().endswith(".gz"):
        stream = gzip.GzipFile(fileobj=stream)  # type: ignore[assignment]
    # The last line of the piece may be cut off, also inside a character.
    piece = stream.read(CSV_BYTES)
    text = codecs.getincrementaldecoder("utf-8-sig")().decode(piece)
    whole = text if len(piece) < CSV_BYTES else text[: text.rfind("\n") + 1]
    rows = csv.DictReader(io.StringIO(whole, newline=""))
    yield from {row[column] for row in rows}


def _month(value: object) -> Month:
    """Return the month of a cell: a date, a moment or its ISO text, UTC; or a month's."""
    if isinstance(value, str):
        text = re.sub(r"\s+UTC$", "Z", value.strip())
        is_month = re.fullmatch(MONTH_PATTERN, text)
        value = dt.datetime.fromisoformat(f"{text}-01" if is_month else text)
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        value = value.astimezone(dt.UTC)
    if not isinstance(value, dt.date):
        raise ValueError("no moment")
    return month_of(value)


def _no_month(info: ObjectInfo, reason: str) -> CloudtallyError:
    return CloudtallyError(
        "CT-LAND-NO-MONTH",
        f"It is not known to which month a file belongs: {reason}.",
        where={"file": info.key},
        kept="the last accepted deliveries stay current.",
        next_step="Put the month into the path, as BILLING_PERIOD=YYYY-MM/.",
    )
