"""An inventory against lines that were worked out by hand (docs/onprem_inventory.md)."""

import csv
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.paths import Home
from dagster_project.pipeline.context import Context
from dagster_project.settings import Settings
from tests.golden.native_bills import write_inventory
from tests.pipeline_runs import built, give_reference, land

HERE = Path(__file__).parent / "inventory"
TOTAL = Decimal("4101.815972222222222222")


@pytest.fixture(scope="module")
def warehouse(
    reference: Home, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("inventory") / "exports"
    home = tmp_path_factory.mktemp("home") / "home"
    source = write_inventory(folder)
    context = Context(Settings(home=home, sources=(source,)))
    give_reference(reference, context.home)
    land(context)
    connection = built(context)
    yield connection
    connection.close()


def lines(connection: duckdb.DuckDBPyConnection, columns: str) -> list[tuple[Any, ...]]:
    query = f"select {columns} from fct_cost_and_carbon where x_RecordKind = 'Charge'"
    return connection.execute(f"{query} order by ResourceId, SkuMeter").fetchall()


def test_every_line_is_the_one_worked_out_by_hand(warehouse: duckdb.DuckDBPyConnection) -> None:
    with (HERE / "expected.csv").open(encoding="utf-8", newline="") as file:
        expected = sorted(
            (
                row["asset"],
                row["meter"],
                Decimal(row["quantity"]),
                row["unit"],
                Decimal(row["price"]),
                Decimal(row["cost"]),
                row["description"],
            )
            for row in csv.DictReader(file)
        )

    found = lines(
        warehouse,
        "ResourceId, SkuMeter, PricingQuantity, PricingUnit, ListUnitPrice, BilledCost,"
        " ChargeDescription",
    )

    assert found == expected
    assert sum(row[5] for row in found) == TOTAL


def test_a_recharge_has_one_amount_and_its_own_issuer(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    names = "BilledCost, EffectiveCost, ListCost, ContractedCost, PricingCurrencyEffectiveCost"
    for row in lines(warehouse, names):
        assert len(set(row)) == 1
    owners = lines(
        warehouse, "InvoiceIssuerName, ProviderName, BillingAccountId, BillingCurrency, InvoiceId"
    )
    assert set(owners) == {
        ("Example Industries", "Example Industries", "Example Industries", "EUR", None)
    }


def test_services_places_tags_and_periods(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = lines(
        warehouse,
        "ResourceId, ServiceCategory, ServiceSubcategory, SubAccountId, RegionId, Tags,"
        " x_SourceChanges",
    )
    assert sorted(set(found), key=str) == [
        ("gpu-01", "Compute", "Other (Compute)", "CC-300", "FRA1", '{"owner":"research"}', None),
        ("nas-02", "Storage", "Backup Storage", "CC-100", "AMS2", None, "TagsInvalid"),
        ("san-01", "Storage", "Storage Platforms", "CC-100", "FRA1", None, None),
        (
            "srv-01",
            "Compute",
            "Other (Compute)",
            "CC-100",
            "FRA1",
            '{"env":"prod","owner":"dba"}',
            None,
        ),
    ]
    periods = lines(
        warehouse, "cast(ChargePeriodStart as varchar), cast(ChargePeriodEnd as varchar)"
    )
    assert set(periods) == {("2026-03-01 00:00:00", "2026-04-01 00:00:00")}


def test_what_focus_has_no_column_for_is_kept(warehouse: duckdb.DuckDBPyConnection) -> None:
    texts = warehouse.execute(
        "select x_SourceValues from fct_cost_and_carbon where ResourceId = 'nas-02'"
    ).fetchall()
    kept = json.loads(texts[0][0])
    assert (kept["tags"], kept["storage_gb"], kept["purchase_cost"]) == ("not json", 48000, 1000)
    assert "salvage_value" not in kept


def test_rows_close_and_nothing_complains(warehouse: duckdb.DuckDBPyConnection) -> None:
    bridge = warehouse.execute(
        "select column_name, measured from dq_result where check_id = 'row_bridge' order by 1"
    ).fetchall()
    assert bridge == [
        ("netted: assets without a cost in the month", Decimal(-1)),
        ("split off: further costs of an asset in a month", Decimal(5)),
    ]
    failed = warehouse.execute(
        "select check_id, column_name from dq_result where severity = 'error' and not passed"
    ).fetchall()
    assert failed == []


def test_the_source_is_marked_as_internal(warehouse: duckdb.DuckDBPyConnection) -> None:
    marked = warehouse.execute(
        "select is_internal from dim_source where source_key = 'datacentre'"
    ).fetchall()
    assert marked == [(True,)]
