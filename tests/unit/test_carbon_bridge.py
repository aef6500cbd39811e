"""Why carbon changed between two months, on months worked out by hand."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from tests.carbon_bridge_harness import EARLIER, LATER, bridges, told, used
from tests.carbon_mart_harness import Row

REPORT = {"source_name": "report", "provider": "aws", "usage_month": EARLIER, "is_current": True}
THIRD = Decimal("0.333333333")


def built(
    *lines: Mapping[str, Any], emissions: tuple[Row, ...] = (), periods: tuple[Row, ...] = ()
) -> list[dict[str, Any]]:
    bridges().marts.fill("dim_billing_period", periods)
    return bridges().build(lines, emissions)


def reported(month: str, region: str, service: str, kwh: object, kg: object) -> dict[str, Any]:
    return used(month, region, service, kwh, "0", location=kg)


def version(month: str, name: str | None, kg: str, is_current: bool = True, **more: Any) -> Row:
    return {
        **REPORT, "usage_month": month, "model_version": name, "is_current": is_current,
        "total_location_kg": kg, **more,
    }  # fmt: skip


def only(rows: list[dict[str, Any]], figure: str = "operational") -> list[dict[str, Any]]:
    return [row for row in rows if row["figure"] == figure]


REPORTED = (
    reported(EARLIER, "west", "A", 100, 40),
    reported(EARLIER, "west", "B", 100, 20),
    reported(EARLIER, "east", "A", 200, 20),
    reported(LATER, "west", "A", 300, 120),
    reported(LATER, "west", "B", 100, 20),
    reported(LATER, "east", "A", 100, 30),
)


# What is reported


def test_a_reported_change_by_hand() -> None:
    """80 to 170 kg, of an earlier month that was first said to be 90 kg.

    400 to 500 kWh. The west had a half of them and has 0.8; A is 0.5, then 0.75 of the west; a kWh
    emits 0.4 kg (A) and 0.2 kg (B) in the west, and in the east 0.1, then 0.3 kg. So a kWh of the
    west emits w = 0.3 or, with the later mix, 0.35 kg, and a mean kWh, by region, mix, intensity

        000: 0.20    100: 0.26    010: 0.225   001: 0.30
        110: 0.30    101: 0.30    011: 0.325   111: 0.34

    A cause is taken with none, one, two or all of the three others moved: 1/4, 1/12 each, 1/4.

        activity   100 x (0.20/4 + (0.26 + 0.225 + 0.30)/12 + (0.30 + 0.30 + 0.325)/12 + 0.34/4)
        region     24/4 + (30 + 30 + 0)/12 + (37.5 + 0 + 6)/12 + 7.5/4
        mix        10/4 + (12.5 + 16 + 10)/12 + (20 + 12.5 + 16)/12 + 20/4
        intensity  40/4 + (50 + 16 + 40)/12 + (20 + 50 + 16)/12 + 20/4
    """
    rows = built(
        *REPORTED,
        emissions=(
            version(EARLIER, "v3.0.9", "90", is_current=False),
            version(EARLIER, "v3.0.10", "80"),
            version(LATER, "v3.0.10", "170"),
        ),
    )
    assert told(rows, "total") == {
        "restatement": -10,
        "activity": Decimal("27.75"),
        "region": Decimal("16.5"),
        "mix": Decimal("14.75"),
        "provider_intensity": 31,
        "not_decomposed": 0,
    }
    ends = {
        (row["first_reported_earlier_kg"], row["earlier_kg"], row["later_kg"])
        for row in only(rows, "total")
    }
    assert ends == {(90, 80, 170)}
    assert sum(told(rows, "total").values()) == 170 - 90


@pytest.mark.parametrize(
    ("earlier", "later", "part"),
    [("11", "11", "provider_intensity"), (None, None, "provider_intensity"),
     ("11", "12", "intensity_and_method"), (None, "12", "intensity_and_method")],
)  # fmt: skip
def test_a_version_step_is_one_line(earlier: str | None, later: str | None, part: str) -> None:
    rows = built(
        *REPORTED, emissions=(version(EARLIER, earlier, "80"), version(LATER, later, "170"))
    )
    parts = told(rows, "total")
    assert parts[part] == 31
    assert {"provider_intensity", "intensity_and_method"} & set(parts) == {part}
    assert parts["restatement"] == 0


def test_every_source_was_first_reported_by_a_version_of_its_own() -> None:
    """One payer went from 50 to 60 kg, another has always said 20; v1 states no location."""
    rows = built(
        *REPORTED,
        emissions=(
            version(EARLIER, "v1", "7", is_current=False, total_location_kg=None),
            version(EARLIER, "v2", "50", is_current=False),
            version(EARLIER, "v3", "60"),
            version(EARLIER, "v2", "20", source_name="other"),
        ),
    )
    assert told(rows, "total")["restatement"] == 10


def test_what_no_energy_stands_behind_is_a_part_of_its_own() -> None:
    """Emissions of no charge fell by 3 kg, those of lines without an estimate rose by 4."""
    unallocated = {"x_RecordKind": "UnallocatedEmissions", "x_EstimateStatus": "NotApplicable"}
    rows = built(
        *REPORTED,
        used(EARLIER, location=5, **unallocated),
        used(LATER, location=2, **unallocated),
        used(EARLIER, service="Support", location=1),
        used(LATER, service="Support", location=5),
    )
    parts = told(rows, "total")
    assert parts["not_decomposed"] == 1
    assert parts["provider_intensity"] == 31
    assert {row["difference_kg"] for row in only(rows, "total")} == {91}


def test_energy_that_is_no_measure_of_a_service_explains_nothing_of_it() -> None:
    """10 kg per kWh can be, 11 can't."""
    rows = built(
        *REPORTED,
        reported(EARLIER, "west", "Desk", 1, 10),
        reported(LATER, "west", "Desk", 1, 11),
    )
    parts = told(rows, "total")
    assert (parts["not_decomposed"], parts["activity"]) == (1, Decimal("27.75"))
    rows = built(reported(EARLIER, "west", "A", 1, 10), reported(LATER, "west", "A", 2, 20))
    assert told(rows, "total")["activity"] == 10


