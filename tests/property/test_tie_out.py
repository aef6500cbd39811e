"""The bridge between charges and invoices: it closes for every month by planted causes alone.

Whatever single line or charge goes missing turns a row red and is named. What the bridge must come
to is known by the sample estate's book, which knows no model.
"""

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from dagster_project.months import add_months
from dagster_project.paths import DBT_PROJECT
from expectations.suites.mart_invoice_reconciliation import COLUMNS
from tests.tie_out_harness import BRIDGE, KEY, Tied, TieOut, true_bridge

RED = ("variance", "within_tolerance")
CAUSES = set(BRIDGE)
SAMPLE = 24
NAMES = (
    ("Rounding", "rounding"),
    ("Exchange", "fx"),
    ("Marketplace", "marketplace"),
    ("Support", "support"),
    ("Refund", "refunds"),
    ("Correction", "corrections"),
    ("Commitments", "commitments"),
    ("Training vouchers", "total"),
    ("Value added tax", "tax"),
    ("Credits", "credits"),
    ("Purchase", "purchases"),
    ("Usage", "usage"),
)
MONTHS = [add_months(dt.date(2026, 4, 1), number) for number in range(7)]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> TieOut:
    """Seven months: every cause is planted in one of them."""
    return TieOut(tmp_path_factory.mktemp("short"), MONTHS, rows=5_000)


@pytest.fixture(scope="module")
def untouched(short: TieOut) -> list[Tied]:
    return short.tied()


@pytest.fixture
def tie(short: TieOut) -> Iterator[TieOut]:
    """The seven months, put back afterwards."""
    short.connection.execute("begin")
    yield short
    short.connection.execute("rollback")


def red(rows: Sequence[Tied]) -> dict[tuple[object, ...], tuple[str, set[str]]]:
    return {
        tuple(row[name] for name in KEY): (
            row["outcome"],
            set((row["variance_lines"] or "").split(", ")),
        )
        for row in rows
        if row["outcome"] in RED
    }


def newly_named(before: Sequence[Tied], after: Sequence[Tied]) -> set[str]:
    """Return the lines that are named at keys which changed their verdict."""
    known = red(before)
    names = [lines for key, (word, lines) in red(after).items() if known.get(key) != (word, lines)]
    return set().union(*names)


def closes(row: Tied) -> bool:
    bridge = sum((row[f"bridge_{line}"] for line in BRIDGE), Decimal(0))
    return bool(row["difference"] == bridge + row["unexplained"])


def test_36_months_close_by_the_planted_causes_and_nothing_else(tmp_path: Path) -> None:
    months = [add_months(dt.date(2024, 1, 1), number) for number in range(36)]
    tie = TieOut(tmp_path, months, rows=36 * 500)
    rows = tie.tied()
    planted = set()
    for row in rows:
        if row["outcome"] == "not_reconcilable":
            assert row["provider"] == "onprem"
            continue
        found = {line: row[f"bridge_{line}"] for line in BRIDGE}
        assert found == true_bridge(tie.truth, row), row
        assert row["unexplained"] == 0
        assert closes(row)
        planted |= {line for line, amount in found.items() if amount}
        vouchers = bool(found["on_invoice_not_in_data"])
        is_open = row["billing_month"] == months[-1]
        assert row["outcome"] == ("variance" if vouchers else "pending" if is_open else "match")
    assert planted == CAUSES
    assert {row["billing_month"] for row in rows} == set(months)
    charged = tie.connection.execute("select sum(BilledCost) from fct_cost_and_carbon").fetchone()
    assert charged == (sum(row["fact_total"] or 0 for row in rows),)
    payable = sum(Decimal(bill["invoice_total"] or 0) for bill in tie.truth)
    assert payable == sum(row["invoice_total"] or 0 for row in rows)


def test_the_mart_has_the_columns_of_its_contract(short: TieOut, untouched: list[Tied]) -> None:
    path = DBT_PROJECT / "models/marts/finance/_mart_invoice_reconciliation.yml"
    (model,) = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    found = short.connection.execute("describe mart_invoice_reconciliation").fetchall()
    assert [(name, kind.lower()) for name, kind, *_ in found] == [
        (column["name"], column["data_type"]) for column in model["columns"]
    ]
    assert tuple(name for name, *_ in found) == COLUMNS


