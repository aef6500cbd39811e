"""Cost and Usage Reports against numbers that were worked out by hand (CUR.md)."""

import csv
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from dagster_project.paths import Home
from dagster_project.pipeline.context import Context
from dagster_project.settings import Settings
from tests.golden.cur_lines import POD, cash, lines
from tests.golden.native_bills import ACCOUNTS, CUR, write_cur
from tests.golden.test_golden import expected, table
from tests.pipeline_runs import built, give_reference, land

FACT = {
    "line": "ChargeDescription",
    "status": "CommitmentDiscountStatus",
    "billed": "BilledCost",
    "effective": "EffectiveCost",
    "list": "ListCost",
    "contracted": "ContractedCost",
    "category": "ChargeCategory",
    "class": "ChargeClass",
    "frequency": "ChargeFrequency",
    "pricing": "PricingCategory",
    "commitment_quantity": "CommitmentDiscountQuantity",
    "pricing_quantity": "PricingQuantity",
    "consumed_quantity": "ConsumedQuantity",
    "allocated": "AllocatedResourceId",
    "changes": "x_SourceChanges",
}
COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")


@pytest.fixture(scope="module")
def context(reference: Home, tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A home with the same month from every layout and format, each of an account of its own."""
    root = tmp_path_factory.mktemp("cur")
    sources = write_cur(root)
    found = Context(Settings(home=root / "home", sources=sources, clock=dt.date(2026, 4, 20)))
    give_reference(reference, found.home)
    land(found)
    built(found).close()
    return found


@pytest.fixture(scope="module")
def warehouse(context: Context) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(context.home.database), read_only=True) as connection:
        yield connection


@pytest.mark.parametrize("source", CUR)
def test_every_line_of_the_fact(warehouse: duckdb.DuckDBPyConnection, source: str) -> None:
    columns = ", ".join(f"{sql} as {name}" for name, sql in FACT.items())

    found = table(
        warehouse, f"select {columns} from fct_cost_and_carbon where x_SourceName = '{source}'"
    )

    assert found == expected("cur_expected.csv", list(FACT))


@pytest.mark.parametrize("source", CUR)
def test_cash_is_what_aws_bills(warehouse: duckdb.DuckDBPyConnection, source: str) -> None:
    [(billed,)] = warehouse.execute(
        "select sum(BilledCost) from fct_cost_and_carbon where x_SourceName = ?", [source]
    ).fetchall()

    assert billed == cash(lines(ACCOUNTS[source])) == Decimal("468276.3700000002")


@pytest.mark.parametrize("source", CUR)
def test_rows_close_through_the_bridge(warehouse: duckdb.DuckDBPyConnection, source: str) -> None:
    found = warehouse.execute(
        "select split_part(column_name, ':', 1), cast(sum(measured) as integer) from dq_result"
        " where check_id = 'row_bridge' and source_name = ? group by all",
        [source],
    ).fetchall()

    assert dict(found) == {"netted": -5, "replaced": -3, "synthesised": 7, "split off": 5}
    assert len(lines("")) + sum(rows for _, rows in found) == 48


def test_no_check_of_ours_complains(warehouse: duckdb.DuckDBPyConnection) -> None:
    broken = warehouse.execute(
        "select check_id, source_name, column_name, measured from dq_result"
        " where severity = 'error' and not passed"
    )

    assert broken.fetchall() == []


def test_layouts_differ_in_nothing_but_their_accounts(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    """Every column that names neither the account nor the delivery."""
    [(text,)] = warehouse.execute("""
        select string_agg(column_name, ', ') from information_schema.columns
        where table_name = 'fct_cost_and_carbon' and column_name not in (
            'BillingAccountId', 'SubAccountId', 'CommitmentDiscountId', 'x_SourceName',
            'x_DeliveryId', 'x_ChargeKey'
        )
    """).fetchall()
    facts = {
        source: table(
            warehouse, f"select {text} from fct_cost_and_carbon where x_SourceName = '{source}'"
        )
        for source in CUR
    }

    assert len({repr(rows) for rows in facts.values()}) == 1


def test_dimensions_of_a_line(warehouse: duckdb.DuckDBPyConnection) -> None:
    row = line_of(warehouse, "on-demand")

    assert row["ServiceName"] == "Amazon Elastic Compute Cloud"
    assert (row["ServiceCategory"], row["ServiceSubcategory"]) == ("Compute", "Virtual Machines")
    assert (row["RegionId"], row["RegionName"]) == ("eu-west-1", "Europe (Ireland)")
    assert (row["PricingUnit"], row["ListUnitPrice"]) == ("Hours", Decimal("0.1"))
    assert row["Tags"] == '{"project":"shop"}'
    assert row["SkuPriceDetails"] == '{"InstanceType":"m5.large"}'
    assert row["InvoiceIssuerName"] == row["PublisherName"] == "Amazon Web Services EMEA SARL"
    assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == (
        dt.datetime(2026, 3, 1),
        dt.datetime(2026, 4, 1),
    )


def test_a_seller_is_a_third_party(warehouse: duckdb.DuckDBPyConnection) -> None:
    row = line_of(warehouse, "bought from a seller")

    assert (row["ServiceName"], row["PublisherName"]) == ("Acme Scanner", "Acme Inc.")
    assert row["ServiceCategory"] == "Other"
    assert row["HostProviderName"] is None
    assert row["x_CarbonReportedStatus"] != "Pending"


def test_shares_of_a_machine_say_what_they_are(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute("""
        select
            AllocatedResourceId, ResourceId, AllocatedTags,
            json_extract_string(AllocatedMethodDetails, '$.Elements[0].AllocatedRatio')
        from fct_cost_and_carbon
        where x_SourceName = 'cur2-parquet' and ChargeDescription = 'machine, on demand'
        order by all
    """).fetchall()

    assert found == [
        (f"{POD}/web/one", "i-1", '{"app":"one"}', "0.125"),
        (f"{POD}/web/one", "i-1", '{"app":"one"}', "0.25"),
        (f"{POD}/web/two", "i-1", '{"app":"two"}', "0.375"),
        (None, "i-1", None, "0.25"),
    ]


def test_estimates_of_shares_add_up_to_the_machine(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    """One hour in thirds, beside ten hours of the same machine that nobody shares."""
    measures = [
        f"x_Estimated{name}"
        for name in ("EnergyKwh", "OperationalKg", "FeraKg", "EmbodiedKg", "CarbonKg", "WaterL")
    ]
    sums = ", ".join(f"sum({name})" for name in measures)

    def told(line: str) -> list[Decimal]:
        found = warehouse.execute(
            f"select {sums} from fct_cost_and_carbon where x_SourceName = 'cur2-parquet'"
            " and ChargeDescription = ? and x_EstimateStatus = 'Estimated'",
            [line],
        ).fetchone()
        assert found is not None and None not in found
        return list(found)

    assert [10 * thirds for thirds in told("thirds")] == told("on-demand")


def test_inclusive_ends_become_exclusive(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert line_of(warehouse, "tax")["ChargePeriodEnd"] == dt.datetime(2026, 4, 1)


def test_a_plan_is_told_from_a_reservation(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute("""
        select distinct
            split_part(ChargeDescription, ':', 1), CommitmentDiscountCategory,
            CommitmentDiscountType, CommitmentDiscountUnit
        from fct_cost_and_carbon
        where
            x_SourceName = 'cur2-parquet' and CommitmentDiscountId is not null
            and ChargeDescription like '%: %'
    """).fetchall()

    plan = ("Spend", "Compute Savings Plan", "USD")
    reservation = ("Usage", "Reserved Instance", "Hours")
    assert sorted(found) == [
        ("a", *plan),
        ("all upfront", *reservation),
        ("b", *plan),
        ("c", *plan),
        ("no upfront", *reservation),
        ("partial", *reservation),
    ]


def test_the_paper_adds_up() -> None:
    """The expected table itself: used and unused come to what the specification says."""
    with (Path(__file__).parent / "cur_expected.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    plan_b = [row for row in rows if row["line"].startswith("b: ")]

    assert sum(Decimal(row["effective"]) for row in plan_b) == 24 * Decimal("52.40")
    assert sum(Decimal(row["billed"]) for row in plan_b) == 459_000


def line_of(warehouse: duckdb.DuckDBPyConnection, description: str) -> dict[str, object]:
    found = warehouse.execute(
        "select * from fct_cost_and_carbon"
        " where x_SourceName = 'cur2-parquet' and ChargeDescription = ?",
        [description],
    )
    names = [column[0] for column in found.description or []]
    [row] = found.fetchall()
    return dict(zip(names, row, strict=True))


def test_namespaces_of_a_split_machine(warehouse: duckdb.DuckDBPyConnection) -> None:
    """CUR.md: web has both pods of i-1 and the one without a machine, jobs two thirds of i-3."""
    found = warehouse.execute(
        """
        select cluster_name, namespace, namespace_kind, effective_cost, charge_lines
        from mart_kubernetes_carbon where sub_account_id = ? order by namespace
        """,
        [ACCOUNTS["cur2-parquet"]],
    ).fetchall()

    assert found == [
        ("shop", "jobs", "namespace", Decimal("0.066666666666666666"), 2),
        ("shop", "kube-system", "system", Decimal("0.033333333333333334"), 1),
        ("shop", "web", "namespace", Decimal("0.06"), 7),
        ("shop", None, "unallocated", Decimal("0.03"), 3),
    ]


def test_namespaces_and_what_is_left_emit_what_the_machine_does(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    """Two hours of a machine and its traffic, beside ten hours of the same that nobody shares."""
    [(shared,)] = warehouse.execute(
        "select sum(estimated_carbon_kg) from mart_kubernetes_carbon where sub_account_id = ?",
        [ACCOUNTS["cur2-parquet"]],
    ).fetchall()
    estimated = dict(
        warehouse.execute(
            "select ChargeDescription, x_EstimatedCarbonKg from fct_cost_and_carbon"
            " where x_SourceName = 'cur2-parquet'"
            " and ChargeDescription in ('on-demand', 'machine''s traffic')"
        ).fetchall()
    )

    assert 5 * (shared - estimated["machine's traffic"]) == estimated["on-demand"]
