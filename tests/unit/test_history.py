"""What a period comes to, and how two versions of it differ: exact, and the same everywhere."""

import hashlib
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from dagster_project.history.columns import LINEAGE, columns_of
from dagster_project.history.compare import compare_files
from dagster_project.history.digest import add_digests, exact_sum, period_contents, plain
from dagster_project.history.restatement import (
    CHARGES,
    CODE,
    CONFIGURATION,
    EMISSIONS,
    RULES,
    Restatement,
    cause_of,
    restatements_of,
)
from dagster_project.ledger.store import Clock
from tests.period_homes import APRIL, MARCH, line, lines_of, write_lines


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def digest(connection: duckdb.DuckDBPyConnection, *files: Path, clock: Clock = Clock.COST) -> str:
    return period_contents(connection, files, clock, MARCH)["aws"].digest


def by_hand(path: Path, provider: str) -> str:
    """Work the digest out again without a database, as its documentation says."""
    rows = [row for row in pq.ParquetFile(path).read().to_pylist() if row["x_Provider"] == provider]
    first = second = 0
    for row in rows:
        names = sorted(columns_of(Clock.COST, row))
        text = "".join(f"{name}={_text(row[name])}|" for name in names if row[name] is not None)
        found = hashlib.sha256(text.encode()).hexdigest()
        first += int(found[:16], 16)
        second += int(found[16:32], 16)
    return f"{len(rows)}:{first:x}:{second:x}"


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return plain(value) or ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%f")
    if isinstance(value, date):
        return value.isoformat()
    return str(value).replace("%", "%25").replace("|", "%7C")


class TestDigest:
    def test_is_what_another_reader_works_out(
        self, tmp_path: Path, connection: duckdb.DuckDBPyConnection
    ) -> None:
        hostile = line(
            "a|b=c%7C", MARCH, Tags='{"k|": "é\\n"}', ServiceName="", BilledCost=Decimal("-1E-18"),
            EffectiveCost=Decimal("12345678901234567890.000000000000000001"),
        )  # fmt: skip
        write_lines(tmp_path / "one.parquet", [*lines_of(MARCH), hostile])
        found = period_contents(connection, [tmp_path / "one.parquet"], Clock.COST, MARCH)
        for provider in ("aws", "azure"):
            assert found[provider].digest == by_hand(tmp_path / "one.parquet", provider)
        assert found["aws"].sums["USD"]["EffectiveCost"] == (
            "12345678901234567908.500000000000000001"
        )
        assert add_digests([each.digest for each in found.values()]).startswith("4:")

    def test_depends_on_no_order_no_file_no_lineage_and_no_empty_column(
        self, tmp_path: Path, connection: duckdb.DuckDBPyConnection
    ) -> None:
        lines = lines_of(MARCH)
        write_lines(tmp_path / "one.parquet", lines)
        moved = [{**each, **dict.fromkeys(LINEAGE, "other")} for each in reversed(lines)]
        write_lines(tmp_path / "two.parquet", moved, {"x_New": "integer"})
        write_lines(tmp_path / "a.parquet", lines[:1])
        write_lines(tmp_path / "b.parquet", lines[1:])
        whole = digest(connection, tmp_path / "one.parquet")
        assert digest(connection, tmp_path / "two.parquet") == whole
        assert digest(connection, tmp_path / "a.parquet", tmp_path / "b.parquet") == whole

    @pytest.mark.parametrize(
        "change",
        [
            {"BilledCost": Decimal("10.500000000000000001")},
            {"ServiceName": "compute"},
            {"Tags": "{}"},
            {"x_Owner": "web"},
            {"ChargeClass": ""},
        ],
    )
    def test_sees_every_change(
        self, tmp_path: Path, connection: duckdb.DuckDBPyConnection, change: dict[str, Any]
    ) -> None:
        write_lines(tmp_path / "one.parquet", lines_of(MARCH))
        write_lines(tmp_path / "two.parquet", lines_of(MARCH, **change))
        before = digest(connection, tmp_path / "one.parquet")
        assert digest(connection, tmp_path / "two.parquet") != before

    def test_of_carbon_watches_carbon_of_the_usage_month_in_every_bill(
        self, tmp_path: Path, connection: duckdb.DuckDBPyConnection
    ) -> None:
        used = datetime(2026, 3, 30)
        march = lines_of(MARCH, x_CarbonLocationKg=5)
        late = line("late", APRIL, ChargePeriodStart=used, x_CarbonLocationKg=2)
        one, two = tmp_path / "03.parquet", tmp_path / "04.parquet"
        write_lines(one, march)
        write_lines(two, [*lines_of(APRIL, x_CarbonLocationKg=7), late])
        found = period_contents(connection, [one, two], Clock.CARBON, MARCH)["aws"]
        assert (found.rows, found.sums["kg"]["x_CarbonLocationKg"]) == (2, "7")

        write_lines(one, lines_of(MARCH, x_CarbonLocationKg=5, BilledCost=99))
        status = {"x_CarbonReportedStatus": "LateAfterClose", "x_EstimatedCarbonKg": 1}
        after_close = line("x", APRIL, ChargePeriodStart=used, **status)
        write_lines(two, [late, line("y", APRIL, ChargePeriodStart=used), after_close])
        assert digest(connection, one, two, clock=Clock.CARBON) == found.digest
        write_lines(two, [{**late, "x_CarbonMarketKg": 1}])
        assert digest(connection, one, two, clock=Clock.CARBON) != found.digest


