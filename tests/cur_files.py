"""Cost and Usage Reports as AWS writes them, from lines in CUR 2.0 names: every layout and format.

Cells that a line doesn't name are absent. Keys `tag:...` and `product:...` are what CUR 2.0 keeps
in maps and the legacy report in columns.
"""

import csv
import datetime as dt
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.exports.aws.cur_columns import columns, with_slash
from dagster_project.exports.base import ColumnKind
from dagster_project.months import Month, next_month

Row = dict[str, Any]
Writer = Callable[[Sequence[Row]], bytes]

_TEXTS = pa.map_(pa.string(), pa.string())
_ARROW = {
    ColumnKind.TEXT: pa.string(),
    ColumnKind.RATE: pa.string(),
    ColumnKind.DECIMAL: pa.float64(),
    ColumnKind.TIMESTAMP: pa.timestamp("ms"),
}
_CAMEL = {"product_name": "ProductName", "region_code": "regionCode", "sku": "sku",
          "instance_type": "instanceType"}  # fmt: skip


# ---------------------------------------------------------------- one file


def cur2_parquet(rows: Sequence[Row], left_out: Iterable[str] = ()) -> bytes:
    """Write CUR 2.0: its fixed columns and maps."""
    names = [name for name in columns() if name not in set(left_out)]
    arrays = {name: _array([row.get(name) for row in rows], columns()[name]) for name in names}
    for name, prefix, before in (("resource_tags", "tag:", "user_"), ("product", "product:", "")):
        cells = [list(_members(row, prefix, before).items()) for row in rows]
        arrays[name] = pa.array(cells, _TEXTS)
    return _parquet(pa.table(arrays))


def cur2_csv(rows: Sequence[Row]) -> bytes:
    """Write CUR 2.0 as gzip: maps are JSON texts."""
    names = [*columns(), "resource_tags", "product"]
    cells = [
        row
        | {
            "resource_tags": json.dumps(_members(row, "tag:", "user_")),
            "product": json.dumps(_members(row, "product:", "")),
        }
        for row in rows
    ]
    return gzip.compress(_csv(names, names, cells), mtime=0)


def legacy_text(rows: Sequence[Row], left_out: Iterable[str] = ()) -> bytes:
    """Write the legacy report as CSV text: only columns that a row uses, names with a slash."""
    names = _used(rows, left_out)
    return _csv(names, [_slash(name) for name in names], rows)


def legacy_gzip(rows: Sequence[Row]) -> bytes:
    """Write the legacy report as CSV.gz."""
    return gzip.compress(legacy_text(rows), mtime=0)


def legacy_zip(rows: Sequence[Row]) -> bytes:
    """Write the legacy report as CSV.zip."""
    return zipped({"report-1.csv": legacy_text(rows)})


def legacy_parquet(rows: Sequence[Row]) -> bytes:
    """Write the legacy report as Parquet: only columns that a row uses, underscore names."""
    arrays = {
        _underscore(name): _array([row.get(name) for row in rows], kind_of(name))
        for name in _used(rows)
    }
    return _parquet(pa.table(arrays))


def zipped(members: Mapping[str, bytes]) -> bytes:
    """Write a zip archive."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sink.getvalue()


def kind_of(name: str) -> ColumnKind:
    """Return the kind of a cell; tags and details of products are texts."""
    return columns().get(name, ColumnKind.TEXT)


def _used(rows: Sequence[Row], left_out: Iterable[str] = ()) -> list[str]:
    named = [*columns(), *sorted({name for row in rows for name in row if ":" in name})]
    used = {name for row in rows for name, value in row.items() if value is not None}
    return [name for name in named if name in used - set(left_out)]


def _slash(name: str) -> str:
    section, _, key = name.partition(":")
    if not key:
        return with_slash(name)
    return f"resourceTags/user:{key}" if section == "tag" else f"product/{_CAMEL[key]}"


def _underscore(name: str) -> str:
    return name.replace("tag:", "resource_tags_user_").replace("product:", "product_")


def _members(row: Row, prefix: str, before: str) -> dict[str, str]:
    named = {name.removeprefix(prefix): row[name] for name in row if name.startswith(prefix)}
    return {before + name: value for name, value in named.items() if value is not None}


def _array(cells: Sequence[Any], kind: ColumnKind) -> pa.Array:
    if kind is ColumnKind.DECIMAL:
        cells = [None if cell is None else float(cell) for cell in cells]
    if kind is ColumnKind.TIMESTAMP:
        cells = [None if cell is None else dt.datetime.fromisoformat(cell) for cell in cells]
    return pa.array(cells, _ARROW[kind])


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="snappy")
    return sink.getvalue()


def _csv(names: Sequence[str], spelled: Sequence[str], rows: Sequence[Row]) -> bytes:
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(spelled)
    writer.writerows([[_cell(row.get(name), kind_of(name)) for name in names] for row in rows])
    return sink.getvalue().encode()


def _cell(value: Any, kind: ColumnKind) -> str:
    if value is None:
        return ""
    return f"{value}.000Z" if kind is ColumnKind.TIMESTAMP else str(value)


# ---------------------------------------------------------------- one delivery


def put(path: Path, content: bytes | Mapping[str, Any]) -> Path:
    """Write as AWS does: a new object in place of the old one."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(raw)
    fresh.replace(path)
    return path


@dataclass
class Cur2Folder:
    """A Data Export of CUR 2.0 that overwrites its files, or keeps every execution."""

    root: Path
    keeps_all: bool = False
    executions: int = 0

    def deliver(self, month: Month, *parts: bytes, suffix: str = ".snappy.parquet") -> None:
        """Write the files of a month, then their manifest."""
        self.executions += 1
        period = f"BILLING_PERIOD={month:%Y-%m}"
        if self.keeps_all:
            period += f"/run-{self.executions}"
        names = []
        for number, content in enumerate(parts, start=1):
            path = put(self.root / "cur2/data" / period / f"cur2-{number:05d}{suffix}", content)
            names.append(f"s3://bucket/prefix/{path.relative_to(self.root)}")
        execution = f"2026-04-{self.executions:02d}T00:00:00.000Z-run"
        put(
            self.root / "cur2/metadata" / period / "cur2-Manifest.json",
            {"name": "cur2", "executionId": execution, "dataFiles": names},
        )


@dataclass
class LegacyFolder:
    """A legacy report that overwrites its files, or keeps every assembly."""

    root: Path
    keeps_all: bool = False
    assemblies: int = 0

    def deliver(self, month: Month, *parts: bytes, suffix: str = ".csv.gz") -> str:
        """Write the files of a month, then their manifest; return the assembly's id."""
        self.assemblies += 1
        assembly = f"{self.assemblies:08d}-0000-4000-8000-000000000000"
        folder = self.folder(month) / assembly if self.keeps_all else self.folder(month)
        keys = []
        for number, content in enumerate(parts, start=1):
            path = put(folder / f"report-{number}{suffix}", content)
            keys.append(f"prefix/{path.relative_to(self.root)}")
        manifest = {
            "assemblyId": assembly,
            "account": "111111111111",
            "billingPeriod": {
                "start": f"{month:%Y%m%d}T000000.000Z",
                "end": f"{next_month(month):%Y%m%d}T000000.000Z",
            },
            "bucket": "bucket",
            "reportKeys": keys,
        }
        for place in {folder, self.folder(month)}:
            put(place / "report-Manifest.json", manifest)
        return assembly

    def folder(self, month: Month) -> Path:
        """Return where the files of a month lie."""
        return self.root / "report" / f"{month:%Y%m%d}-{next_month(month):%Y%m%d}"