def test_our_own_factors_move_nothing_that_is_reported() -> None:
    """The later set says that the same machines draw twice as much."""
    rows = built(
        *(
            line | {"kwh": 2 * line["kwh"], "set": "next", "per_unit": 2}
            if line["month"] == LATER
            else line
            for line in REPORTED
        )
    )
    parts = told(rows, "total")
    assert parts["activity"] == Decimal("27.75")
    assert parts["provider_intensity"] == 31


def test_a_month_without_a_report_has_no_difference() -> None:
    pending = used(LATER, kwh=1, kg=1)
    rows = built(*REPORTED[:3], pending)
    [row] = only(rows, "total")
    assert (row["part"], row["kg"], row["difference_kg"]) == ("not_decomposed", None, None)
    assert row["bridge_gap"] == "no_figure_in_later_month"
    rows = built(used(EARLIER, kwh=1, kg=1), *REPORTED[3:])
    [row] = only(rows, "total")
    assert (row["kg"], row["bridge_gap"]) == (None, "no_figure_in_earlier_month")


def test_without_any_energy_nothing_is_told_apart() -> None:
    rows = built(used(EARLIER, location=4), used(LATER, location=9))
    assert told(rows, "total") == {"restatement": 0, "not_decomposed": 5}
    assert {row["bridge_gap"] for row in only(rows, "total")} == {"no_activity_known"}


