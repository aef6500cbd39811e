"""Google's detailed billing export against figures that were worked out by hand (README.md)."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import fastavro
import pytest

from dagster_project.paths import Home
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.imports import ensure_decoded
from tests.golden.gcp_billing import deliveries
from tests.pipeline_runs import built, give_reference, land

HERE = Path(__file__).parent
COLUMNS = {
    "line": "SkuId",
    "category": "ChargeCategory",
    "status": "CommitmentDiscountStatus",
    "pricing": "PricingCategory",
    "billed": "BilledCost",
    "effective": "EffectiveCost",
    "list": "ListCost",
    "contracted": "ContractedCost",
    "quantity": "PricingQuantity",
    "commitment": "CommitmentDiscountId",
    "committed": "CommitmentDiscountQuantity",
    "class": "ChargeClass",
    "changes": "x_SourceChanges",
}


@pytest.fixture(scope="module")
def warehouse(
    reference: Home, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("gcp")
    deliveries.write(folder / "exports")
    context = Context(deliveries.settings(folder / "exports", folder / "home"))
    give_reference(reference, context.home)
    land(context)
    connection = built(context)
    yield connection
    connection.close()


def test_every_line_of_the_fact(warehouse: duckdb.DuckDBPyConnection) -> None:
    columns = ", ".join(f"{sql} as {name}" for name, sql in COLUMNS.items())
    rows = warehouse.execute(f"select {columns} from fct_cost_and_carbon").fetchall()

    assert sorted((tuple(normal(cell) for cell in row) for row in rows), key=repr) == expected()


def test_billed_cost_is_cost_and_credits(warehouse: duckdb.DuckDBPyConnection) -> None:
    billed = one(warehouse, "select sum(BilledCost) from fct_cost_and_carbon")
    assert billed == Decimal(deliveries.sums(deliveries.LINES)["BilledCost"]) == Decimal("217.697")


def test_contracted_cost_is_the_cost_before_credits(warehouse: duckdb.DuckDBPyConnection) -> None:
    """But for a line that a commitment has priced already: it has the contract's price."""
    contracted = one(warehouse, "select sum(ContractedCost) from fct_cost_and_carbon")
    priced = Decimal("41.666666667") - 30
    payments = Decimal("-13.5")
    assert contracted == Decimal(deliveries.sums(deliveries.LINES)["cost"]) + priced + payments


