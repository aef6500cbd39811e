"""Coverage, reported against estimated, and the nowcast, on rows worked out by hand."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from tests.carbon_mart_harness import CarbonMarts, Row

COMPARED = "intermediate/carbon/int_carbon__compared.sql"
MONTHS = ("2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01")


def mart(name: str) -> CarbonMarts:
    return CarbonMarts(COMPARED, f"marts/sustainability/mart_carbon_{name}.sql")


def line(month: str = MONTHS[0], reported: str | None = None, estimated: str | None = None,
         **more: Any) -> Row:  # fmt: skip
    """A line of a month: reported is location-based; estimated is operational, the rest is 0."""
    part = None if estimated is None else "0"
    return {
        "x_BillingMonth": month,
        "ChargePeriodStart": month,
        "ServiceName": "Machines",
        "RegionId": "west",
        "EffectiveCost": "1",
        "x_CarbonReportedStatus": "Pending" if reported is None else "Reported",
        "x_CarbonLocationKg": reported,
        "x_EstimateStatus": "NotCovered" if estimated is None else "Estimated",
        "x_EstimatedOperationalKg": estimated,
        "x_EstimatedEmbodiedKg": part,
        "x_EstimatedFeraKg": part,
        **more,
    }


# Coverage


def covered(rows: list[dict[str, Any]], source_kind: str) -> Mapping[str, tuple[Any, ...]]:
    return {
        row["status"]: (
            row["charge_lines"], row["effective_cost"], row["line_ratio"],
            row["effective_cost_ratio"],
        )
        for row in rows
        if row["source_kind"] == source_kind
    }  # fmt: skip


def test_every_line_has_a_place_in_the_coverage() -> None:
    """6 of 8 dollars of usage are reported; the tax is in sight and in no ratio."""
    rows = mart("coverage").build(
        line(reported="1", EffectiveCost="6"),
        line(x_CarbonReportedStatus="NotCovered", EffectiveCost="2", estimated="1"),
        line(
            x_CarbonReportedStatus="NotApplicable", x_EstimateStatus="NotApplicable",
            EffectiveCost="10",
        ),
    )  # fmt: skip
    assert covered(rows, "reported") == {
        "Reported": (1, 6, 0.5, 0.75),
        "NotCovered": (1, 2, 0.5, 0.25),
        "NotApplicable": (1, 10, None, None),
    }
    assert covered(rows, "estimated") == {
        "Estimated": (1, 2, 0.5, 0.25),
        "NotCovered": (1, 6, 0.5, 0.75),
        "NotApplicable": (1, 10, None, None),
    }


def test_costs_that_net_to_nothing_have_no_share() -> None:
    rows = mart("coverage").build(
        line(reported="1", EffectiveCost="3"), line(EffectiveCost="-3"), line(EffectiveCost="0")
    )
    assert {row["effective_cost_ratio"] for row in rows} == {None}
    assert covered(rows, "reported")["Reported"] == (1, 3, round(1 / 3, 6), None)


def test_currencies_and_unnamed_services_are_covered_apart() -> None:
    rows = mart("coverage").build(
        line(reported="1", ServiceName=None),
        line(reported="1", ServiceName=None, BillingCurrency="EUR"),
    )
    assert {(row["billing_currency"], row["line_ratio"]) for row in rows} == {
        ("USD", 1.0), ("EUR", 1.0),
    }  # fmt: skip


# Reported against estimated


def compared(rows: list[dict[str, Any]], scope: str, month: str = MONTHS[0]) -> dict[str, Any]:
    [row] = [r for r in rows if r["scope"] == scope and f"{r['usage_month']}" == month]
    return row


def test_like_is_compared_with_like() -> None:
    """Scope 2 with use, scope 3 with making and upstream; of the total 12 against 4 + 3 + 1."""
    rows = mart("reconciliation").build(
        line(
            reported="12", estimated="4", x_EstimatedEmbodiedKg="3", x_EstimatedFeraKg="1",
            x_CarbonProviderScope2LocationKg="6", x_CarbonProviderScope3LocationKg="5",
        )
    )  # fmt: skip
    found = {row["scope"]: row["reported_to_estimated_ratio"] for row in rows}
    assert found == {"scope2": 1.5, "scope3": 1.25, "total": 1.5}
    assert {row["method"] for row in rows} == {"location"}


def test_lines_without_an_estimate_are_left_out_of_the_ratio_and_in_sight() -> None:
    rows = mart("reconciliation").build(
        line(reported="4", estimated="2"), line(reported="100"), line(estimated="50")
    )
    row = compared(rows, "total")
    assert row["reported_kg"] == 104
    assert (row["compared_reported_kg"], row["compared_estimated_kg"]) == (4, 2)
    assert (row["reported_lines"], row["compared_lines"]) == (2, 1)
    assert row["compared_reported_ratio"] == round(4 / 104, 6)
    assert row["reported_to_estimated_ratio"] == 2.0


PARTS = ("x_EstimatedEmbodiedKg", "x_EstimatedFeraKg")


@pytest.mark.parametrize("lacking", PARTS)
def test_an_estimate_without_a_part_is_compared_where_the_part_is_not_needed(lacking: str) -> None:
    """Scope 2 is 6 to 4; 5 of scope 3 are no match for the 1 of the other part alone."""
    scopes = {"x_CarbonProviderScope2LocationKg": "6", "x_CarbonProviderScope3LocationKg": "5"}
    known: dict[str, Any] = {part: None if part == lacking else "1" for part in PARTS}
    partial = line(reported="12", estimated="4", **scopes, **known)
    build = mart("reconciliation").build
    alone = {row["scope"]: row for row in build(partial)}
    assert alone["scope2"]["reported_to_estimated_ratio"] == 1.5
    for scope in ("scope3", "total"):
        assert alone[scope]["reported_to_estimated_ratio"] is None
        assert alone[scope]["comparison_gap"] == "estimate_lacks_a_part"
        assert (alone[scope]["reported_lines"], alone[scope]["compared_lines"]) == (1, 0)
    whole = line(reported="8", estimated="2", **scopes, x_EstimatedEmbodiedKg="2")
    beside = compared(build(partial, whole), "total")
    assert (beside["compared_reported_kg"], beside["compared_estimated_kg"]) == (8, 4)
    assert (beside["reported_kg"], beside["compared_reported_ratio"]) == (20, 0.4)


@pytest.mark.parametrize(
    ("estimated", "gap"),
    [(None, "no_estimate"), ("0", "estimate_is_zero"), ("1", "too_few_months")],
)
def test_a_ratio_that_says_nothing_has_a_reason(estimated: str | None, gap: str) -> None:
    row = compared(mart("reconciliation").build(line(reported="4", estimated=estimated)), "total")
    assert row["comparison_gap"] == gap
    assert row["is_outside_usual"] is None


def test_a_ratio_that_leaves_its_past_is_named() -> None:
    """Ratios 2, 2.2 and 1.8 make 1.35 to 2.75 usual: 2.7 is, 2.8 isn't."""
    past = [
        line(month, kilograms, "10")
        for month, kilograms in zip(MONTHS, ("20", "22", "18"), strict=False)
    ]
    for now, is_outside in (("27", False), ("28", True), ("13", True)):
        rows = mart("reconciliation").build(*past, line(MONTHS[3], now, "10"))
        row = compared(rows, "total", MONTHS[3])
        assert (row["usual_low_ratio"], row["usual_high_ratio"]) == (1.35, 2.75)
        assert row["is_outside_usual"] is is_outside
        assert row["comparison_gap"] is None