def test_the_legs_stand_beside_each_other_where_a_unit_is_one_invoice(
    untouched: list[Tied],
) -> None:
    controlled = [row for row in untouched if row["control_total"] is not None]
    assert {row["provider"] for row in controlled} >= {"azure", "gcp", "snowpeak"}
    assert all(row["control_total"] == row["fact_total"] for row in controlled)


def test_net_of_tax_and_gross_both_tie(untouched: list[Tied]) -> None:
    azure = [row for row in untouched if row["provider"] == "azure" and row["invoice_total"]]
    for row in azure:
        assert row["bridge_tax"] == row["invoice_total"] - row["invoice_net_total"] > 0
        assert row["net_difference"] == row["difference"] - row["bridge_tax"]
        assert (row["outcome"], row["net_outcome"]) == ("match", "match")
        assert row["fact_net_total"] == row["fact_total"]


def removed_lines(tie: TieOut) -> list[tuple[int, str]]:
    """Return some invoice lines with the name each should be missed by: all kinds, and more."""
    lines = tie.connection.execute(
        "select rowid, InvoiceDetailDescription from inputs.invoices"
        " where InvoiceDetailId is not null and BilledCost <> 0 order by rowid"
    ).fetchall()
    named = [
        (row, next(name for start, name in NAMES if said.startswith(start))) for row, said in lines
    ]
    kinds = {name: row for row, name in named}
    more = random.Random(4).sample(named, SAMPLE)
    return sorted({(row, name) for name, row in kinds.items()} | set(more))


def test_any_invoice_line_that_goes_missing_is_named(short: TieOut, untouched: list[Tied]) -> None:
    for row, name in removed_lines(short):
        _without(short, untouched, "inputs.invoices", f"rowid = {row}", name)


