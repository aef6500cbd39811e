"""The trail of an estimate names the factors that it comes from, all of them and no others."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.estimate_harness import MACROS, Estimates
from tests.macro_harness import model_sql

TRAIL = (
    "intermediate/carbon/int_estimates__rates_explained.sql",
    "marts/core/dim_estimate_rate.sql",
    "marts/core/bridge_estimate_factor.sql",
    "marts/core/dim_carbon_factor.sql",
)
HELD = "machine held"
LINES: Mapping[str, Mapping[str, Any]] = {
    "machine": {"SkuMeter": "EU-BoxUsage:m6i.8xlarge", "ConsumedUnit": "Hours"},
    HELD: {
        "SkuMeter": "EU-BoxUsage:m6i.8xlarge",
        "ConsumedUnit": "Hours",
        "CapacityReservationStatus": "Unused",
    },
    "accelerated": {"SkuMeter": "EU-BoxUsage:g5.12xlarge", "ConsumedUnit": "Hours"},
    "moved": {"SkuMeter": "EU-DataTransfer-Out-Bytes", "ConsumedUnit": "GB"},
    "unknown": {"SkuMeter": "EU-Something", "ConsumedUnit": "Somethings"},
}


@pytest.fixture(scope="module")
def estimates() -> Estimates:
    made = Estimates()
    build(made)
    return made


def build(estimates: Estimates) -> None:
    """Estimate the lines and follow each estimate to its factors."""
    estimates.build([line(key) for key in LINES])
    for model in TRAIL:
        sql = model_sql(model, *MACROS)
        estimates.connection.execute(f"create or replace table {Path(model).stem} as {sql}")


def line(key: str) -> dict[str, Any]:
    return {
        "x_ChargeKey": key,
        "x_Provider": "aws",
        "ServiceName": "Amazon Elastic Compute Cloud",
        "ConsumedQuantity": Decimal(10),
        "RegionId": "eu-west-1",
        "ResourceId": key,
        **LINES[key],
    }


def rates(estimates: Estimates) -> dict[str, dict[str, Any]]:
    """Return each line's row of rates, found by the key that the line has."""
    found = estimates.rows(
        "select charges.x_ChargeKey, rates.* from int_estimates__charges as charges"
        " join dim_estimate_rate as rates"
        " on charges.x_EstimateRateId = rates.estimate_rate_key"
    )
    return {row.pop("x_ChargeKey"): row for row in found}


def factors(estimates: Estimates, key: str) -> dict[str, dict[str, Any]]:
    """Return the factors behind a line's estimate by their keys."""
    found = estimates.rows(
        "select factors.* from int_estimates__charges as charges"
        " join bridge_estimate_factor as bridge"
        " on charges.x_EstimateRateId = bridge.estimate_rate_key"
        " join dim_carbon_factor as factors using (carbon_factor_key)"
        f" where charges.x_ChargeKey = '{key}'"
    )
    return {row["carbon_factor_key"]: row for row in found}


def test_every_line_leads_to_its_rates_and_they_to_known_factors(estimates: Estimates) -> None:
    assert set(rates(estimates)) == set(LINES)
    for end in ("dim_carbon_factor", "dim_estimate_rate"):
        key = f"{end.removeprefix('dim_')}_key"
        lost = f"select * from bridge_estimate_factor anti join {end} using ({key})"
        assert estimates.rows(lost) == []


def test_quantity_times_rate_is_the_estimate(estimates: Estimates) -> None:
    measures = {
        "x_EstimatedEnergyKwh": "energy_kwh",
        "x_EstimatedOperationalKg": "operational_kg",
        "x_EstimatedFeraKg": "fera_kg",
        "x_EstimatedEmbodiedKg": "embodied_kg",
        "x_EstimatedWaterL": "water_l",
    }
    found = rates(estimates)
    for row in estimates.rows("select * from int_estimates__charges"):
        for measure, rate in measures.items():
            per_unit = found[row["x_ChargeKey"]][f"estimated_{rate}_per_unit"]
            if per_unit is None:
                assert row[measure] is None, measure
            else:
                assert row[measure] == pytest.approx(per_unit * 10, rel=Decimal("1e-9")), measure


def test_what_was_moved_comes_from_its_factors_by_hand(estimates: Estimates) -> None:
    """0.059 kWh a GB on the internet, times overhead, times the grid of Ireland."""
    by_kind = {row["factor_kind"]: row["value"] for row in factors(estimates, "moved").values()}
    found = rates(estimates)["moved"]

    energy = by_kind["power"] / 1000 * by_kind["pue"]
    assert found["estimated_energy_kwh_per_unit"] == energy
    assert found["estimated_operational_kg_per_unit"] == energy * by_kind["grid_intensity"] / 1000
    assert {"idle_power", "lifespan", "embodied"}.isdisjoint(by_kind)


def test_what_is_held_names_no_power_under_load(estimates: Estimates) -> None:
    kinds = {row["factor_kind"] for row in factors(estimates, HELD).values()}
    assert "idle_power" in kinds
    assert kinds.isdisjoint({"full_power", "load"})


def test_what_has_no_estimate_has_rates_without_figures_and_no_factor(
    estimates: Estimates,
) -> None:
    found = rates(estimates)["unknown"]
    assert (found["treatment"], found["rule_id"], found["is_covered"]) == (
        "NotCovered",
        None,
        False,
    )
    assert found["estimated_energy_kwh_per_unit"] is None
    assert factors(estimates, "unknown") == {}


def figures(estimates: Estimates) -> dict[str, tuple[Any, ...]]:
    """Return the rates of every line."""
    return {
        key: tuple(value for name, value in sorted(row.items()) if name.startswith("estimated_"))
        for key, row in rates(estimates).items()
    }


def moved_by(estimates: Estimates, condition: str) -> set[str]:
    """Return the lines whose rates move when the factors of the condition grow."""
    before = figures(estimates)
    estimates.connection.execute("create or replace temp table kept as from carbon_factors")
    estimates.connection.execute(
        "update carbon_factors set value = value * 1.1 + 0.01, value_low = value_low * 1.1 + 0.01,"
        f" value_high = value_high * 1.1 + 0.01 where {condition}"
    )
    try:
        build(estimates)
        after = figures(estimates)
    finally:
        estimates.connection.execute("create or replace table carbon_factors as from kept")
        build(estimates)
    return {key for key in LINES if before[key] != after[key]}


def named(keys: Iterable[str]) -> str:
    texts = ", ".join(f"'{key}'" for key in keys)
    return f"factor_id || '-' || first_set in ({texts})"


def test_a_factor_moves_the_rates_that_name_it_and_no_others() -> None:
    estimates = Estimates()
    build(estimates)
    of_lines = {key: set(factors(estimates, key)) for key in LINES}
    every = set().union(*of_lines.values())
    assert len(every) > 15

    for factor in sorted(every):
        naming = {key for key in LINES if factor in of_lines[key]}
        assert moved_by(estimates, named([factor])) == naming, factor
    assert moved_by(estimates, f"not {named(every)}") == set()