def test_tonnes_under_the_name_of_kilograms_are_named() -> None:
    """20 kg in tonnes are 0.02: two thousandths of the estimate where twice of it is usual."""
    past = [line(month, "20", "10") for month in MONTHS[:3]]
    rows = mart("reconciliation").build(*past, line(MONTHS[3], "0.02", "10"))
    row = compared(rows, "total", MONTHS[3])
    assert (row["reported_to_estimated_ratio"], row["is_outside_usual"]) == (0.002, True)


def test_unspecified_figures_are_a_method_of_their_own() -> None:
    rows = mart("reconciliation").build(
        line(x_CarbonReportedStatus="Reported", x_CarbonUnspecifiedKg="3", estimated="1")
    )
    assert [(row["method"], row["scope"], row["reported_kg"]) for row in rows] == [
        ("unspecified", "total", 3)
    ]


def test_every_reported_kilogram_of_a_line_is_in_the_reconciliation() -> None:
    kilograms = ["0.1", "0.000000000000000001", "7", "3.3"]
    rows = mart("reconciliation").build(
        *(
            line(MONTHS[number % 2], reported, RegionId=None if number else "west")
            for number, reported in enumerate(kilograms)
        )
    )
    total = sum(row["reported_kg"] for row in rows if row["scope"] == "total")
    assert total == sum(map(Decimal, kilograms))


# Nowcast


def expected(rows: list[dict[str, Any]], month: str) -> dict[str, Any]:
    [row] = [row for row in rows if f"{row['usage_month']}" == month]
    return row


