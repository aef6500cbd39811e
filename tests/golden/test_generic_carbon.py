"""Emissions of a provider without an export of its own, from staging to the lines that carry them.

March of two accounts, worked out by hand: a warehouse of two lines, list costs 30 and 10, for which
8 kg are reported; storage; and what no line can carry.
"""

import datetime as dt
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from dagster_project.exports.generic.carbon import UNITS
from dagster_project.settings import SourceConfig
from tests.compiled_models import ModelRun, compiled_models
from tests.macro_harness import macros

FEBRUARY, MARCH = dt.date(2026, 2, 1), dt.date(2026, 3, 1)
GOALS = ("fct_emissions_reported", "int_quality__emission_totals", "mart_spend_carbon_monthly")
COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
MACROS = ("generic/emissions.sql", "engine/exact.sql", "engine/amounts.sql")

Row = dict[str, Any]


def source(name: str, provider: str, export: str, **options: Any) -> SourceConfig:
    return SourceConfig(
        name=name, provider=provider, export=export, location="file:///x", options=options
    )


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> ModelRun:
    """Three providers: the usual keys, resources as keys, and one that reports nothing."""
    sources = [
        source("peak", "snowpeak", "focus"),
        source("peak-carbon", "snowpeak", "carbon"),
        source("tide", "tidewater", "focus"),
        source("tide-carbon", "tidewater", "carbon", match=["resource"]),
        source("dune", "duneland", "focus"),
    ]
    return compiled_models(
        tmp_path_factory.mktemp("project"), sources, GOALS, {("generic", "focus"): ["BilledCost"]}
    )


def line(key: str, cost: str, source: str = "peak", **cells: Any) -> Row:
    return {
        "source_name": source,
        "billing_month": MARCH,
        "delivery_id": "bill",
        "BillingPeriodStart": dt.datetime(2026, 3, 1),
        "BillingPeriodEnd": dt.datetime(2026, 4, 1),
        "ChargePeriodStart": dt.datetime(2026, 3, 5),
        "ChargePeriodEnd": dt.datetime(2026, 3, 6),
        **dict.fromkeys(COSTS, Decimal(cost)),
        "BillingAccountId": "ORG-1",
        "SubAccountId": "PROD",
        "BillingCurrency": "USD",
        "ChargeCategory": "Usage",
        "RegionId": "eu-central-1",
        "ServiceName": "Warehouse",
        "ResourceId": None,
        "ChargeDescription": key,
    } | cells


def emission(kg: str | None, source: str = "peak-carbon", **cells: Any) -> Row:
    return {
        "source_name": source,
        "usage_month": MARCH,
        "delivery_id": "report",
        "billing_account_id": "org-1",
        "sub_account_id": "prod",
        "region_id": "EU-Central-1",
        "service_name": "warehouse",
        "resource_id": None,
        "methodology_version": "2",
        "total_location_kg": None if kg is None else Decimal(kg),
        "total_market_kg": None,
        "total_unspecified_kg": None,
        "scope1_kg": None,
        "scope2_location_kg": None,
        "scope2_market_kg": None,
        "scope2_unspecified_kg": None,
        "scope3_kg": None,
        "scope3_location_kg": None,
        "scope3_market_kg": None,
        "scope3_unspecified_kg": None,
    } | cells


def build(models: ModelRun, lines: list[Row], emissions: list[Row]) -> None:
    models.build({"stg_generic__focus": lines, "stg_generic__carbon": emissions}, [MARCH])
    assert models.rows(
        "select * from int_quality__emission_totals where reported_kg <> fact_kg"
    ) == []  # fmt: skip


def carried(models: ModelRun, *columns: str) -> dict[str, tuple[Any, ...]]:
    """Return columns of the fact's rows by their description or reason."""
    found = models.rows(
        "select coalesce(ChargeDescription, x_UnallocatedReason), "
        f"{', '.join(columns)} from fct_cost_and_carbon order by all"
    )
    return {key: tuple(cells) for key, *cells in found}


# ---------------------------------------------------------------- lines


def test_lines_share_what_is_reported_for_them_by_list_cost(models: ModelRun) -> None:
    lines = [
        line("A", "30", BilledCost=Decimal(1)),
        line("B", "10"),
        line("storage", "5", ServiceName="Storage"),
        line("pack", "50", ChargeCategory="Purchase"),
    ]

    build(models, lines, [emission("8")])

    assert carried(
        models, "x_CarbonReportedStatus", "x_CarbonMethod", "x_CarbonLocationKg",
        "x_CarbonMarketKg", "x_CarbonModelVersion",
    ) == {
        "A": ("Reported", "list_cost", 6, None, "2"),
        "B": ("Reported", "list_cost", 2, None, "2"),
        "storage": ("NotCovered", None, None, None, None),
        "pack": ("NotApplicable", None, None, None, None),
    }  # fmt: skip


def test_what_no_line_can_carry_says_why(models: ModelRun) -> None:
    orphan = emission("5", sub_account_id="trial", total_market_kg=Decimal(4))
    nobody = emission("7", billing_account_id=None)

    build(models, [line("A", "30")], [emission("8"), orphan, nobody])

    assert carried(
        models, "x_RecordKind", "SubAccountId", "x_CarbonLocationKg", "x_CarbonMarketKg"
    ) == {
        "A": ("Charge", "PROD", 8, None),
        "NoChargeLines": ("UnallocatedEmissions", "trial", 5, 4),
        "UnknownAccount": ("UnallocatedEmissions", "prod", 7, None),
    }


