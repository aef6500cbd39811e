"""What models cost and emit, and their intensity per token, on rows worked out by hand."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.carbon_mart_harness import AMOUNT, CarbonMarts, Row

USAGE = {
    "x_ChargeKey": "varchar",
    "billing_month": "date",
    "tokens_in": AMOUNT,
    "tokens_out": AMOUNT,
    "accelerator_hours": AMOUNT,
}


@pytest.fixture(scope="module")
def marts() -> CarbonMarts:
    marts = CarbonMarts(
        "intermediate/carbon/int_carbon__ai_workloads.sql",
        "marts/sustainability/mart_ai_workload.sql",
    )
    marts.declare("int_usage__unioned", USAGE)
    return marts


def line(key: str, phase: str = "inference", kilograms: str = "", **more: Any) -> Row:
    """A line of a workload; kilograms are operational and embodied."""
    operational, _, embodied = kilograms.partition("+")
    return {
        "x_ChargeKey": key,
        "x_Workload": "bot",
        "x_WorkloadPhase": phase,
        "EffectiveCost": "1",
        "x_EstimateStatus": "Estimated" if kilograms else "NotCovered",
        "x_EstimatedEnergyKwh": "2" if kilograms else None,
        "x_EstimatedOperationalKg": operational or None,
        "x_EstimatedEmbodiedKg": embodied or None,
        **more,
    }


def use(key: str, tokens_in: str | None, tokens_out: str | None, hours: str | None = None) -> Row:
    return {
        "x_ChargeKey": key,
        "billing_month": "2026-01-01",
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "accelerator_hours": hours,
    }


def build(marts: CarbonMarts, lines: list[Row], usage: list[Row]) -> list[dict[str, Any]]:
    marts.fill("int_usage__unioned", usage)
    return marts.build(*lines)


def test_intensity_is_use_and_making_per_token(marts: CarbonMarts) -> None:
    """(0.5 + 0.25 + 0.25) kg over 1.5 + 0.5 million tokens: 0.5 kg a million.

    The reserved machine that nobody used and the run that failed have no tokens and count.
    """
    (row,) = build(
        marts,
        [
            line("tokens", kilograms="0.5+0.1"),
            line("held idle", kilograms="0.2+0.1"),
            line("failed run", kilograms="0.05+0.05"),
        ],
        [use("tokens", "1500000", "500000"), use("held idle", None, None, "24")],
    )
    assert row["sci_kg_per_million_units_ratio"] == 0.5
    assert (row["sci_status"], row["functional_unit"]) == ("estimated", "token")
    assert (row["sci_kg"], row["functional_units"]) == (Decimal(1), Decimal(2_000_000))
    assert (row["tokens_in"], row["tokens_out"]) == (Decimal(1_500_000), Decimal(500_000))
    assert (row["operational_kg"], row["embodied_kg"]) == (Decimal("0.75"), Decimal("0.25"))
    assert (row["effective_cost"], row["energy_kwh"]) == (Decimal(3), Decimal(6))
    assert row["accelerator_hours"] == 24


def test_a_third_is_rounded_to_six_places(marts: CarbonMarts) -> None:
    (row,) = build(marts, [line("a", kilograms="1+0")], [use("a", None, "3000000")])
    assert row["sci_kg_per_million_units_ratio"] == 0.333333


def test_training_and_inference_are_rows_of_their_own(marts: CarbonMarts) -> None:
    phases = ("training", "fine-tuning", "inference", "experiment")
    rows = build(
        marts,
        [line(phase, phase, f"{number}+0") for number, phase in enumerate(phases, 1)],
        [use("inference", "1000000", None)],
    )
    assert {row["workload_phase"]: row["sci_kg"] for row in rows} == dict(
        zip(phases, map(Decimal, range(1, 5)), strict=True)
    )
    assert {row["workload_phase"]: row["sci_boundary"] for row in rows} == {
        "training": "provider",
        "fine-tuning": "provider",
        "inference": "consumer",
        "experiment": "provider",
    }
    ratios = {row["workload_phase"]: row["sci_kg_per_million_units_ratio"] for row in rows}
    assert ratios == {**dict.fromkeys(phases), "inference": 3.0}


@pytest.mark.parametrize(
    ("lines", "usage", "status"),
    [
        ([line("a", kilograms="1+0")], [use("a", None, None, "8")], "no_functional_unit"),
        ([line("a", kilograms="1+0")], [use("a", "0", "0")], "no_functional_unit"),
        ([line("a", kilograms="1+0")], [], "no_functional_unit"),
        ([line("a")], [use("a", "5", None)], "not_estimated"),
    ],
)
def test_without_units_or_estimate_the_intensity_is_unknown(
    marts: CarbonMarts, lines: list[Row], usage: list[Row], status: str
) -> None:
    (row,) = build(marts, lines, usage)
    assert (row["sci_kg_per_million_units_ratio"], row["sci_status"]) == (None, status)


def test_lines_without_an_estimate_make_it_a_lower_bound(marts: CarbonMarts) -> None:
    (row,) = build(
        marts, [line("a", kilograms="1+0"), line("b")], [use("a", "1000000", None)]
    )  # fmt: skip
    assert (row["sci_kg_per_million_units_ratio"], row["sci_status"]) == (1.0, "partly_estimated")
    assert (row["estimable_lines"], row["estimated_lines"]) == (2, 1)


def test_purchases_of_a_workload_cost_and_emit_nothing(marts: CarbonMarts) -> None:
    fee = line("fee", x_EstimateStatus="NotApplicable", EffectiveCost="5")
    (row,) = build(marts, [line("a", kilograms="1+0"), fee], [use("a", "1000000", None)])
    assert (row["effective_cost"], row["sci_status"]) == (Decimal(6), "estimated")


def test_what_names_no_phase_is_left_out(marts: CarbonMarts) -> None:
    assert build(marts, [line("a", "none", "1+0"), line("b", "unknown", "1+0")], []) == []


def test_reported_emissions_move_nothing(marts: CarbonMarts) -> None:
    usage = [use("a", "1000000", None)]
    bare = build(marts, [line("a", kilograms="1+0")], usage)
    told = build(
        marts, [line("a", kilograms="1+0", x_CarbonMarketKg="7", x_CarbonLocationKg="9")], usage
    )
    assert bare == told


def test_currencies_and_months_of_use_are_rows_of_their_own(marts: CarbonMarts) -> None:
    rows = build(
        marts,
        [
            line("a", kilograms="1+0"),
            line("b", kilograms="2+0", BillingCurrency="EUR"),
            line("c", kilograms="4+0", ChargePeriodStart="2025-12-31 23:00:00"),
        ],
        [],
    )
    assert {(row["usage_month"], row["billing_currency"], row["sci_kg"]) for row in rows} == {
        (dt.date(2026, 1, 1), "USD", Decimal(1)),
        (dt.date(2026, 1, 1), "EUR", Decimal(2)),
        (dt.date(2025, 12, 1), "USD", Decimal(4)),
    }
