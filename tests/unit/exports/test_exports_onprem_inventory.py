"""The on-premises inventory: what is declared, and what is refused with a sentence."""

import json
import re
from pathlib import Path

import pytest

from dagster_project.exports.onprem import inventory
from dagster_project.pipeline.extract import Outcome, Status
from tests import completeness as pieces
from tests.integration.estates import MARCH, House

GOOD = {
    "month": "2026-03-01",
    "asset_id": "srv-01",
    "asset_name": "db-01",
    "asset_type": "server",
    "organisation": "Example Industries",
    "cost_centre": "CC-1",
    "currency": "EUR",
    "purchase_cost": "9000",
    "purchase_date": "2024-05-17",
    "useful_life_months": "60",
    "salvage_value": "500",
    "rated_watts": "850",
    "powered_hours": "744",
    "electricity_price": "0.1875",
}


def put_inventory(location: Path, rows: list[dict[str, str]]) -> None:
    location.mkdir()
    names = list(rows[0])
    lines = [",".join(names), *(",".join(row[name] for name in names) for row in rows)]
    (location / "2026-03.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    document = {"delivery_id": "d1", "month": "2026-03", "files": [{"name": "2026-03.csv"}]}
    (location / "manifest.json").write_text(json.dumps(document), encoding="utf-8")


def deliver(
    folder: Path, rows: list[dict[str, str]], options: dict[str, str] | None = None
) -> Outcome:
    location = folder / "inventory"
    put_inventory(location, rows)
    house = House(folder / "home")
    house.add("main", location, provider="onprem", export="inventory", options=options or {})
    return house.extract()[MARCH]


def test_the_macro_lists_the_declared_columns() -> None:
    text = pieces.macro_text("inventory_columns", "onprem/inventory.sql")
    listed = dict(re.findall(r"{'name': '(\w+)', 'kind': '(\w+)'}", text))
    assert listed == {name: kind.value for name, kind in inventory.COLUMNS.items()}


def test_asset_types_and_currencies_come_from_the_seeds() -> None:
    assert {"server", "gpu-server", "storage", "network", "other"} <= set(inventory.asset_types())
    assert {"EUR", "USD", "JPY"} <= set(inventory.currencies())


def test_every_rule_and_every_pair_speaks_of_a_declared_column() -> None:
    named = {rule.column for rule in inventory.RULES} | {
        name for rule in inventory.RULES for name in (*rule.needs, rule.at_most) if name
    }
    assert named <= set(inventory.COLUMNS)


def test_its_charges_are_internal() -> None:
    assert inventory.EXPORT.is_internal


def test_a_good_row_is_accepted(tmp_path: Path) -> None:
    assert deliver(tmp_path, [GOOD]).is_well


@pytest.mark.parametrize(
    ("cells", "code", "word"),
    [
        ({"useful_life_months": "-12"}, "CT-DECODE-RANGE", "useful_life_months"),
        ({"useful_life_months": "0"}, "CT-DECODE-RANGE", "less than 1"),
        ({"useful_life_months": "36.5"}, "CT-DECODE-RANGE", "decimals"),
        ({"purchase_cost": "-1", "salvage_value": ""}, "CT-DECODE-RANGE", "purchase_cost"),
        ({"salvage_value": "9000.01"}, "CT-DECODE-RANGE", "more than purchase_cost"),
        ({"electricity_price": "0.1234567891"}, "CT-DECODE-RANGE", "9 decimals"),
        ({"powered_hours": "745"}, "CT-DECODE-RANGE", "not below 745"),
        ({"currency": ""}, "CT-DECODE-ABSENT", "currency"),
        ({"currency": "EURO"}, "CT-DECODE-VALUE", "currency"),
        ({"asset_type": "toaster"}, "CT-DECODE-VALUE", "gpu-server"),
        ({"purchase_date": ""}, "CT-DECODE-ABSENT", "without purchase_date"),
        ({"powered_hours": ""}, "CT-DECODE-ABSENT", "without powered_hours"),
        ({"electricity_price": ""}, "CT-DECODE-ABSENT", "without electricity_price"),
        ({"organisation": ""}, "CT-DECODE-ABSENT", "organisation"),
        ({"month": "2026-04-01"}, "CT-DECODE-PERIOD", "month"),
        ({"purchase_cost": "nine"}, "CT-DECODE-NUMBER", "purchase_cost"),
    ],
)
def test_a_row_that_cannot_be_right_is_refused(
    cells: dict[str, str], code: str, word: str, tmp_path: Path
) -> None:
    outcome = deliver(tmp_path, [GOOD, GOOD | {"asset_id": "srv-02"} | cells])

    assert outcome.error is not None
    assert outcome.error.code == code
    assert word in str(outcome.error)
    assert "data row: 2" in str(outcome.error)


def test_an_asset_twice_in_a_month_is_refused(tmp_path: Path) -> None:
    outcome = deliver(tmp_path, [GOOD, GOOD | {"asset_name": "again"}])

    assert outcome.error is not None
    assert outcome.error.code == "CT-DECODE-DUPLICATE-KEY"
    assert "'srv-01'" in str(outcome.error)


def test_a_header_without_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "manifest.json").write_text(
        json.dumps({"delivery_id": "d", "month": "2026-03", "files": [{"name": "a.csv"}]})
    )
    (tmp_path / "inventory" / "a.csv").write_text(",".join(GOOD) + "\n", encoding="utf-8")
    house = House(tmp_path / "home")
    house.add("main", tmp_path / "inventory", provider="onprem", export="inventory")

    outcome = house.extract()[MARCH]

    assert outcome.error is not None
    assert outcome.error.code == "CT-LAND-NO-ROWS"


def test_the_option_names_the_organisation_where_no_column_does(tmp_path: Path) -> None:
    without = {name: cell for name, cell in GOOD.items() if name != "organisation"}
    (tmp_path / "good").mkdir()
    (tmp_path / "bad").mkdir()

    good = deliver(tmp_path / "good", [without], {"organisation": "Example Industries"})
    bad = deliver(tmp_path / "bad", [without])

    assert good.is_well
    assert bad.error is not None
    assert bad.error.code == "CT-DECODE-MISSING-COLUMN"
    assert "organisation" in str(bad.error)


def test_a_mandatory_column_that_is_missing_is_named(tmp_path: Path) -> None:
    without = {name: cell for name, cell in GOOD.items() if name != "currency"}
    outcome = deliver(tmp_path, [without])

    assert outcome.error is not None
    assert outcome.error.code == "CT-DECODE-MISSING-COLUMN"
    assert "currency" in str(outcome.error)


def test_organisations_may_have_cost_centres_of_one_name(tmp_path: Path) -> None:
    house = House(tmp_path / "home")
    plain = {name: value for name, value in GOOD.items() if name != "organisation"}
    for name, organisation in (("one", "Alpha"), ("two", "Beta"), ("three", "Alpha")):
        put_inventory(tmp_path / name, [plain])
        house.add(
            name,
            tmp_path / name,
            provider="onprem",
            export="inventory",
            options={"organisation": organisation},
        )

    outcomes = {name: house.extract(name)[MARCH] for name in ("one", "two", "three")}

    assert outcomes["one"].status is outcomes["two"].status is Status.ACCEPTED
    error = outcomes["three"].error
    assert error is not None
    assert error.code == "CT-LAND-OVERLAP"
    assert "'one'" in str(error)
