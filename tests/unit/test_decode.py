"""Decoding: typed once, complete or not at all, and nobody's word for it."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.decoding import decode as decoding
from dagster_project.decoding import values
from dagster_project.decoding.decode import decode, forget, read_stats
from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import ColumnKind, Schema
from dagster_project.landing.delivery import ControlTotals, Delivery, LandedPart
from dagster_project.landing.totals import Tally, shape_and_add

MONTH = dt.date(2026, 3, 1)
SCHEMA = Schema(
    version="test",
    columns={
        "Cost": ColumnKind.DECIMAL,
        "Start": ColumnKind.TIMESTAMP,
        "Name": ColumnKind.TEXT,
        "Tags": ColumnKind.JSON,
    },
    mandatory=frozenset({"Cost"}),
    totals=("Cost",),
    period="Start",
    days="Start",
    accounts=("Name",),
)
CSV = "Cost,Start,Name,Tags,Extra\n1.5,2026-03-01T00:00:00Z,a,{},x\n2,2026-03-02,NULL,,\n"


def read(target: Path) -> duckdb.DuckDBPyRelation:
    return duckdb.read_parquet(f"{target}/00000.parquet", hive_partitioning=False)


def landed(
    folder: Path, name: str, content: bytes | pa.Table, constants: Mapping[str, str] | None = None
) -> Delivery:
    folder.mkdir(exist_ok=True)
    path = folder / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        pq.write_table(content, path)
    shape = shape_and_add(path, name, Tally(SCHEMA), {})
    part = LandedPart(
        name=f"provider/{name}",
        key=name,
        file=name,
        etag="e",
        version=None,
        bytes=path.stat().st_size,
        sha256="",
        rows=shape.rows,
        columns=shape.columns,
        constants=constants or {},
    )
    return Delivery(
        delivery_id="d1",
        source="main",
        provider="x",
        export="focus",
        month=MONTH,
        variant="",
        native_id="",
        order="",
        unmanifested=True,
        fetched_at="",
        schema_version="test",
        unknown_columns=(),
        parts=(part,),
        totals=ControlTotals(shape.rows, {}, (), ()),
        note={},
    )


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "decoded" / "x_focus" / "ct_source=main" / "ct_month=m" / "ct_delivery=d1"


def test_csv_is_typed_by_the_declared_columns(tmp_path: Path, target: Path) -> None:
    folder = tmp_path / "landed"
    decode(landed(folder, "00000.csv", CSV.encode()), folder, SCHEMA, target)
    found = read(target)
    assert found.columns == ["Cost", "Start", "Name", "Tags", "Extra"]
    assert [str(kind) for kind in found.types] == [
        "DECIMAL(38,18)", "TIMESTAMP", "VARCHAR", "VARCHAR", "VARCHAR",
    ]  # fmt: skip
    assert found.fetchall() == [
        (Decimal("1.5"), dt.datetime(2026, 3, 1), "a", "{}", "x"),
        (Decimal("2"), dt.datetime(2026, 3, 2), None, None, None),
    ]
    counts = {(item["name"], item["column"]): item["rows"] for item in read_stats(target)["counts"]}
    assert counts == {("null_literal", "Name"): 1, ("zone_missing", "Start"): 1}


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_csv_with_line_breaks_quotes_and_hostile_names(
    ends: str, tmp_path: Path, target: Path
) -> None:
    hostile = "x'); drop table a; --"
    lines = [f'\ufeffCost,Start,Name,"{hostile}"', '1,2026-03-01,"a ""b"", c\nd",#y']
    folder = tmp_path / "landed"
    delivery = landed(folder, "00000.csv", ends.join([*lines, ""]).encode())
    decode(delivery, folder, SCHEMA, target)
    found = read(target)
    assert found.columns[-1] == hostile
    assert found.fetchall()[0][2:] == ('a "b", c\nd', "#y")


def test_typed_parquet_is_the_provider_s_own_file(tmp_path: Path, target: Path) -> None:
    rows = pa.table({"Cost": [1.5], "Start": [dt.datetime(2026, 3, 1)], "Name": ["a"]})
    folder = tmp_path / "landed"
    constants = {"source": "x", "month": "y", "delivery": "z"}
    decode(landed(folder, "00000.parquet", rows, constants), folder, SCHEMA, target)
    assert (target / "00000.parquet").samefile(folder / "00000.parquet")


@pytest.mark.parametrize("text", ["09/02/2023", "9/2/2023", "2023-09-02", "2023-09-02T00:00:00"])
def test_a_day_is_iso_or_month_first(text: str) -> None:
    assert day(text) == dt.datetime(2023, 9, 2)


@pytest.mark.parametrize("text", ["21/09/2023", "9/2/23", "02.09.2023", "9/2", "yesterday"])
def test_any_other_day_is_none(text: str) -> None:
    assert day(text) is None
    found = values.problems(DAYS, {"Day": "VARCHAR"}, "2023-09-01")
    assert [problem.code for problem in found] == ["CT-DECODE-TIMESTAMP", "CT-DECODE-PERIOD"]
    assert problem_holds(found[0], text)


@pytest.mark.parametrize(
    ("day_text", "billed", "is_outside"),
    [("9/30/2023", "9/1/2023", False), ("8/31/2023", "9/1/2023", False),
     ("9/1/2023", "8/15/2023", False), ("8/31/2023", "8/1/2023", True), ("8/31/2023", None, True)],
)  # fmt: skip
def test_a_line_belongs_to_the_month_of_its_day_or_of_its_bill(
    day_text: str, billed: str | None, is_outside: bool
) -> None:
    types = {"Day": "VARCHAR", "Billed": "VARCHAR"}
    (problem,) = values.problems(DAYS, types, "2023-09-01")[-1:]
    row = duckdb.sql(
        f"select {problem.condition} from (select $day as Day, $billed::varchar as Billed)",
        params={"day": day_text, "billed": billed},
    ).fetchone()
    assert row == (is_outside,)


DAYS = Schema(
    version="1",
    columns={"Day": ColumnKind.DAY, "Billed": ColumnKind.DAY},
    mandatory=frozenset(),
    totals=(),
    period="Day",
    days="Day",
    accounts=(),
    billed="Billed",
)


def day(text: str) -> object:
    sql = values.instant(ColumnKind.DAY, "Day")
    row = duckdb.sql(f"select {sql} from (select $text as Day)", params={"text": text}).fetchone()
    return row and row[0]


def problem_holds(problem: values.Problem, text: str) -> bool:
    query = f"select {problem.condition} from (select $text as Day)"
    row = duckdb.sql(query, params={"text": text}).fetchone()
    return bool(row and row[0])


def test_columns_are_renamed_to_the_declared_names(tmp_path: Path, target: Path) -> None:
    schema = replace(DAYS, columns=DAYS.columns | {"Cost": ColumnKind.DECIMAL},
                     billed=None, spellings={"Cost": ("PreTaxCost",)})  # fmt: skip
    folder = tmp_path / "landed"
    content = b"DAY,pretaxcost,Other\n2026-03-01,1.5,x\n"
    decode(landed(folder, "00000.csv", content), folder, schema, target)
    assert read(target).columns == ["Day", "Cost", "Other"]


def test_constants_become_columns_but_for_the_lineage(tmp_path: Path, target: Path) -> None:
    folder = tmp_path / "landed"
    constants = {"scope": "Scope1's", "source": "x", "month": "y", "delivery": "z"}
    decode(landed(folder, "00000.csv", CSV.encode(), constants), folder, SCHEMA, target)
    found = read(target)
    assert [name for name in found.columns if name.startswith("ct_")] == ["ct_scope"]
    assert found.fetchall()[0][-1] == "Scope1's"
    assert not set(values.typed_columns(SCHEMA, {}, constants)) & {"ct_source"}


def test_decoded_delivery_is_left_alone(tmp_path: Path, target: Path) -> None:
    folder = tmp_path / "landed"
    delivery = landed(folder, "00000.csv", CSV.encode())
    decode(delivery, folder, SCHEMA, target)
    before = {file.name: file.stat().st_mtime_ns for file in target.iterdir()}
    decode(delivery, folder, SCHEMA, target)
    assert {file.name: file.stat().st_mtime_ns for file in target.iterdir()} == before


def test_what_a_killed_run_left_is_removed(tmp_path: Path, target: Path) -> None:
    folder = tmp_path / "landed"
    for name in ("ct_delivery=d1.building", "ct_delivery=other.building"):
        (target.parent / name).mkdir(parents=True)
        (target.parent / name / "00000.parquet").write_text("half")
    target.mkdir()
    decode(landed(folder, "00000.csv", CSV.encode()), folder, SCHEMA, target)
    assert [path.name for path in target.parent.iterdir()] == ["ct_delivery=d1"]
    assert (target / decoding.STATS_NAME).exists()


def test_failure_leaves_no_folder(tmp_path: Path, target: Path) -> None:
    folder = tmp_path / "landed"
    delivery = landed(folder, "00000.csv", CSV.replace("2026-03-02", "soon").encode())
    with pytest.raises(CloudtallyError, match=r"'soon' is no point in time \(1 such row\)"):
        decode(delivery, folder, SCHEMA, target)
    assert not (tmp_path / "decoded" / "x_focus").exists()


def test_forgotten_delivery_leaves_no_folder_but_its_neighbour(
    tmp_path: Path, target: Path
) -> None:
    folder = tmp_path / "landed"
    decode(landed(folder, "00000.csv", CSV.encode()), folder, SCHEMA, target)
    neighbour = target.with_name("ct_delivery=d2")
    neighbour.mkdir()
    (neighbour / "x").write_text("")
    forget(target)
    assert list(target.parent.iterdir()) == [neighbour]


def test_two_readers_must_see_the_same_rows(tmp_path: Path, target: Path) -> None:
    folder = tmp_path / "landed"
    delivery = landed(folder, "00000.csv", CSV.encode())
    part = replace(delivery.parts[0], rows=3)
    with pytest.raises(CloudtallyError) as caught:
        decode(replace(delivery, parts=(part,)), folder, SCHEMA, target)
    assert caught.value.code == "CT-DECODE-ROWS"
    assert "3 and 2 rows" in str(caught.value)


def test_records_of_json_are_typed(tmp_path: Path, target: Path) -> None:
    folder = tmp_path / "landed"
    lines = [{"Cost": 0.1, "Start": "2026-03-01", "Tags": {"b": 1, "a": "x"}}, {"Cost": 1e-7}]
    lines[1] |= {"Start": "2026-03-05"}
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    decode(landed(folder, "00000.jsonl", content), folder, SCHEMA, target)
    found = duckdb.sql(f"select Cost, Tags from '{target}/00000.parquet'").fetchall()
    assert found == [(Decimal("0.1"), '{"a": "x", "b": 1}'), (Decimal("0.0000001"), None)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01", dt.datetime(2026, 3, 1)),
        ("2026-03-01T00:00:00Z", dt.datetime(2026, 3, 1)),
        ("2026-03-01T00:00Z", dt.datetime(2026, 3, 1)),
        ("2026-03-01T12:30+02:00", dt.datetime(2026, 3, 1, 10, 30)),
        ("2026-03-01 00:00:00.123456 UTC", dt.datetime(2026, 3, 1, 0, 0, 0, 123456)),
        ("2026-02-30", None),
        ("03/01/2026", None),
        ("soon", None),
    ],
)
def test_moments(text: str, expected: dt.datetime | None) -> None:
    engine = duckdb.connect()
    engine.execute("set TimeZone = 'UTC'")
    query = f"select {values.moment('text')} from (select ? as text)"
    assert engine.execute(query, [text]).fetchone() == (expected,)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (ColumnKind.DECIMAL, ("DOUBLE", "BIGINT", "DECIMAL(38,9)", "VARCHAR"), ("BOOLEAN", "DATE")),
        (ColumnKind.TIMESTAMP, ("TIMESTAMP_NS", "DATE", "VARCHAR"), ("BIGINT", "DOUBLE")),
        (ColumnKind.JSON, ("MAP(VARCHAR, VARCHAR)", "STRUCT(a BIGINT)[]", "JSON"), ("BIGINT",)),
        (ColumnKind.TEXT, ("VARCHAR", "BIGINT", "UUID"), ("BLOB", "DOUBLE")),
    ],
)
def test_types_that_can_mean_a_kind(
    kind: ColumnKind, good: tuple[str, ...], bad: tuple[str, ...]
) -> None:
    assert all(values.accepts(kind, name) for name in good)
    assert not any(values.accepts(kind, name) for name in bad)


def test_digits_beyond_the_scale_of_a_wide_decimal() -> None:
    (oddity,) = values.oddities(SCHEMA, {"Cost": "DECIMAL(38,20)"}, has_types=True)
    query = f"select count(*) filter (where {oddity.condition}) from (select unnest(?::varchar[])"
    amounts = ["1.5", "0.00000000000000000001", "999999999999999999.99999999999999999999", None]
    query += "::decimal(38,20) as Cost)"
    assert duckdb.execute(query, [amounts]).fetchone() == (2,)
