"""Faults of bills: between charges and invoices, and between owners who share a cost."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.chargeback_harness import rows_of
from tests.tie_out_harness import BRIDGE, TieOut

APRIL = dt.date(2026, 4, 1)
PAYER, OTHER = "210987654321", "012345678901"
SUPPORT = Decimal("1950.43")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> TieOut:
    """April; the month after it is still running."""
    return TieOut(tmp_path_factory.mktemp("bills"), [APRIL, dt.date(2026, 5, 1)], rows=1_500)


@pytest.fixture
def tie(book: TieOut) -> Iterator[TieOut]:
    """The book, put back afterwards."""
    book.connection.execute("begin")
    yield book
    book.connection.execute("rollback")


def units(tie: TieOut, account: str) -> list[dict[str, Any]]:
    """Return what an account's invoices of April come to, each closed by its bridge."""
    found = [
        row
        for row in tie.tied()
        if row["billing_month"] == APRIL and str(row["billing_account_id"]).endswith(account)
    ]
    for row in found:
        bridge = sum((row[f"bridge_{line}"] for line in BRIDGE), Decimal(0))
        assert row["difference"] == bridge + row["unexplained"]
    return found


def test_tax_that_the_data_leave_out_is_named(tie: TieOut) -> None:
    [before] = units(tie, OTHER)
    tie.connection.execute(
        "delete from fct_cost_and_carbon where ChargeCategory = 'Tax'"
        " and x_BillingMonth = '2026-04-01' and BillingAccountId = ?",
        [OTHER],
    )
    [row] = units(tie, OTHER)

    tax = before["fact_total"] - row["fact_total"]
    assert tax > 0
    assert (before["outcome"], before["bridge_tax"]) == ("match", 0)
    assert (row["outcome"], row["bridge_tax"], row["unexplained"]) == ("variance", tax, 0)
    assert "tax" in row["variance_lines"]


def test_usage_that_is_cut_per_meter_stays_within_the_bound_and_is_shown(tie: TieOut) -> None:
    [(cut,)] = tie.connection.execute(
        "select sum(cost - trunc(cost * 100) / 100) from (select sum(BilledCost) as cost"
        " from fct_cost_and_carbon where x_Provider = 'gcp' and x_BillingMonth = '2026-04-01'"
        " and ChargeCategory = 'Usage' group by ServiceSubcategory)"
    ).fetchall()
    cut = Decimal(cut).quantize(Decimal("0.000001"))
    assert cut > 0
    tie.connection.execute(
        "update inputs.invoices set BilledCost = BilledCost - ? where InvoiceIssuerName like"
        " 'Google%' and strftime(BillingPeriodStart, '%Y-%m') = '2026-04'"
        " and (InvoiceDetailId is null or ChargeCategory = 'Usage')",
        [cut],
    )
    [row] = units(tie, "01A2B3-C4D5E6-F70819")

    assert row["outcome"] == "within_tolerance"
    assert row["unexplained"] == -cut
    assert 0 < cut <= row["tolerance"]
    assert row["variance_lines"] == "usage"


def test_a_support_fee_on_another_account_stands_on_the_support_line_of_both(
    tie: TieOut,
) -> None:
    [other] = units(tie, OTHER)
    fee = "InvoiceDetailDescription = 'Support plan, April'"
    for invoice, sign in ((f"(select InvoiceId from inputs.invoices where {fee})", "-"),
                          (f"'{other['invoice_id']}'", "+")):  # fmt: skip
        tie.connection.execute(
            f"update inputs.invoices set BilledCost = BilledCost {sign} {SUPPORT}"
            f" where InvoiceDetailId is null and InvoiceId = {invoice}"
        )
    tie.connection.execute(
        f"update inputs.invoices set BillingAccountId = ?, InvoiceId = ? where {fee}",
        [OTHER, other["invoice_id"]],
    )

    found = [row for row in units(tie, OTHER) + units(tie, PAYER) if row["bridge_support"]]
    assert [(row["bridge_support"], row["unexplained"]) for row in found] == [
        (SUPPORT, 0),
        (-SUPPORT, 0),
    ]


POOL = """
version: 1
pools:
  - {name: idle-gpus, when: {service: GPU}, by: effective-cost, over: [web, labs]}
"""


def test_a_pool_that_nobody_drives_stays_where_it_arose() -> None:
    idle = {"service_name": "GPU", "line_kind": "untagged", "effective_cost": Decimal(100)}
    owners = [
        {"service_name": "Compute", "owner": name, "effective_cost": Decimal(cost)}
        for name, cost in (("web", 30), ("labs", 10))
    ]

    def charged(weight: int) -> list[tuple[Any, ...]]:
        lines = [idle, *({**line, "effective_cost": weight * line["effective_cost"]}
                         for line in owners)]  # fmt: skip
        rows = rows_of(POOL, lines)
        total = sum(row["effective_cost"] for row in rows)
        assert total == sum(line["effective_cost"] for line in lines)
        return sorted(
            (row["movement"], row["owner"] or "", int(row["effective_cost"]), row["reason"] or "")
            for row in rows
            if row["line_kind"] != "owned"
        )

    assert [row[:3] for row in charged(1)] == [
        ("in", "labs", 25),
        ("in", "web", 75),
        ("out", "", -100),
        ("own", "", 100),
    ]
    assert charged(0) == [("own", "", 100, "driver_is_zero")]