class TestComparison:
    def changed(
        self, tmp_path: Path, before: list[dict[str, Any]], after: list[dict[str, Any]],
        clock: Clock = Clock.COST,
    ) -> list[Restatement]:  # fmt: skip
        write_lines(tmp_path / "before.parquet", before)
        write_lines(tmp_path / "after.parquet", after, {"x_New": "varchar"})
        with duckdb.connect() as connection:
            groups = compare_files(
                connection, tmp_path / "before.parquet", tmp_path / "after.parquet", clock
            )
        return restatements_of(groups)

    def test_what_is_the_same_is_no_row(self, tmp_path: Path) -> None:
        for clock in Clock:
            assert self.changed(tmp_path, lines_of(MARCH), lines_of(MARCH), clock) == []

    def test_a_cent_is_one_changed_line(self, tmp_path: Path) -> None:
        after = lines_of(MARCH, BilledCost=Decimal("10.51"))
        [row] = self.changed(tmp_path, lines_of(MARCH), after)
        assert (row.provider, row.month, row.currency) == ("aws", "2026-03-01", "USD")
        assert (row.rows_added, row.rows_changed, row.rows_removed) == (0, 1, 0)
        assert (row.billed, row.effective) == ("0.01", "0")
        assert row.location_kg is None
        assert row.natures == {"price": {"rows": 1, "billed": "0.01", "absolute": "0.01"}}
        assert row.largest[0]["account"] == "team"

    def test_a_line_that_changes_its_currency_went_and_came(self, tmp_path: Path) -> None:
        after = lines_of(MARCH, BillingCurrency="GBP")
        rows = {row.currency: row for row in self.changed(tmp_path, lines_of(MARCH), after)}
        assert (rows["USD"].rows_removed, rows["USD"].billed) == (1, "-10.5")
        assert (rows["GBP"].rows_added, rows["GBP"].billed) == (1, "10.5")

    @pytest.mark.parametrize(
        ("change", "nature"),
        [
            ({"ConsumedQuantity": 2, "BilledCost": 3}, "late_usage"),
            ({"ListCost": 3}, "price"),
            ({"ChargeDescription": "another word"}, "re_export"),
            ({"Tags": "{}", "x_Owner": "web"}, "tag"),
            ({"x_Owner": "web"}, "rules"),
        ],
    )
    def test_lines_tell_what_kind_of_change_it_is(
        self, tmp_path: Path, change: dict[str, Any], nature: str
    ) -> None:
        [row] = self.changed(tmp_path, lines_of(MARCH), lines_of(MARCH, **change))
        assert list(row.natures) == [nature]

    @pytest.mark.parametrize(
        ("values", "nature"),
        [
            ({}, "late_usage"),
            ({"ChargeCategory": "Credit"}, "credit"),
            ({"ChargeClass": "Correction"}, "correction"),
            ({"ChargeCategory": "Tax"}, "late_charge"),
        ],
    )
    def test_new_lines_too(self, tmp_path: Path, values: dict[str, Any], nature: str) -> None:
        lines = lines_of(MARCH)
        [row] = self.changed(tmp_path, lines, [*lines, line("n", MARCH, **values)])
        assert (list(row.natures), row.rows_added) == ([nature], 1)
        [gone] = self.changed(tmp_path, [*lines, line("n", MARCH, **values)], lines)
        assert (list(gone.natures), gone.rows_removed) == (["withdrawn"], 1)

    def test_only_the_five_largest_are_named_in_order(self, tmp_path: Path) -> None:
        new = [line(f"n{n}", MARCH, ServiceName=f"s{n}", BilledCost=n) for n in range(7)]
        [row] = self.changed(tmp_path, lines_of(MARCH), [*lines_of(MARCH), *new])
        assert [each["service"] for each in row.largest] == ["s6", "s5", "s4", "s3", "s2"]

    def test_clocks_see_each_other_nowhere(self, tmp_path: Path) -> None:
        after = lines_of(MARCH, x_CarbonMarketKg=Decimal("1.5"), x_CarbonReportedStatus="Reported")
        assert self.changed(tmp_path, lines_of(MARCH), after) == []
        [row] = self.changed(tmp_path, lines_of(MARCH), after, Clock.CARBON)
        assert (row.clock, row.currency, row.market_kg, row.billed) == (
            "carbon", None, "1.5", None,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("clock", "natures", "changed", "cause"),
    [
        ("cost", {"price": 1}, {CHARGES}, "price"),
        ("cost", {"rules": 1}, {CHARGES}, "tag"),
        ("cost", {"late_usage": 1, "credit": 9}, {CHARGES}, "credit"),
        ("cost", {"price": 1}, {CODE}, "our_code"),
        ("cost", {"price": 1}, {RULES}, "rules"),
        ("cost", {"price": 1}, {CONFIGURATION}, "configuration"),
        ("cost", {"price": 1}, {CHARGES, CODE}, "unknown"),
        ("cost", {"price": 1}, set(), "unknown"),
        ("carbon", {"carbon_method": 1}, {EMISSIONS}, "carbon_method"),
        ("carbon", {"correction": 1}, {EMISSIONS}, "correction"),
        ("carbon", {"correction": 1}, {CHARGES}, "allocation"),
        ("carbon", {"correction": 1}, {CHARGES, EMISSIONS}, "allocation"),
    ],
)
def test_a_cause_is_said_only_where_it_follows(
    clock: str, natures: dict[str, int], changed: set[str], cause: str
) -> None:
    found = {name: {"rows": 1, "billed": "0", "absolute": str(n)} for name, n in natures.items()}
    row = Restatement(clock, "aws", "2026-03-01", None, "computed", 0, 1, 0, natures=found)
    assert cause_of(row, changed) == cause


def test_sums_keep_all_38_digits() -> None:
    large = Decimal("99999999999999999999.000000000000000001")
    assert plain(exact_sum([large, Decimal("0.000000000000000001")])) == (
        "99999999999999999999.000000000000000002"
    )
    assert [plain(each) for each in (None, Decimal("0E-18"), Decimal("10.00"))] == [None, "0", "10"]