def test_methods_have_bridges_of_their_own() -> None:
    lines = [line | {"x_CarbonMarketKg": line["location"] // 10} for line in REPORTED]
    rows = built(*lines)
    assert sum(told(rows, "total", "location").values()) == 90
    assert sum(told(rows, "total", "market").values()) == 9
    assert told(rows, "total", "unspecified") == {}


# Estimates


def test_an_estimated_change_by_hand() -> None:
    """50 to 64 kg: usage doubled, the next factors draw 0.8 as much, and the grid is cleaner.

    100 kWh become 160, which the first set would have called 200; a kWh emits 0.5, then 0.4 kg.
    With none, one or both of the others moved, 1/3, 1/6 each, 1/3:

        activity   50/3 + (40 + 40)/6 + 32/3
        method   -(10/3 + (20 + 8)/6 + 16/3)
        grid     -(10/3 + (20 + 8)/6 + 16/3)
    """
    rows = built(
        used(EARLIER, kwh=100, kg=50),
        used(LATER, kwh=160, kg=64, set="next", per_unit="0.8", grid_year=2026),
    )
    parts = told(rows)
    assert sum(parts.values()) == 14
    assert {part: round(kg, 6) for part, kg in parts.items()} == {
        "activity": Decimal("40.666667"),
        "region": 0,
        "mix": 0,
        "grid_factor": Decimal("-13.333333"),
        "method": Decimal("-13.333333"),
        "not_decomposed": 0,
    }


def test_regions_of_one_grid_each() -> None:
    """110 to 130 kg on 300 to 500 kWh: the later total at the earlier shares is 110 x 5/3 kg, the
    earlier total at the later shares 130 x 3/5 = 78 kg.

        activity  ((550/3 - 110) + (130 - 78)) / 2
        region    ((78 - 110) + (130 - 550/3)) / 2
    """
    rows = built(
        used(EARLIER, "west", "A", 100, 50),
        used(EARLIER, "west", "B", 100, 50),
        used(EARLIER, "east", "A", 100, 10),
        used(LATER, "west", "A", 150, 75),
        used(LATER, "west", "B", 50, 25),
        used(LATER, "east", "A", 300, 30),
    )
    parts = told(rows)
    assert (parts["activity"], parts["region"]) == (63 - THIRD, -43 + THIRD)
    assert {parts[part] for part in ("mix", "grid_factor", "method", "not_decomposed")} == {0}


def test_a_grid_that_another_set_restates_for_the_same_year_is_a_change_of_method() -> None:
    earlier = used(EARLIER, kwh=100, kg=50)
    rows = built(earlier, used(LATER, kwh=100, kg=40, set="next"))
    assert told(rows)["method"] == -10
    rows = built(earlier, used(LATER, kwh=100, kg=40, set="next", grid_year=2026))
    assert told(rows)["grid_factor"] == -10


def test_what_one_month_alone_used_is_no_change_of_grid_or_method() -> None:
    """The earlier service and region are gone, another came with other factors."""
    rows = built(
        used(EARLIER, "west", "A", kwh=100, kg=50),
        used(LATER, "east", "B", kwh=100, kg=20, set="next", per_unit=2, grid_year=2026),
    )
    assert told(rows) == {
        "activity": 0,
        "region": -30,
        "mix": 0,
        "grid_factor": 0,
        "method": 0,
        "not_decomposed": 0,
    }


@pytest.mark.parametrize("new", [{"service": "New"}, {"meter": "New hour"}], ids=str)
def test_usage_that_one_set_alone_can_estimate_is_a_matter_of_method(new: dict[str, str]) -> None:
    """Of the report of such usage nothing can be told apart."""
    rows = built(
        used(EARLIER, kwh=100, kg=50, location=50),
        used(EARLIER, location=3, **new),
        used(LATER, kwh=100, kg=50, location=50, set="next"),
        used(LATER, kwh=10, kg=5, location=4, set="next", **new),
    )
    assert told(rows)["method"] == 5
    assert told(rows)["activity"] == 0
    reported_parts = told(rows, "total")
    assert (reported_parts["not_decomposed"], sum(reported_parts.values())) == (1, 1)
    assert reported_parts["activity"] == 0


@pytest.mark.parametrize(("unit", "method"), [("GB-Mo", 0), ("GB-Hours", None)])
def test_a_month_of_fewer_days_is_no_other_method(unit: str, method: int | None) -> None:
    """A GB-month is 744 hours in January and 672 in February, whichever set counts them."""
    rows = built(
        used(EARLIER, unit=unit, kwh=744, kg=744, per_unit="0.744"),
        used(LATER, unit=unit, kwh=672, kg=672, set="next", per_unit="0.672"),
    )
    parts = told(rows)
    assert sum(parts.values()) == -72
    assert (parts["method"] == 0) is (method == 0)


def test_making_of_hardware_is_its_own_measure() -> None:
    """8 to 15 kg: half as much again by the same factors is 12, the rest is the next factors."""
    rows = built(
        used(EARLIER, embodied=8),
        used(LATER, embodied=15, set="next", embodied_per_unit="1.25"),
    )
    assert told(rows, "embodied") == {
        "activity": Decimal("4.5"),
        "method": Decimal("2.5"),
        "not_decomposed": 0,
    }
    assert told(rows) == {}


def test_upstream_of_electricity_has_a_bridge_of_its_own() -> None:
    rows = built(
        used(EARLIER, kwh=10, kg=5, x_EstimatedFeraKg=1),
        used(LATER, kwh=20, kg=10, x_EstimatedFeraKg=2),
    )
    assert told(rows, "fera")["activity"] == 1
    assert told(rows)["activity"] == 5


# Months


def test_the_same_month_a_year_before_is_a_comparison_of_its_own() -> None:
    rows = built(
        used("2025-02-01", kwh=10, kg=5),
        used(EARLIER, kwh=30, kg=15),
        used(LATER, kwh=20, kg=10),
    )
    assert told(rows)["activity"] == -5
    assert told(rows, comparison="same_month_last_year")["activity"] == 5
    assert {f"{row['earlier_month']}" for row in rows} == {"2025-02-01", EARLIER}


def test_months_of_which_nothing_is_loaded_are_not_compared() -> None:
    assert built(used("2025-11-01", kwh=10, kg=5), used(LATER, kwh=20, kg=10)) == []


def test_a_usage_month_is_whole_over_the_bills_that_hold_it() -> None:
    rows = built(
        used(EARLIER, kwh=10, kg=5),
        used(EARLIER, kwh=6, kg=3, billing_month=LATER),
        used(LATER, kwh=8, kg=4),
    )
    assert {row["earlier_kg"] for row in only(rows)} == {8}
    assert told(rows)["activity"] == -4


def test_providers_are_bridged_apart() -> None:
    rows = built(
        used(EARLIER, kwh=10, kg=5),
        used(LATER, kwh=20, kg=10),
        used(EARLIER, kwh=1, kg=1, provider="gcp"),
        used(LATER, kwh=3, kg=3, provider="gcp"),
    )
    assert told(rows)["activity"] == 5
    assert told(rows, provider="gcp")["activity"] == 2


def test_beside_a_change_stands_how_much_it_is_of() -> None:
    rows = built(
        used(EARLIER, kwh=10, kg=5),
        used(EARLIER, service="Other"),
        used(LATER, kwh=20, kg=10, location=8),
        periods=(
            {"provider": "aws", "billing_month": EARLIER, "cost_state": "closed",
             "carbon_state": "pending"},
            {"provider": "aws", "billing_month": LATER, "cost_state": "open",
             "carbon_state": "provisional"},
        ),
    )  # fmt: skip
    [row] = [row for row in only(rows) if row["part"] == "activity"]
    assert (row["earlier_eligible_lines"], row["earlier_covered_lines"]) == (2, 1)
    assert (row["later_eligible_lines"], row["later_covered_lines"]) == (1, 1)
    assert (row["earlier_state"], row["later_state"]) == ("closed", "open")
    assert (row["earlier_version"], row["later_version"]) == ("first", "first")
    [row] = only(rows, "total")
    assert (row["earlier_eligible_lines"], row["earlier_covered_lines"]) == (2, 0)
    assert (row["earlier_state"], row["later_state"]) == ("pending", "provisional")


def test_what_is_beyond_exact_arithmetic_is_said() -> None:
    rows = built(used(EARLIER, kwh="1", kg="1"), used(LATER, kwh="9e12", kg="9e11"))
    assert told(rows) == {"not_decomposed": Decimal("9e11") - 1}
    assert {row["bridge_gap"] for row in only(rows)} == {"beyond_exact_arithmetic"}


@pytest.mark.parametrize("kwh", ["1e-18", "1e-10"])
def test_next_to_no_energy_explains_nothing(kwh: str) -> None:
    rows = built(
        reported(EARLIER, "west", "A", kwh, "1e-12"),
        reported(EARLIER, "west", "B", 1, 1),
        reported(LATER, "west", "A", 100, 50),
        reported(LATER, "west", "B", 1, 1),
    )
    assert told(rows, "total")["not_decomposed"] == -Decimal("1e-12")
    assert sum(told(rows, "total").values()) == 50 - Decimal("1e-12")


def test_a_refund_of_carbon_is_told_like_any_other() -> None:
    rows = built(reported(EARLIER, "west", "A", 1, -1), reported(LATER, "west", "A", 1, 2))
    assert told(rows, "total")["provider_intensity"] == 3


def test_names_from_files_are_taken_as_they_are() -> None:
    hostile = "'; drop table dim_source; --|\N{SNOWMAN}"
    rows = built(
        used(EARLIER, hostile, hostile, kwh=10, kg=5),
        used(LATER, hostile, hostile, kwh=20, kg=10),
        used(EARLIER, "", "", kwh=1, kg=1, RegionId=None, ServiceName=None),
        used(LATER, "", "", kwh=1, kg=1, RegionId=None, ServiceName=None),
    )
    assert sum(told(rows).values()) == 5
    assert told(rows)["not_decomposed"] == 0
