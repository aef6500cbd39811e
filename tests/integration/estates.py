"""Small deliveries in the providers' own layouts, and what a test wants to ask of a home."""

import csv
import datetime as dt
import gzip
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import focus_columns
from dagster_project.ledger.state import Decision, LedgerState, Unit
from dagster_project.ledger.store import Event, Kind
from dagster_project.months import Month, month_key, next_month
from dagster_project.paths import Home
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.extract import Outcome, extract
from dagster_project.settings import InputConfig, Settings, SourceConfig
from dagster_project.stores.base import ObjectInfo, ObjectStore

MARCH = dt.date(2026, 3, 1)
APRIL = dt.date(2026, 4, 1)
ACCOUNTS = ("111111111111", "222222222222")
OPTIONAL = ("SubAccountId", "SubAccountName", "RegionId", "ResourceId", "Tags")
Row = dict[str, Any]


# ---------------------------------------------------------------- rows


def columns() -> dict[str, str]:
    """Mandatory columns of FOCUS 1.2 and some optional ones, with their kinds."""
    return {
        item["column_name"]: item["kind"]
        for item in focus_columns()
        if item["v1_2"] == "M" or item["column_name"] in OPTIONAL
    }


def row(month: Month = MARCH, day: int = 1, account: str = ACCOUNTS[0], **cells: Any) -> Row:
    start = dt.datetime(month.year, month.month, day)
    known: Row = {
        "BillingAccountId": "999999999999",
        "SubAccountId": account,
        "BillingCurrency": "USD",
        "BillingPeriodStart": dt.datetime(month.year, month.month, 1),
        "BillingPeriodEnd": dt.datetime.combine(next_month(month), dt.time()),
        "ChargePeriodStart": start,
        "ChargePeriodEnd": start + dt.timedelta(days=1),
        "ChargeCategory": "Usage",
        "Tags": {"env": "prod"},
    }
    fallback = {"decimal": 1.25, "text": "x", "json": {}, "timestamp": start}
    return {name: known.get(name, fallback[kind]) for name, kind in columns().items()} | cells


def rows(month: Month = MARCH, days: int = 4, accounts: Sequence[str] = ACCOUNTS) -> list[Row]:
    return [row(month, day, account) for day in range(1, days + 1) for account in accounts]


def changed(at: int, **cells: Any) -> list[Row]:
    """Good rows of March with one bad one (counted from 1)."""
    found = rows()
    found[at - 1] |= cells
    return found


def renamed(found: Sequence[Row], old: str, new: str) -> list[Row]:
    return [{new if name == old else name: value for name, value in r.items()} for r in found]


def without(found: Sequence[Row], *names: str) -> list[Row]:
    return [{name: value for name, value in r.items() if name not in names} for r in found]


def table(found: Sequence[Row], **types: pa.DataType) -> pa.Table:
    """Rows in the types of AWS: amounts double, moments timestamp[ms], tags a map."""
    kinds = {
        "decimal": pa.float64(),
        "text": pa.string(),
        "timestamp": pa.timestamp("ms"),
        "json": pa.map_(pa.string(), pa.string()),
    }
    names = list(found[0]) if found else list(columns())
    known = columns()
    arrays = []
    for name in names:
        kind = types.get(name, kinds[known.get(name, "text")])
        values = [r[name] for r in found]
        if pa.types.is_map(kind):
            values = [list(value.items()) if isinstance(value, dict) else value for value in values]
        arrays.append(pa.array(values, kind))
    return pa.Table.from_arrays(arrays, names=names)


def parquet(found: Sequence[Row] | pa.Table, **types: pa.DataType) -> bytes:
    content = found if isinstance(found, pa.Table) else table(found, **types)
    sink = io.BytesIO()
    pq.write_table(content, sink, compression="snappy")
    return sink.getvalue()


def cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)


def csv_text(found: Sequence[Row], names: Sequence[str] | None = None) -> str:
    names = names or (list(found[0]) if found else list(columns()))
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(names)
    writer.writerows([[cell(value) for value in r.values()] for r in found])
    return sink.getvalue()


