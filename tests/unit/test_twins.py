"""Two sets of parts that tell the same month twice must agree, line sort by line sort."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import ColumnKind, Held, Schema, Twins
from dagster_project.landing.delivery import Delivery, read_delivery
from dagster_project.landing.totals import Tally, shape_and_add
from dagster_project.landing.twins import refuse_unequal_twins
from dagster_project.months import parse_month

BOUGHT = {"Type": frozenset({"purchase"}), "Model": frozenset({"savingsplan"})}
TWINS = Twins(
    constant="set",
    first="actual",
    second="spread",
    day="Day",
    amount=("Cost",),
    apart=((Held.FIRST, BOUGHT), (Held.SECOND, {"Model": frozenset({"savingsplan"})})),
)
SCHEMA = Schema(
    version="1",
    columns={
        "Day": ColumnKind.DAY,
        "Cost": ColumnKind.DECIMAL,
        "Type": ColumnKind.TEXT,
        "Model": ColumnKind.TEXT,
    },
    mandatory=frozenset({"Cost"}),
    totals=("Cost",),
    period="Day",
    days="Day",
    accounts=(),
    spellings={"Cost": ("PreTaxCost",)},
    twins=TWINS,
)
SHARED = ["2026-03-01,1.10,Usage,OnDemand", "2026-03-02,2,Usage,"]
BUY, COVERED, FREE = (
    "2026-03-01,50,Purchase,Savings Plan",
    "2026-03-02,7,Usage,SavingsPlan",
    "2026-03-02,0,Usage,SavingsPlan",
)


def delivery(
    tmp_path: Path, actual: Sequence[str], spread: Sequence[str], header: str = ""
) -> Delivery:
    tally = Tally(SCHEMA)
    for name, lines in (("actual", actual), ("spread", spread)):
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join([header or "Day,Cost,Type,Model", *lines, ""]))
        shape_and_add(path, path.name, tally, {"set": name})
    facts: dict[str, Any] = dict.fromkeys(
        ("delivery_id", "source", "provider", "export", "variant", "native_id", "order"), "x"
    )
    landed = Delivery(
        **facts,
        month=parse_month("2026-03"),
        unmanifested=False,
        fetched_at="",
        schema_version="1",
        unknown_columns=(),
        parts=(),
        totals=tally.totals(),
        note={},
    )
    landed.write(tmp_path)
    return read_delivery(tmp_path)


def refused(tmp_path: Path, actual: Sequence[str], spread: Sequence[str]) -> CloudtallyError:
    with pytest.raises(CloudtallyError) as caught:
        refuse_unequal_twins(delivery(tmp_path, actual, spread), TWINS)
    assert caught.value.code == "CT-LAND-PAIR"
    return caught.value


def test_sets_that_agree_pass(tmp_path: Path) -> None:
    found = delivery(tmp_path, [*SHARED, BUY, FREE], [*SHARED, COVERED])
    refuse_unequal_twins(found, TWINS)
    assert found.totals.twins["actual"]["both"]["2026-03-01"] == [1, "1.100000000000000000"]
    assert found.totals.twins["actual"]["first"] == {"2026-03-01": [1, "50.000000000000000000"]}


def test_other_spellings_of_columns_and_days_are_the_same(tmp_path: Path) -> None:
    months_first = [line.replace("2026-03-0", "3/") for line in SHARED]
    months_first = [
        f"{line.partition(',')[0]}/2026,{line.partition(',')[2]}" for line in months_first
    ]
    found = delivery(tmp_path, months_first, months_first, header="day,pretaxcost,TYPE,model")
    assert found.totals.days == ("2026-03-01", "2026-03-02")
    assert found.totals.sums == {"Cost": "6.200000000000000000"}
    assert list(found.totals.twins["spread"]["both"]) == ["2026-03-01", "2026-03-02"]


def test_the_last_digit_counts_and_the_first_day_is_named(tmp_path: Path) -> None:
    other = ["2026-03-01,1.10,Usage,OnDemand", "2026-03-02,2.000000000000000001,Usage,"]
    error = refused(tmp_path, SHARED, other)
    assert error.where["first day"] == "2026-03-02"
    assert "actual has 1 lines that cost 2, spread has 1 lines that cost 2.000000000000000001" in (
        error.what
    )


def test_equal_cost_in_another_number_of_lines_is_unequal(tmp_path: Path) -> None:
    error = refused(tmp_path, SHARED, [*SHARED, "2026-03-01,0,Usage,OnDemand"])
    assert error.where["first day"] == "2026-03-01"


def test_a_day_that_one_set_lacks_is_unequal(tmp_path: Path) -> None:
    assert refused(tmp_path, SHARED, SHARED[:1]).where["first day"] == "2026-03-02"


def test_what_only_the_first_set_tells_must_not_be_in_the_second(tmp_path: Path) -> None:
    assert "count twice" in refused(tmp_path, [*SHARED, BUY], [*SHARED, BUY]).what


def test_what_the_second_set_tells_must_cost_nothing_in_the_first(tmp_path: Path) -> None:
    error = refused(tmp_path, [*SHARED, COVERED], [*SHARED, COVERED])
    assert "charges 7" in error.what
    assert "would be lost" in error.what


def test_an_export_without_twins_is_not_asked(tmp_path: Path) -> None:
    refuse_unequal_twins(delivery(tmp_path, SHARED, []), None)


def test_sums_are_exact_decimals(tmp_path: Path) -> None:
    lines = ["2026-03-01,0.1,Usage,"] * 3
    found = delivery(tmp_path, lines, lines).totals.twins["actual"]["both"]["2026-03-01"]
    assert Decimal(found[1]) == Decimal("0.3")
