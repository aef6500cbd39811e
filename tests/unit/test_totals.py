"""The independent reader: exact sums in every format, and the same verdicts as the engine."""

import csv
import gzip
import io
import json
import random
import struct
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path

import duckdb
import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.decoding import values
from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import ColumnKind, Measure, Schema
from dagster_project.landing.readers import texts_of
from dagster_project.landing.totals import Tally, shape_and_add

SCHEMA = Schema(
    version="test",
    columns={
        "Cost": ColumnKind.DECIMAL,
        "Day": ColumnKind.TIMESTAMP,
        "Payer": ColumnKind.TEXT,
        "Member": ColumnKind.TEXT,
        "Tags": ColumnKind.JSON,
    },
    mandatory=frozenset({"Cost"}),
    totals=("Cost",),
    period=None,
    days="Day",
    accounts=("Payer", "Member"),
)
COSTS = ("0.1", "0.2", "-0.30", "1e-7", "12345678901234567890.123456789012345678")
EXACT = Context(prec=80, rounding=ROUND_HALF_UP)


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, EXACT.quantize(amount, Decimal("1e-18")))
    return total


def records(costs: Sequence[object]) -> list[dict[str, object]]:
    return [
        {"Cost": cost, "Day": f"2026-03-{day:02d}T00:00:00Z", "Payer": "/p/1", "Member": "m"}
        for day, cost in enumerate(costs, start=1)
    ]


def csv_text(rows: Sequence[dict[str, object]]) -> str:
    sink = io.StringIO()
    writer = csv.DictWriter(sink, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue()


def write(folder: Path, suffix: str, rows: Sequence[dict[str, object]]) -> Path:
    path = folder / f"part{suffix}"
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(list(rows)), path)
    elif suffix == ".avro":
        fields = [{"name": name, "type": ["null", "string", "double"]} for name in rows[0]]
        schema = {"type": "record", "name": "Row", "fields": fields}
        with path.open("wb") as file:
            fastavro.writer(file, schema, rows)
    elif suffix.startswith(".csv"):
        content = ("\ufeff" + csv_text(rows)).encode()
        path.write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    else:
        path.write_bytes(gzip.compress(lines) if suffix.endswith("gz") else lines)
    return path


def tallied(path: Path) -> Tally:
    tally = Tally(SCHEMA)
    shape_and_add(path, path.name, tally, {})
    return tally


@pytest.mark.parametrize(
    "suffix",
    [".parquet", ".csv", ".csv.gz", ".avro", ".jsonl", ".jsonl.gz", ".json", ".ndjson"],
)
def test_known_totals_in_every_format(suffix: str, tmp_path: Path) -> None:
    rows = [*records(COSTS), *records([None])]
    totals = tallied(write(tmp_path, suffix, rows)).totals()
    assert totals.rows == 6
    assert Decimal(totals.sums["Cost"]) == exact_sum(map(Decimal, COSTS))
    assert totals.days == tuple(f"2026-03-{day:02d}" for day in range(1, 6))
    assert totals.accounts == ("/p/1 / m",)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("suffix", [".parquet", ".avro", ".jsonl"])
def test_double_counts_as_its_shortest_text(seed: int, suffix: str, tmp_path: Path) -> None:
    chance = random.Random(seed)
    costs = [
        chance.choice((1, -1)) * chance.random() * 10.0 ** chance.randint(-15, 18)
        for _ in range(500)
    ]
    expected = exact_sum(Decimal(repr(cost)) for cost in costs)
    found = tallied(write(tmp_path, suffix, records(costs))).sums["Cost"]
    assert found == expected


def test_any_bit_pattern_is_summed_or_named(tmp_path: Path) -> None:
    chance = random.Random(7)
    for number in range(60):
        (cost,) = struct.unpack("d", chance.randbytes(8))
        path = write(tmp_path, ".parquet", records([1.0, cost]))
        try:
            found = tallied(path).sums["Cost"]
        except CloudtallyError as error:
            assert error.code == "CT-DECODE-NUMBER"
            assert error.where["data row"] == "2", number
            assert not abs(cost) < 1e20
        else:
            assert abs(found - 1 - Decimal(repr(cost))) <= Decimal("5e-19")


def test_sum_does_not_wrap_around(tmp_path: Path) -> None:
    rows = records(["99999999999999999999.5"] * 4)
    assert tallied(write(tmp_path, ".csv", rows)).sums["Cost"] == Decimal("399999999999999999998")


