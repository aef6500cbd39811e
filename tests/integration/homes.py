"""Small homes that whole runs work on, and deliveries that change their minds.

Every command runs as a process of its own, as users run it. A built home is put back at the place
where it was built, so that tests share one build: views name their files by absolute path.
"""

import csv
import datetime as dt
import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.errors import CloudtallyError
from dagster_project.months import Month
from dagster_project.paths import PROJECT_ROOT, Home
from dagster_project.pipeline.lock import home_lock
from dagster_project.sample_estate import write_estate

MAY, JUNE, JULY, AUGUST = (dt.date(2026, month, 1) for month in (5, 6, 7, 8))
ROWS = 2_000
LONGEST_RUN_SECONDS = 900 if os.environ.get("CLOUDTALLY_FULL") != "1" else 7_200
DELIVERED = ("exports", "inputs")
START = "from dagster_project.cli.main import main\nmain()\n"
SNAPSHOT = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
for line in sys.stdin:
    print(connection.execute(line).fetchall(), flush=True)
"""

IMPOSSIBLE = "the_calendar_is_empty"
IMPOSSIBLE_PROMISE = f"""
import dataclasses
import expectations.suites as suites
from expectations.promises import never

calendar = suites.mart_data_calendar.SUITE
broken = never("{IMPOSSIBLE}", "select * from batch", "Nothing was ever expected.")
replaced = dataclasses.replace(
    calendar, promises=lambda scope: [*calendar.promises(scope), broken]
)
suites.ALL_SUITES = tuple(replaced if s is calendar else s for s in suites.ALL_SUITES)
"""
"""Python that plants a promise which no run can keep."""

AWS_READ_IS_DENIED = """
from dagster_project.errors import CloudtallyError
from dagster_project.landing import archive

download_all = archive.download_all

def denied(store, *arguments, **options):
    if "fernlight-focus" in store.location:
        raise CloudtallyError("CT-STORE-DENIED", "This may be listed and not read.")
    return download_all(store, *arguments, **options)

archive.download_all = denied
"""
"""Python that takes away the right to read a source, though it can still be listed."""

Row = dict[str, str]


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def text(self) -> str:
        """Everything that a user sees."""
        return self.out + self.err


@dataclass(frozen=True)
class Place:
    """An estate with the home that reads it."""

    estate: Path

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.estate / "cloudtally.yaml"

    @property
    def home(self) -> Home:
        """Folders of the home."""
        return Home(self.estate / "warehouse")

    @property
    def database(self) -> Path:
        """The file that BI opens."""
        return self.home.published / "cloudtally.duckdb"

    def command(self, *arguments: str, first: str = "") -> list[str]:
        """Return the command line; `first` is Python that runs before it in its process."""
        script = f"import sys\nsys.path.insert(0, {str(PROJECT_ROOT)!r})\n{first}\n{START}"
        # A file: under `python -c` the import of pyspark 4 takes us for doctests and exits.
        name = hashlib.sha256(script.encode()).hexdigest()[:16]
        path = self.estate.parent / f"start_{name}.py"
        path.write_text(script)
        return [sys.executable, str(path), "--config", str(self.config), *arguments]

    def cloudtally(self, *arguments: str, first: str = "") -> Ran:
        """Run a command to its end."""
        return run_command(self.command(*arguments, first=first))

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command in a process group of its own."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=PROJECT_ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the published file, as a new reader."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def manifest(self) -> dict[str, Any]:
        """Return the manifest of the publication."""
        document: dict[str, Any] = json.loads((self.home.published / "manifest.json").read_text())
        return document

    def hashes(self) -> dict[str, str]:
        """Return the content hash of every published table and fact month."""
        manifest = self.manifest()
        months = {month: item["hash"] for month, item in manifest["fact_months"].items()}
        return {**manifest["tables"], **months}

    def parts(self) -> dict[str, int]:
        """Return the inode of every fact month as it was built: a rebuilt one is a new file."""
        folder = self.home.lake / "fct_cost_and_carbon"
        return {path.name[14:]: (path / "part.parquet").stat().st_ino for path in folder.iterdir()}

    def events(self, kind: str | None = None) -> list[tuple[Any, ...]]:
        """Return the ledger's events, all of them or of one kind."""
        with sqlite3.connect(self.home.ledger) as connection:
            rows = connection.execute("select * from events order by id").fetchall()
        return [row for row in rows if kind is None or row[2] == kind]


def run_command(command: Sequence[str], **more: str) -> Ran:
    """Run a command from the checkout to its end."""
    began = time.monotonic()
    ended = subprocess.run(
        command,
        cwd=PROJECT_ROOT,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=LONGEST_RUN_SECONDS,
    )
    return Ran(ended.returncode, ended.stdout, ended.stderr, time.monotonic() - began)


def environment(**more: str) -> dict[str, str]:
    """Return an environment without the settings of whoever runs the tests."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CLOUDTALLY_", "DAGSTER_", "DBT_"))
    }
    return {**kept, "COLUMNS": "200", "PYTHONUTF8": "1", **more}


def write_place(folder: Path) -> Place:
    """Write three months of the whole company, and one month before them of one source only."""
    write_estate(folder, rows=ROWS, months=[JUNE, JULY, AUGUST])
    write_estate(folder / "may", rows=ROWS // 3, months=[MAY], only=["onprem"])
    (folder / "may/exports/onprem/2026-05").rename(folder / "exports/onprem/2026-05")
    shutil.rmtree(folder / "may")
    place = Place(folder)
    settle_at_once(place)
    return place


def settle_at_once(place: Place) -> None:
    """Don't wait between two listings of a folder without a manifest: nobody writes to it."""
    text = place.config.read_text()
    locations = r"(location: \./exports/snowpeak[a-z-]*)"
    place.config.write_text(re.sub(locations, r"\1, options: {settle_seconds: 0}", text))


