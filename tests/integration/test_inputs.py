"""Files that the company itself supplies: landed whole, or refused with a sentence."""

import csv
import datetime as dt
import io
import os
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.inputs.declared import columns_of, dataset_columns
from dagster_project.ledger.state import Decision
from dagster_project.months import ALL_MONTHS
from dagster_project.pipeline.extract import Outcome, Status
from dagster_project.pipeline.imports import import_ledger
from dagster_project.pipeline.plan import make_plan
from dagster_project.pipeline.survey import survey
from dagster_project.settings import INPUT_KINDS
from tests.integration.estates import MARCH, AwsFolder, House, parquet, put, rows

Line = dict[str, str]
OTHERS = ("InvoiceDetailDescription", "InvoiceDetailGrain", "PurchaseOrderNumber")


def invoice(detail: str = "1", amount: str = "10.50", **more: str) -> Line:
    line = {
        "BilledCost": amount,
        "BillingAccountId": "111111111111",
        "BillingCurrency": "USD",
        "BillingPeriodStart": "2026-03-01T00:00:00Z",
        "BillingPeriodEnd": "2026-04-01T00:00:00Z",
        "ChargeCategory": "Usage",
        "InvoiceDetailCreated": "2026-04-05T00:00:00Z",
        "InvoiceDetailId": detail,
        "InvoiceDetailLastUpdated": "2026-04-06T00:00:00Z",
        "InvoiceId": "INV-1",
        "InvoiceIssueDate": "2026-04-06T00:00:00Z",
        "InvoiceIssueStatus": "Issued",
        "InvoiceIssuerName": "Example Cloud Ltd",
        "PaymentTerms": "Net 30",
        "ReferenceInvoiceId": "INV-1",
    }
    return line | more


def text(*lines: Line) -> str:
    target = io.StringIO()
    writer = csv.DictWriter(target, list(lines[0]))
    writer.writeheader()
    writer.writerows(lines)
    return target.getvalue()


@pytest.fixture(autouse=True)
def _no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "home")


@pytest.fixture
def file(house: House, tmp_path: Path) -> Path:
    """Invoices with two lines, accepted."""
    path = put(tmp_path / "finance" / "in voices.csv", text(invoice("1"), invoice("2", "-0.5")))
    house.add_input("invoices", path)
    assert outcome(house).status is Status.ACCEPTED
    return path


def outcome(house: House, kind: str = "invoices", accept_shrink: str | None = None) -> Outcome:
    (found,) = house.extract(kind, accept_shrink).values()
    return found


def current(house: House, kind: str = "invoices") -> Decision | None:
    return house.current(ALL_MONTHS, f"inputs.{kind}")


def warehouse(house: House) -> duckdb.DuckDBPyConnection:
    context = house.context()
    import_ledger(context, [])
    return duckdb.connect(str(context.home.database), read_only=True)


def test_a_file_is_landed_as_it_is_and_becomes_a_typed_table(house: House, file: Path) -> None:
    decision = current(house)
    assert decision is not None
    folder = house.folder_of(decision)
    assert (folder / "00000.csv").read_bytes() == file.read_bytes()
    assert not os.access(folder / "00000.csv", os.W_OK) or os.geteuid() == 0
    with warehouse(house) as connection:
        found = connection.sql(
            "select InvoiceDetailId, BilledCost, BillingPeriodStart, InvoiceDetailGrain,"
            " delivery_id from inputs.invoices order by all"
        )
        assert [str(kind) for kind in found.types[1:3]] == ["DECIMAL(38,18)", "TIMESTAMP"]
        assert found.fetchall() == [
            ("1", Decimal("10.5"), dt.datetime(2026, 3, 1), None, decision.delivery_id),
            ("2", Decimal("-0.5"), dt.datetime(2026, 3, 1), None, decision.delivery_id),
        ]


@pytest.mark.parametrize("kind", INPUT_KINDS)
def test_an_absent_input_is_an_empty_table_with_its_columns(house: House, kind: str) -> None:
    table = f"inputs.{kind.replace('-', '_')}"
    with warehouse(house) as connection:
        described = connection.execute(f"describe {table}").fetchall()
        assert [row[0] for row in described] == [*columns_of(kind), "delivery_id"]
        assert connection.execute(f"select count(*) from {table}").fetchall() == [(0,)]
        states = connection.execute("select distinct state from ledger.inputs").fetchall()
    assert states == [("not_configured",)]


