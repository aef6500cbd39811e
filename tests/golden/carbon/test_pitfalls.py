"""Allocation keeps to what was worked out on paper, in one estate of many accounts."""

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal

import pytest

from dagster_project.settings import SourceConfig
from tests.compiled_models import GOALS, ModelRun, compiled_models
from tests.golden.carbon import pitfalls
from tests.golden.carbon.native import NATIVE_CASES
from tests.golden.carbon.pitfalls import FEBRUARY, JANUARY, MARCH, Case, Row, line, report

CASES = pitfalls.CASES | NATIVE_CASES
MONTHS = (JANUARY, FEBRUARY, MARCH)
SOURCES = {
    "aws-focus": "stg_aws__focus",
    "aws-cur": "stg_aws__cur2",
    "gcp-focus": "stg_gcp__focus",
    "gcp-billing": "stg_gcp__billing_detailed",
    "azure-focus": "stg_azure__focus",
}
NATIVE = {"aws-cur": "cur2", "gcp-billing": "billing-detailed"}
INNER_JOIN = "an account that is in no bill stays visible"
VERSIONS = "two model versions are never added"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> ModelRun:
    names = [*SOURCES, "aws-carbon", "gcp-carbon", "azure-carbon"]
    sources = [
        SourceConfig(
            name=name,
            provider=name.split("-")[0],
            export=NATIVE.get(name, name.split("-")[1]),
            location="file:///exports",
        )
        for name in names
    ]
    delivered = {(room, "focus"): ["BilledCost"] for room in ("aws", "azure", "gcp")} | {
        ("aws", "cur2"): ["split_line_item_parent_resource_id"],
        ("gcp", "billing_detailed"): ["cost"],
    }
    goals = (*GOALS, "fct_emissions_reported")
    run = compiled_models(tmp_path_factory.mktemp("project"), sources, goals, delivered)
    for account in [place for case in CASES.values() for place in case.denied]:
        run.connection.execute(
            "insert into ledger.denied_accounts (provider, month, account_id)"
            " values ('azure', ?, ?)",
            [JANUARY, account],
        )
    run.build(staged(CASES.values()), MONTHS)
    return run


@pytest.fixture
def on_its_own(models: ModelRun) -> Iterator[ModelRun]:
    """The models for an estate of the test's own; the cases are there again afterwards."""
    yield models
    models.build(staged(CASES.values()), MONTHS)


def staged(cases: Iterable[Case]) -> dict[str, list[Row]]:
    """Return the rows of cases by staging model."""
    estate: dict[str, list[Row]] = {}
    for case in cases:
        for row in case.lines:
            estate.setdefault(SOURCES[row["source_name"]], []).append(row)
        for model, rows in case.emissions.items():
            estate.setdefault(model, []).extend(rows)
    return {model: filled(rows) for model, rows in estate.items()}


def filled(rows: list[Row]) -> list[Row]:
    """Give all rows the same columns."""
    names = {name: None for row in rows for name in row}
    return [names | row for row in rows]


ACCOUNTS = ("SubAccountId", "line_item_usage_account_id", "project_id", "usage_account_id",
            "subscription_id")  # fmt: skip


def accounts(name: str) -> list[str]:
    """Return the accounts, projects and subscriptions of a case."""
    case = CASES[name]
    rows = [*case.lines, *(row for found in case.emissions.values() for row in found)]
    return sorted({str(row[key]) for row in rows for key in ACCOUNTS if row.get(key)})


NAME = """case
    when x_SourceChanges like '%UnusedCommitment%' then 'x/unused'
    else coalesce(AllocatedResourceId, ChargeDescription)
end"""
KILOGRAMS = "coalesce(x_CarbonLocationKg, x_CarbonUnspecifiedKg)"


@pytest.mark.parametrize("name", CASES)
def test_every_line_carries_what_was_worked_out(name: str, models: ModelRun) -> None:
    rows = models.connection.execute(
        f"select {NAME}, x_CarbonReportedStatus, {KILOGRAMS} from fct_cost_and_carbon"
        " where x_RecordKind = 'Charge' and SubAccountId in (select unnest(?))"
        f" order by {KILOGRAMS}",
        [accounts(name)],
    ).fetchall()
    found = [(key.partition("/")[2], status, kilograms) for key, status, kilograms in rows]
    expected = [
        (key, status, None if kilograms is None else Decimal(kilograms))
        for key, (status, kilograms) in CASES[name].answers.items()
    ]
    if name == "thirds add up":  # which line gets the last unit, its key decides
        assert Counter(row[1:] for row in found) == Counter(row[1:] for row in expected)
    else:
        assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("name", CASES)
