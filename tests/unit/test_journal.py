"""The journal of a month: debit equals credit, nothing is lost in rounding, nothing is run."""

import csv
import datetime as dt
import io
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.books.accounts import Chart, load_chart
from dagster_project.books.document import csv_text, journal_csv
from dagster_project.books.journal import Journal, View, read_journal
from dagster_project.books.rounding import minor_digits, rounded_together, to_units
from dagster_project.cli.main import cli
from dagster_project.errors import CloudtallyError

MARCH = dt.date(2026, 3, 1)
APRIL = dt.date(2026, 4, 1)
SPEND = (
    "billing_month", "provider", "billing_account_id", "charge_category", "service_category",
    "environment", "cost_center", "billing_currency", "billed_cost", "effective_cost",
)  # fmt: skip
Row = tuple[object, ...]

CHART = """
version: 1
expense:
  - {account: "0400", name: Late changes, when: {entry: [moved_in, moved_out]}}
  - {account: "6110", name: Compute, when: {service_category: compute, environment: production}}
  - {account: "6100", name: Other compute, when: {service_category: Comp*}}
payable:
  - {account: "2100", name: Providers, when: {provider: aws}}
prepaid:
  - {account: "1400", name: Prepaid}
accrued:
  - {account: "2200", name: Accrued}
rounding: {account: "6990", name: Rounding}
unmapped: {account: "9999", name: No account}
"""
# 14.343 effective and 16.01 billed: 10.004 + 3.333 + 1.006 and 10.004 + 1.006 + 5.
MONTH: tuple[Row, ...] = (
    (MARCH, "aws", "1", "Usage", "Compute", "production", "web", "USD", "10.004", "10.004"),
    (MARCH, "aws", "1", "Usage", "Compute", "staging", "data", "USD", "0", "3.333"),
    (MARCH, "aws", "1", "Usage", "Storage", "production", None, "USD", "1.006", "1.006"),
    (MARCH, "aws", "1", "Purchase", None, "production", None, "USD", "5", "0"),
)


def one(billed: str, effective: str, currency: str = "USD", center: str | None = None) -> Row:
    return (MARCH, "aws", "1", "Usage", None, "unknown", center, currency, billed, effective)


