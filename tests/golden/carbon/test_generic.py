"""Emissions that somebody copied into a file meet the charges of a provider without a room."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from dagster_project.settings import SourceConfig
from tests.compiled_models import ModelRun, compiled_models
from tests.golden.carbon.pitfalls import FEBRUARY, JANUARY, Row, line

NO_PARTS = dict.fromkeys(
    (
        "scope1_kg", "scope2_location_kg", "scope2_market_kg", "scope2_unspecified_kg",
        "scope3_location_kg", "scope3_market_kg", "scope3_unspecified_kg",
        "total_location_kg", "total_market_kg", "total_unspecified_kg",
    )
)  # fmt: skip
COARSE = {"grain": ["billing_account_id", "service_name"]}


def sources() -> list[SourceConfig]:
    """Return a provider that reports by all places, one that reports by few, one that doesn't."""

    def source(provider: str, export: str, **options: Any) -> SourceConfig:
        name, place = f"{provider}-{export}", "file:///exports"
        return SourceConfig(
            name=name, provider=provider, export=export, location=place, options=options
        )

    return [
        source("fine", "focus"),
        source("fine", "carbon"),
        source("coarse", "focus"),
        source("coarse", "carbon", **COARSE),
        source("silent", "focus"),
    ]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> ModelRun:
    return compiled_models(tmp_path_factory.mktemp("project"), sources())


def charge(provider: str, key: str, list_cost: str, **more: Any) -> Row:
    return line(key, "team", list_cost, source_name=f"{provider}-focus", **more)


def report(provider: str, **more: Any) -> Row:
    """Return a row of January for the place of the charges, in kilograms."""
    return {
        "source_name": f"{provider}-carbon",
        "usage_month": JANUARY,
        "delivery_id": "report",
        "billing_account_id": "PAYER",
        "sub_account_id": "Team",
        "region_id": "EU-West-1",
        "service_name": "aws lambda",
        "resource_id": None,
        "model_version": None,
        "refreshed_at": None,
        **NO_PARTS,
        **{name: None if value is None else Decimal(value) for name, value in more.items()
           if name.endswith("_kg")},
        **{name: value for name, value in more.items() if not name.endswith("_kg")},
    }  # fmt: skip


def carried(
    models: ModelRun, charges: Sequence[Row], reports: Sequence[Row]
) -> dict[str, tuple[Any, ...]]:
    """Build the fact; return status and kilograms by line, or by reason."""
    models.build(
        {"stg_generic__focus": list(charges), "stg_generic__carbon": list(reports)},
        [JANUARY, FEBRUARY],
    )
    rows = models.connection.execute(
        "select coalesce(x_UnallocatedReason, split_part(ChargeDescription, '/', 2)),"
        " x_CarbonReportedStatus, x_CarbonLocationKg, x_CarbonMarketKg, x_CarbonUnspecifiedKg"
        " from fct_cost_and_carbon"
    ).fetchall()
    return {
        key: (status, *(None if kg is None else float(kg) for kg in kilograms))
        for key, status, *kilograms in rows
    }


def test_kilograms_go_to_the_place_by_list_cost(models: ModelRun) -> None:
    """30 and 90 of 120: a quarter and three quarters of 8 kg. Another region has no report."""
    found = carried(
        models,
        [
            charge("fine", "a", "30"),
            charge("fine", "b", "90"),
            charge("fine", "far", "50", RegionId="us-east-1"),
        ],
        [report("fine", total_location_kg="8", total_market_kg="0.4")],
    )
    assert found == {
        "a": ("Reported", 2, 0.1, None),
        "b": ("Reported", 6, 0.3, None),
        "far": ("NotCovered", None, None, None),
    }


def test_a_provider_that_reports_by_less_says_so(models: ModelRun) -> None:
    """Account and service alone: regions share 8 kg, and two rows of one place are added up."""
    found = carried(
        models,
        [
            charge("coarse", "a", "30"),
            charge("coarse", "far", "90", RegionId="us-east-1", SubAccountId="other"),
        ],
        [
            report("coarse", sub_account_id=None, region_id=None, total_location_kg="5"),
            report("coarse", sub_account_id="x", region_id="y", total_location_kg="3"),
        ],
    )
    assert found == {
        "a": ("Reported", 2, None, None),
        "far": ("Reported", 6, None, None),
    }


def test_who_has_no_source_of_emissions_is_not_covered(models: ModelRun) -> None:
    found = carried(models, [charge("silent", "a", "30"), charge("fine", "b", "30")], [])
    assert found == {
        "a": ("NotCovered", None, None, None),
        "b": ("Pending", None, None, None),
    }


def test_emissions_of_an_unknown_account_stay_visible(models: ModelRun) -> None:
    found = carried(
        models,
        [charge("fine", "a", "30")],
        [
            report("fine", total_location_kg="8"),
            report("fine", sub_account_id="stranger", total_location_kg="3"),
        ],
    )
    reasons = {key: row for key, row in found.items() if key != "a"}
    assert found["a"] == ("Reported", 8, None, None)
    assert [row[1] for row in reasons.values()] == [3]


def test_of_two_versions_the_newer_counts_by_number(models: ModelRun) -> None:
    found = carried(
        models,
        [charge("fine", "a", "30")],
        [
            report("fine", model_version="2026.9", total_location_kg="8"),
            report("fine", model_version="2026.10", total_location_kg="5"),
        ],
    )
    assert found == {"a": ("Reported", 5, None, None)}


def test_a_total_is_the_sum_of_its_scopes_where_all_are_known(models: ModelRun) -> None:
    """1 + 2 + 4 by location; the market-based scope 3 is unknown, and so is that total."""
    found = carried(
        models,
        [charge("fine", "a", "30")],
        [
            report(
                "fine", scope1_kg="1", scope2_location_kg="2", scope3_location_kg="4",
                scope2_market_kg="0.5",
            )
        ],
    )  # fmt: skip
    assert found == {"a": ("Reported", 7, None, None)}


def test_who_states_no_method_stays_unspecified(models: ModelRun) -> None:
    found = carried(models, [charge("fine", "a", "30")], [report("fine", total_unspecified_kg="8")])
    assert found == {"a": ("Reported", None, None, 8)}


def test_nothing_known_is_not_below_the_threshold(models: ModelRun) -> None:
    """A row without any figure says nothing, and nothing is no zero."""
    found = carried(models, [charge("fine", "a", "30")], [report("fine")])
    assert found == {"a": ("NotCovered", None, None, None)}


def test_a_scope_without_a_total_is_not_below_the_threshold(models: ModelRun) -> None:
    found = carried(models, [charge("fine", "a", "30")], [report("fine", scope2_location_kg="2")])
    assert found == {"a": ("Reported", None, None, None)}


def test_late_usage_of_january_gets_its_share(models: ModelRun) -> None:
    found = carried(
        models,
        [charge("fine", "a", "30"), charge("fine", "late", "10", billed=FEBRUARY)],
        [report("fine", total_location_kg="8")],
    )
    assert found == {"a": ("Reported", 6, None, None), "late": ("Reported", 2, None, None)}