def test_any_charge_that_goes_missing_is_named(short: TieOut, untouched: list[Tied]) -> None:
    charges = short.connection.execute(
        "select row, ChargeCategory from fct_cost_and_carbon"
        " where BilledCost <> 0 and x_Provider <> 'onprem' and x_BillingMonth < ?"
        " and not (ChargeCategory = 'Adjustment') order by row",
        [MONTHS[-1]],
    ).fetchall()
    special = [row for row, category in charges if category != "Usage"]
    chooser = random.Random(5)
    usual = [row for row, _ in charges]
    for row in [*chooser.sample(special, SAMPLE // 2), *chooser.sample(usual, SAMPLE)]:
        _without(short, untouched, "fct_cost_and_carbon", f"row = {row}", _name(short, row))


def _name(tie: TieOut, row: int) -> str:
    """Return the line that a charge belongs to, by the columns of FOCUS."""
    category, kind, seller, provider, group, commitment, cost = tie.connection.execute(
        "select ChargeCategory, ChargeClass, ServiceProviderName, ProviderName,"
        " ServiceSubcategory, CommitmentDiscountId, BilledCost from fct_cost_and_carbon"
        " where row = ?",
        [row],
    ).fetchall()[0]
    if category in ("Tax", "Credit"):
        return {"Tax": "tax", "Credit": "credits"}[category]
    if seller != provider:
        return "marketplace"
    if group == "Support":
        return "support"
    if kind:
        return "refunds" if cost < 0 else "corrections"
    if category == "Purchase":
        return "commitments" if commitment else "purchases"
    return "usage"


def _without(tie: TieOut, untouched: Sequence[Tied], table: str, condition: str, name: str) -> None:
    tie.connection.execute("begin")
    tie.connection.execute(f"delete from {table} where {condition}")
    rows = tie.tied()
    tie.connection.execute("rollback")
    assert name in newly_named(untouched, rows), (table, condition, name)
    assert all(closes(row) for row in rows if row["difference"] is not None)


def test_a_rounding_row_of_the_data_is_missed_on_the_rounding_line_alone(
    tie: TieOut, untouched: list[Tied]
) -> None:
    tie.connection.execute("delete from fct_cost_and_carbon where ChargeCategory = 'Adjustment'")
    before = {tuple(row[name] for name in KEY): row for row in untouched}
    for row in tie.tied():
        old = before[tuple(row[name] for name in KEY)]
        if row["provider"] == "azure" and row["invoice_total"]:
            assert row["bridge_rounding"] - old["bridge_rounding"] == Decimal("0.000000370214")
            assert row["unexplained"] == 0


# ---------------------------------------------------------------- what finance may hand in

GCP_MAY = "billing_month = '2026-05-01' and provider = 'gcp'"
AZURE_MAY = "billing_month = '2026-05-01' and provider = 'azure'"
SNOWPEAK_MAY = "billing_month = '2026-05-01' and provider = 'snowpeak'"


def of(provider: str, month: str = "2026-05") -> str:
    issuer = {"gcp": "Google%", "azure": "Microsoft%", "snowpeak": "Snowpeak%", "aws": "Amazon%"}
    return (
        f" where InvoiceIssuerName like '{issuer[provider]}'"
        f" and strftime(BillingPeriodStart, '%Y-%m') = '{month}'"
    )


IS_TOTAL = " and InvoiceDetailId is null"
CASES: dict[str, tuple[str, str, str, str]] = {
    "no invoice": (
        f"delete from inputs.invoices{of('gcp')}", GCP_MAY, "variance", "without an invoice"
    ),
    "lines without a total": (
        f"delete from inputs.invoices{of('gcp')}{IS_TOTAL}", GCP_MAY, "match", "invoice month"
    ),
    "a total twice": (
        f"insert into inputs.invoices from inputs.invoices{of('gcp')}{IS_TOTAL}",
        GCP_MAY, "variance", "more than once",
    ),
    "another currency": (
        f"update inputs.invoices set BillingCurrency = 'SEK'{of('gcp')}",
        GCP_MAY, "variance", "another currency",
    ),
    "an account without data": (
        f"update inputs.invoices set BillingAccountId = '999'{of('gcp')}",
        "billing_account_id = '999'", "variance", "no charges of this invoice",
    ),
    "the charges of that account": (
        f"update inputs.invoices set BillingAccountId = '999'{of('gcp')}",
        GCP_MAY + " and billing_account_id <> '999'", "variance", "without an invoice",
    ),
    "a total that its lines don't make": (
        f"update inputs.invoices set BilledCost = BilledCost + 12.5{of('gcp')}{IS_TOTAL}",
        GCP_MAY, "variance", "lines lack 12.5 USD",
    ),
    "still written": (
        f"update inputs.invoices set InvoiceIssueStatus = 'open'{of('gcp')}",
        GCP_MAY, "pending", "still writes",
    ),
    "voided": (
        f"update inputs.invoices set InvoiceIssueStatus = 'Voided'{of('gcp')}",
        GCP_MAY, "variance", "without an invoice",
    ),
    "totals only": (
        f"delete from inputs.invoices{of('gcp')} and InvoiceDetailId is not null",
        GCP_MAY, "within_tolerance", "(total)",
    ),
    "a total with tax that data never hold": (
        f"delete from inputs.invoices{of('azure')} and InvoiceDetailId is not null",
        AZURE_MAY, "variance", "unexplained (total)",
    ),
    "a cent more": (
        "update inputs.invoices set BilledCost = BilledCost + 0.01"
        f"{of('snowpeak')} and (InvoiceDetailId is null or ChargeCategory = 'Purchase')",
        SNOWPEAK_MAY, "within_tolerance", "(purchases)",
    ),
    "a dollar and a cent more": (
        "update inputs.invoices set BilledCost = BilledCost + 1.01"
        f"{of('snowpeak')} and (InvoiceDetailId is null or ChargeCategory = 'Purchase')",
        SNOWPEAK_MAY, "variance", "(purchases)",
    ),
    "rounding that rounds too much": (
        "update inputs.invoices set BilledCost = BilledCost + 5"
        f"{of('gcp')} and (InvoiceDetailId is null or InvoiceDetailDescription like 'Rounding%')",
        GCP_MAY, "variance", "rounding",
    ),
    "an exchange difference without an exchange": (
        "update inputs.invoices set PaymentCurrency = BillingCurrency" + of("azure", "2026-07"),
        "billing_month = '2026-07-01' and provider = 'azure'", "variance", "fx",
    ),
    "tax of one cent more": (
        "update inputs.invoices set BilledCost = BilledCost + 0.01" + of("aws")
        + " and BillingAccountId = '012345678901'"
        " and (InvoiceDetailId is null or ChargeCategory = 'Tax')",
        "billing_month = '2026-05-01' and billing_account_id = '012345678901'",
        "variance", "tax of the invoice",
    ),
    "lines that lump": (
        f"update inputs.invoices set InvoiceDetailDescription = 'Charges'{of('aws')}"
        " and ChargeCategory in ('Usage', 'Purchase') and InvoiceId not like '%-CN'",
        "billing_month = '2026-05-01' and provider = 'aws' and fact_total > 50000",
        "match", "None",
    ),
    "an issuer that data don't name": (
        "update fct_cost_and_carbon set InvoiceIssuerName = null where x_Provider = 'gcp'",
        GCP_MAY, "match", "invoice month",
    ),
    "midnight east of Greenwich": (
        "update inputs.invoices set BillingPeriodStart = BillingPeriodStart - interval 2 hour"
        + of("gcp"), GCP_MAY, "match", "invoice month",
    ),
    "no input": (
        "update ledger.inputs set delivery_id = null", GCP_MAY, "not_reconcilable", "not supplied"
    ),
    "recharges of one's own": (
        "select 1", "billing_month = '2026-05-01' and provider = 'onprem'",
        "not_reconcilable", "internal",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_every_input_has_its_verdict(case: str, tie: TieOut) -> None:
    statement, where, outcome, words = CASES[case]
    tie.connection.execute(statement)
    tie.tied()
    found = tie.connection.execute(
        f"select outcome, outcome_reason from mart_invoice_reconciliation where {where}"
    ).fetchall()
    assert found, case
    for verdict, reason in found:
        assert verdict == outcome, (verdict, reason)
        assert words in str(reason)


def test_charges_that_only_partly_name_an_invoice_tie_by_account_and_month(tie: TieOut) -> None:
    tie.connection.execute(
        "update fct_cost_and_carbon set InvoiceId = null"
        " where x_SourceName = 'aws-main' and x_BillingMonth = '2026-05-01' and row % 3 = 0"
    )
    rows = [
        row
        for row in tie.tied()
        if row["billing_month"] == dt.date(2026, 5, 1)
        and row["billing_account_id"] == "210987654321"
    ]
    assert [(row["tie_key"], row["invoice_count"]) for row in rows] == [("account_and_month", 3)]
    assert [(row["outcome"], row["invoice_id"]) for row in rows] == [("match", None)]


def test_postings_of_the_ledger_stand_beside_and_balance_nothing(
    tie: TieOut, untouched: list[Tied]
) -> None:
    tie.connection.execute(
        "insert into inputs.ledger_postings by name"
        " select '2026-05' as month, invoice_issuer_name, billing_account_id, invoice_id,"
        " billing_currency as currency, 100 as amount from mart_invoice_reconciliation"
        " where billing_month = '2026-05-01'"
    )
    tie.connection.execute(
        "insert into inputs.ledger_postings (month, currency, amount) values ('soon', 'USD', 1)"
    )
    for old, new in zip(untouched, tie.tied(), strict=True):
        assert new["ledger_total"] == (100 if new["billing_month"] == dt.date(2026, 5, 1) else None)
        assert {k: v for k, v in new.items() if k != "ledger_total"} == {
            k: v for k, v in old.items() if k != "ledger_total"
        }


def test_two_currencies_never_meet(tie: TieOut) -> None:
    tie.connection.execute(f"update inputs.invoices set BillingCurrency = 'SEK'{of('gcp')}")
    rows = [
        r for r in tie.tied() if r["provider"] == "gcp" and str(r["billing_month"]) == "2026-05-01"
    ]
    assert {(r["billing_currency"], r["invoice_total"] is None) for r in rows} == {
        ("USD", True),
        ("SEK", False),
    }