TEXTS = (
    "1_000", "0x10", " 1 ", "1.", ".5", "+5", "1e5", "1E-5", "true", "-0.0", "nan", "inf",
    "Infinity", "1,234.5", "--1", "1e", ".", "-", "0.0000000000000000005", "123456789012345678901",
    "12345678901234567890.1234567890123456785", "1.5e-20", "5e-19", "1e19", "1e20", "1 000",
    "\u0661\u0662", "$5", "(5)", "5%", "1e+05",
)  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_both_readers_come_to_the_same_verdict(text: str, tmp_path: Path) -> None:
    (problem,) = values.problems(SCHEMA, {"Cost": "VARCHAR"}, "2026-03-01")
    (engine,) = duckdb.execute(
        f"select case when not ({problem.condition}) then cast(Cost as decimal(38,18)) end "
        "from (select ? as Cost)",
        [text],
    ).fetchone() or (None,)
    path = write(tmp_path, ".csv", records([text]))
    if engine is None:
        with pytest.raises(CloudtallyError) as caught:
            tallied(path)
        assert caught.value.code == "CT-DECODE-NUMBER"
        assert text[:10] in str(caught.value) or ascii(text)[1:7] in str(caught.value)
    else:
        assert tallied(path).sums["Cost"] == engine


def test_nobody_is_no_account(tmp_path: Path) -> None:
    rows = [row | {"Payer": "", "Member": ""} for row in records(["1"])]
    assert tallied(write(tmp_path, ".csv", rows)).totals().accounts == ()


def test_row_of_a_later_batch_is_counted_from_the_top(tmp_path: Path) -> None:
    (row,) = records(["1"])
    rows = [row] * 70_000 + [row | {"Cost": "x"}]
    with pytest.raises(CloudtallyError, match="data row: 70001"):
        tallied(write(tmp_path, ".parquet", rows))


def test_columns_of_json_are_those_of_all_rows(tmp_path: Path) -> None:
    path = tmp_path / "part.jsonl"
    path.write_text('{"Cost": 1}\n' * 65_600 + '{"Cost": 1, "Late": 2}\n')
    tally = Tally(SCHEMA)
    shape = shape_and_add(path, path.name, tally, {})
    assert set(shape.columns) == {"Cost", "Late"}
    assert (shape.rows, tally.sums["Cost"]) == (65_601, 65_601)


def test_nested_records() -> None:
    record = {"a": {"b": 1.5, "c": {"d": None}}, "e": [1], "f": True}
    assert texts_of(record, flatten=True) == {"a.b": "1.5", "e": "[1]", "f": "True"}
    assert texts_of(record, flatten=False) == {
        "a": '{"b": 1.5, "c": {"d": null}}', "e": "[1]", "f": "True",
    }  # fmt: skip


MEASURED = replace(
    SCHEMA,
    measures=(
        Measure("BilledCost", first_of=("Net", "Cost"), nested=(("Credits", "amount"),)),
        Measure("Cash", first_of=("Cost",), constants={"dataset": "actual"}),
    ),
)
LINES = [
    {"Cost": 5.0, "Net": 4.1, "Credits": [{"amount": -0.1}, {"amount": -0.2}]},
    {"Cost": 7.0, "Net": None, "Credits": []},
]


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_a_measure_takes_the_first_value_and_every_nested_amount(
    suffix: str, tmp_path: Path
) -> None:
    path = write(tmp_path, suffix, LINES)
    tally = Tally(MEASURED)
    shape_and_add(path, path.name, tally, {"dataset": "amortized"})
    assert tally.sums == {"Cost": Decimal(12), "BilledCost": Decimal("10.8")}


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
@pytest.mark.parametrize("credit", [{"amount": None}, {"name": "trial"}, None])
def test_a_credit_without_an_amount_is_no_credit_of_nothing(
    suffix: str, credit: dict[str, object] | None, tmp_path: Path
) -> None:
    lines = [*LINES, {"Cost": 2.0, "Net": None, "Credits": [{"amount": -1.0}, credit]}]
    path = write(tmp_path, suffix, lines)
    with pytest.raises(CloudtallyError) as raised:
        shape_and_add(path, path.name, Tally(MEASURED), {})
    assert raised.value.code == "CT-DECODE-ABSENT"
    assert "Credits.amount" in str(raised.value)
    assert raised.value.where["data row"] == "3"


def test_credits_of_which_no_record_has_an_amount(tmp_path: Path) -> None:
    path = write(tmp_path, ".parquet", [{"Cost": 2.0, "Credits": [{"name": "trial"}]}])
    with pytest.raises(CloudtallyError, match="states no amount"):
        shape_and_add(path, path.name, Tally(MEASURED), {})


def test_an_empty_cell_of_a_measure_lets_the_next_column_count(tmp_path: Path) -> None:
    rows = [{"Cost": "5", "Net": ""}, {"Cost": "7", "Net": "NULL"}, {"Cost": "1", "Net": "0"}]
    path = write(tmp_path, ".csv", rows)
    tally = Tally(MEASURED)
    shape_and_add(path, path.name, tally, {"dataset": "actual"})
    assert tally.sums == {"Cost": Decimal(13), "BilledCost": Decimal(12), "Cash": Decimal(13)}
