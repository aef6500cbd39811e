"""Restated carbon, on versions and publications worked out by hand."""

from decimal import Decimal
from typing import Any

import pytest

from tests.carbon_mart_harness import AMOUNT, CarbonMarts, Row

JANUARY, FEBRUARY = "2026-01-01", "2026-02-01"
SCOPES = ("scope1", "scope2_location", "scope2_market", "scope2_unspecified", "scope3_location",
          "scope3_market", "scope3_unspecified")  # fmt: skip
TOTALS = ("total_location", "total_market", "total_unspecified")
EMISSIONS = {
    "source_name": "varchar",
    "provider": "varchar",
    "usage_month": "date",
    "billing_account_id": "varchar",
    "sub_account_id": "varchar",
    "model_version": "varchar",
    "refreshed_at": "timestamp",
    "is_current": "boolean",
    **{f"{measure}_kg": AMOUNT for measure in (*SCOPES, *TOTALS)},
}
CHANGES = {
    "RestatementId": "varchar",
    "Clock": "varchar",
    "Provider": "varchar",
    "PeriodMonth": "date",
    "StateBefore": "varchar",
    "Cause": "varchar",
    "DifferenceStatus": "varchar",
    "DetectedAt": "timestamp",
    **{f"Carbon{method}KgDifference": AMOUNT for method in ("Location", "Market", "Unspecified")},
}


def emission(version: str | None, kg: str | None, account: str | None = "web", **more: Any) -> Row:
    """A row of a provider's report with a location-based total."""
    return {
        "source_name": "report",
        "provider": "aws",
        "usage_month": JANUARY,
        "billing_account_id": "payer",
        "sub_account_id": account,
        "model_version": version,
        "is_current": version == "v3.0.1",
        "total_location_kg": kg,
        **more,
    }


def change(**more: Any) -> Row:
    """A restatement of a published month."""
    return {
        "RestatementId": "seven",
        "Clock": "carbon",
        "Provider": "aws",
        "PeriodMonth": JANUARY,
        "StateBefore": "provisional",
        "Cause": "correction",
        "DifferenceStatus": "computed",
        "DetectedAt": "2026-03-01",
        **more,
    }


def restated(*emissions: Row, changes: tuple[Row, ...] = ()) -> list[dict[str, Any]]:
    mart = CarbonMarts("marts/sustainability/mart_carbon_restatement.sql")
    mart.declare("fct_emissions_reported", EMISSIONS)
    mart.declare("fct_restatement", CHANGES)
    mart.fill("fct_emissions_reported", emissions)
    mart.fill("fct_restatement", changes)
    return mart.build()


def test_a_new_model_says_by_how_much_the_month_moved() -> None:
    """5 + 3 become 7 + 2.5: 1.5 more, 18.75 %."""
    [row] = restated(
        emission("v3.0.0", "5", refreshed_at="2026-02-16"),
        emission("v3.0.0", "3"),
        emission("v3.0.1", "7", refreshed_at="2026-02-18"),
        emission("v3.0.1", "2.5", refreshed_at="2026-02-17"),
    )
    assert (row["reported_before_kg"], row["reported_after_kg"]) == (8, Decimal("9.5"))
    assert (row["difference_kg"], row["difference_ratio"]) == (Decimal("1.5"), 0.1875)
    assert (row["model_version_from"], row["model_version_to"]) == ("v3.0.0", "v3.0.1")
    assert (row["basis"], row["method"], row["cause"]) == (
        "provider_versions", "location", "carbon_method",
    )  # fmt: skip
    assert row["is_current"] is True
    assert f"{row['changed_at']}" == "2026-02-18 00:00:00"


def test_versions_follow_as_numbers_and_every_step_starts_where_the_last_one_ended() -> None:
    """As texts, v3.0.10 would come first; 1, 4 and 9 make steps of 3 and 5."""
    rows = restated(
        emission("v3.0.10", "9", is_current=True),
        emission("v3.0.2", "1"),
        emission("v3.0.9", "4"),
    )
    steps = {
        row["model_version_to"]: (
            row["model_version_from"],
            row["difference_kg"],
            row["is_current"],
        )
        for row in rows
    }
    assert steps == {"v3.0.9": ("v3.0.2", 3, False), "v3.0.10": ("v3.0.9", 5, True)}


def test_a_model_that_is_a_number_is_one_too() -> None:
    rows = restated(emission("9", "1"), emission("10", "3", is_current=True))
    assert [(row["model_version_to"], row["difference_kg"]) for row in rows] == [("10", 2)]


def test_accounts_that_join_or_leave_are_no_change_of_the_model() -> None:
    """web 5 to 6, old 2 gone, new 4 come: 7 to 10 is 1 - 2 + 4."""
    [row] = restated(
        emission("v3.0.0", "5"),
        emission("v3.0.0", "2", "old"),
        emission("v3.0.1", "6"),
        emission("v3.0.1", "4", "new"),
    )
    assert row["difference_kg"] == 3
    assert (row["same_accounts_kg"], row["new_accounts_kg"], row["lost_accounts_kg"]) == (1, 4, -2)


