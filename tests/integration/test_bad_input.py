"""Bad deliveries: named, refused, forgotten by nothing, healed by the next good one."""

import csv
import datetime as dt
import errno
import gzip
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.decoding import decode as decoding
from dagster_project.errors import CloudtallyError
from dagster_project.exports.aws import carbon
from dagster_project.landing.delivery import Delivery, read_delivery
from dagster_project.ledger.store import Kind
from dagster_project.pipeline import extract as extracting
from dagster_project.pipeline import offers
from dagster_project.pipeline.extract import Outcome, Status, extract
from dagster_project.pipeline.imports import ledger_tables
from dagster_project.pipeline.plan import counted_deliveries
from dagster_project.pipeline.survey import survey
from dagster_project.stores import part as store_part
from dagster_project.stores import retry as store_retry
from dagster_project.stores.base import DENIED, NETWORK, THROTTLED, fault
from tests.integration.estates import (
    ACCOUNTS,
    APRIL,
    MARCH,
    AwsFolder,
    FaultyStore,
    House,
    Row,
    azure_deliver,
    changed,
    columns,
    csv_gz,
    csv_text,
    digest,
    gcp_deliver,
    json_lines,
    parquet,
    put,
    renamed,
    row,
    rows,
    table,
    without,
)

CSV = ".csv.gz"
PARQUET = ".snappy.parquet"
FIRST_FILE = "focus-00001"


@pytest.fixture(autouse=True)
def _no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of renames is what these tests are about, not the disk's own cache."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "home")


@pytest.fixture
def aws(house: House, tmp_path: Path) -> AwsFolder:
    """A source `main` with a good delivery of March, accepted."""
    folder = AwsFolder(tmp_path / "bucket")
    folder.deliver(parquet(rows()))
    house.add("main", folder.root)
    assert house.extract()[MARCH].status is Status.ACCEPTED
    return folder


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[FaultyStore]:
    """Every store that is opened, newest last."""
    stores: list[FaultyStore] = []
    real = extracting.open_source

    def opened(source: object) -> FaultyStore:
        stores.append(FaultyStore(real(source)))  # type: ignore[arg-type]
        return stores[-1]

    monkeypatch.setattr(extracting, "open_source", opened)
    return stores


def require_sentence(error: CloudtallyError | None, code: str, *words: str) -> str:
    assert error is not None
    sentence = str(error)
    assert error.code == code, sentence
    for word in ("source: main", "month: 2026-03", *words):
        assert word in sentence, f"{word!r} is not in: {sentence}"
    assert error.kept, sentence
    assert error.next_step, sentence
    assert "  " not in sentence, sentence
    assert ".." not in sentence.replace("../", "").replace(", ...", ""), sentence
    return sentence


def require_nothing_halfway(house: House, sentence: str) -> None:
    """Only what was accepted is decoded; beside it lie only the files that the sentence names."""
    accepted = {event.delivery_id for event in house.events if event.kind is Kind.ACCEPTED}
    assert house.decoded() == accepted
    named = re.findall(r"files are in ([^;]+);", sentence)
    for folder in named:
        assert any((house.home / folder).iterdir())
    kept = {folder for folder in house.landed() if Path(folder).name not in accepted}
    assert (kept | house.staged()) == set(named)
    leftovers = [*house.home.rglob("*.part*"), *house.home.rglob("*.building")]
    assert leftovers == []


def require_refused(
    house: House, watched: list[FaultyStore], code: str, *words: str, name: str = "main"
) -> Outcome:
    """Extract, expect a quarantine of March, and look at everything around it."""
    before = house.current(name=name)
    outcome = house.extract(name)[MARCH]
    assert outcome.status is Status.QUARANTINED, outcome
    sentence = require_sentence(outcome.error, code, *words)
    assert house.current(name=name) == before
    if before is None:
        assert "no delivery of this month was accepted before" in sentence
    else:
        assert f"{before.delivery_id} ({before.payload['rows']} rows) stays current" in sentence
    require_nothing_halfway(house, sentence)
    require_verdict_stands(house, watched, outcome, name)
    return outcome


def require_verdict_stands(
    house: House, watched: list[FaultyStore], outcome: Outcome, name: str
) -> None:
    events = house.events
    again = house.extract(name)[MARCH]
    assert (again.status, str(again.error)) == (outcome.status, str(outcome.error))
    assert watched[-1].opened == []
    assert house.events == events


# ---------------------------------------------------------------- a delivery at fault


def doubled_csv() -> bytes:
    names = [*columns(), "BilledCost"]
    return csv_gz([r | {"again": 1} for r in rows()], names)


def doubled_parquet() -> bytes:
    good = table(rows())
    return parquet(good.append_column("BilledCost", good.column("BilledCost")))


def retyped(column: str, kind: pa.DataType, value: object) -> bytes:
    return parquet([r | {column: value} for r in rows()], **{column: kind})