def test_what_no_line_carries_has_its_reason(name: str, models: ModelRun) -> None:
    rows = models.connection.execute(
        f"select x_UnallocatedReason, {KILOGRAMS} from fct_cost_and_carbon"
        " where x_RecordKind = 'UnallocatedEmissions' and SubAccountId in (select unnest(?))",
        [accounts(name)],
    ).fetchall()
    expected = {reason: Decimal(kg) for reason, kg in CASES[name].unallocated.items()}
    assert dict(rows) == expected


def test_the_total_is_neither_overstated_nor_lost(models: ModelRun) -> None:
    """Adding both versions would overstate by 97 %; an inner join would lose half a tonne."""
    places = [*accounts(VERSIONS), *accounts(INNER_JOIN)]
    total = "select sum({}) from {} where {} in (select unnest(?))"
    [(carried,)] = models.connection.execute(
        total.format("x_CarbonLocationKg", "fct_cost_and_carbon", "SubAccountId"), [places]
    ).fetchall()
    assert carried == Decimal(10_640 + 500)
    [(both_versions,)] = models.connection.execute(
        total.format("total_location_kg", "stg_aws__carbon", "usage_account_id"),
        [accounts(VERSIONS)],
    ).fetchall()
    assert round(both_versions / 10_640 - 1, 2) == Decimal("0.97")


def test_parts_and_methods_stay_apart(models: ModelRun) -> None:
    rows = models.connection.execute(
        "select x_CarbonLocationKg, x_CarbonMarketKg, x_CarbonProviderScope1Kg,"
        " x_CarbonProviderScope2LocationKg, x_CarbonProviderScope3LocationKg"
        " from fct_cost_and_carbon where SubAccountId = 'scopes'"
    ).fetchall()
    assert rows == [tuple(map(Decimal, (6, 4, 1, 2, 3)))]


def test_an_estimate_stands_beside_the_report(models: ModelRun) -> None:
    [(estimated, reported)] = models.rows(
        "select x_EstimatedCarbonKg, x_CarbonLocationKg from fct_cost_and_carbon"
        " where SubAccountId = 'estimated'"
    )
    assert estimated > 0
    assert reported == 5


def test_nothing_of_all_cases_is_lost_or_made_up(models: ModelRun) -> None:
    """All that is current in the reports is in the fact, by provider, month and measure."""
    assert models.rows("select count(*) from int_quality__emission_totals")[0][0] > 0
    assert (
        models.rows("select * from int_quality__emission_totals where reported_kg <> fact_kg") == []
    )


def test_what_arrives_replaces_the_month_and_leaves_the_former_in_sight(
    on_its_own: ModelRun,
) -> None:
    """3 kg come by the old model, then 6 by the new one; a dollar and two share them."""
    lines = [line("less", "arrival", "1"), line("more", "arrival", "2")]
    first = report("arrival", "3", model_version="v3.0.0", delivery_id="first")
    second = report("arrival", "6", delivery_id="second")
    seen = []
    for emissions in ([], [first], [first, second]):
        on_its_own.build(staged([Case(lines, pitfalls.of_aws(*emissions), {})]), [JANUARY])
        seen.append(
            on_its_own.rows(
                "select x_CarbonReportedStatus, x_CarbonModelVersion, x_CarbonLocationKg"
                " from fct_cost_and_carbon where x_RecordKind = 'Charge' order by ListCost"
            )
        )
    assert seen == [
        [("Pending", None, None)] * 2,
        [("Reported", "v3.0.0", 1), ("Reported", "v3.0.0", 2)],
        [("Reported", "v3.0.1", 2), ("Reported", "v3.0.1", 4)],
    ]
    assert on_its_own.rows(
        "select model_version, is_current, total_location_kg from fct_emissions_reported order by 1"
    ) == [("v3.0.0", False, 3), ("v3.0.1", True, 6)]