def csv_gz(found: Sequence[Row], names: Sequence[str] | None = None) -> bytes:
    return gzip.compress(csv_text(found, names).encode(), mtime=0)


def json_lines(found: Sequence[Row]) -> bytes:
    lines = [
        {key: value if isinstance(value, dict) else cell(value) for key, value in r.items()}
        for r in found
    ]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


# ---------------------------------------------------------------- deliveries


def put(path: Path, content: bytes | str | Mapping[str, Any]) -> Path:
    """Write as a provider does: a new object in place of the old one."""
    if isinstance(content, Mapping):
        content = json.dumps(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(content.encode() if isinstance(content, str) else content)
    fresh.replace(path)
    return path


@dataclass
class AwsFolder:
    """A Data Export of FOCUS 1.2 that overwrites its files, or keeps every execution."""

    root: Path
    keeps_all: bool = False
    executions: int = 0

    def deliver(
        self,
        *parts: bytes,
        month: Month = MARCH,
        suffix: str = ".snappy.parquet",
        data_files: Sequence[str] | None = None,
    ) -> None:
        self.executions += 1
        execution = f"2026-04-{self.executions:02d}T00:00:00.000Z-run"
        names = []
        for number, content in enumerate(parts, start=1):
            path = put(self.part(number, month, suffix), content)
            names.append(f"s3://bucket/prefix/{path.relative_to(self.root)}")
        put(
            self.manifest(month),
            {
                "name": "focus",
                "executionId": execution,
                "dataFiles": names if data_files is None else list(data_files),
            },
        )

    def part(self, number: int = 1, month: Month = MARCH, suffix: str = ".snappy.parquet") -> Path:
        return self._folder("data", month) / f"focus-{number:05d}{suffix}"

    def manifest(self, month: Month = MARCH) -> Path:
        return self._folder("metadata", month) / "focus-Manifest.json"

    def _folder(self, kind: str, month: Month) -> Path:
        folder = self.root / "focus" / kind / f"BILLING_PERIOD={month_key(month)}"
        return folder / f"run-{self.executions}" if self.keeps_all else folder


def gcp_deliver(
    root: Path,
    content: bytes,
    *,
    run: str = "r1",
    suffix: str = ".parquet",
    exported_at: str = "2026-04-01T00:00:00Z",
    **stated: Any,
) -> None:
    folder = root / "month=2026-03" / f"run={run}"
    name = f"part-000{suffix}"
    put(folder / name, content)
    manifest = {"run_id": run, "table": "t", "month": "2026-03", "rows": 8, "files": [name]}
    put(folder / "manifest.json", manifest | {"exported_at": exported_at} | stated)


def azure_deliver(root: Path, content: bytes, **stated: Any) -> None:
    folder = root / "export" / "20260301-20260331" / "run-1"
    put(folder / "part_1_0001.csv.gz", content)
    blob = {"blobName": "part_1_0001.csv.gz", "byteCount": len(content), "dataRowCount": 8}
    put(
        folder / "manifest.json",
        {
            "blobCount": 1,
            "dataRowCount": 8,
            "exportConfig": {"exportName": "export", "type": "FocusCost", "dataVersion": "1.2"},
            "runInfo": {
                "runId": "run-1",
                "submittedTime": "2026-04-01T00:00:00Z",
                "startDate": "2026-03-01T00:00:00Z",
                "endDate": "2026-03-31T00:00:00Z",
            },
            "blobs": [blob | stated],
        },
    )


# ---------------------------------------------------------------- homes


@dataclass
class House:
    """A home with its configured sources."""

    home: Path
    sources: dict[str, SourceConfig] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)

    def add(
        self,
        name: str,
        location: Path,
        provider: str = "aws",
        export: str = "focus",
        **more: Any,
    ) -> None:
        self.sources[name] = SourceConfig(
            name=name, provider=provider, export=export, location=location.as_uri(), **more
        )

    def add_input(self, kind: str, file: Path, **options: Any) -> None:
        """Configure an input; it goes by its kind here."""
        self.sources[kind] = InputConfig(
            name=f"inputs.{kind}",
            provider="inputs",
            export=kind,
            location=file.as_uri(),
            options={"settle_seconds": 0} | options,
        )

    def context(self, accept_shrink: str | None = None) -> Context:
        everything = self.sources.values()
        settings = Settings(
            home=self.home,
            sources=tuple(one for one in everything if not isinstance(one, InputConfig)),
            inputs=tuple(one for one in everything if isinstance(one, InputConfig)),
        )
        return Context(settings, report=self.heard.append, accept_shrink=accept_shrink)

    def extract(self, name: str = "main", accept_shrink: str | None = None) -> dict[Month, Outcome]:
        outcomes = extract(self.context(accept_shrink), self.sources[name])
        return {outcome.month or dt.date.min: outcome for outcome in outcomes}

    @property
    def state(self) -> LedgerState:
        return self.context().state()

    @property
    def events(self) -> list[Event]:
        return self.context().ledger.events()

    def accepted(self, month: Month = MARCH, name: str = "main") -> list[Event]:
        return [
            event
            for event in self.events
            if (event.kind, event.source, event.month) == (Kind.ACCEPTED, name, month)
        ]

    def current(self, month: Month = MARCH, name: str = "main") -> Decision | None:
        return self.state.current.get(Unit(name, month))

    def landed(self) -> set[str]:
        folders = (self.home / "landing").glob("[!.]*/*/*")
        return {str(folder.relative_to(self.home)) for folder in folders}

    def staged(self) -> set[str]:
        files = (self.home / "landing" / ".incoming").rglob("*")
        return {str(file.parent.relative_to(self.home)) for file in files if file.is_file()}

    def decoded(self) -> set[str]:
        folders = (self.home / "decoded").glob("*/*/*/*")
        return {folder.name.removeprefix("ct_delivery=") for folder in folders}

    def decoded_counts(self, month: Month = MARCH) -> dict[tuple[str, str], int]:
        (path,) = (self.home / "decoded").glob(f"*/*/ct_month={month}/*/decoded.json")
        counts = json.loads(path.read_text())["counts"]
        return {(item["name"], item["column"]): item["rows"] for item in counts}

    def decoded_file(self, month: Month = MARCH) -> Path:
        (path,) = (self.home / "decoded").glob(f"*/*/ct_month={month}/*/00000.parquet")
        return path

    def folder_of(self, decision: Decision) -> Path:
        unit = decision.unit
        return Home(self.home).landed(unit.source, unit.month, decision.delivery_id)