def test_rows_without_an_account_are_one_account() -> None:
    [row] = restated(emission("v3.0.0", "5", None), emission("v3.0.1", "6", None))
    assert (row["same_accounts_kg"], row["new_accounts_kg"], row["lost_accounts_kg"]) == (1, 0, 0)


def test_scopes_move_apart_and_a_scope_that_a_version_lacks_has_no_difference() -> None:
    [row] = restated(
        emission("v3.0.0", "5", scope1_kg="1", scope2_location_kg="4"),
        emission("v3.0.1", "9", scope1_kg="0.5", scope2_location_kg="5", scope3_location_kg="3.5"),
    )
    assert row["scope1_difference_kg"] == Decimal("-0.5")
    assert row["scope2_difference_kg"] == 1
    assert row["scope3_difference_kg"] is None


def test_a_method_that_a_version_lacks_has_a_reason_and_no_difference() -> None:
    rows = restated(
        emission("v2.0", "5", total_market_kg="2"),
        emission("v2.0.1", None, total_market_kg="3"),
        emission("v3.0.1", "7", total_market_kg="3"),
    )
    found = {
        (row["model_version_to"], row["method"]): (row["difference_kg"], row["restatement_gap"])
        for row in rows
    }
    assert found == {
        ("v2.0.1", "location"): (None, "not_reported_after"),
        ("v3.0.1", "location"): (None, "not_reported_before"),
        ("v2.0.1", "market"): (1, None),
        ("v3.0.1", "market"): (0, None),
    }
    for row in rows:
        if row["restatement_gap"]:
            assert (row["same_accounts_kg"], row["new_accounts_kg"]) == (None, None)


@pytest.mark.parametrize(
    "other",
    [
        emission("v3.0.1", "7", usage_month=FEBRUARY),
        emission("v3.0.1", "7", source_name="another"),
        emission(None, "7"),
    ],
    ids=["another month", "another source", "no version"],
)
def test_versions_of_another_month_or_source_are_no_step(other: Row) -> None:
    assert restated(emission("v3.0.0", "5"), other) == []


def test_every_source_has_steps_of_its_own() -> None:
    """5 to 7 of one payer and 1 to 4 of another are two steps, of 2 and of 3."""
    rows = restated(
        emission("v3.0.0", "5"),
        emission("v3.0.1", "7"),
        emission("v3.0.0", "1", source_name="another"),
        emission("v3.0.1", "4", source_name="another"),
    )
    assert {row["source_name"]: row["difference_kg"] for row in rows} == {"report": 2, "another": 3}


def test_nothing_divides_by_nothing() -> None:
    [row] = restated(emission("v3.0.0", "0"), emission("v3.0.1", "7"))
    assert (row["difference_kg"], row["difference_ratio"]) == (7, None)


def test_every_kilogram_of_every_version_is_in_a_step() -> None:
    """Exactly: 1e-18 of a kilogram isn't lost beside a million tonnes."""
    kilograms = {
        "v3.0.0": ("0.1", "1000000000", "7"),
        "v3.0.1": ("0.000000000000000001", "999999999.9", "3.3"),
    }
    [row] = restated(
        *(
            emission(version, kg, f"account-{number}")
            for version, figures in kilograms.items()
            for number, kg in enumerate(figures)
        )
    )
    before, after = (sum(map(Decimal, figures)) for figures in kilograms.values())
    assert (row["reported_before_kg"], row["reported_after_kg"]) == (before, after)
    assert row["difference_kg"] == after - before == row["same_accounts_kg"]


def test_what_a_publication_restated_is_a_basis_of_its_own() -> None:
    rows = restated(
        changes=(
            change(CarbonLocationKgDifference="-1.5", CarbonMarketKgDifference="0"),
            change(RestatementId="money", Clock="cost", DifferenceStatus="baseline_missing"),
            change(RestatementId="azure", Provider="azure", CarbonUnspecifiedKgDifference="2"),
        )
    )
    assert [
        (row["restatement_id"], row["method"], row["difference_kg"], row["cause"]) for row in rows
    ] == [
        ("seven", "location", Decimal("-1.5"), "correction"),
        ("seven", "market", 0, "correction"),
        ("azure", "unspecified", 2, "correction"),
    ]
    assert {row["basis"] for row in rows} == {"publications"}
    assert {(row["reported_before_kg"], row["same_accounts_kg"]) for row in rows} == {(None, None)}


def test_a_lost_publication_is_in_sight() -> None:
    rows = restated(changes=(change(DifferenceStatus="baseline_missing"),))
    assert {(row["method"], row["difference_kg"], row["restatement_gap"]) for row in rows} == {
        (method, None, "baseline_missing") for method in ("location", "market", "unspecified")
    }