def test_parquet_of_any_types_means_the_same(house: House, tmp_path: Path, file: Path) -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    moments = {
        name: dt.datetime(2026, 3, 1, 2, tzinfo=zone)
        for name, kind in columns_of("invoices").items()
        if kind == "timestamp"
    }
    line: dict[str, Any] = {
        **invoice(),
        **moments,
        "BilledCost": 0.1,
        "InvoiceDetailGrain": {"a": 1},
    }
    path = tmp_path / "invoices.parquet"
    pq.write_table(pa.Table.from_pylist([line]), path)
    house.add_input("invoices", path)
    assert outcome(house, accept_shrink="another file").status is Status.ACCEPTED
    with warehouse(house) as connection:
        found = connection.execute(
            "select BilledCost, BillingPeriodStart, InvoiceDetailGrain from inputs.invoices"
        ).fetchall()
    assert found == [(Decimal("0.1"), dt.datetime(2026, 3, 1), '{"a":1}')]


def test_a_replaced_file_is_a_new_delivery_and_the_old_bytes_stay(house: House, file: Path) -> None:
    before = current(house)
    assert before is not None
    put(file, text(invoice("1", "11"), invoice("2", "-0.5")))
    assert outcome(house).status is Status.ACCEPTED
    after = current(house)
    assert after is not None
    assert after.delivery_id != before.delivery_id
    assert (house.folder_of(before) / "00000.csv").exists()
    with warehouse(house) as connection:
        total = connection.execute("select sum(BilledCost) from inputs.invoices").fetchall()
    assert total == [(Decimal("10.5"),)]
    # Back to what it was: the same content is the same delivery, and it is current again.
    put(file, text(invoice("1"), invoice("2", "-0.5")))
    assert outcome(house).delivery_id == before.delivery_id
    assert outcome(house).status is Status.UNCHANGED


def test_header_totals_are_invoices_too(house: House, tmp_path: Path) -> None:
    kept = {
        "BilledCost", "BillingAccountId", "BillingCurrency", "BillingPeriodEnd",
        "BillingPeriodStart", "InvoiceId", "InvoiceIssuerName",
    }  # fmt: skip
    total = {name: value for name, value in invoice().items() if name in kept}
    house.add_input("invoices", put(tmp_path / "totals.csv", text(total, total)))
    assert outcome(house).rows == 2
    decision = current(house)
    assert decision is not None
    assert decision.payload["schema_version"] == "totals"


def without(column: str) -> Callable[[], str]:
    return lambda: text({k: v for k, v in invoice("1").items() if k != column})