def test_a_month_without_a_report_is_awaited_and_a_provider_without_one_not_covered(
    models: ModelRun,
) -> None:
    lines = [line("peak", "30"), line("dune", "30", "dune"), line("tide", "30", "tide")]

    build(models, lines, [emission("8", usage_month=FEBRUARY)])

    assert carried(models, "x_CarbonReportedStatus", "x_CarbonLocationKg") == {
        "peak": ("Pending", None),
        "tide": ("Pending", None),
        "dune": ("NotCovered", None),
    }


def test_a_source_may_match_on_resources(models: ModelRun) -> None:
    lines = [
        line("machine", "30", "tide", ResourceId="VM-1"),
        line("other", "30", "tide", ResourceId="VM-2"),
    ]
    reported = emission("8", "tide-carbon", resource_id="vm-1", region_id="elsewhere",
                        sub_account_id=None)  # fmt: skip

    build(models, lines, [reported])

    assert carried(models, "x_CarbonReportedStatus", "x_CarbonLocationKg") == {
        "machine": ("Reported", 8),
        "other": ("NotCovered", None),
    }


def test_rows_of_no_region_find_lines_of_no_region(models: ModelRun) -> None:
    build(models, [line("A", "30", RegionId=None)], [emission("8", region_id=None)])
    assert carried(models, "x_CarbonLocationKg") == {"A": (8,)}


def test_what_is_below_zero_is_shown(models: ModelRun) -> None:
    build(models, [line("A", "30"), line("B", "10")], [emission("-8")])
    assert carried(models, "x_CarbonLocationKg") == {"A": (-6,), "B": (-2,)}


# ---------------------------------------------------------------- versions


@pytest.mark.parametrize(
    ("older", "newer"),
    [("2", "10"), ("2025.9", "2025.10"), ("2026-Q1", "2026-Q2"), (None, "1"), ("draft", "final")],
)
def test_the_newest_version_counts_alone(models: ModelRun, older: str | None, newer: str) -> None:
    reported = [
        emission("9", methodology_version=newer),
        emission("5", methodology_version=older),
        emission("1", methodology_version=older, sub_account_id="trial"),
    ]

    build(models, [line("A", "30")], reported)

    assert carried(models, "x_CarbonLocationKg", "x_CarbonModelVersion") == {"A": (9, newer)}
    assert models.rows(
        "select is_current, sum(total_location_kg) from fct_emissions_reported"
        " group by all order by all"
    ) == [(False, 6), (True, 9)]


def test_a_version_without_a_figure_outranks_nothing(models: ModelRun) -> None:
    build(models, [line("A", "30")], [emission("9"), emission(None, methodology_version="3")])
    assert carried(models, "x_CarbonLocationKg", "x_CarbonModelVersion") == {"A": (9, "2")}


# ---------------------------------------------------------------- figures

FIGURES = ("scope3_location_kg", "scope3_market_kg", "scope3_unspecified_kg",
           "total_location_kg", "total_market_kg", "total_unspecified_kg")  # fmt: skip


def kg(**stated: int) -> Row:
    return {f"{name}_kg": Decimal(value) for name, value in stated.items()}


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (
            kg(scope1=1, scope2_location=2, scope2_market=0, scope3_location=3, scope3_market=4),
            (3, 4, None, 6, 5, None),
        ),
        (kg(scope1=1, scope2_location=2, scope2_market=0, scope3=3), (3, 3, None, 6, 4, None)),
        (kg(scope1=1, scope2_location=2, scope3=3), (3, None, None, 6, None, None)),
        (kg(scope1=1, scope2_unspecified=2, scope3=3), (None, None, 3, None, None, 6)),
        (kg(scope2_location=2, scope3=3), (3, None, None, None, None, None)),
        (kg(scope1=1, total_location=7), (None, None, None, 7, None, None)),
        (
            kg(scope1=1, scope2_location=2, scope3=3, total_location=9),
            (3, None, None, 9, None, None),
        ),
        (kg(total_unspecified=7), (None, None, None, None, None, 7)),
        (kg(scope1=0, scope2_market=0, scope3=0), (None, 0, None, None, 0, None)),
    ],
)
def test_a_total_is_stated_or_the_sum_of_all_its_parts(
    models: ModelRun, stated: Row, expected: tuple[int | None, ...]
) -> None:
    build(models, [line("A", "30")], [emission(None, **stated)])
    assert models.rows(f"select {', '.join(FIGURES)} from fct_emissions_reported") == [expected]


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_becomes_kilograms_once_and_exactly(unit: str) -> None:
    of_a_kilogram = {"k": "1", "g": "1000", "t": "0.001", "m": "0.001"}
    figure = Decimal(of_a_kilogram[unit[0].lower()]) * Decimal("0.123456789012345")
    sql = macros(*MACROS).in_kg("figure", "unit")
    [(found,)] = duckdb.execute(
        f"select {sql} from (select cast(? as decimal(38, 18)) as figure, ? as unit)",
        [figure, unit],
    ).fetchall()
    assert found == Decimal("0.123456789012345")


def test_grams_are_kept_to_the_last_decimal_of_a_kilogram() -> None:
    sql = macros(*MACROS).in_kg("figure", "'gCO2e'")
    for grams, kilograms in (
        ("0.000000000000001", "0.000000000000000001"),
        ("-0.0000000000000005", "-0.000000000000000001"),
        ("9876543210.123456789012345", "9876543.210123456789012345"),
    ):
        [(found,)] = duckdb.execute(
            f"select {sql} from (select cast(? as decimal(38, 18)) as figure)", [Decimal(grams)]
        ).fetchall()
        assert found == Decimal(kilograms)