def test_each_cost_comes_to_the_sum_that_was_worked_out_from_the_rules(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    sums = warehouse.execute(
        "select sum(BilledCost), sum(EffectiveCost), sum(ListCost), sum(ContractedCost)"
        " from fct_cost_and_carbon where SkuId not in ('C1', 'L1', 'L2')"
    ).fetchone()
    by_hand = ("223.397", "223.397", "420.297", "409.563666667")
    assert sums == tuple(map(Decimal, by_hand))


@pytest.mark.parametrize("commitment", ["sub-cpu", "sub-flex", "sub-new"])
def test_a_fee_is_what_was_used_and_what_was_not(
    warehouse: duckdb.DuckDBPyConnection, commitment: str
) -> None:
    fee, shares = warehouse.execute(
        "select sum(BilledCost) filter (where ChargeCategory = 'Purchase'),"
        " sum(EffectiveCost) filter (where ChargeCategory = 'Usage')"
        " from fct_cost_and_carbon where CommitmentDiscountId = ?",
        [commitment],
    ).fetchone() or (None, None)
    assert fee == shares


def test_no_check_of_ours_complains(warehouse: duckdb.DuckDBPyConnection) -> None:
    broken = warehouse.execute(
        "select check_id, column_name, measured from dq_result where severity = 'error'"
        " and not passed"
    )
    assert broken.fetchall() == []


def test_the_row_bridge_names_every_line_more(warehouse: duckdb.DuckDBPyConnection) -> None:
    rows = warehouse.execute(
        "select step, cast(rows as integer) from int_charges__row_bridge order by all"
    ).fetchall()
    assert rows == [("split off", 2), ("split off", 3), ("synthesised", 3)]


def test_tags_are_one_object_and_a_label_outranks_a_tag(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    tags = one(warehouse, "select any_value(Tags) from fct_cost_and_carbon where SkuId = 'R2'")
    assert json.loads(tags) == {
        "cost": "7",
        "env": "prod",
        "gcp:compute.googleapis.com/cores": "4",
        "team": "web",
    }


def test_the_billing_period_is_the_invoice_s_month(warehouse: duckdb.DuckDBPyConnection) -> None:
    rows = warehouse.execute(
        "select distinct cast(BillingPeriodStart as varchar), cast(BillingPeriodEnd as varchar)"
        " from fct_cost_and_carbon"
    ).fetchall()
    late = one(
        warehouse,
        "select cast(ChargePeriodStart as varchar) from fct_cost_and_carbon where SkuId = 'L2'",
    )
    assert rows == [("2026-03-01 00:00:00", "2026-04-01 00:00:00")]
    assert late == "2026-02-28 10:00:00"


def test_dimensions_of_a_line(warehouse: duckdb.DuckDBPyConnection) -> None:
    row = warehouse.execute(
        "select BillingAccountId, SubAccountId, SubAccountName, RegionId, RegionName, ResourceId,"
        " ResourceName, ServiceName, ServiceCategory, ServiceSubcategory, SkuMeter"
        " from fct_cost_and_carbon where SkuId = 'R2' and CommitmentDiscountStatus is null"
    ).fetchone()
    assert row == (
        "01AAAA-BBBBBB-CCCCCC",
        "web",
        "WEB",
        "us-central1",
        "Iowa",
        "//compute.googleapis.com/projects/web/zones/us-central1-a/instances/1",
        "vm-1",
        "Compute Engine",
        "Compute",
        "Virtual Machines",
        "N1 Predefined Instance Core",
    )


# Other formats say the same


def write_json(folder: Path) -> None:
    lines = "".join(json.dumps(record(row)) + "\n" for row in deliveries.LINES)
    (folder / "part-0.json").write_text(lines)


def write_json_gz(folder: Path) -> None:
    lines = "".join(json.dumps(record(row)) + "\n" for row in deliveries.LINES)
    (folder / "part-0.jsonl.gz").write_bytes(gzip.compress(lines.encode()))


def write_avro(folder: Path) -> None:
    with (folder / "part-0.avro").open("wb") as file:
        file.write(avro())


def avro() -> bytes:
    sink = io.BytesIO()
    rows = deliveries.table(deliveries.LINES).to_pylist()
    fastavro.writer(sink, fastavro.parse_schema(avro_schema()), rows)
    return sink.getvalue()


def record(row: deliveries.Row) -> dict[str, Any]:
    """Return a row as BigQuery unloads it to JSON: nulls left out, moments as texts."""
    return {
        key: (f"{value:%Y-%m-%d %H:%M:%S} UTC" if hasattr(value, "strftime") else plain(value))
        for key, value in row.items()
        if value is not None
    }


def plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if item is not None}
    return [plain(item) for item in value] if isinstance(value, list) else value


def avro_schema() -> dict[str, Any]:
    return {"type": "record", "name": "root", "fields": fields(deliveries.SCHEMA, "root")}


def fields(items: Any, path: str) -> list[dict[str, Any]]:
    return [{"name": item.name, "type": avro_type(item.type, path + item.name)} for item in items]


def avro_type(kind: Any, path: str) -> Any:
    text = str(kind)
    if text.startswith("list"):
        return {"type": "array", "items": avro_type(kind.value_type, path)[1]}
    if text.startswith("struct"):
        return ["null", {"type": "record", "name": path, "fields": fields(kind, path)}]
    known: dict[str, Any] = {
        "string": "string",
        "double": "double",
        "bool": "boolean",
        "timestamp[us, tz=UTC]": {"type": "long", "logicalType": "timestamp-micros"},
        "decimal128(38, 9)": {
            "type": "bytes",
            "logicalType": "decimal",
            "precision": 38,
            "scale": 9,
        },
    }
    return ["null", known[text]]


@pytest.mark.parametrize("write", [write_json, write_json_gz, write_avro])
def test_another_format_holds_the_same_lines(tmp_path: Path, write: Callable[[Path], None]) -> None:
    deliveries.write(tmp_path / "parquet")
    folder = deliveries.write(tmp_path / "other")
    (folder / "part-000000000000.parquet").unlink()
    write(folder)

    one_form, other_form = (decoded(tmp_path, name) for name in ("parquet", "other"))

    assert other_form == one_form


def decoded(folder: Path, name: str) -> list[tuple[Any, ...]]:
    context = Context(deliveries.settings(folder / name, folder / f"home-{name}"))
    land(context)
    ensure_decoded(context)
    (file,) = context.home.decoded.rglob("*.parquet")
    columns = [
        '"invoice.month"', '"project.id"', "cast(cast(cost as varchar) as decimal(38, 18))",
        "cast(usage_start_time as timestamp)", "credits", '"usage.amount"',
        'cast(cast("usage.amount_in_pricing_units" as varchar) as decimal(38, 18))',
    ]  # fmt: skip
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        rows = connection.execute(
            f"select {', '.join(columns)} from read_parquet('{file}', hive_partitioning = false)"
        ).fetchall()
    return sorted((comparable(row) for row in rows), key=repr)


def comparable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    credits = [
        {key: value for key, value in item.items() if value is not None}
        for item in json.loads(row[4] or "[]")
    ]
    return (*row[:4], json.dumps(credits, sort_keys=True), *row[5:])


def one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def expected() -> list[tuple[Any, ...]]:
    with (HERE / "expected_fact.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return sorted((tuple(normal(row[name]) for name in COLUMNS) for row in rows), key=repr)


def normal(value: Any) -> Any:
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return value
    return f"{number.normalize():f}" if number else "0"
