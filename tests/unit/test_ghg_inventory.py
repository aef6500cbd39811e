"""Whose scope an emission is: the rules of the inventory on rows worked out by hand."""

import datetime as dt
import random
from decimal import Decimal
from typing import Any

import pytest

from tests.carbon_mart_harness import CarbonMarts, Row

JANUARY = dt.date(2026, 1, 1)
SERVICES = "3.1 Purchased goods and services"
ELECTRICITY = "2 Purchased electricity"
NO_FACTOR = "no_market_based_factor_stated"


@pytest.fixture(scope="module")
def marts() -> CarbonMarts:
    return CarbonMarts(
        "intermediate/carbon/int_carbon__monthly.sql",
        "marts/sustainability/mart_ghg_inventory.sql",
        seeds=("carbon_inventory_rules",),
    )


def reported(provider: str = "aws", **kilograms: str) -> Row:
    names = {"location": "Location", "market": "Market", "unspecified": "Unspecified"}
    columns = {f"x_Carbon{names[name]}Kg": kg for name, kg in kilograms.items()}
    return {"x_Provider": provider, "x_CarbonReportedStatus": "Reported", **columns}


def estimated(operational: str, embodied: str, fera: str, **more: Any) -> Row:
    return {
        "x_CarbonReportedStatus": "NotCovered",
        "x_EstimateStatus": "Estimated",
        "x_EstimatedOperationalKg": operational,
        "x_EstimatedEmbodiedKg": embodied,
        "x_EstimatedFeraKg": fera,
        "x_EstimatedCarbonKg": str(Decimal(operational) + Decimal(embodied)),
        **more,
    }


def own(operational: str, embodied: str, fera: str) -> Row:
    return estimated(operational, embodied, fera, x_Provider="site", x_SourceName="own")