def digest(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


# ---------------------------------------------------------------- faults


class FaultyStore:
    """A store that counts what is read of it, and fails as told: once per planned fault."""

    def __init__(self, real: ObjectStore) -> None:
        self.real = real
        self.location = real.location
        self.opened: list[str] = []
        self.faults: list[CloudtallyError] = []
        self.breaks_after: list[int] = []
        self.before_open: Any = None

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        return self.real.list(prefix)

    def stat(self, key: str) -> ObjectInfo:
        return self.real.stat(key)

    @contextmanager
    def open(self, info: ObjectInfo, offset: int = 0) -> Iterator[BinaryIO]:
        if not info.key.endswith("anifest.json"):
            self.opened.append(info.key)
            if self.before_open:
                self.before_open(info)
            if self.faults:
                raise self.faults.pop(0)
        with self.real.open(info, offset) as stream:
            is_data = not info.key.endswith("anifest.json")
            if is_data and self.breaks_after:
                yield _Breaking(stream, self.breaks_after.pop(0), self.reset)  # type: ignore[misc]
            else:
                yield stream

    reset: CloudtallyError | None = None


class _Breaking:
    def __init__(self, stream: BinaryIO, after: int, error: CloudtallyError | None) -> None:
        self.stream, self.left, self.error = stream, after, error

    def read(self, size: int = -1) -> bytes:
        if self.left <= 0:
            raise self.error or AssertionError("no error planned")
        data = self.stream.read(min(size, self.left))
        self.left -= len(data)
        return data
