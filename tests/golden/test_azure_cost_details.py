"""Azure cost details against figures that were worked out by hand (azure_cost_details.md)."""

from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest

from dagster_project.paths import Home
from dagster_project.pipeline.context import Context
from tests.golden import azure_pairs
from tests.golden.test_golden import expected, table
from tests.pipeline_runs import built, give_reference, land

COLUMNS = {
    "line": "ChargeDescription",
    "category": "ChargeCategory",
    "class": "ChargeClass",
    "frequency": "ChargeFrequency",
    "pricing": "PricingCategory",
    "commitment": "CommitmentDiscountType",
    "status": "CommitmentDiscountStatus",
    "currency": "BillingCurrency",
    "billed": "BilledCost",
    "effective": "EffectiveCost",
    "contracted": "ContractedCost",
    "list": "ListCost",
    "quantity": "PricingQuantity",
    "unit": "PricingUnit",
    "consumed": "ConsumedQuantity",
    "consumed_unit": "ConsumedUnit",
    "changes": "x_SourceChanges",
}


@pytest.fixture(scope="module")
def warehouse(
    reference: Home, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    exports = tmp_path_factory.mktemp("exports")
    azure_pairs.write(exports)
    context = Context(azure_pairs.settings(exports, tmp_path_factory.mktemp("home") / "home"))
    give_reference(reference, context.home)
    land(context)
    with built(context) as connection:
        yield connection


def test_every_line(warehouse: duckdb.DuckDBPyConnection) -> None:
    columns = ", ".join(f"{sql} as {name}" for name, sql in COLUMNS.items())

    found = table(warehouse, f"select {columns} from fct_cost_and_carbon")

    assert found == expected("expected_azure_cost_details.csv", list(COLUMNS))


def test_billed_cost_is_the_actual_export_and_effective_cost_the_amortised_one(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    found = warehouse.execute(
        "select x_SourceName, sum(BilledCost), sum(EffectiveCost) from fct_cost_and_carbon"
        " group by all order by all"
    ).fetchall()

    assert found == [
        ("ea", Decimal("133.621"), Decimal("66.621")),
        ("mca", Decimal("90.3"), Decimal("12.0")),
        ("payg", Decimal("0.075"), Decimal("0.075")),
    ]


def test_rows_close_and_no_check_complains(warehouse: duckdb.DuckDBPyConnection) -> None:
    errors = "select check_id, column_name, measured from dq_result where severity = 'error'"
    assert warehouse.execute(f"{errors} and not passed").fetchall() == []
    bridge = (
        "select source_name, column_name like '%covered%', cast(measured as integer) from dq_result"
        " where check_id = 'row_bridge' order by all"
    )
    assert warehouse.execute(bridge).fetchall() == [
        ("ea", False, -8),
        ("ea", True, -1),
        ("mca", False, -3),
        ("mca", True, -2),
        ("payg", False, -1),
    ]


def test_dimensions_of_each_kind_of_account(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select ChargeDescription, BillingAccountId, BillingAccountType, SubAccountId, InvoiceId,"
        " PricingCurrency, RegionId, ServiceName, ResourceType, Tags, x_SourceValues"
        " from fct_cost_and_carbon where ChargeDescription in ('E1', 'M1', 'P1') order by 1"
    ).fetchall()

    account = "/providers/Microsoft.Billing/billingAccounts"
    first, second = (f"/subscriptions/{name.lower()}" for name in (azure_pairs.S1, azure_pairs.S2))
    assert [row[:10] for row in found] == [
        ("E1", f"{account}/8611537", "Billing Account", first, None, "USD", "westeurope",
         "Virtual Machines", "microsoft.compute/virtualmachines",
         '{"env":"prod","team":"shop"}'),
        ("M1", f"{account}/acct:one_2019-05-31/billingProfiles/PROF-1", "Billing Profile",
         second, "G000000001", "USD", "westeurope", "Virtual Machines",
         "microsoft.compute/virtualmachines", '{"Team":"shop","env":"test"}'),
        ("P1", "/subscriptions/payg-1", "Subscription", "/subscriptions/payg-1", None, "USD",
         "eastus", "Load Balancer", "microsoft.network/loadbalancers", None),
    ]  # fmt: skip
    assert '"Tags":"not tags"' in found[2][10]
    assert '"MeterSubCategory":"Dv5"' in found[0][10]


def test_a_commitment_is_billed_once_and_used_once(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select CommitmentDiscountCategory, CommitmentDiscountId, sum(CommitmentDiscountQuantity),"
        " any_value(CommitmentDiscountUnit), sum(BilledCost), sum(EffectiveCost)"
        " from fct_cost_and_carbon where CommitmentDiscountId is not null and x_SourceName = 'mca'"
        " group by all order by all"
    ).fetchall()

    assert found == [
        ("Spend", azure_pairs.PLAN.lower(), Decimal("90.9"), "EUR", Decimal(90), Decimal("0.9")),
        ("Usage", azure_pairs.RESERVATION.lower(), None, None, Decimal(0), Decimal("10.8")),
    ]


def test_keys_of_emissions_are_those_of_focus_exports(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    found = warehouse.execute(
        "select distinct emission_sub_account_id, emission_resource_id, is_third_party"
        " from int_azure__cost_details_charges where ChargeDescription = 'E1'"
    ).fetchall()

    assert found == [(azure_pairs.S1.lower(), azure_pairs.VM.lower(), False)]


def test_every_line_has_a_key_of_its_own(warehouse: duckdb.DuckDBPyConnection) -> None:
    query = "select count(*), count(distinct x_ChargeKey) from fct_cost_and_carbon"

    assert warehouse.execute(query).fetchall() == [(20, 20)]