def save(place: Place, to: Path) -> None:
    """Copy an estate and its home."""
    _copy(place.estate, to)


def put_back(place: Place, saved: Path) -> None:
    """Bring an estate and its home back to the state in which they were saved."""
    shutil.rmtree(place.estate, ignore_errors=True)
    _copy(saved, place.estate)


def _copy(estate: Path, to: Path) -> None:
    """Copy an estate; what is read is linked, because a store sees a copied file as another one."""
    shutil.copytree(estate, to, symlinks=True, ignore=_delivered)
    for name in DELIVERED:
        shutil.copytree(estate / name, to / name, copy_function=os.link)


def _delivered(folder: str, names: list[str]) -> set[str]:
    return set(DELIVERED) & set(names) if (Path(folder) / "cloudtally.yaml").exists() else set()


def restate_onprem(
    place: Place, month: Month, change: Callable[[list[Row]], list[Row]], delivery: str
) -> None:
    """Replace the data centre's delivery of a month by a newer one."""
    folder = place.estate / "exports/onprem" / f"{month:%Y-%m}"
    data = folder / "charges.csv"
    with data.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        columns = list(reader.fieldnames or [])
        rows = change(list(reader))
    data.unlink()
    with data.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    manifest = {
        "delivery_id": delivery,
        "month": f"{month:%Y-%m}",
        "delivered_at": "2026-11-01T00:00:00Z",
        "files": [
            {
                "name": data.name,
                "rows": len(rows),
                "sha256": hashlib.sha256(data.read_bytes()).hexdigest(),
            }
        ],
    }
    (folder / "manifest.json").unlink()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def dearer(rows: list[Row]) -> list[Row]:
    """Add one whole unit of currency to the first line that was used."""
    row = next(row for row in rows if row["ChargeCategory"] == "Usage")
    for column in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"):
        row[column] = str(float(row[column]) + 1)
    return rows


def restate_aws(place: Place, month: Month, change: Callable[[pa.Table], pa.Table]) -> None:
    """Put a newer delivery of the AWS organisation's month beside those that are there."""
    root = place.estate / "exports/aws/fernlight-focus"
    folders = sorted((root / "data" / f"BILLING_PERIOD={month:%Y-%m}").iterdir())
    execution = "2026-11-01T00:00:00.000Z-00000000-0000-4000-8000-000000000001"
    table = pa.concat_tables(pq.ParquetFile(path).read() for path in sorted(folders[-1].iterdir()))
    target = folders[-1].with_name(execution)
    target.mkdir()
    data = target / "fernlight-focus-00001.snappy.parquet"
    pq.write_table(change(table), data, coerce_timestamps="ms", store_schema=False)
    old = root / "metadata" / folders[-1].relative_to(root / "data")
    document = json.loads((old / "fernlight-focus-Manifest.json").read_text())
    place_of_data = f"BILLING_PERIOD={month:%Y-%m}/{execution}/{data.name}"
    document["executionId"] = execution
    document["dataFiles"] = [f"s3://fernlight-billing/exports/fernlight-focus/data/{place_of_data}"]
    manifest = old.with_name(execution) / "fernlight-focus-Manifest.json"
    manifest.parent.mkdir()
    manifest.write_text(json.dumps(document))


def used_a_month_before(table: pa.Table) -> pa.Table:
    """Move one line's usage into the month before: the provider bills it late."""
    rows = table.to_pylist()
    line = next(
        row
        for row in rows
        if row["ChargeCategory"] == "Usage"
        and row["ChargePeriodStart"].day == 1
        and row["ServiceName"]
        and row["ListCost"] > 0
        and "Compute" in row["ServiceCategory"]
    )
    late = {**line, "ChargePeriodStart": _before(line, "ChargePeriodStart"),
            "ChargePeriodEnd": _before(line, "ChargePeriodEnd")}  # fmt: skip
    return pa.concat_tables([table, pa.Table.from_pylist([late], table.schema)])


def _before(row: dict[str, Any], column: str) -> dt.datetime:
    moment: dt.datetime = row[column]
    return moment - dt.timedelta(days=20)


def wait_for(
    happened: Callable[[], bool], process: "subprocess.Popen[str]", seconds: float = 600
) -> bool:
    """Wait until something has happened; tell whether it did while the process still ran."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if happened():
            return process.poll() is None
        if process.poll() is not None:
            return False
        time.sleep(0.02)
    raise TimeoutError


def wait_until_free(place: Place) -> None:
    """Wait until what a killed run had started has ended too."""
    while True:
        try:
            with home_lock(place.home.lock):
                return
        except CloudtallyError:
            time.sleep(0.2)


class OpenReader:
    """A process that keeps one connection to the published file open, as a BI tool does."""

    def __init__(self, database: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", SNAPSHOT, str(database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, sql: str) -> str:
        """Ask a question over the connection that is open all along."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError
        self._process.stdin.write(f"{sql}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        """Close the connection."""
        self._process.communicate(timeout=30)
