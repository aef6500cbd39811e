"""Carbon per unit of spend, at a price, and in things of everyday life, worked out by hand."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.carbon_mart_harness import AMOUNT, CarbonMarts, Row

PRICES = {
    "valid_from": "varchar",
    "price_per_tonne": AMOUNT,
    "currency": "varchar",
    "kind": "varchar",
    "owner": "varchar",
    "source": "varchar",
}
MONTHLY = "intermediate/carbon/int_carbon__monthly.sql"


@pytest.fixture(scope="module")
def database() -> CarbonMarts:
    marts = CarbonMarts(MONTHLY, "marts/sustainability/mart_carbon_intensity.sql")
    marts.declare("inputs.carbon_prices", PRICES)
    return marts


@pytest.fixture
def marts(database: CarbonMarts) -> CarbonMarts:
    database.fill("inputs.carbon_prices", [])
    return database


@pytest.fixture(scope="module")
def compared() -> CarbonMarts:
    return CarbonMarts(
        MONTHLY,
        "marts/sustainability/mart_carbon_equivalence.sql",
        seeds=("carbon_equivalences",),
    )


def line(cost: str = "8", **more: Any) -> Row:
    return {
        "ServiceName": "EC2",
        "EffectiveCost": cost,
        "x_CarbonReportedStatus": "Reported",
        "x_EstimateStatus": "NotCovered",
        **more,
    }


def price(valid_from: str, amount: str, currency: str = "EUR") -> Row:
    return {
        "valid_from": valid_from,
        "price_per_tonne": Decimal(amount),
        "currency": currency,
        "kind": "shadow",
        "owner": "board",
        "source": f"decision of {valid_from}",
    }


def of(rows: list[dict[str, Any]], method: str) -> dict[str, Any]:
    (row,) = [row for row in rows if row["method"] == method]
    return row


def test_reported_and_estimated_have_ratios_of_their_own(marts: CarbonMarts) -> None:
    """Location 3 kg over 8, market 1 over 8, estimate 5 kg over the 10 of the line it covers."""
    rows = marts.build(
        line("8", x_CarbonLocationKg="3", x_CarbonMarketKg="1"),
        line("10", x_EstimateStatus="Estimated", x_EstimatedCarbonKg="5"),
        line("2", x_CarbonReportedStatus="Pending"),
    )
    expected = {
        "location": (Decimal(3), None, 0.375, None, Decimal(8)),
        "market": (Decimal(1), None, 0.125, None, Decimal(8)),
        "estimated-location": (None, Decimal(5), None, 0.5, Decimal(10)),
    }
    assert {
        row["method"]: (
            row["reported_kg"],
            row["estimated_kg"],
            row["reported_kg_per_cost_ratio"],
            row["estimated_kg_per_cost_ratio"],
            row["covered_effective_cost"],
        )
        for row in rows
    } == expected
    assert {row["effective_cost"] for row in rows} == {Decimal(20)}


def test_an_unstated_method_is_in_no_other(marts: CarbonMarts) -> None:
    (row,) = marts.build(line("3", x_Provider="azure", x_CarbonUnspecifiedKg="1"))
    assert (row["method"], row["reported_kg_per_cost_ratio"]) == ("unspecified", 0.333333)


@pytest.mark.parametrize("cost", ["0", "-1"])
def test_what_cost_nothing_has_no_ratio(marts: CarbonMarts, cost: str) -> None:
    (row,) = marts.build(line(cost, x_CarbonLocationKg="3"))
    assert (row["reported_kg_per_cost_ratio"], row["intensity_reason"]) == (
        None,
        "no_covered_cost",
    )


def test_currencies_and_services_are_never_in_one_ratio(marts: CarbonMarts) -> None:
    rows = marts.build(
        line("8", x_CarbonLocationKg="2"),
        line("800", x_CarbonLocationKg="2", BillingCurrency="JPY"),
        line("4", x_CarbonLocationKg="2", ServiceName="S3"),
    )
    assert {
        (row["service_name"], row["billing_currency"], row["reported_kg_per_cost_ratio"])
        for row in rows
    } == {("EC2", "USD", 0.25), ("EC2", "JPY", 0.0025), ("S3", "USD", 0.5)}


def test_without_a_price_there_is_no_carbon_cost(marts: CarbonMarts) -> None:
    (row,) = marts.build(line(x_CarbonLocationKg="3"))
    assert row["internal_carbon_cost"] is None
    assert row["internal_carbon_price"] is None
    assert row["internal_carbon_reason"] == "no_price_declared"


def test_a_month_has_the_price_that_was_valid_in_it(marts: CarbonMarts) -> None:
    """12.5 kg at 80 a tonne are 1; at 120 from February on, 1.5. Before 2026 there is none."""
    marts.fill("inputs.carbon_prices", [price("2026-02", "120", "USD"), price("2026-01", "80")])
    rows = marts.build(
        *(
            line(x_CarbonLocationKg="12.5", ChargePeriodStart=day)
            for day in ("2025-12-31", "2026-01-31", "2026-02-01", "2026-07-01")
        )
    )
    assert [
        (
            row["usage_month"],
            row["internal_carbon_price"],
            row["internal_carbon_cost"],
            row["internal_carbon_currency"],
            row["internal_carbon_reason"],
        )
        for row in rows
    ] == [
        (dt.date(2025, 12, 1), None, None, None, "no_price_declared"),
        (dt.date(2026, 1, 1), Decimal(80), Decimal(1), "EUR", None),
        (dt.date(2026, 2, 1), Decimal(120), Decimal("1.5"), "USD", None),
        (dt.date(2026, 7, 1), Decimal(120), Decimal("1.5"), "USD", None),
    ]
    assert {row["internal_carbon_price_source"] for row in rows[2:]} == {"decision of 2026-02"}
    assert {row["internal_carbon_price_owner"] for row in rows[1:]} == {"board"}


def test_a_price_moves_no_cost_and_no_kilogram(marts: CarbonMarts) -> None:
    lines = [line("8", x_CarbonLocationKg="3"), line(x_EstimatedCarbonKg="5")]
    bare = marts.build(*lines)
    marts.fill("inputs.carbon_prices", [price("2026-01", "80")])
    priced = marts.build(*lines)
    for before, after in zip(bare, priced, strict=True):
        same = {key for key in before if not key.startswith("internal_carbon")}
        assert {key: before[key] for key in same} == {key: after[key] for key in same}
    assert of(priced, "location")["internal_carbon_cost"] == Decimal("0.24")
    assert of(priced, "estimated-location")["internal_carbon_cost"] == Decimal("0.4")


def test_a_price_is_exact_to_eighteen_places(marts: CarbonMarts) -> None:
    marts.fill("inputs.carbon_prices", [price("2026-01", "33.333333")])
    (row,) = marts.build(line(x_CarbonLocationKg="0.000000000003"))
    assert row["internal_carbon_cost"] == Decimal("0.000000000000100000")


def test_kilograms_are_told_in_things_of_everyday_life(compared: CarbonMarts) -> None:
    """33.45 kg: 200 km at 0.16725, 33.45 / 0.393 miles, 33.45 / 0.0124 charges."""
    rows = compared.build(
        line(x_CarbonMarketKg="33"), line(x_CarbonMarketKg="0.45", ServiceName="S3")
    )
    assert {row["equivalence"]: row["equivalent_units"] for row in rows} == {
        "car_kilometres": Decimal(200),
        "car_miles": Decimal("85.114503816793893130"),
        "phone_charges": Decimal("2697.580645161290322581"),
    }
    assert {(row["method"], row["kg"]) for row in rows} == {("market", Decimal("33.45"))}
    assert all(row["source"] and row["licence"] and row["year"] for row in rows)


def test_every_method_is_compared_by_itself(compared: CarbonMarts) -> None:
    rows = compared.build(
        line(x_CarbonLocationKg="1", x_CarbonMarketKg="2", x_EstimatedCarbonKg="4"),
        line(x_Provider="azure", x_CarbonUnspecifiedKg="8"),
    )
    assert {(row["provider"], row["method"], row["kg"]) for row in rows} == {
        ("aws", "location", Decimal(1)),
        ("aws", "market", Decimal(2)),
        ("aws", "estimated-location", Decimal(4)),
        ("azure", "unspecified", Decimal(8)),
    }