BAD = {
    "mandatory column": (without("BilledCost"), "CT-DECODE-MISSING-COLUMN", ("BilledCost",)),
    "amount as text": (
        lambda: text(invoice("1"), invoice("2", "ten")),
        "CT-DECODE-NUMBER", ("'ten'", "column: BilledCost", "data row: 2"),
    ),
    "line without an amount": (
        lambda: text(invoice("1"), invoice("2", "")),
        "CT-DECODE-ABSENT", ("column: BilledCost", "data row: 2"),
    ),
    "no point in time": (
        lambda: text(invoice("1"), invoice("2", InvoiceDetailCreated="soon")),
        "CT-DECODE-TIMESTAMP", ("'soon'", "column: InvoiceDetailCreated", "data row: 2"),
    ),
    "line twice": (
        lambda: text(invoice("1"), invoice("2"), invoice("1", "3")),
        "CT-DECODE-DUPLICATE-KEY",
        ("InvoiceIssuerName, InvoiceId, InvoiceDetailId", "'INV-1', '1'", "data row: 3", "1 such"),
    ),
    "header only": (
        lambda: text(invoice()).splitlines()[0] + "\n", "CT-LAND-SHRINK", ("there were 2",)
    ),
    "no bytes": (lambda: "", "CT-LAND-EMPTY", ("in voices.csv",)),
    "column twice": (
        lambda: "InvoiceId,InvoiceId\n1,2\n", "CT-DECODE-DUPLICATE-COLUMN", ("InvoiceId",)
    ),
    "an account is gone": (
        lambda: text(*(invoice(n, BillingAccountId="222222222222") for n in "12")),
        "CT-LAND-SHRINK", ("1 account missing", "Example Cloud Ltd / 111111111111"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_and_the_last_good_one_stays(
    case: str, house: House, file: Path
) -> None:
    content, code, words = BAD[case]
    before = current(house)
    put(file, content())
    found = outcome(house)
    assert found.status is Status.QUARANTINED
    assert found.error is not None
    sentence = str(found.error)
    assert found.error.code == code, sentence
    for word in ("source: inputs.invoices", *words):
        assert word in sentence, sentence
    assert "1970" not in sentence
    assert "(2 rows) stays current" in found.error.kept
    assert found.error.next_step
    assert current(house) == before
    # It stays visible, and the next good file heals it.
    assert [problem.error for problem in survey(house.context()).problems] != []
    with warehouse(house) as connection:
        states = connection.execute(
            "select state, rows, reason from ledger.inputs where input_name = 'invoices'"
        ).fetchall()
        assert [(state, count) for state, count, _ in states] == [("quarantined", 2)]
        assert code in states[0][2]
        assert connection.execute("select count(*) from inputs.invoices").fetchall() == [(2,)]
    put(file, text(invoice("1"), invoice("2"), invoice("3")))
    assert outcome(house).status is Status.ACCEPTED
    assert survey(house.context()).problems == ()


def test_a_first_file_with_a_header_only_is_refused(house: House, tmp_path: Path) -> None:
    header = text(invoice()).splitlines()[0] + "\n"
    house.add_input("invoices", put(tmp_path / "invoices.csv", header))
    found = outcome(house)
    assert found.error is not None
    assert found.error.code == "CT-LAND-NO-ROWS"
    assert outcome(house, accept_shrink="nothing was invoiced yet").status is Status.ACCEPTED


def test_a_line_number_may_come_again_in_another_invoice(house: House, tmp_path: Path) -> None:
    lines = [invoice("1"), invoice("1", InvoiceId="INV-2"), invoice("", "1"), invoice("", "2")]
    house.add_input("invoices", put(tmp_path / "invoices.csv", text(*lines)))
    assert outcome(house).rows == 4


def test_an_unknown_column_is_counted_and_not_read(house: House, tmp_path: Path) -> None:
    line = invoice() | {"Approver": "someone", "x_Project": "a"}
    house.add_input("invoices", put(tmp_path / "invoices.csv", text(line)))
    found = outcome(house)
    assert found.status is Status.ACCEPTED
    assert "unknown columns: Approver" in found.oddities
    with warehouse(house) as connection:
        counted = connection.execute(
            "select name, column_name, rows, month, provider from ledger.decode_counts"
            " where source_name = 'inputs.invoices'"
        ).fetchall()
    assert counted == [("unknown_column", "Approver", 1, None, None)]


def test_a_file_that_is_not_there_stops_nobody(house: House, tmp_path: Path) -> None:
    (tmp_path / "finance").mkdir()
    house.add_input("invoices", tmp_path / "finance" / "none.csv")
    found = outcome(house)
    assert found.status is Status.FAILED
    assert found.error is not None
    assert found.error.code == "CT-STORE-NOTFOUND"
    with warehouse(house) as connection:
        states = connection.execute(
            "select state from ledger.inputs where input_name = 'invoices'"
        ).fetchall()
    assert states == [("missing",)]


def test_a_file_that_nobody_writes_any_more_needs_no_waiting(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    old = put(tmp_path / "old.csv", text(invoice()))
    os.utime(old, (0, time.time() - 60))
    house.add_input("invoices", old)
    del house.sources["invoices"].options["settle_seconds"]
    assert outcome(house).status is Status.ACCEPTED
    assert slept == []
    fresh = put(tmp_path / "fresh.csv", text(invoice(), invoice("2")))
    house.add_input("invoices", fresh)
    del house.sources["invoices"].options["settle_seconds"]
    assert outcome(house).status is Status.ACCEPTED
    assert slept == [5.0]


def test_only_the_publication_depends_on_an_input(house: House, tmp_path: Path) -> None:
    folder = AwsFolder(tmp_path / "bucket")
    folder.deliver(parquet(rows()))
    house.add("main", folder.root)
    house.extract()
    alone = make_plan(house.context())
    house.add_input("invoices", put(tmp_path / "invoices.csv", text(invoice())))
    outcome(house)
    together = make_plan(house.context())
    assert list(together.months) == [MARCH]
    assert together.months == alone.months
    assert together.content != alone.content
    put(tmp_path / "invoices.csv", text(invoice(), invoice("2")))
    outcome(house)
    changed = make_plan(house.context())
    assert changed.months == alone.months
    assert changed.content != together.content
    assert survey(house.context()).months == [MARCH]


def test_other_inputs_have_their_keys_too(house: House, tmp_path: Path) -> None:
    rate = {"month": "2026-03", "from_currency": "EUR", "to_currency": "USD", "rate": "1.1"}
    rates = put(tmp_path / "rates.csv", text(rate, rate | {"rate": "1.2"}))
    house.add_input("fx-rates", rates)
    found = outcome(house, "fx-rates")
    assert found.error is not None
    assert "'2026-03', 'EUR', 'USD'" in str(found.error)
    period = {row["column_name"]: "2026-03-01" for row in dataset_columns("BillingPeriod")}
    house.add_input("billing-periods", put(tmp_path / "periods.csv", text(period)))
    assert outcome(house, "billing-periods").status is Status.ACCEPTED
    commitment = {row["column_name"]: "" for row in dataset_columns("ContractCommitment")}
    house.add_input("contract-commitments", put(tmp_path / "c.csv", text(commitment)))
    assert outcome(house, "contract-commitments").status is Status.ACCEPTED


CARBON_PRICE = {
    "valid_from": "2026-03",
    "price_per_tonne": "80.50",
    "currency": "EUR",
    "kind": "shadow",
    "owner": "board",
    "source": "decision 7",
}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("valid_from", "March 2026"),
        ("price_per_tonne", "0"),
        ("price_per_tonne", ""),
        ("currency", "euro"),
        ("kind", "guess"),
        ("owner", ""),
        ("source", ""),
    ],
)
def test_a_carbon_price_is_stated_whole(
    house: House, tmp_path: Path, column: str, value: str
) -> None:
    prices = put(tmp_path / "prices.csv", text(CARBON_PRICE))
    house.add_input("carbon-prices", prices)
    assert outcome(house, "carbon-prices").status is Status.ACCEPTED
    put(prices, text(CARBON_PRICE, CARBON_PRICE | {"valid_from": "2026-04", column: value}))
    found = outcome(house, "carbon-prices")
    assert found.error is not None
    assert column in str(found.error)
    with warehouse(house) as connection:
        query = "select valid_from, price_per_tonne from inputs.carbon_prices"
        assert connection.execute(query).fetchall() == [("2026-03", Decimal("80.5"))]


BUDGET = {"month": "2026-03", "budget": "all", "measure": "carbon_market_kg", "amount": "1200.5"}


@pytest.mark.parametrize(
    ("column", "value"),
    [("month", "2026"), ("budget", ""), ("measure", "carbon_kg"), ("amount", "0"), ("amount", "")],
)
def test_a_budget_is_of_one_measure(house: House, tmp_path: Path, column: str, value: str) -> None:
    budgets = put(tmp_path / "budgets.csv", text(BUDGET))
    house.add_input("budgets", budgets)
    assert outcome(house, "budgets").status is Status.ACCEPTED
    put(budgets, text(BUDGET, BUDGET | {"month": "2026-04", column: value}))
    found = outcome(house, "budgets")
    assert found.error is not None
    assert column in str(found.error)
    with warehouse(house) as connection:
        query = "select month, amount, owner from inputs.budgets"
        assert connection.execute(query).fetchall() == [("2026-03", Decimal("1200.5"), None)]
