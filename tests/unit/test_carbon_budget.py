"""Emissions against what is allowed, on rows worked out by hand."""

from decimal import Decimal
from typing import Any

import pytest

from tests.carbon_mart_harness import AMOUNT, CarbonMarts, Row

BUDGETS = {
    "month": "varchar",
    "budget": "varchar",
    "measure": "varchar",
    "amount": AMOUNT,
    "provider": "varchar",
    "owner": "varchar",
    "environment": "varchar",
}
KILOGRAMS = (
    "carbon_location_kg",
    "carbon_market_kg",
    "carbon_unspecified_kg",
    "estimated_carbon_kg",
)
MONTHLY = {
    "usage_month": "date",
    "provider": "varchar",
    "owner": "varchar",
    "environment": "varchar",
    "carbon_eligible_list_cost": AMOUNT,
    **dict.fromkeys(KILOGRAMS, AMOUNT),
}


@pytest.fixture(scope="module")
def marts() -> CarbonMarts:
    marts = CarbonMarts("marts/sustainability/mart_carbon_budget.sql")
    marts.declare("inputs.budgets", BUDGETS)
    marts.declare("int_spend_carbon__monthly", MONTHLY)
    return marts


def emitted(provider: str = "aws", **more: Any) -> Row:
    return {
        "usage_month": "2026-03-01",
        "provider": provider,
        "environment": "production",
        "carbon_eligible_list_cost": "1",
        **more,
    }


def allowed(amount: str, measure: str = "carbon_location_kg", **more: Any) -> Row:
    return {"month": "2026-03", "budget": "all", "measure": measure, "amount": amount, **more}


def build(marts: CarbonMarts, budgets: list[Row], rows: list[Row]) -> list[dict[str, Any]]:
    marts.fill("inputs.budgets", budgets)
    marts.fill("int_spend_carbon__monthly", rows)
    return marts.build()


@pytest.mark.parametrize(
    ("amount", "remaining", "ratio", "status"),
    [("4", "1", 0.75, "within"), ("3", "0", 1.0, "within"), ("2", "-1", 1.5, "over")],
)
def test_a_budget_is_held_against_the_months_emissions(
    marts: CarbonMarts, amount: str, remaining: str, ratio: float, status: str
) -> None:
    (row,) = build(
        marts,
        [allowed(amount)],
        [
            emitted(carbon_location_kg="1", owner="web"),
            emitted("gcp", carbon_location_kg="2"),
            emitted(carbon_location_kg="8", usage_month="2026-04-01"),
        ],
    )
    assert (row["actual_kg"], row["remaining_kg"]) == (Decimal(3), Decimal(remaining))
    assert (row["used_ratio"], row["budget_status"]) == (ratio, status)


def test_a_budget_counts_its_own_measure_alone(marts: CarbonMarts) -> None:
    figures = dict(zip(KILOGRAMS, ("1", "2", "4", "8"), strict=True))
    rows = build(marts, [allowed("10", measure) for measure in KILOGRAMS], [emitted(**figures)])
    assert {row["measure"]: row["actual_kg"] for row in rows} == {
        measure: Decimal(kilograms) for measure, kilograms in figures.items()
    }


def test_a_budget_takes_in_what_it_names(marts: CarbonMarts) -> None:
    names = {
        "by provider": {"provider": "aws"},
        "by owner": {"owner": "web"},
        "by environment": {"environment": "test"},
        "by all": {"provider": "gcp", "owner": "web", "environment": "production"},
    }
    rows = build(
        marts,
        [allowed("10", budget=name, **named) for name, named in names.items()],
        [
            emitted(carbon_location_kg="1", owner="web"),
            emitted(carbon_location_kg="2", environment="test"),
            emitted("gcp", carbon_location_kg="4", owner="web"),
        ],
    )
    assert {row["budget"]: row["actual_kg"] for row in rows} == {
        "by provider": Decimal(3),
        "by owner": Decimal(5),
        "by environment": Decimal(2),
        "by all": Decimal(4),
    }


def test_a_budget_is_kept_only_when_every_provider_has_a_figure(marts: CarbonMarts) -> None:
    rows = [
        emitted(carbon_location_kg="1"),
        emitted("azure", carbon_unspecified_kg="5"),
        emitted("tax", carbon_eligible_list_cost=None),
    ]
    (row,) = build(marts, [allowed("4")], rows)
    assert (row["budget_status"], row["lacks_providers"]) == ("within_so_far", "azure")
    (row,) = build(marts, [allowed("0.5")], rows)
    assert (row["budget_status"], row["lacks_providers"]) == ("over", "azure")


def test_without_a_figure_nothing_is_kept(marts: CarbonMarts) -> None:
    (row,) = build(marts, [allowed("4")], [emitted()])
    assert (row["actual_kg"], row["remaining_kg"], row["used_ratio"]) == (None, None, None)
    assert (row["budget_status"], row["lacks_providers"]) == ("no_figure", "aws")
    (row,) = build(marts, [allowed("4")], [])
    assert (row["budget_status"], row["lacks_providers"]) == ("no_figure", None)
