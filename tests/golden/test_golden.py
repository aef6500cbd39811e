"""The pipeline against numbers that were worked out by hand (README.md)."""

import csv
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.paths import Home
from dagster_project.pipeline import steps
from dagster_project.pipeline.context import Context
from tests.golden import deliveries
from tests.pipeline_runs import built, differences, give_reference, land

HERE = Path(__file__).parent
FACT = {
    "line": "coalesce(ChargeDescription, 'unallocated ' || ServiceName)",
    "billing_month": "x_BillingMonth",
    "billed": "BilledCost",
    "effective": "EffectiveCost",
    "list": "ListCost",
    "contracted": "ContractedCost",
    "status": "x_CarbonReportedStatus",
    "reason": "x_UnallocatedReason",
    "location": "x_CarbonLocationKg",
    "market": "x_CarbonMarketKg",
    "unspecified": "x_CarbonUnspecifiedKg",
    "scope1": "x_CarbonProviderScope1Kg",
    "scope2_location": "x_CarbonProviderScope2LocationKg",
    "scope2_market": "x_CarbonProviderScope2MarketKg",
    "scope2_unspecified": "x_CarbonProviderScope2UnspecifiedKg",
    "scope3_location": "x_CarbonProviderScope3LocationKg",
    "scope3_market": "x_CarbonProviderScope3MarketKg",
    "scope3_unspecified": "x_CarbonProviderScope3UnspecifiedKg",
}


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    deliveries.write(folder)
    return folder


@pytest.fixture(scope="module")
def context(exports: Path, reference: Home, tmp_path_factory: pytest.TempPathFactory) -> Context:
    found = Context(deliveries.settings(exports, tmp_path_factory.mktemp("home") / "home"))
    give_reference(reference, found.home)
    land(found)
    built(found).close()
    return found


@pytest.fixture(scope="module")
def warehouse(context: Context) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(context.home.database), read_only=True) as connection:
        yield connection


def test_every_line_of_the_fact(warehouse: duckdb.DuckDBPyConnection) -> None:
    columns = ", ".join(f"{sql} as {name}" for name, sql in FACT.items())

    found = table(warehouse, f"select {columns} from fct_cost_and_carbon")

    assert found == expected("expected_fact.csv", list(FACT))


def test_every_row_of_the_monthly_mart(warehouse: duckdb.DuckDBPyConnection) -> None:
    with (HERE / "expected_monthly.csv").open(newline="") as file:
        columns = next(csv.reader(file))

    found = table(warehouse, f"select {', '.join(columns)} from mart_spend_carbon_monthly")

    assert found == expected("expected_monthly.csv", columns)


def test_no_check_of_ours_complains(warehouse: duckdb.DuckDBPyConnection) -> None:
    broken = warehouse.execute(
        "select check_id, column_name, measured from dq_result where severity = 'error'"
        " and not passed"
    )

    assert broken.fetchall() == []


@pytest.mark.slow
def test_months_in_another_order_give_the_same_facts(
    context: Context, exports: Path, reference: Home, tmp_path: Path
) -> None:
    """January's carbon lies on a line that is billed in February: each moves the other."""
    late = Context(deliveries.settings(exports, tmp_path / "home"))
    give_reference(reference, late.home)

    land(late, [deliveries.FEBRUARY])
    steps.build_months(late)
    land(late, [deliveries.JANUARY])
    built(late).close()

    assert differences(context.home, late.home) == []


def table(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    rows = connection.execute(query).fetchall()
    return sorted((tuple(normal(value) for value in row) for row in rows), key=repr)


def expected(name: str, columns: list[str]) -> list[tuple[Any, ...]]:
    with (HERE / name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    return sorted((tuple(normal(row[name]) for name in columns) for row in rows), key=repr)


def normal(value: Any) -> Any:
    """Return a cell in the one form in which both sides are compared; numbers exactly."""
    if value is None or value == "":
        return None
    if isinstance(value, dt.date):
        return value.isoformat()
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return value
    return f"{number.normalize():f}" if number else "0"