# Reported 10, 30, 50 of an estimated 10, 10 and 20: 90 / 40 is 2.25, between 1 and 3.
PAST = (
    line(MONTHS[0], "10", "10"),
    line(MONTHS[1], "30", "10"),
    line(MONTHS[2], "50", "20"),
)


def test_a_month_that_is_not_reported_is_expected_at_the_trailing_ratio() -> None:
    row = expected(mart("nowcast").build(*PAST, line(MONTHS[3], None, "8")), MONTHS[3])
    assert row["carbon_nowcast_location_kg"] == 18
    assert row["carbon_nowcast_location_low_kg"] == 8
    assert row["carbon_nowcast_location_high_kg"] == 24
    assert (row["basis_months"], row["trailing_ratio"], row["nowcast_gap"]) == (3, 2.25, None)
    assert (f"{row['basis_from']}", f"{row['basis_to']}") == (MONTHS[0], MONTHS[2])
    assert (row["reported_location_kg"], row["nowcast_error_kg"]) == (None, None)


def test_a_nowcast_stays_after_the_report_and_says_how_wrong_it_was() -> None:
    row = expected(mart("nowcast").build(*PAST, line(MONTHS[3], "20", "8")), MONTHS[3])
    assert row["carbon_nowcast_location_kg"] == 18
    assert row["reported_location_kg"] == 20
    assert row["nowcast_error_kg"] == -2


def test_what_comes_later_changes_no_nowcast() -> None:
    before = expected(mart("nowcast").build(*PAST, line(MONTHS[3], None, "8")), MONTHS[3])
    later = line(MONTHS[4], "999", "1")
    after = expected(mart("nowcast").build(*PAST, line(MONTHS[3], None, "8"), later), MONTHS[3])
    assert before == after


def test_only_the_last_three_reported_months_count() -> None:
    """30, 50 and 20 of 10, 20 and 8: 100 / 38."""
    rows = mart("nowcast").build(*PAST, line(MONTHS[3], "20", "8"), line(MONTHS[4], None, "19"))
    assert expected(rows, MONTHS[4])["carbon_nowcast_location_kg"] == 50


def test_two_months_are_no_basis() -> None:
    row = expected(mart("nowcast").build(*PAST[:2], line(MONTHS[3], None, "8")), MONTHS[3])
    assert row["carbon_nowcast_location_kg"] is None
    assert (row["basis_months"], row["nowcast_gap"]) == (2, "too_few_reported_months")


def test_lines_without_an_estimate_are_in_sight() -> None:
    """18 of the line with an estimate; what the other will come to isn't guessed."""
    rows = mart("nowcast").build(*PAST, line(MONTHS[3], None, "8"), line(MONTHS[3]))
    row = expected(rows, MONTHS[3])
    assert row["carbon_nowcast_location_kg"] == 18
    assert (row["awaited_lines"], row["estimated_lines"]) == (2, 1)


@pytest.mark.parametrize("reported", [None, "20"])
def test_a_service_without_an_estimate_has_a_row_with_a_reason(reported: str | None) -> None:
    unknown = line(MONTHS[3], reported, ServiceName="Magic")
    rows = mart("nowcast").build(*PAST, line(MONTHS[3], None, "8"), unknown)
    [row] = [row for row in rows if row["service_name"] == "Magic"]
    assert row["nowcast_gap"] == "no_estimate"
    assert (row["estimated_kg"], row["carbon_nowcast_location_kg"]) == (None, None)
    assert (row["awaited_lines"], row["estimated_lines"]) == (1, 0)
    assert (row["reported_location_kg"], row["nowcast_error_kg"]) == (None, None)


def test_other_regions_and_services_are_no_basis() -> None:
    elsewhere = [line(month, "10", "10", RegionId="east") for month in MONTHS[:3]]
    rows = mart("nowcast").build(*elsewhere, line(MONTHS[3], None, "8"))
    assert expected(rows, MONTHS[3])["basis_months"] == 0


def test_a_month_that_is_reported_in_part_has_no_error() -> None:
    """The lines that aren't reported would count as error."""
    rows = mart("nowcast").build(*PAST, line(MONTHS[3], "20", "8"), line(MONTHS[3], None, "8"))
    row = expected(rows, MONTHS[3])
    assert row["carbon_nowcast_location_kg"] == 36
    assert row["nowcast_error_kg"] is None


def test_a_provider_that_states_no_method_has_no_nowcast() -> None:
    reported = {"x_CarbonReportedStatus": "Reported", "x_CarbonUnspecifiedKg": "3"}
    assert mart("nowcast").build(line(estimated="1", **reported)) == []
