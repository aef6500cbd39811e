"""The tie-out through the whole pipeline: published, promised, and read on the command line."""

import json
from collections.abc import Iterator
from decimal import Decimal

import pytest

from dagster_project.sample_estate import write_estate
from tests.integration.homes import AUGUST, JULY, JUNE, Place
from tests.tie_out_harness import BRIDGE, true_bridge

SOURCES = ["aws-main", "aws-sandbox", "azure-legacy", "onprem", "snowpeak"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("reconcile") / "estate"
    write_estate(folder, rows=1_500, months=[JUNE, JULY, AUGUST], only=SOURCES)
    yield Place(folder)


@pytest.mark.slow
def test_a_published_month_is_reconciled(place: Place) -> None:
    early = place.cloudtally("reconcile", "--month", "2026-07")
    assert early.code == 1
    assert "CT-RECONCILE-NOTHING" in early.text
    ran = place.cloudtally("run")
    assert ran.code == 0, ran.text
    _agrees_with_the_book(place)
    _prints_what_ties(place)
    _names_what_varies(place)


def _agrees_with_the_book(place: Place) -> None:
    truth = json.loads((place.estate / "invoice_truth.json").read_text())["invoices"]
    names = [row[0] for row in place.query("describe mart_invoice_reconciliation")]
    rows = [
        dict(zip(names, row, strict=True))
        for row in place.query("select * from mart_invoice_reconciliation")
    ]
    assert rows
    planted = set()
    for row in rows:
        if row["outcome"] != "not_reconcilable":
            found = {line: row[f"bridge_{line}"] for line in BRIDGE}
            assert found == true_bridge(truth, row), row
            assert row["unexplained"] == 0
            assert row["outcome"] in ("match", "pending")
            planted |= {line for line, amount in found.items() if amount}
    assert planted >= {"tax", "fx", "support", "marketplace", "rounding"}
    assert {row["provider"] for row in rows if row["outcome"] == "not_reconcilable"} == {"onprem"}
    checks = place.query(
        "select passed, count(*) from dq_result where check_id = 'invoice_tie_out' group by all"
    )
    assert checks == [(True, len(rows))]


def _prints_what_ties(place: Place) -> None:
    ran = place.cloudtally("reconcile", "--month", "2026-07", "--provider", "azure")
    assert ran.code == 0, ran.text
    (effect,) = place.query(
        "select bridge_fx from mart_invoice_reconciliation"
        " where provider = 'azure' and billing_month = '2026-07-01'"
    )
    for word in ("Microsoft Ireland", "tax", f"{effect[0]:.2f} EUR", "unexplained", "match"):
        assert word in ran.text
    document = json.loads(place.cloudtally("--json", "reconcile", "--month", "2026-08").out)
    assert document["outcomes"] == {"pending": 4, "not_reconcilable": 1}
    unknown = place.cloudtally("reconcile", "--month", "2020-01")
    assert (unknown.code, "2026-06 to 2026-08" in unknown.text) == (1, True)


def _names_what_varies(place: Place) -> None:
    """Lose one line of one invoice: nothing is held back, and the tie-out says what is missing."""
    path = place.estate / "inputs" / "invoices.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    lost = next(n for n, line in enumerate(lines) if "Credits, July" in line and "2109" in line)
    path.write_text("".join(lines[:lost] + lines[lost + 1 :]), encoding="utf-8")
    ran = place.cloudtally("run")
    assert ran.code == 0, ran.text
    varied = place.cloudtally("--json", "reconcile", "--month", "2026-07")
    assert varied.code == 3
    first, *others = json.loads(varied.out)["ties"]
    assert (first["outcome"], first["variance_lines"]) == ("variance", "credits")
    assert Decimal(first["invoice_total_minus_lines"]) < 0
    assert "variance" not in {other["outcome"] for other in others}
    warned = place.query(
        "select severity, passed from dq_result where check_id = 'invoice_tie_out' and not passed"
    )
    assert warned == [("warn", False)]