def lines_of(rows: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    names = ("provider", "reporter_scope", "ghg_category", "method", "source_kind", "kg")
    return {tuple(row[name] for name in names) for row in rows}


def test_what_a_cloud_reports_is_scope_3_whatever_the_providers_scopes_are(
    marts: CarbonMarts,
) -> None:
    rows = marts.build(
        reported(location="5", market="2"),
        reported(location="1.5", market="0.5"),
        reported("azure", unspecified="7"),
    )
    assert lines_of(rows) == {
        ("aws", "3", SERVICES, "location", "reported", Decimal("6.5")),
        ("aws", "3", SERVICES, "market", "reported", Decimal("2.5")),
        ("azure", "3", SERVICES, "unspecified", "reported", Decimal(7)),
    }


def test_an_estimate_of_a_cloud_counts_from_cradle_to_gate(marts: CarbonMarts) -> None:
    (row,) = marts.build(estimated("2", "0.5", "0.25"))
    assert lines_of([row]) == {
        ("aws", "3", SERVICES, "estimated-location", "estimated", Decimal("2.75"))
    }
    assert row["estimated_operational_kg"] == 2
    assert row["estimated_embodied_kg"] == Decimal("0.5")
    assert row["estimated_fera_kg"] == Decimal("0.25")


def test_own_machines_are_scope_2_capital_goods_and_upstream(marts: CarbonMarts) -> None:
    rows = marts.build(own("2", "0.5", "0.25"), own("1", "0.5", "0.25"))
    assert lines_of(rows) == {
        ("site", "2", ELECTRICITY, "estimated-location", "estimated", Decimal(3)),
        ("site", "2", ELECTRICITY, "market", "estimated", None),
        ("site", "3", "3.2 Capital goods", "estimated-location", "estimated", Decimal(1)),
        (
            "site",
            "3",
            "3.3 Fuel- and energy-related activities",
            "estimated-location",
            "estimated",
            Decimal("0.5"),
        ),
    }
    assert {row["kg_reason"] for row in rows if row["kg"] is None} == {NO_FACTOR}


def test_generators_that_nobody_states_are_a_gap_and_no_zero(marts: CarbonMarts) -> None:
    rows = marts.build(own("2", "0.5", "0.25"), estimated("2", "0", "0"))
    gaps = f"generators_and_refrigerants_not_stated, {NO_FACTOR}"
    assert {row["hosting"]: row["gaps"] for row in rows} == {"own_site": gaps, "cloud": None}
    assert [row for row in rows if row["reporter_scope"] == "1"] == []


def test_a_total_names_the_providers_that_it_lacks(marts: CarbonMarts) -> None:
    rows = marts.build(
        reported("aws", location="5", market="2"),
        reported("gcp", location="1"),
        reported("azure", unspecified="7"),
        {"x_Provider": "oracle", "x_CarbonReportedStatus": "NotCovered"},
        {"x_Provider": "fees", "x_CarbonReportedStatus": "NotApplicable"},
        own("2", "0.5", "0.25"),
    )
    lacking = {(row["method"], row["source_kind"]): row["lacks_providers"] for row in rows}
    assert lacking == {
        ("location", "reported"): "azure, oracle, site",
        ("market", "reported"): "azure, gcp, oracle, site",
        ("unspecified", "reported"): "aws, gcp, oracle, site",
        ("estimated-location", "estimated"): None,
        ("market", "estimated"): "site",
    }


def test_a_provider_lacks_in_its_own_months_only(marts: CarbonMarts) -> None:
    february = {"ChargePeriodStart": "2026-02-01", "x_BillingMonth": "2026-02-01"}
    rows = marts.build(
        reported("aws", location="5"),
        {**reported("aws", location="5"), **february},
        {"x_Provider": "oracle", "x_CarbonReportedStatus": "Pending", **february},
    )
    assert [(row["usage_month"].month, row["lacks_providers"]) for row in rows] == [
        (1, None),
        (2, "oracle"),
    ]


def test_late_lines_count_in_their_month_of_use(marts: CarbonMarts) -> None:
    (row,) = marts.build(
        reported(location="5"), {**reported(location="0.25"), "x_BillingMonth": "2026-02-01"}
    )
    assert (row["usage_month"], row["kg"]) == (JANUARY, Decimal("5.25"))


def test_what_no_charge_carries_is_in_the_inventory(marts: CarbonMarts) -> None:
    unallocated = {
        **reported(location="0.25"),
        "x_RecordKind": "UnallocatedEmissions",
        "x_SourceName": "emissions",
        "BillingCurrency": None,
    }
    (row,) = marts.build(reported(location="5"), unallocated)
    assert (row["kg"], row["eligible_lines"], row["covered_lines"]) == (Decimal("5.25"), 1, 1)


def test_a_figure_without_a_rule_stays_in_sight(marts: CarbonMarts) -> None:
    """Nobody reports emissions of own sites today."""
    rows = marts.build({**reported("site", location="5"), "x_SourceName": "own"})
    assert lines_of(rows) == {
        ("site", "unassigned", "unassigned", "location", "reported", Decimal(5))
    }


@pytest.mark.parametrize("seed", range(10))
def test_the_inventory_holds_every_reported_gram(marts: CarbonMarts, seed: int) -> None:
    random_ = random.Random(seed)
    lines = []
    for _ in range(60):
        provider = random_.choice(["aws", "gcp", "azure", "site", "oracle"])
        amount = Decimal(random_.randrange(-(10**20), 10**22)).scaleb(-18)
        methods = random_.sample(["location", "market", "unspecified"], random_.randrange(4))
        month = random_.choice(["2025-12-31", "2026-01-01", "2026-02-28"])
        lines.append(
            {
                **reported(provider, **dict.fromkeys(methods, str(amount))),
                "ChargePeriodStart": month,
                "x_SourceName": "own" if provider == "site" else "bills",
                "x_RecordKind": random_.choice(["Charge", "UnallocatedEmissions"]),
            }
        )
    marts.build(*lines)
    for method, column in (("location", "Location"), ("market", "Market"),
                           ("unspecified", "Unspecified")):  # fmt: skip
        (fact,) = marts.rows(f"select sum(x_Carbon{column}Kg) as kg from fct_cost_and_carbon")
        (mart,) = marts.rows(
            "select sum(kg) as kg from mart_ghg_inventory"
            f" where source_kind = 'reported' and method = '{method}'"
        )
        assert mart["kg"] == fact["kg"]


def test_the_providers_carbon_state_stands_beside_reported_figures(marts: CarbonMarts) -> None:
    marts.fill(
        "dim_billing_period",
        [{"provider": "aws", "billing_month": "2026-01-01", "carbon_state": "closed"}],
    )
    rows = marts.build(reported(location="5"), reported("gcp", location="1"), own("1", "0", "0"))
    states = {(row["provider"], row["carbon_state"]) for row in rows}
    assert states == {("aws", "closed"), ("gcp", "pending"), ("site", None)}