def published(
    path: Path,
    spend: Iterable[Row] = MONTH,
    moved: Sequence[Row] = (),
    accruals: Sequence[Row] = (),
) -> Path:
    """Write a published file with the three marts that a journal reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = ", ".join(
        f"{name} {'decimal(38, 18)' if name.endswith('_cost') else 'varchar'}" for name in SPEND[1:]
    )
    with duckdb.connect(path) as connection:
        connection.execute(f"create table spend (billing_month date, {columns})")
        connection.executemany(
            f"insert into spend values ({', '.join('?' for _ in SPEND)})", list(spend)
        )
        connection.execute(
            "create view mart_spend_restated as select *, 'open' as cost_state from spend"
        )
        connection.execute(
            "create table mart_spend_booked as select billing_month as posting_month,"
            " 'spend' as entry, * from spend"
        )
        for row in moved:
            connection.execute(
                "insert into mart_spend_booked (posting_month, billing_month, entry, provider,"
                " billing_currency, billed_cost, effective_cost) values (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        connection.execute(
            "create table mart_accrual (posting_month date, billing_month date, entry varchar,"
            " provider varchar, billing_account_id varchar, billing_currency varchar,"
            " accrual_cost decimal(38, 18))"
        )
        for row in accruals:
            connection.execute("insert into mart_accrual values (?, ?, ?, ?, ?, ?, ?)", row)
    return path


@pytest.fixture
def chart(tmp_path: Path) -> Chart:
    path = tmp_path / "accounts.yaml"
    path.write_text(CHART, encoding="utf-8")
    return load_chart(path)


def made(
    database: Path, chart: Chart, view: View = "restated", *, accruals: bool = False
) -> Journal:
    journal = read_journal(database, MARCH, chart, view, accruals)
    for debit, credit in journal.totals().values():
        assert debit == credit
    return journal


def told(journal: Journal, *columns: str) -> list[tuple[object, ...]]:
    return [tuple(getattr(line, name) for name in columns) for line in journal.lines]


BRIEF = ("side", "ledger_account", "cost_center", "debit", "credit")


def test_a_month_is_posted_by_account_and_cost_center(tmp_path: Path, chart: Chart) -> None:
    journal = made(published(tmp_path / "p.duckdb"), chart)

    # In cents 1000.4 + 333.3 + 100.6 = 1434.3: the cent that is left goes to the largest remainder.
    assert told(journal, *BRIEF) == [
        ("expense", "6100", "data", Decimal("3.33"), None),
        ("expense", "6110", "web", Decimal("10.00"), None),
        ("expense", "9999", "", Decimal("1.01"), None),
        ("payable", "2100", "", None, Decimal("16.01")),
        ("prepaid", "1400", "", Decimal("1.67"), None),
    ]
    assert journal.totals() == {"USD": (Decimal("16.01"), Decimal("16.01"))}
    assert {line.posting_date for line in journal.lines} == {dt.date(2026, 3, 31)}
    assert [line.line for line in journal.lines] == [1, 2, 3, 4, 5]
    assert {line.billing_account_id for line in journal.lines if line.side == "payable"} == {"1"}


def test_what_rounded_sides_miss_stands_on_a_line_of_its_own(tmp_path: Path, chart: Chart) -> None:
    journal = made(published(tmp_path / "p.duckdb", [one("0.004", "0.005")]), chart)

    assert told(journal, *BRIEF) == [
        ("expense", "9999", "", Decimal("0.01"), None),
        ("rounding", "6990", "", None, Decimal("0.01")),
    ]


def test_currencies_are_rounded_and_balanced_each_by_itself(tmp_path: Path, chart: Chart) -> None:
    rows = [one("10.5", "10.5", "JPY"), one("1.2345", "1.2345", "BHD"), one("-2", "-2", "EUR")]
    journal = made(published(tmp_path / "p.duckdb", rows), chart)

    assert told(journal, "billing_currency", *BRIEF[:2], "debit", "credit") == [
        ("BHD", "expense", "9999", Decimal("1.235"), None),
        ("BHD", "payable", "2100", None, Decimal("1.235")),
        ("EUR", "expense", "9999", None, Decimal("2.00")),
        ("EUR", "payable", "2100", Decimal("2.00"), None),
        ("JPY", "expense", "9999", Decimal("11"), None),
        ("JPY", "payable", "2100", None, Decimal("11")),
    ]


def test_an_accrual_comes_with_its_reversal(tmp_path: Path, chart: Chart) -> None:
    accruals = [
        (MARCH, MARCH, "accrual", "aws", "1", "USD", "7.50"),
        (APRIL, MARCH, "reversal", "aws", "1", "USD", "-7.50"),
        (MARCH, MARCH, "accrual", "gcp", "2", "USD", None),
        (APRIL, MARCH, "reversal", "gcp", "2", "USD", None),
    ]
    database = published(tmp_path / "p.duckdb", [one("1", "1")], accruals=accruals)
    journal = made(database, chart, accruals=True)

    assert told(journal, "entry", "posting_date", "ledger_account", "debit", "credit")[2:] == [
        ("accrual", dt.date(2026, 3, 31), "2200", None, Decimal("7.50")),
        ("accrual", dt.date(2026, 3, 31), "9999", Decimal("7.50"), None),
        ("reversal", dt.date(2026, 4, 1), "2200", Decimal("7.50"), None),
        ("reversal", dt.date(2026, 4, 1), "9999", None, Decimal("7.50")),
    ]
    assert journal.not_estimated == ("gcp 2 USD",)
    assert len(made(database, chart).lines) == 2


def test_the_current_period_holds_what_was_acknowledged_in_it(tmp_path: Path, chart: Chart) -> None:
    february = dt.date(2026, 2, 1)
    moved = [
        (MARCH, february, "moved_in", "aws", "USD", "0.01", "0.01"),
        (MARCH, MARCH, "moved_out", "aws", "USD", "-0.25", "-0.25"),
        (APRIL, MARCH, "moved_in", "aws", "USD", "0.25", "0.25"),
    ]
    database = published(tmp_path / "p.duckdb", [one("3", "3")], moved=moved)

    assert told(
        made(database, chart, "current-period"),
        "entry", "billing_month", "ledger_account", "debit", "credit",
    ) == [
        ("moved_in", "2026-02", "0400", Decimal("0.01"), None),
        ("moved_in", "2026-02", "2100", None, Decimal("0.01")),
        ("spend", "2026-03", "9999", Decimal("3.00"), None),
        ("spend", "2026-03", "2100", None, Decimal("3.00")),
        ("moved_out", "2026-03", "0400", None, Decimal("0.25")),
        ("moved_out", "2026-03", "2100", Decimal("0.25"), None),
    ]  # fmt: skip
    assert len(made(database, chart).lines) == 2


def test_the_order_of_rows_changes_no_byte(tmp_path: Path, chart: Chart) -> None:
    forth = journal_csv(made(published(tmp_path / "a.duckdb"), chart))
    back = journal_csv(made(published(tmp_path / "b.duckdb", reversed(MONTH)), chart))
    assert forth == back


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"]
)
def test_no_cell_is_a_formula(tmp_path: Path, chart: Chart, text: str) -> None:
    database = published(tmp_path / "p.duckdb", [one("1", "1", center=text)])
    found = list(csv.DictReader(io.StringIO(journal_csv(made(database, chart)), newline="")))
    assert found[0]["cost_center"] == f"'{text}"
    assert found[0]["debit"] == "1.00"
    assert csv_text(["a"], [["1-2"], [-1]]) == "a\r\n1-2\r\n-1\r\n"


# ---------------------------------------------------------------- rounding

AMOUNTS = st.lists(st.decimals(-(10**12), 10**12, places=18), max_size=20)


@given(AMOUNTS, st.sampled_from([0, 2, 3, 4]))
def test_rounded_amounts_add_up_to_the_rounded_sum(amounts: list[Decimal], digits: int) -> None:
    units = [to_units(amount) for amount in amounts]
    size = 10 ** (18 - digits)
    rounded = rounded_together(units, digits)
    assert abs(2 * (sum(rounded) * size - sum(units))) <= size
    assert all(
        abs(whole * size - exact) <= size for whole, exact in zip(rounded, units, strict=True)
    )


def test_half_a_cent_goes_away_from_zero_and_ties_to_the_first() -> None:
    half = to_units(Decimal("0.005"))
    assert rounded_together([half], 2) == [1]
    assert rounded_together([-half], 2) == [-1]
    assert rounded_together([half, half], 2) == [1, 0]
    assert rounded_together([], 2) == []


@pytest.mark.parametrize(("currency", "digits"), [("USD", 2), ("JPY", 0), ("BHD", 3), ("XXX", 2)])
def test_minor_units_are_those_of_the_currency(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits


# ---------------------------------------------------------------- the file of accounts

WRONG = {
    "no version": "rounding: {account: a}\nunmapped: {account: a}\n",
    "another version": CHART.replace("version: 1", "version: 2"),
    "unknown key": CHART + "postings: []\n",
    "unknown column": CHART.replace("service_category: Comp*", "team: Comp*"),
    "number as account": CHART.replace('"0400"', "0400"),
    "no account": CHART.replace('account: "1400", ', ""),
    "no account for the unmapped": CHART.partition("unmapped")[0],
    "condition that is no mapping": CHART.replace("{service_category: Comp*}", "compute"),
    "key that is no word": "1: 2\nversion: 1\n",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_a_wrong_file_of_accounts_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "accounts.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CloudtallyError) as caught:
        load_chart(path)
    assert caught.value.code == "CT-ACCOUNTS-INVALID"
    assert caught.value.where == {"file": str(path)}


@pytest.mark.parametrize("content", [b"version: [1", b"- a list", b"", b"\xff\xfe\x00"])
def test_an_unreadable_file_of_accounts_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "accounts.yaml"
    path.write_bytes(content)
    with pytest.raises(CloudtallyError, match="CT-ACCOUNTS-YAML"):
        load_chart(path)
    with pytest.raises(CloudtallyError, match="CT-ACCOUNTS-MISSING"):
        load_chart(tmp_path / "none.yaml")


def test_the_packaged_accounts_call_what_they_do_not_map_unmapped() -> None:
    account = load_chart().account("expense", {"provider": "aws", "entry": "spend"})
    assert account.account == "unmapped"


def test_the_first_rule_that_holds_names_the_account(chart: Chart) -> None:
    spend = {"service_category": "COMPUTE", "environment": "production"}
    assert chart.account("expense", spend).account == "6110"
    assert chart.account("expense", {**spend, "environment": None}).account == "6100"
    assert chart.account("expense", {"service_category": None}).account == "9999"
    assert chart.account("payable", {"provider": "gcp"}).account == "9999"


# ---------------------------------------------------------------- the command


def configured(folder: Path, accounts: str = "ledger-accounts: accounts.yaml") -> Path:
    (folder / "accounts.yaml").write_text(CHART, encoding="utf-8")
    path = folder / "cloudtally.yaml"
    path.write_text(f"home: ./home\n{accounts}\n", encoding="utf-8")
    return path


def run(config: Path, *arguments: str, as_json: bool = False) -> Result:
    first = ["--json"] if as_json else []
    return CliRunner().invoke(cli, ["--config", str(config), *first, "journal", *arguments])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLOUDTALLY_CONFIG", "set by the command, put back by the test")
    published(tmp_path / "home" / "published" / "cloudtally.duckdb")
    return configured(tmp_path)


def test_the_command_writes_the_file_and_says_what_to_look_at(home: Path) -> None:
    out = home.parent / "march.csv"
    ran = run(home, "--month", "2026-03", "--out", str(out))
    assert ran.exit_code == 0, ran.output
    assert "USD: debit 16.01, credit 16.01" in ran.output
    assert "Not closed: aws open." in ran.output
    assert "1 lines have no account of their own and stand under 9999" in ran.output
    assert run(home, "--month", "2026-03").stdout_bytes == out.read_bytes()
    assert [path.name for path in home.parent.glob("*march*")] == ["march.csv"]


def test_machines_get_one_document(home: Path) -> None:
    ran = run(home, "--month", "2026-03", as_json=True)
    document = json.loads(ran.stdout)
    assert document["totals"] == {"USD": ["16.01", "16.01"]}
    assert len(document["lines"]) == 5
    assert document["lines_unmapped"] == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--month", "2026-02"], "CT-JOURNAL-MONTH"),
        (["--month", "2026-03", "--out", "nowhere/march.csv"], "CT-JOURNAL-TARGET"),
    ],
)
def test_what_cannot_be_posted_is_refused(home: Path, arguments: list[str], code: str) -> None:
    error = run(home, *arguments).exception
    assert isinstance(error, CloudtallyError)
    assert error.code == code


def test_nothing_published_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDTALLY_CONFIG", "set by the command, put back by the test")
    config = configured(tmp_path)
    error = run(config, "--month", "2026-03").exception
    assert isinstance(error, CloudtallyError) and error.code == "CT-JOURNAL-NOTHING"

    database = tmp_path / "home" / "published" / "cloudtally.duckdb"
    database.parent.mkdir(parents=True)
    duckdb.connect(database).close()
    error = run(config, "--month", "2026-03").exception
    assert isinstance(error, CloudtallyError) and error.code == "CT-JOURNAL-NOTHING"


def test_the_file_in_the_documentation_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "books.md").read_text(encoding="utf-8")
    path = tmp_path / "accounts.yaml"
    path.write_text(page.partition("```yaml\n")[2].partition("```")[0], encoding="utf-8")
    chart = load_chart(path)
    moved = {"entry": "moved_in", "provider": "onprem"}
    assert [chart.account(side, moved).account for side in ("expense", "payable")] == [
        "6190",
        "2150",
    ]
