"""Commitments, accruals and the journal of a small account, from its bill to the books.

February came whole: ten dollars a day. March came until the 20th: twelve a day. A commitment of 365
dollars was paid at once on 1 February and is consumed by a dollar a day.
"""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from dagster_project.books.accounts import load_chart
from dagster_project.books.journal import read_journal
from dagster_project.exports.base import focus_columns
from dagster_project.months import Month, next_month
from dagster_project.paths import Home
from dagster_project.pipeline.context import Context
from dagster_project.settings import Settings, SourceConfig
from tests.integration.estates import MARCH, AwsFolder, Row, parquet
from tests.pipeline_runs import built, give_reference, land

pytestmark = pytest.mark.slow

FEBRUARY = dt.date(2026, 2, 1)
PLAN = {
    "CommitmentDiscountId": "year",
    "CommitmentDiscountCategory": "Spend",
    "CommitmentDiscountType": "Savings Plan",
}
KINDS = {item["column_name"]: item["kind"] for item in focus_columns() if item["v1_2"]}
TYPES = {
    "decimal": pa.float64(),
    "text": pa.string(),
    "timestamp": pa.timestamp("ms"),
    "json": pa.map_(pa.string(), pa.string()),
}


def charge(
    month: Month, day: int, billed: float, effective: float, listed: float, **cells: Any
) -> Row:
    start = dt.datetime(month.year, month.month, day)
    known: Row = {
        "BillingAccountId": "999999999999",
        "BillingAccountName": "Payer",
        "BillingAccountType": "Payer",
        "BillingCurrency": "USD",
        "BillingPeriodStart": dt.datetime(month.year, month.month, 1),
        "BillingPeriodEnd": dt.datetime.combine(next_month(month), dt.time()),
        "BilledCost": billed,
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": start,
        "ChargePeriodEnd": start + dt.timedelta(days=1),
        "ContractedCost": listed,
        "EffectiveCost": effective,
        "InvoiceIssuerName": "Amazon Web Services, Inc.",
        "ListCost": listed,
        "PricingCategory": "Standard",
        "ProviderName": "AWS",
        "PublisherName": "AWS",
        "RegionId": "eu-west-1",
        "ServiceCategory": "Compute",
        "ServiceName": "Amazon Elastic Compute Cloud",
        "SubAccountId": "111111111111",
        "Tags": {"cost-center": "web"},
    }
    return dict.fromkeys(KINDS) | known | cells


def bill(month: Month, days: int, price: float) -> list[Row]:
    covered = {**PLAN, "PricingCategory": "Committed"}
    found = []
    for day in range(1, days + 1):
        found += [
            charge(month, day, price, price, price),
            charge(month, day, 0, 0.75, 1, CommitmentDiscountStatus="Used", **covered),
            charge(month, day, 0, 0.25, 0, CommitmentDiscountStatus="Unused", **covered),
        ]
    if month == FEBRUARY:
        bought = {"ChargeCategory": "Purchase", "ChargeFrequency": "One-Time", **PLAN}
        found.append(charge(month, 1, 365, 0, 365, **bought))
    return found


@pytest.fixture(scope="module")
def warehouse(reference: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    root = tmp_path_factory.mktemp("books")
    folder = AwsFolder(root / "bucket")
    for month, days, price in ((FEBRUARY, 28, 10.0), (MARCH, 20, 12.0)):
        content = parquet(
            bill(month, days, price), **{name: TYPES[kind] for name, kind in KINDS.items()}
        )
        folder.deliver(content, month=month)
    source = SourceConfig(
        name="main", provider="aws", export="focus", location=folder.root.as_uri()
    )
    context = Context(Settings(home=root / "home", sources=(source,), clock=dt.date(2026, 3, 25)))
    give_reference(reference, context.home)
    land(context)
    built(context).close()
    yield context.home


@pytest.fixture(scope="module")
def marts(warehouse: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(warehouse.database), read_only=True) as connection:
        yield connection


def test_a_prepaid_year_is_consumed_by_the_day(marts: duckdb.DuckDBPyConnection) -> None:
    found = marts.execute(
        "select billing_month, balance_status, opening_balance, purchases_billed_cost,"
        " used_effective_cost, unused_effective_cost, closing_balance,"
        " effective_minus_billed_cost, utilisation_ratio"
        " from mart_commitment_rollforward order by billing_month"
    ).fetchall()
    amounts = [tuple(map(Decimal, row[2:8])) for row in found]

    assert [(*row[:2], row[8]) for row in found] == [
        (FEBRUARY, "known", 0.75),
        (MARCH, "known", 0.75),
    ]
    assert amounts == [(0, 365, 21, 7, 337, -337), (337, 0, 15, 5, 317, 20)]


def test_missing_days_are_accrued_and_taken_back(marts: duckdb.DuckDBPyConnection) -> None:
    """19 whole days at 12 and 9 at 10 are 318: 12 missing days at 318 / 28, less 12 that are here.

    A week cost at least 70 and at most 84. The 20th went on at 12 a day until the end: 132.
    """
    found = marts.execute(
        "select entry, posting_month, billing_month, missing_days, estimated_from_days,"
        " billed_so_far_cost, accrual_low_cost, accrual_cost, accrual_high_cost, expected_cost"
        " from mart_accrual order by entry"
    ).fetchall()

    assert found == [
        ("accrual", MARCH, MARCH, 12, 28, 240, 108, Decimal("124.29"), 132, Decimal("364.29")),
        ("reversal", next_month(MARCH), MARCH, 12, 28, None, -108, Decimal("-124.29"), -132, None),
    ]


def test_the_journal_balances_and_moves_the_prepaid_account(warehouse: Home) -> None:
    journal = read_journal(warehouse.database, FEBRUARY, load_chart(), "current-period", True)

    assert [
        (line.ledger_account, line.cost_center, line.debit, line.credit) for line in journal.lines
    ] == [
        ("unmapped", "web", Decimal(308), None),
        ("payable", "", None, Decimal(645)),
        ("prepaid", "", Decimal(337), None),
    ]


def test_what_is_booked_is_what_is_spent(marts: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select billing_month, sum(billed_cost), sum(effective_cost) from {} group by 1 order by 1"
    )
    restated, booked, fact = (
        marts.execute(query.format(relation)).fetchall()
        for relation in (
            "mart_spend_restated",
            "mart_spend_booked",
            "(select x_BillingMonth as billing_month, BilledCost as billed_cost,"
            " EffectiveCost as effective_cost from fct_cost_and_carbon)",
        )
    )
    assert restated == booked == fact == [(FEBRUARY, 645, 308), (MARCH, 240, 260)]