BAD: dict[str, tuple[Callable[[], bytes], str, str, tuple[str, ...]]] = {
    "truncated parquet": (
        lambda: parquet(rows())[:-200], PARQUET, "CT-LAND-TRUNCATED", (FIRST_FILE,),
    ),
    "parquet cut in the middle": (
        lambda: parquet(rows())[:3000], PARQUET, "CT-LAND-TRUNCATED", (FIRST_FILE,),
    ),
    "damaged pages": (
        lambda: (lambda good: good[:400] + b"\xff" * 600 + good[1000:])(parquet(rows())),
        PARQUET, "CT-LAND-TRUNCATED", (FIRST_FILE,),
    ),
    "truncated gzip": (
        lambda: csv_gz(rows())[:-60], CSV, "CT-LAND-TRUNCATED", (FIRST_FILE,),
    ),
    "gzip that is none": (lambda: b"BilledCost\n1\n", CSV, "CT-LAND-TRUNCATED", (FIRST_FILE,)),
    "gzip with a bad block": (
        lambda: (lambda good: good[:200] + b"\x00" * 50 + good[250:])(csv_gz(rows(days=28))),
        CSV, "CT-LAND-TRUNCATED", (FIRST_FILE,),
    ),
    "line cut off": (
        lambda: gzip.compress(csv_text(rows()).encode()[:-300]),
        CSV, "CT-LAND-TRUNCATED", (FIRST_FILE, "Expected"),
    ),
    "not utf-8": (
        lambda: gzip.compress(csv_text(rows()).replace("prod", "pr\u00f6d").encode("latin-1")),
        CSV, "CT-LAND-TRUNCATED", (FIRST_FILE,),
    ),
    "empty file": (lambda: b"", PARQUET, "CT-LAND-EMPTY", (FIRST_FILE,)),
    "empty csv": (lambda: b"", CSV, "CT-LAND-EMPTY", (FIRST_FILE,)),
    "gzip of nothing": (lambda: gzip.compress(b""), CSV, "CT-LAND-EMPTY", ()),
    "zero rows": (
        lambda: parquet(table(rows()).slice(0, 0)), PARQUET, "CT-LAND-SHRINK",
        ("no rows; there were 8", "4 days fewer (first: 2026-03-01)"),
    ),
    "header only": (
        lambda: csv_gz([], list(columns())), CSV, "CT-LAND-SHRINK", ("no rows; there were 8",),
    ),
    "mandatory column renamed": (
        lambda: parquet(renamed(rows(), "BilledCost", "Cost"), Cost=pa.float64()), PARQUET,
        "CT-DECODE-MISSING-COLUMN", (FIRST_FILE, "missing: BilledCost."),
    ),
    "mandatory column dropped": (
        lambda: csv_gz(without(rows(), "ChargeCategory", "ListCost")), CSV,
        "CT-DECODE-MISSING-COLUMN", (FIRST_FILE, "missing: ChargeCategory, ListCost."),
    ),
    "column twice in csv": (
        doubled_csv, CSV, "CT-DECODE-DUPLICATE-COLUMN", (FIRST_FILE, "BilledCost"),
    ),
    "column twice in parquet": (
        doubled_parquet, PARQUET, "CT-DECODE-DUPLICATE-COLUMN", (FIRST_FILE, "BilledCost"),
    ),
    "column twice but for case": (
        lambda: parquet([r | {"billedcost": "1"} for r in rows()]), PARQUET,
        "CT-DECODE-DUPLICATE-COLUMN", (FIRST_FILE, "BilledCost, billedcost"),
    ),
    "lineage column": (
        lambda: parquet([r | {"ct_source": "other"} for r in rows()]), PARQUET,
        "CT-DECODE-RESERVED-COLUMN", (FIRST_FILE, "ct_source"),
    ),
    "comma in a cost": (
        lambda: csv_gz(changed(3, BilledCost="1,234.56")), CSV, "CT-DECODE-NUMBER",
        (FIRST_FILE, "column: BilledCost", "data row: 3", "'1,234.56'"),
    ),
    "underscore in a cost": (
        lambda: csv_gz(changed(2, BilledCost="1_234")), CSV, "CT-DECODE-NUMBER",
        (FIRST_FILE, "column: BilledCost", "data row: 2"),
    ),
    "underscore in a quantity": (
        lambda: csv_gz(changed(2, PricingQuantity="1_234")), CSV, "CT-DECODE-NUMBER",
        (FIRST_FILE, "column: PricingQuantity", "data row: 2"),
    ),
    "no billed cost": (
        lambda: csv_gz(changed(2, BilledCost="")), CSV, "CT-DECODE-ABSENT",
        (FIRST_FILE, "column: BilledCost", "data row: 2", "an empty cell"),
    ),
    "the word NULL for an effective cost": (
        lambda: csv_gz(changed(3, EffectiveCost="NULL")), CSV, "CT-DECODE-ABSENT",
        (FIRST_FILE, "column: EffectiveCost", "data row: 3"),
    ),
    "no billed cost in parquet": (
        lambda: parquet(changed(5, BilledCost=None)), PARQUET, "CT-DECODE-ABSENT",
        (FIRST_FILE, "column: BilledCost", "data row: 5"),
    ),
    "nan in parquet": (
        lambda: parquet(changed(5, EffectiveCost=float("nan"))), PARQUET, "CT-DECODE-NUMBER",
        (FIRST_FILE, "column: EffectiveCost", "data row: 5", "nan"),
    ),
    "nan in csv": (
        lambda: csv_gz(changed(5, EffectiveCost="NaN")), CSV, "CT-DECODE-NUMBER",
        (FIRST_FILE, "column: EffectiveCost", "data row: 5", "NaN"),
    ),
    "nan where no sum looks": (
        lambda: parquet(changed(6, PricingQuantity=float("nan"))), PARQUET, "CT-DECODE-NUMBER",
        (FIRST_FILE, "column: PricingQuantity", "data row: 6"),
    ),
    "infinity in parquet": (
        lambda: parquet(changed(1, ListCost=float("-inf"))), PARQUET, "CT-DECODE-NUMBER",
        (FIRST_FILE, "column: ListCost", "data row: 1"),
    ),
    "infinity in csv": (
        lambda: csv_gz(changed(1, ListCost="Infinity")), CSV, "CT-DECODE-NUMBER",
        (FIRST_FILE, "column: ListCost", "data row: 1"),
    ),
    "40 digits before the point": (
        lambda: csv_gz(changed(8, BilledCost="1" * 40)), CSV, "CT-DECODE-NUMBER",
        (FIRST_FILE, "column: BilledCost", "data row: 8"),
    ),
    "21 digits in a double": (
        lambda: parquet(changed(8, PricingQuantity=1e20)), PARQUET, "CT-DECODE-NUMBER",
        (FIRST_FILE, "column: PricingQuantity", "data row: 8"),
    ),
    "a sum that wraps around": (
        lambda: csv_gz([r | {"BilledCost": "9" * 20} for r in rows()]), CSV, "CT-LAND-TOTAL",
        ("column: BilledCost", "799999999999999999992"),
    ),
    "invalid timestamp": (
        lambda: csv_gz(changed(4, ChargePeriodStart="2026-02-30T00:00:00Z")), CSV,
        "CT-DECODE-TIMESTAMP", (FIRST_FILE, "column: ChargePeriodStart", "data row: 4"),
    ),
    "timestamp without end": (
        lambda: csv_gz(changed(4, ChargePeriodEnd="infinity")), CSV,
        "CT-DECODE-TIMESTAMP", (FIRST_FILE, "column: ChargePeriodEnd", "data row: 4"),
    ),
    "other billing period in csv": (
        lambda: csv_gz(changed(7, BillingPeriodStart="2026-02-01T00:00:00Z")), CSV,
        "CT-DECODE-PERIOD",
        (FIRST_FILE, "column: BillingPeriodStart", "data row: 7", "outside the month 2026-03"),
    ),
    "other billing period in parquet": (
        lambda: parquet(changed(7, BillingPeriodStart=dt.datetime(2026, 4, 1))), PARQUET,
        "CT-DECODE-PERIOD", (FIRST_FILE, "column: BillingPeriodStart", "data row: 7"),
    ),
    "no billing period": (
        lambda: parquet(changed(2, BillingPeriodStart=None)), PARQUET,
        "CT-DECODE-PERIOD", (FIRST_FILE, "data row: 2", "an empty cell"),
    ),
    "timestamp became a number": (
        lambda: retyped("ChargePeriodStart", pa.int64(), 1772323200), PARQUET,
        "CT-DECODE-TYPE", (FIRST_FILE, "column: ChargePeriodStart", "int64"),
    ),
    "other timestamp became a number": (
        lambda: retyped("ChargePeriodEnd", pa.int64(), 1772323200), PARQUET,
        "CT-DECODE-TYPE", (FIRST_FILE, "column: ChargePeriodEnd", "BIGINT"),
    ),
    "cost became a flag": (
        lambda: retyped("BilledCost", pa.bool_(), True), PARQUET,
        "CT-DECODE-TYPE", (FIRST_FILE, "column: BilledCost", "bool"),
    ),
    "cost became a list": (
        lambda: retyped("BilledCost", pa.list_(pa.float64()), [1.0]), PARQUET,
        "CT-DECODE-TYPE", (FIRST_FILE, "column: BilledCost"),
    ),
    "text became bytes": (
        lambda: retyped("ServiceName", pa.binary(), b"x"), PARQUET,
        "CT-DECODE-TYPE", (FIRST_FILE, "column: ServiceName", "BLOB"),
    ),
    "fewer days": (
        lambda: parquet(rows(days=3)), PARQUET, "CT-LAND-SHRINK",
        ("1 day fewer (first: 2026-03-04)",),
    ),
    "missing account": (
        lambda: parquet(rows(days=8, accounts=ACCOUNTS[:1])), PARQUET, "CT-LAND-SHRINK",
        ("1 account missing (first: 999999999999 / 222222222222)", "--accept-shrink"),
    ),
    "far fewer rows": (
        lambda: parquet(rows(days=1) + rows(days=4)[2:3]), PARQUET, "CT-LAND-SHRINK",
        ("3 rows; there were 8",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_delivery_is_refused_and_healed(
    case: str, house: House, aws: AwsFolder, watched: list[FaultyStore]
) -> None:
    make, suffix, code, words = BAD[case]
    aws.deliver(make(), suffix=suffix)
    aws.deliver(parquet(rows(APRIL)), month=APRIL)

    require_refused(house, watched, code, *words)

    assert house.current(APRIL) is not None
    aws.deliver(parquet(rows(days=5)))
    healed = house.extract()[MARCH]
    assert (healed.status, healed.rows) == (Status.ACCEPTED, 10)
    assert house.state.quarantined() == []
    assert house.staged() == set()
    assert house.extract()[MARCH].status is Status.UNCHANGED


def test_first_delivery_with_a_header_only_is_refused_until_someone_says_so(
    house: House, tmp_path: Path, watched: list[FaultyStore]
) -> None:
    folder = AwsFolder(tmp_path / "bucket")
    folder.deliver(csv_gz([], list(columns())), suffix=CSV)
    house.add("main", folder.root)
    require_refused(house, watched, "CT-LAND-NO-ROWS", FIRST_FILE, "--accept-shrink")
    assert house.extract(accept_shrink="account opened in April")[MARCH].rows == 0
    assert house.accepted()[-1].reason == "account opened in April"


def test_column_missing_in_the_second_part_only(
    house: House, aws: AwsFolder, watched: list[FaultyStore]
) -> None:
    aws.deliver(parquet(rows()), parquet(without(rows(), "BilledCost")))
    require_refused(house, watched, "CT-DECODE-MISSING-COLUMN", "focus-00002", "BilledCost")


def test_one_empty_part_among_good_ones(
    house: House, aws: AwsFolder, watched: list[FaultyStore]
) -> None:
    aws.deliver(csv_gz(rows()), b"", suffix=CSV)
    require_refused(house, watched, "CT-LAND-EMPTY", "focus-00002")


# ---------------------------------------------------------------- manifests


def test_part_that_the_manifest_names_is_missing(
    house: House, aws: AwsFolder, watched: list[FaultyStore]
) -> None:
    aws.deliver(parquet(rows()), parquet(rows(days=5)))
    content = aws.part(2).read_bytes()
    aws.part(2).unlink()
    outcome = require_refused(
        house, watched, "CT-LAND-PART-MISSING", "1 of 2 parts", "focus-00002", "focus-Manifest.json"
    )
    assert "nothing of this delivery was fetched" in str(outcome.error)
    put(aws.part(2), content)
    assert house.extract()[MARCH].rows == 18


def test_manifest_missing_and_back_again(
    house: House, aws: AwsFolder, watched: list[FaultyStore]
) -> None:
    manifest = aws.manifest().read_bytes()
    stat = aws.manifest().stat()
    aws.manifest().unlink()
    require_refused(house, watched, "CT-LAND-NO-MANIFEST", FIRST_FILE)
    put(aws.manifest(), manifest)
    os.utime(aws.manifest(), ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    back = house.extract()[MARCH]
    assert back.status is Status.ACCEPTED
    assert watched[-1].opened == []
    assert house.state.quarantined() == []


def test_two_manifests(house: House, aws: AwsFolder, watched: list[FaultyStore]) -> None:
    stale = aws.manifest().with_name("old-Manifest.json")
    put(stale, aws.manifest().read_bytes())
    require_refused(house, watched, "CT-LAND-TWO-MANIFESTS", "old-Manifest.json")
    stale.unlink()
    assert house.extract()[MARCH].status is Status.ACCEPTED
    assert house.extract()[MARCH].status is Status.UNCHANGED


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00", '{"executionId": "x"}', "[" * 100_000])
def test_manifest_that_is_none(
    content: str, house: House, aws: AwsFolder, watched: list[FaultyStore]
) -> None:
    put(aws.manifest(), content)
    require_refused(house, watched, "CT-LAND-MANIFEST", "focus-Manifest.json")


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "s3://bucket/a/../../home/.ssh/id", "data/./x.parquet"]
)
def test_key_that_climbs_out(
    name: str, house: House, aws: AwsFolder, watched: list[FaultyStore]
) -> None:
    aws.deliver(parquet(rows()), data_files=[name])
    outcome = require_refused(house, watched, "CT-LAND-HOSTILE-KEY", name)
    assert "nothing of this delivery was fetched" in str(outcome.error)


def test_one_object_under_two_names(
    house: House, aws: AwsFolder, watched: list[FaultyStore]
) -> None:
    key = str(aws.part().relative_to(aws.root))
    aws.deliver(parquet(rows()), data_files=[f"s3://one/{key}", f"s3://two/{key}"])
    require_refused(house, watched, "CT-LAND-MANIFEST", "names a data file twice", FIRST_FILE)


def test_manifest_of_gcp_that_disagrees(
    house: House, tmp_path: Path, watched: list[FaultyStore]
) -> None:
    root = tmp_path / "bucket"
    house.add("main", root, provider="gcp")
    gcp_deliver(root, parquet(rows()), rows=9)
    require_refused(house, watched, "CT-LAND-COUNT", "rows = 8; the manifest says 9")
    gcp_deliver(root, parquet(rows()), run="r2", exported_at="2026-04-02T00:00:00Z",
                sums={"BilledCost": "10.01"})  # fmt: skip
    require_refused(house, watched, "CT-LAND-COUNT", "BilledCost = 10.0", "says 10.01")
    gcp_deliver(root, parquet(rows()), run="r3", exported_at="2026-04-03T00:00:00Z",
                sums={"BilledCost": "10"})  # fmt: skip
    assert house.extract()[MARCH].rows == 8
    assert house.staged() == set()


def test_manifest_of_azure_that_disagrees(
    house: House, tmp_path: Path, watched: list[FaultyStore]
) -> None:
    root = tmp_path / "container"
    house.add("main", root, provider="azure")
    good = csv_gz(rows())
    azure_deliver(root, good, byteCount=len(good) + 1)
    require_refused(house, watched, "CT-LAND-SIZE", "part_1_0001.csv.gz", f"says {len(good) + 1}")
    azure_deliver(root, good, dataRowCount=7)
    require_refused(house, watched, "CT-LAND-COUNT", "part_1_0001.csv.gz", "says 7")
    azure_deliver(root, good)
    assert house.extract()[MARCH].rows == 8


def test_stated_checksum(house: House, tmp_path: Path, watched: list[FaultyStore]) -> None:
    root = tmp_path / "folder"
    house.add("main", root, provider="onprem")
    put(root / "a.csv", csv_text(rows()))
    entry = {"name": "a.csv", "rows": 8, "sha256": "0" * 64}
    put(root / "manifest.json", {"delivery_id": "d", "month": "2026-03", "files": [entry]})
    require_refused(house, watched, "CT-LAND-CHECKSUM", "a.csv", "0" * 64)
    entry["sha256"] = hashlib.sha256((root / "a.csv").read_bytes()).hexdigest().upper()
    put(root / "manifest.json", {"delivery_id": "d", "month": "2026-03", "files": [entry]})
    assert house.extract()[MARCH].status is Status.ACCEPTED


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"BilledCost": 1', ("line 1 is no JSON",)),
        (b"[1, 2]\n", ("line 1 is no JSON object",)),
        (json_lines([r | {"billedcost": "2"} for r in rows()]), ("BilledCost, billedcost",)),
    ],
)
def test_json_lines_that_are_none(
    content: bytes,
    words: tuple[str, ...],
    house: House,
    tmp_path: Path,
    watched: list[FaultyStore],
) -> None:
    root = tmp_path / "bucket"
    house.add("main", root, provider="gcp")
    gcp_deliver(root, content, suffix=".jsonl")
    code = "CT-DECODE-DUPLICATE-COLUMN" if "Billed" in words[0] else "CT-LAND-TRUNCATED"
    require_refused(house, watched, code, "part-000.jsonl", *words)


def test_avro_that_is_none(house: House, tmp_path: Path, watched: list[FaultyStore]) -> None:
    root = tmp_path / "bucket"
    house.add("main", root, provider="gcp")
    gcp_deliver(root, b"Obj\x01\x02\x16avro.schema", suffix=".avro")
    require_refused(house, watched, "CT-LAND-TRUNCATED", "part-000.avro")


# ---------------------------------------------------------------- tolerated and counted


def accepted_csv(house: House, aws: AwsFolder, found: list[Row]) -> Outcome:
    aws.deliver(csv_gz(found), suffix=CSV)
    before = house.current()
    outcome = house.extract()[MARCH]
    assert outcome.status is Status.ACCEPTED, outcome
    assert before is not None
    decoding.forget(next((house.home / "decoded").rglob(f"ct_delivery={before.delivery_id}")))
    return outcome


def query(house: House, expression: str) -> list[tuple[object, ...]]:
    return duckdb.sql(f"select {expression} from '{house.decoded_file()}'").fetchall()


def test_negative_zero_is_zero(house: House, aws: AwsFolder) -> None:
    accepted_csv(house, aws, changed(1, BilledCost="-0.00"))
    assert query(house, "min(BilledCost)") == [(Decimal(0),)]
    aws.deliver(parquet(changed(1, BilledCost=-0.0)))
    assert house.extract()[MARCH].status is Status.ACCEPTED
    current = house.current()
    assert current is not None
    sums = read_delivery(house.folder_of(current)).totals.sums
    assert Decimal(sums["BilledCost"]) == Decimal("8.75")


def test_digits_beyond_the_scale_are_rounded_half_away_from_zero_and_counted(
    house: House, aws: AwsFolder
) -> None:
    found = rows()
    amounts = ["0." + "0" * 18 + "5", "-0." + "0" * 18 + "5", "0." + "1" * 40, "5e-19", "1.5e-2"]
    for r, amount in zip(found, amounts, strict=False):
        r["BilledCost"] = amount
    accepted_csv(house, aws, found)
    quantum = Decimal("1e-18")
    expected = [quantum, -quantum, Decimal("0." + "1" * 18), quantum, Decimal("0.015")]
    assert [value for (value,) in query(house, "BilledCost")][:5] == expected
    assert house.decoded_counts() == {("digits_beyond_scale", "BilledCost"): 4}
    current = house.current()
    assert current is not None
    total = Decimal(read_delivery(house.folder_of(current)).totals.sums["BilledCost"])
    assert [(total,)] == query(house, "sum(BilledCost)")


def test_digits_beyond_the_scale_of_doubles_are_counted(house: House, aws: AwsFolder) -> None:
    found = rows()
    for r, amount in zip(found, (1e-19, 1.5e-18, 0.1, 1e-7, 0.012345678901234567), strict=False):
        r["ListCost"] = amount
    aws.deliver(parquet(found))
    before = house.current()
    assert house.extract()[MARCH].status is Status.ACCEPTED
    assert before is not None
    decoding.forget(next((house.home / "decoded").rglob(f"ct_delivery={before.delivery_id}")))
    assert house.decoded_counts() == {("digits_beyond_scale", "ListCost"): 2}


def test_other_zones_are_converted_and_counted(house: House, aws: AwsFolder) -> None:
    found = rows()
    found[0]["ChargePeriodStart"] = "2026-03-01T02:00:00+02:00"
    found[1]["ChargePeriodStart"] = "2026-03-01 00:00:00"
    found[2]["ChargePeriodStart"] = "2026-03-02T00:00Z"
    found[3]["ChargePeriodStart"] = "2026-03-02T01:00:00+01"
    accepted_csv(house, aws, found)
    moments = [value for (value,) in query(house, "ChargePeriodStart")][:4]
    days = [1, 1, 2, 2]
    assert moments == [dt.datetime(2026, 3, day) for day in days]
    assert house.decoded_counts() == {
        ("zone_missing", "ChargePeriodStart"): 1,
        ("zone_not_utc", "ChargePeriodStart"): 2,
    }


def test_charge_outside_its_billing_period_is_left_to_the_quality_checks(
    house: House, aws: AwsFolder
) -> None:
    late = dt.datetime(2026, 2, 27)
    assert accepted_csv(house, aws, [*rows(), row() | {"ChargePeriodStart": late}]).rows == 9


def test_broken_tags_are_counted(house: House, aws: AwsFolder) -> None:
    accepted_csv(house, aws, changed(2, Tags='{"env": "prod"'))
    assert house.decoded_counts() == {("json_invalid", "Tags"): 1}
    assert ('{"env": "prod"',) in query(house, "Tags")


def test_tag_of_one_megabyte(house: House, aws: AwsFolder) -> None:
    accepted_csv(house, aws, changed(2, Tags={"long": "x" * (1 << 20)}))
    assert query(house, "max(length(Tags))") == [((1 << 20) + 12,)]


def test_tag_keys_that_differ_by_case_only(house: House, aws: AwsFolder) -> None:
    accepted_csv(house, aws, changed(2, Tags={"Env": "a", "env": "b"}))
    assert ('{"Env": "a", "env": "b"}',) in query(house, "Tags")
    assert house.decoded_counts() == {}


def test_optional_column_renamed_is_reported(house: House, aws: AwsFolder) -> None:
    outcome = accepted_csv(house, aws, renamed(rows(), "RegionId", "Region"))
    assert "unknown columns: Region" in outcome.oddities
    assert "columns gone since the delivery before: RegionId" in outcome.oddities
    assert any("unknown columns: Region" in line for line in house.heard)
    assert house.accepted()[-1].payload["oddities"] == list(outcome.oddities)
    names = pq.read_schema(house.decoded_file()).names
    assert "Region" in names
    assert "RegionId" not in names


def test_optional_column_dropped_is_reported(house: House, aws: AwsFolder) -> None:
    outcome = accepted_csv(house, aws, without(rows(), "Tags"))
    assert "columns gone since the delivery before: Tags" in outcome.oddities


def test_lower_total_alone_only_warns(house: House, aws: AwsFolder) -> None:
    aws.deliver(parquet([r | {"BilledCost": 1.0} for r in rows()]))
    outcome = house.extract()[MARCH]
    assert (outcome.status, outcome.oddities) == (
        Status.ACCEPTED,
        ("BilledCost fell from 10 to 8",),
    )


def test_column_that_held_only_nulls_has_no_type(house: House, tmp_path: Path) -> None:
    folder = AwsFolder(tmp_path / "bucket")
    found = [r | {"PricingQuantity": None, "ChargePeriodEnd": None} for r in rows()]
    folder.deliver(parquet(found, PricingQuantity=pa.null(), ChargePeriodEnd=pa.null()))
    house.add("main", folder.root)
    assert house.extract()[MARCH].status is Status.ACCEPTED
    (stats,) = (house.home / "decoded").rglob("decoded.json")
    assert "PricingQuantity" not in json.loads(stats.read_text())["parts"][0]["columns"]


def test_parquet_of_texts_is_typed_like_csv(house: House, tmp_path: Path) -> None:
    folder = AwsFolder(tmp_path / "bucket")
    reader = csv.DictReader(io.StringIO(csv_text(changed(1, ChargePeriodEnd="2026-03-02T00:00Z"))))
    texts = pa.Table.from_pylist(list(reader))
    folder.deliver(parquet(texts))
    house.add("main", folder.root)
    assert house.extract()[MARCH].status is Status.ACCEPTED
    assert query(house, "min(ChargePeriodEnd)") == [(dt.datetime(2026, 3, 2),)]
    assert query(house, "sum(BilledCost)") == [(Decimal(10),)]


def test_json_tags_stay_one_column(house: House, tmp_path: Path) -> None:
    root = tmp_path / "bucket"
    house.add("main", root, provider="gcp")
    late = row() | {"Tags": {"env": "test"}, "x_Extra": "1"}
    gcp_deliver(root, json_lines([*rows(), late]), suffix=".jsonl", rows=9)
    assert house.extract()[MARCH].oddities == ()
    assert ('{"env": "test"}',) in query(house, "Tags")


def test_decoding_leaves_the_lineage_to_the_folder(tmp_path: Path, house: House) -> None:
    folder = tmp_path / "carbon" / "2026-03"
    item = {"subscriptionId": "s", "resourceId": "r", "latestMonthEmissions": 1.5}
    for scope in (1, 2, 3):
        put(folder / f"scope{scope}.jsonl", json.dumps(item) + "\n")
    files = [{"name": f"scope{n}.jsonl", "scope": f"Scope{n}", "rows": 1} for n in (1, 2, 3)]
    manifest = {"retrievedAt": "2026-04-20T00:00:00Z", "month": "2026-03", "files": files}
    put(folder / "manifest.json", manifest)
    house.add("main", folder.parent, provider="azure", export="carbon")
    assert house.extract()[MARCH].rows == 3
    names = pq.read_schema(house.decoded_file()).names
    assert {name for name in names if name.startswith("ct_")} == {"ct_scope", "ct_retrieved_at"}


# ---------------------------------------------------------------- versions of reported emissions


def report_emissions(root: Path, version: str, *accounts: str) -> None:
    """AWS reports a gram of March for each account, in one version of its model."""
    values = [name.removesuffix("_value") for name in carbon.SCHEMA.totals]
    names = [
        "last_refresh_timestamp", "location", "model_version", "payer_account_id",
        "usage_account_id", "product_code", "region_code", "usage_period_start",
        "usage_period_end", *(f"{name}_value" for name in values),
        *(f"{name}_unit" for name in values),
    ]  # fmt: skip
    start, end = dt.datetime(2026, 3, 1), dt.datetime(2026, 4, 1)
    lines = [
        [end, "Ireland", version, "999999999999", account, "Other", "eu-west-1", start, end,
         *[1e-6 for _ in values], *["MTCO2e" for _ in values]]
        for account in accounts
    ]  # fmt: skip
    cells = list(zip(*lines, strict=True)) or [[] for _ in names]
    folder = f"carbon_model_version={version}/usage_period=2026-03"
    data = root / "export" / "data" / folder / "export-00001.snappy.parquet"
    put(data, parquet(pa.table(dict(zip(names, map(list, cells), strict=True)))))
    put(
        root / "export" / "metadata" / folder / "export-Manifest.json",
        {"executionId": version, "dataFiles": [f"s3://bucket/{data.relative_to(root).as_posix()}"]},
    )


def test_a_newer_version_that_lacks_accounts_is_quarantined(house: House, tmp_path: Path) -> None:
    root = tmp_path / "carbon"
    house.add("main", root, export="carbon")

    def versions(**more: Any) -> dict[str, Status]:
        found = extract(house.context(**more), house.sources["main"])
        return {outcome.variant: outcome.status for outcome in found}

    report_emissions(root, "v3.0.9", "111111111111", "222222222222")
    report_emissions(root, "v3.0.10", "111111111111", "222222222222", "333333333333")
    assert set(versions().values()) == {Status.ACCEPTED}
    report_emissions(root, "v3.1.0", "111111111111", "333333333333")
    assert versions()["v3.1.0"] is Status.QUARANTINED
    [held] = house.state.quarantined()
    assert "1 account missing (first: 999999999999 / 222222222222)" in str(held.payload)
    accepted = versions(accept_shrink="the account was closed")
    assert accepted["v3.1.0"] is Status.ACCEPTED
    assert house.events[-1].payload["forgiven"] == [
        "1 account missing (first: 999999999999 / 222222222222)"
    ]


def test_an_older_version_may_lack_accounts_of_a_newer_one(house: House, tmp_path: Path) -> None:
    root = tmp_path / "carbon"
    house.add("main", root, export="carbon")
    report_emissions(root, "v3.1.0", "111111111111", "222222222222")
    assert house.extract()[MARCH].status is Status.ACCEPTED
    report_emissions(root, "v3.0.9", "111111111111")
    found = extract(house.context(), house.sources["main"])
    assert Status.ACCEPTED in {outcome.status for outcome in found}
    assert house.state.quarantined() == []


# ---------------------------------------------------------------- emissions in a plain table


EMISSION = {
    "usage_month": "2026-03", "billing_account_id": "org", "sub_account_id": "prod",
    "region_id": "eu-central-1", "service_name": "Warehouse", "resource_id": "",
    "emissions_unit": "kgCO2e", "total_location": "12.5", "total_market": "",
    "methodology_version": "2", "refreshed_at": "2026-04-20T00:00:00Z",
}  # fmt: skip


@pytest.fixture
def plain(house: House, tmp_path: Path) -> Path:
    """The folder of a provider that writes its emissions as plain files."""
    root = tmp_path / "snowpeak-carbon"
    options = {"settle_seconds": 0}
    house.add("main", root, provider="snowpeak", export="carbon", options=options)
    return root


def emissions(*changes: dict[str, str]) -> list[dict[str, str]]:
    """A good row and one for each of the changes, told apart by their resource."""
    return [EMISSION, *(EMISSION | {"resource_id": f"r{n}"} | c for n, c in enumerate(changes))]


PLAIN = "usage_month=2026-03/emissions.csv"
BAD_EMISSIONS: dict[str, tuple[list[dict[str, str]], str, tuple[str, ...]]] = {
    "another unit": (
        emissions({"emissions_unit": "lbCO2e"}), "CT-DECODE-VALUE",
        ("'lbCO2e' is not allowed; known: kgCO2e, gCO2e, tCO2e", "column: emissions_unit",
         "data row: 2"),
    ),
    "megatonnes": (
        emissions({"emissions_unit": "MtCO2e"}), "CT-DECODE-VALUE", ("'MtCO2e' is not allowed",)
    ),
    "kilograms of CO2 alone": (
        emissions({"emissions_unit": "kgCO2"}), "CT-DECODE-VALUE", ("'kgCO2' is not allowed",)
    ),
    "no unit": (emissions({"emissions_unit": ""}), "CT-DECODE-ABSENT", ("emissions_unit",)),
    "no column of units": (
        without(emissions(), "emissions_unit"), "CT-DECODE-MISSING-COLUMN", ("emissions_unit",)
    ),
    "no column of accounts": (
        without(emissions(), "sub_account_id"), "CT-DECODE-MISSING-COLUMN", ("sub_account_id",)
    ),
    "no column of figures": (
        without(emissions(), "total_location", "total_market"), "CT-DECODE-ABSENT",
        ("stands without any of scope1, scope2_location",),
    ),
    "another month": (
        emissions({"usage_month": "2026-04"}), "CT-DECODE-PERIOD",
        ("'2026-04' lies outside the month 2026-03", "data row: 2"),
    ),
    "a month that is none": (
        emissions({"usage_month": "2026-13"}), "CT-DECODE-TIMESTAMP", ("'2026-13'",)
    ),
    "a month in words": (
        emissions({"usage_month": "March 2026"}), "CT-DECODE-TIMESTAMP", ("'March 2026'",)
    ),
    "no month": (emissions({"usage_month": ""}), "CT-DECODE-PERIOD", ("an empty cell",)),
    "a figure in words": (
        emissions({"total_market": "n/a"}), "CT-DECODE-NUMBER", ("'n/a'", "total_market")
    ),
    "a row twice": (
        [EMISSION, EMISSION], "CT-DECODE-DUPLICATE-KEY",
        ("'org', 'prod', 'eu-central-1', 'Warehouse', '', '2'", "data row: 2"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_EMISSIONS)
def test_bad_emissions_are_refused_and_healed(
    case: str, house: House, plain: Path, watched: list[FaultyStore]
) -> None:
    found, code, words = BAD_EMISSIONS[case]
    put(plain / PLAIN, csv_text(found))

    require_refused(house, watched, code, *words)

    put(plain / PLAIN, csv_text(emissions({"emissions_unit": "tCO2e"})))
    healed = house.extract()[MARCH]
    assert (healed.status, healed.rows) == (Status.ACCEPTED, 2)


def test_emissions_below_zero_are_the_providers_and_stay(house: House, plain: Path) -> None:
    put(plain / PLAIN, csv_text(emissions({"total_location": "-3"})))
    assert house.extract()[MARCH].status is Status.ACCEPTED
    assert query(house, "total_location") == [(Decimal("12.5"),), (Decimal(-3),)]


def test_emissions_without_rows_are_refused_until_someone_says_so(
    house: House, plain: Path, watched: list[FaultyStore]
) -> None:
    put(plain / PLAIN, csv_text([], list(EMISSION)))
    require_refused(house, watched, "CT-LAND-NO-ROWS", "--accept-shrink")
    assert house.extract(accept_shrink="nothing was used")[MARCH].rows == 0


def test_two_files_that_say_the_same_are_not_added(
    house: House, plain: Path, watched: list[FaultyStore]
) -> None:
    """Also where one of them lacks a column that the other leaves empty."""
    put(plain / PLAIN, csv_text([EMISSION]))
    put(plain / "usage_month=2026-03/corrected.csv", csv_text(without([EMISSION], "resource_id")))
    require_refused(house, watched, "CT-DECODE-DUPLICATE-KEY", "data row: 1")


def test_versions_of_emissions_stand_side_by_side(house: House, plain: Path) -> None:
    newer = EMISSION | {"methodology_version": "3"}
    put(plain / PLAIN, csv_text([EMISSION, newer]))
    assert house.extract()[MARCH].rows == 2


@pytest.mark.parametrize("dated", ["2026-03", "2026-03-01", "2026-03-31", "2026-03-01T00:00:00Z"])
def test_a_file_of_emissions_tells_its_months_itself(dated: str, house: House, plain: Path) -> None:
    """Such a file stands in nobody's month: its rows are told apart."""
    april = EMISSION | {"usage_month": "2026-04", "total_location": "99"}
    march = [row | {"usage_month": dated} for row in emissions({})]
    put(plain / "year.csv", csv_text([*march, april]))
    outcomes = house.extract()
    assert {month: outcome.rows for month, outcome in outcomes.items()} == {MARCH: 2, APRIL: 1}
    current = house.current()
    assert current is not None
    sums = read_delivery(house.folder_of(current)).totals.sums
    assert Decimal(sums["total_location"]) == 25
    assert query(house, "count(*), min(month(usage_month))") == [(2, 3)]


def test_emissions_in_parquet_are_read_as_they_are(house: House, plain: Path) -> None:
    columns_ = {name: [value] for name, value in EMISSION.items()}
    columns_ |= {"usage_month": [dt.date(2026, 3, 1)], "total_location": [0.1]}
    columns_ |= {"total_market": [None], "refreshed_at": [dt.datetime(2026, 4, 20)]}
    put(plain / "2026-03.parquet", parquet(pa.table(columns_)))
    assert house.extract()[MARCH].rows == 1
    current = house.current()
    assert current is not None
    sums = read_delivery(house.folder_of(current)).totals.sums
    assert Decimal(sums["total_location"]) == Decimal("0.1")


# ---------------------------------------------------------------- shrinks, repeats, corrections


def test_accepted_shrink_keeps_its_reason(
    house: House, aws: AwsFolder, watched: list[FaultyStore]
) -> None:
    aws.deliver(parquet(rows(days=3)))
    require_refused(house, watched, "CT-LAND-SHRINK", "--accept-shrink")
    assert house.extract(accept_shrink="  ")[MARCH].status is Status.QUARANTINED
    outcome = house.extract(accept_shrink="4 March was a test account")[MARCH]
    assert (outcome.status, outcome.rows) == (Status.ACCEPTED, 6)
    assert watched[-1].opened == []
    event = house.accepted()[-1]
    assert event.reason == "4 March was a test account"
    assert event.payload["forgiven"] == ["1 day fewer (first: 2026-03-04)"]
    assert house.extract()[MARCH].status is Status.UNCHANGED


def test_accept_shrink_is_not_the_reason_of_what_did_not_shrink(
    house: House, aws: AwsFolder
) -> None:
    aws.deliver(parquet(rows(days=5)))
    assert house.extract(accept_shrink="why")[MARCH].status is Status.ACCEPTED
    assert house.accepted()[-1].reason == ""


def test_same_content_under_a_new_execution(house: House, aws: AwsFolder) -> None:
    aws.deliver(parquet(rows()))
    assert house.extract()[MARCH].status is Status.ACCEPTED
    first, second = house.accepted()
    assert first.delivery_id != second.delivery_id
    assert first.payload["content"] == second.payload["content"]


def test_files_replaced_under_an_unchanged_manifest(
    house: House, aws: AwsFolder, watched: list[FaultyStore]
) -> None:
    put(aws.part(), parquet(changed(7, BillingPeriodStart=dt.datetime(2026, 4, 1))))
    require_refused(house, watched, "CT-DECODE-PERIOD")
    put(aws.part(), parquet(rows(days=5)))
    assert house.extract()[MARCH].rows == 10


def test_newest_is_refused_and_an_older_new_one_taken(
    house: House, tmp_path: Path, watched: list[FaultyStore]
) -> None:
    folder = AwsFolder(tmp_path / "bucket", keeps_all=True)
    house.add("main", folder.root)
    folder.deliver(parquet(rows()))
    folder.deliver(parquet(rows())[:100])
    assert house.extract()[MARCH].status is Status.QUARANTINED
    assert house.current() is not None
    assert house.extract()[MARCH].status is Status.UNCHANGED
    folder.deliver(parquet(rows(days=5)))
    folder.deliver(parquet(rows(days=2)))
    house.extract()
    current = house.current()
    assert current is not None
    assert current.payload["rows"] == 10


def test_superseded_refusal_is_not_tried_again(house: House, tmp_path: Path) -> None:
    folder = AwsFolder(tmp_path / "bucket", keeps_all=True)
    house.add("main", folder.root)
    for days in (4, 2, 5):
        folder.deliver(parquet(rows(days=days)))
        house.extract()
    assert house.extract(accept_shrink="why")[MARCH].status is Status.UNCHANGED
    current = house.current()
    assert current is not None
    assert current.payload["rows"] == 10


def test_new_code_looks_at_a_refusal_again(
    house: House, aws: AwsFolder, watched: list[FaultyStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.deliver(retyped("ChargePeriodEnd", pa.int64(), 1))
    require_refused(house, watched, "CT-DECODE-TYPE")
    events = len(house.events)
    monkeypatch.setattr(offers, "code_version", lambda: "9.9.9+later")
    assert house.extract()[MARCH].status is Status.QUARANTINED
    assert len(house.events) == events + 1
    house.extract()
    assert len(house.events) == events + 1


# ---------------------------------------------------------------- overlaps


def test_overlapping_sources(
    house: House, aws: AwsFolder, tmp_path: Path, watched: list[FaultyStore]
) -> None:
    other = AwsFolder(tmp_path / "other")
    other.deliver(parquet(rows(accounts=[ACCOUNTS[1], "333333333333"])))
    house.add("second", other.root)
    outcome = house.extract("second")[MARCH]
    assert outcome.status is Status.QUARANTINED
    error = outcome.error
    assert error is not None
    assert error.code == "CT-LAND-OVERLAP"
    for word in ("'main'", "222222222222", "source: second", "month: 2026-03", "authoritative"):
        assert word in str(error)
    require_nothing_halfway(house, str(error))
    require_verdict_stands(house, watched, outcome, "second")


def counting(house: House) -> set[str]:
    return {unit.source for unit in counted_deliveries(house.context(), house.state)}


def lost(house: House) -> dict[str, Any]:
    """What the warehouse is told of a month that is left out."""
    columns, found = ledger_tables(house.context(), [])["displaced"]
    [row] = found
    return dict(zip((name for name, _ in columns), row, strict=True))


BOTH = [*ACCOUNTS, "333333333333"]


def test_an_authority_leaves_out_what_it_holds_itself(
    house: House, aws: AwsFolder, tmp_path: Path
) -> None:
    other = AwsFolder(tmp_path / "other")
    other.deliver(parquet(rows(accounts=BOTH)))
    house.add("second", other.root, authoritative=True)

    assert house.extract("second")[MARCH].status is Status.ACCEPTED

    assert counting(house) == {"second"}
    assert survey(house.context()).problems == ()
    found = lost(house)
    assert (found["source_name"], found["lost_accounts"], found["lost_billed"]) == ("main", 0, None)


@pytest.mark.parametrize("is_first", [False, True])
def test_an_account_that_only_the_other_source_holds_is_never_lost_in_silence(
    house: House, aws: AwsFolder, tmp_path: Path, watched: list[FaultyStore], is_first: bool
) -> None:
    """The order of arrival doesn't matter."""
    smaller, larger = tmp_path / "smaller", tmp_path / "larger"
    AwsFolder(smaller).deliver(parquet(rows(accounts=["333333333333"])))
    AwsFolder(larger).deliver(
        parquet([*rows(accounts=["333333333333"]), row(account="444444444444", BilledCost=0.25)])
    )
    house.add("large", larger)
    house.add("small", smaller, authoritative=True)
    earlier, later = ("small", "large") if is_first else ("large", "small")
    assert house.extract(earlier)[MARCH].status is Status.ACCEPTED

    outcome = house.extract(later)[MARCH]

    error = outcome.error
    assert error is not None
    assert (outcome.status, error.code) == (Status.QUARANTINED, "CT-LAND-DISPLACED")
    for word in ("'small'", "'large'", "1 account (999999999999 / 444444444444)", "0.25",
                 "month: 2026-03", "accept-shrink"):  # fmt: skip
        assert word in str(error)
    assert counting(house) == {"main", earlier}
    require_verdict_stands(house, watched, outcome, later)

    assert house.extract(later, "closed account")[MARCH].status is Status.ACCEPTED
    assert counting(house) == {"main", "small"}
    assert survey(house.context()).problems == ()
    found = lost(house)
    assert (found["source_name"], found["lost_accounts"]) == ("large", 1)
    assert found["lost_billed"] == Decimal("0.25")
    assert "accepted: closed account" in found["detail"]


def test_accounts_that_a_change_of_authority_loses_are_a_problem(
    house: House, aws: AwsFolder, tmp_path: Path
) -> None:
    """Nothing arrives, so that no delivery can be refused; a run and `status` end with 3."""
    other = AwsFolder(tmp_path / "other")
    other.deliver(parquet(rows(accounts=BOTH)))
    house.add("second", other.root, authoritative=True)
    assert house.extract("second")[MARCH].status is Status.ACCEPTED
    house.add("second", other.root)
    house.add("main", aws.root, authoritative=True)

    assert counting(house) == {"main"}

    [problem] = survey(house.context()).problems
    assert (problem.source, problem.status) == ("second", Status.DISPLACED)
    assert problem.error is not None
    assert problem.error.code == "CT-LAND-DISPLACED"
    assert "1 account (999999999999 / 333333333333)" in str(problem.error)
    found = lost(house)
    assert (found["source_name"], found["lost_accounts"]) == ("second", 1)
    assert found["lost_billed"] == sum(
        Decimal(str(one["BilledCost"])) for one in rows(accounts=["333333333333"])
    )


def test_two_authorities_are_none(house: House, aws: AwsFolder, tmp_path: Path) -> None:
    house.add("main", aws.root, authoritative=True)
    other = AwsFolder(tmp_path / "other")
    other.deliver(parquet(rows()))
    house.add("second", other.root, authoritative=True)
    assert house.extract("second")[MARCH].status is Status.QUARANTINED


def test_overlap_is_gone_with_the_other_source(
    house: House, aws: AwsFolder, tmp_path: Path
) -> None:
    other = AwsFolder(tmp_path / "other")
    other.deliver(parquet(rows()))
    house.add("second", other.root)
    assert house.extract("second")[MARCH].status is Status.QUARANTINED
    del house.sources["main"]
    assert house.extract("second")[MARCH].status is Status.ACCEPTED


def test_rows_without_any_account_are_no_overlap(house: House, tmp_path: Path) -> None:
    for name, account in (("one", "1"), ("two", "2")):
        folder = AwsFolder(tmp_path / name)
        nobody = row() | {"BillingAccountId": None, "SubAccountId": None}
        folder.deliver(parquet([*rows(accounts=[account]), nobody]))
        house.add(name, folder.root)
        assert house.extract(name)[MARCH].status is Status.ACCEPTED


# ---------------------------------------------------------------- folders without a manifest


def test_folder_without_manifest_waits_for_two_equal_listings(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "folder"
    house.add("main", root, provider="snowpeak", options={"settle_seconds": 0})
    put(root / "2026-03" / "a.csv", csv_text(rows()))
    growing = iter([csv_text(rows(days=5)), None])

    def grow(_: float) -> None:
        content = next(growing)
        if content:
            put(root / "2026-03" / "a.csv", content)

    monkeypatch.setattr(extracting.time, "sleep", grow)
    assert house.extract()[MARCH].status is Status.WAITING
    assert house.current() is None
    outcome = house.extract()[MARCH]
    assert (outcome.status, outcome.rows) == (Status.ACCEPTED, 10)
    current = house.current()
    assert current is not None
    assert current.payload["unmanifested"] is True
    assert read_delivery(house.folder_of(current)).unmanifested
    assert house.extract()[MARCH].status is Status.UNCHANGED


@pytest.mark.parametrize("seconds", ["soon", -1, True, 1e9])
def test_settle_seconds_must_make_sense(seconds: object, house: House, tmp_path: Path) -> None:
    root = tmp_path / "folder"
    house.add("main", root, provider="snowpeak", options={"settle_seconds": seconds})
    put(root / "2026-03" / "a.csv", csv_text(rows()))
    (outcome,) = house.extract().values()
    assert outcome.status is Status.FAILED
    assert outcome.error is not None
    assert outcome.error.code == "CT-CONFIG-OPTION"


# ---------------------------------------------------------------- stores and disks that fail


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_retry.RetryPolicy, "wait_before", lambda *_: 0.0)


@pytest.fixture
def plan_faults(
    watched: list[FaultyStore], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[FaultyStore], None]], None]:
    """Let the next store that is opened fail as planned."""

    def plan(prepare: Callable[[FaultyStore], None]) -> None:
        inner = extracting.open_source

        def opened(source: object) -> FaultyStore:
            store = inner(source)  # type: ignore[arg-type]
            prepare(store)  # type: ignore[arg-type]
            monkeypatch.setattr(extracting, "open_source", inner)
            return store  # type: ignore[return-value]

        monkeypatch.setattr(extracting, "open_source", opened)

    return plan


Plan = Callable[[Callable[[FaultyStore], None]], None]


def require_failed(house: House, code: str, *words: str) -> None:
    before = house.events
    landed = house.landed()
    outcome = house.extract()[MARCH]
    assert outcome.status is Status.FAILED, outcome
    require_sentence(outcome.error, code, *words)
    assert house.events == before
    assert house.landed() == landed


def store_fault(code: str) -> CloudtallyError:
    return fault(code, "Planned.", location="test", key="k", next_step="Run again.")


def test_object_replaced_between_listing_and_download(
    house: House, aws: AwsFolder, plan_faults: Plan
) -> None:
    aws.deliver(parquet(rows(days=5)))

    def replace(store: FaultyStore) -> None:
        store.before_open = lambda _: put(aws.part(), parquet(rows(days=6)))

    plan_faults(replace)
    require_failed(house, "CT-STORE-CHANGED", FIRST_FILE)
    assert house.extract()[MARCH].rows == 12


def test_access_denied(house: House, aws: AwsFolder, plan_faults: Plan) -> None:
    aws.deliver(parquet(rows(days=5)))
    plan_faults(lambda store: store.faults.append(store_fault(DENIED)))
    require_failed(house, DENIED)
    assert house.extract()[MARCH].rows == 10


def test_listing_denied(house: House, aws: AwsFolder, plan_faults: Plan) -> None:
    def deny(store: FaultyStore) -> None:
        def refused(_: str = "") -> Iterator[object]:
            raise store_fault(DENIED)

        store.list = refused  # type: ignore[assignment,method-assign]

    plan_faults(deny)
    (outcome,) = house.extract().values()
    assert (outcome.status, outcome.month) == (Status.FAILED, None)
    assert "source: main" in str(outcome.error)


@pytest.mark.usefixtures("impatient")
def test_throttled_and_then_served(house: House, aws: AwsFolder, plan_faults: Plan) -> None:
    aws.deliver(parquet(rows(days=5)))
    plan_faults(lambda store: store.faults.extend([store_fault(THROTTLED)] * 3))
    assert house.extract()[MARCH].rows == 10


@pytest.mark.usefixtures("impatient")
def test_throttled_for_good(house: House, aws: AwsFolder, plan_faults: Plan) -> None:
    aws.deliver(parquet(rows(days=5)))
    plan_faults(lambda store: store.faults.extend([store_fault(THROTTLED)] * 50))
    require_failed(house, THROTTLED)


@pytest.mark.usefixtures("impatient")
def test_connection_reset_in_the_middle(
    house: House, aws: AwsFolder, watched: list[FaultyStore], plan_faults: Plan
) -> None:
    aws.deliver(parquet(rows(days=5)))

    def breaks(store: FaultyStore) -> None:
        store.breaks_after, store.reset = [1000, 500], store_fault(NETWORK)

    plan_faults(breaks)
    assert house.extract()[MARCH].rows == 10
    assert len(watched[-1].opened) == 3


def disk_is_full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def full_copy(engine: object, sql: str, name: str) -> tuple[object, ...]:
    if sql.startswith("copy"):
        raise decoding._explain(name, duckdb.IOException("IO Error: No space left on device"))
    return REAL_ROW(engine, sql, name)  # type: ignore[arg-type]


REAL_ROW = decoding._row


@pytest.mark.parametrize(
    ("owner", "name", "failure"),
    [
        (store_part.os, "write", disk_is_full),
        (Delivery, "write", disk_is_full),
        (decoding, "_write_stats", disk_is_full),
        (decoding, "_row", full_copy),
    ],
    ids=["download", "seal", "decode", "engine"],
)
def test_disk_full(
    owner: object,
    name: str,
    failure: object,
    house: House,
    aws: AwsFolder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws.deliver(csv_gz(rows(days=5)), suffix=CSV)
    before, decoded, current = house.events, house.decoded(), house.current()
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, failure)
        outcome = house.extract()[MARCH]
    assert outcome.status is Status.FAILED
    require_sentence(outcome.error, "CT-STORE-DISKFULL")
    assert (house.events, house.decoded(), house.current()) == (before, decoded, current)
    assert list(house.home.rglob("*.building")) == []
    assert house.extract()[MARCH].rows == 10
    assert house.staged() == set()


def test_home_that_may_not_be_written(house: House, aws: AwsFolder) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "delivery.json")

    aws.deliver(parquet(rows(days=5)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Delivery, "write", refused)
        require_failed(house, "CT-STORE-TARGET", "EACCES")


# ---------------------------------------------------------------- kill -9

DRIVER = """
import os, signal, sys, time
from pathlib import Path
from dagster_project.landing import archive
from dagster_project.ledger.store import Kind, Ledger
from dagster_project.pipeline import extract
from tests.integration.estates import House

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def before(owner, name, when=lambda *a, **k: True):
    real = getattr(owner, name)
    def hook(*args, **kwargs):
        if when(*args, **kwargs):
            die()
        return real(*args, **kwargs)
    setattr(owner, name, hook)

point = os.environ["KILL_AT"]
if point == "one part fetched":
    from dagster_project.stores.part import Part

    def is_second(self):
        if self._target.name.startswith("00000"):
            return False
        while not self._target.with_name("00000.parquet").exists():
            time.sleep(0.01)
        return True

    before(Part, "publish", is_second)
elif point == "downloaded":
    before(archive, "_describe")
elif point == "sealed":
    before(Path, "rename", lambda self, target: ".incoming" in str(self))
elif point == "landed":
    before(extract, "decode_landed")
elif point == "decoding":
    before(Path, "rename", lambda self, target: str(self).endswith(".building"))
elif point == "decoded":
    before(extract, "_judge")
elif point == "judged":
    before(Ledger, "append", lambda self, kind, **_: kind is Kind.ACCEPTED)
house = House(Path(sys.argv[1]))
house.add("main", Path(sys.argv[2]))
house.extract()
"""


def run_until_killed(point: str, house: House, location: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(house.home), str(location)],
        env={**os.environ, "KILL_AT": point, "PYTHONPATH": str(root)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.parametrize(
    "point",
    ["one part fetched", "downloaded", "sealed", "landed", "decoding", "decoded", "judged"],
)
def test_killed_run_is_completed_by_the_next(
    point: str, tmp_path: Path, watched: list[FaultyStore]
) -> None:
    folder = AwsFolder(tmp_path / "bucket")
    folder.deliver(parquet(rows()), parquet(rows(days=5)))
    calm, shaken = House(tmp_path / "calm"), House(tmp_path / "shaken")
    for house in (calm, shaken):
        house.add("main", folder.root)
    run_until_killed(point, shaken, folder.root)
    assert shaken.current() is None

    assert calm.extract()[MARCH].rows == 18
    assert shaken.extract()[MARCH].rows == 18
    fetched = {"one part fetched": 1}.get(point, 0)
    assert len(watched[-1].opened) == fetched
    assert len(shaken.accepted()) == 1
    (expected,), (found,) = calm.landed(), shaken.landed()
    files, others = digest(calm.home / expected), digest(shaken.home / found)
    assert files.pop("delivery.json")
    assert others.pop("delivery.json")
    assert files == others
    assert Path(expected).name == Path(found).name
    require_nothing_halfway(shaken, "")
