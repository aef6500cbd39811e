"""Everything that is known to count money or carbon twice, planted (docs/double_counting.md).

Causes that a build has to handle are sources of one home, which is built once. Causes that must not
get that far are refused while they land, and need no build.
"""

import datetime as dt
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.exports.base import focus_columns
from dagster_project.landing.delivery import read_delivery
from dagster_project.months import Month
from dagster_project.paths import PROJECT_ROOT, Home
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.extract import Outcome, Status, extract
from dagster_project.pipeline.plan import counted_deliveries, make_plan
from dagster_project.settings import Settings, SourceConfig
from tests import cur_files
from tests.azure_pairs import csv_bytes, write_run
from tests.cur_files import Cur2Folder, LegacyFolder
from tests.golden import azure_pairs
from tests.golden import deliveries as company
from tests.golden.cur_lines import PLAN, cash, lines
from tests.golden.gcp_billing import deliveries as gcp
from tests.integration.estates import (
    MARCH,
    AwsFolder,
    House,
    Row,
    azure_deliver,
    csv_gz,
    csv_text,
    gcp_deliver,
    parquet,
    put,
    row,
    rows,
)
from tests.pipeline_runs import built, give_reference, land

PAGE = PROJECT_ROOT / "docs" / "double_counting.md"
FEBRUARY = dt.date(2026, 2, 1)
slow = pytest.mark.slow
WEEKS = (7, 14, 21, 31)
"""Days that each of four deliveries of a growing month holds."""


@pytest.fixture(autouse=True)
def _no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here is about the disk's own cache."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


# ---------------------------------------------------------------- lines


def everyday(account: str, *names: str) -> list[Row]:
    """Lines of a Cost and Usage Report by their names on paper."""
    return [row for row in lines(account) if row["line_item_line_item_description"] in names]


def cur_days(account: str, days: int) -> list[Row]:
    """One dollar on each day of a month that has begun."""
    [pattern] = everyday(account, "on-demand")
    found = []
    for day in range(1, days + 1):
        start = dt.datetime(2026, 3, day)
        period = {
            "identity_line_item_id": f"day{day:02d}",
            "line_item_usage_start_date": start.isoformat(),
            "line_item_usage_end_date": (start + dt.timedelta(days=1)).isoformat(),
            "identity_time_interval": f"{start.isoformat()}Z",
        }
        found.append(pattern | period)
    return found


def azure_line(name: str, figures: str, day: int, **more: Any) -> Row:
    march = {
        "Date": f"03/{day:02d}/2026",
        "BillingPeriodStartDate": "03/01/2026",
        "BillingPeriodEndDate": "03/31/2026",
    }
    return azure_pairs.ea(name, figures, **(march | more))


def azure_days(days: int, **more: Any) -> list[Row]:
    """One dollar and a half on each day of a month that has begun."""
    return [
        azure_line(f"day {day}", "15 0.1 1.5 0.1 0.1", day, **more) for day in range(1, days + 1)
    ]


BOUGHT = azure_line(
    "reservation", "1 100 100 100 0", 1, ChargeType="Purchase", Frequency="Recurring",
    UnitOfMeasure="1", ConsumedService="Microsoft.Capacity", ResourceId=azure_pairs.ORDER,
    **azure_pairs.OF_RESERVATION,
)  # fmt: skip
LATE = azure_line("late usage", "1 0.25 0.25 0.25 0.25", 1, Date="02/28/2026")
COVERED = azure_line("covered", "24 0.25 6 0 1", 2, **azure_pairs.OF_RESERVATION)
UNUSED = azure_line(
    "unused", "4 0.25 1 0 0", 2, **(azure_pairs.OF_RESERVATION | {
        "ChargeType": "UnusedReservation", "ConsumedService": "Microsoft.Capacity",
        "ResourceId": azure_pairs.RESERVATION})
)  # fmt: skip


def write_pair(
    root: Path, actual: Sequence[Row], amortized: Sequence[Row], days: int = 31, number: int = 1
) -> None:
    period = ("2026-03-01", f"2026-03-{days:02d}")
    for dataset, found in (("actual", actual), ("amortized", amortized)):
        write_run(root, dataset, csv_bytes(found), len(found), days=period, run=f"run-{number}",
                  submitted=f"2026-04-{number:02d}T03:00:00Z")  # fmt: skip


def azure_focus_with_an_effective_purchase() -> bytes:
    """A savings plan whose purchase is in EffectiveCost, where its use is too."""
    plan = {
        "CommitmentDiscountId": "plan",
        "CommitmentDiscountCategory": "Spend",
        "CommitmentDiscountType": "Savings Plan",
        "CommitmentDiscountStatus": None,
        "PricingCategory": "Committed",
    }
    named = {"account": "/subscriptions/plan"}
    bought = row(**named, ChargeCategory="Purchase", BilledCost=100, EffectiveCost=100, **plan)
    used = [
        row(day=day, **named, BilledCost=0, EffectiveCost=2,
            **(plan | {"CommitmentDiscountStatus": "Used"}))
        for day in range(1, 8)
    ]  # fmt: skip
    return csv_gz([bought, *used])


# ---------------------------------------------------------------- a home with every plant


@dataclass(frozen=True)
class Planted:
    """What came of all plants, and what a repeated delivery would have built anew."""

    warehouse: duckdb.DuckDBPyConnection
    outcomes: dict[str, list[Outcome]]
    dirty_after_the_same: tuple[Month, ...]
    dirty_after_another: tuple[Month, ...]

    def statuses(self, source: str) -> list[Status]:
        return [outcome.status for outcome in self.outcomes[source]]

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return self.warehouse.execute(sql).fetchall()

    def billed(self, source: str) -> Decimal:
        [(total,)] = self.ask(
            f"select sum(BilledCost) from fct_cost_and_carbon where x_SourceName = '{source}'"
        )
        return Decimal(total)

    def tied_out(self, source: str) -> bool:
        """Tell whether the fact equals what the independent reader added up."""
        found = self.ask(
            "select passed from dq_result where check_id = 'control_total_equals_fact'"
            f" and source_name = '{source}' and column_name in ('rows', 'BilledCost')"
        )
        return bool(found) and all(passed for (passed,) in found)

    def red(self, source: str, *checks: str) -> dict[str, int]:
        """Return which of some checks failed, and how many lines they count."""
        found = self.warehouse.execute(
            "select check_id, cast(measured as integer) from dq_result"
            " where source_name = ? and not passed and list_contains(?, check_id)",
            [source, list(checks)],
        )
        return dict(found.fetchall())

    def bridge(self, source: str) -> dict[str, int]:
        return dict(
            self.ask(
                "select column_name, cast(sum(measured) as integer) from dq_result"
                f" where check_id = 'row_bridge' and source_name = '{source}' group by all"
            )
        )


@dataclass
class Planting:
    """A home that sources are planted in."""

    root: Path
    sources: list[SourceConfig]
    outcomes: dict[str, list[Outcome]]

    def place(self, name: str) -> Path:
        return self.root / "exports" / name

    def context(self) -> Context:
        settings = Settings(
            home=self.root / "home", sources=tuple(self.sources), clock=dt.date(2026, 4, 20)
        )
        return Context(settings)

    def add(self, name: str, provider: str, export: str, **more: Any) -> None:
        location = {} if "actual" in more else {"location": self.place(name).as_uri()}
        self.sources.append(
            SourceConfig(name=name, provider=provider, export=export, **location, **more)
        )
        self.outcomes[name] = []

    def extract(self, name: str) -> None:
        context = self.context()
        self.outcomes[name] += extract(context, context.settings.source(name))


AGAIN, OF_CUR = "100000000001", "100000000002"
SIDE, LEGACY_SIDE, GROWING, GROWN, DOUBLED, DOUBLED_CUR = (f"10000000000{n}" for n in range(3, 9))


@pytest.fixture(scope="module")
def planted(reference: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    planting = Planting(tmp_path_factory.mktemp("double"), [], {})
    give_reference(reference, planting.context().home)
    plant_deliveries_that_come_twice(planting)
    plant_rows_that_are_doubled(planting)
    plant_growing_months(planting)
    plant_gcp(planting)
    plant_aws(planting)
    land(planting.context())
    with built(planting.context()) as warehouse:
        same, another = deliver_again(planting)
        yield Planted(warehouse, planting.outcomes, same, another)


def plant_deliveries_that_come_twice(planting: Planting) -> None:
    AwsFolder(planting.place("again")).deliver(parquet(rows(accounts=[AGAIN])))
    planting.add("again", "aws", "focus")
    planting.extract("again")
    planting.extract("again")

    root = planting.place("side-by-side")
    AwsFolder(root).deliver(parquet(rows(accounts=[SIDE])))
    AwsFolder(root, keeps_all=True, executions=1).deliver(parquet(rows(days=5, accounts=[SIDE])))
    planting.add("side-by-side", "aws", "focus")

    root = planting.place("legacy-side-by-side")
    named = ("on-demand", "spot")
    LegacyFolder(root).deliver(MARCH, cur_files.legacy_gzip(everyday(LEGACY_SIDE, "on-demand")))
    LegacyFolder(root, keeps_all=True, assemblies=1).deliver(
        MARCH, cur_files.legacy_gzip(everyday(LEGACY_SIDE, *named))
    )
    planting.add("legacy-side-by-side", "aws", "cur")


def deliver_again(planting: Planting) -> tuple[tuple[Month, ...], tuple[Month, ...]]:
    """Deliver the same under a new manifest, then something else."""
    folder = AwsFolder(planting.place("again"), executions=1)
    folder.deliver(parquet(rows(accounts=[AGAIN])))
    planting.extract("again")
    same = make_plan(planting.context()).dirty
    folder.deliver(parquet(rows(days=5, accounts=[AGAIN])))
    planting.extract("again")
    return same, make_plan(planting.context()).dirty


def plant_rows_that_are_doubled(planting: Planting) -> None:
    AwsFolder(planting.place("doubled-focus")).deliver(parquet(rows(accounts=[DOUBLED]) * 2))
    planting.add("doubled-focus", "aws", "focus")

    found = everyday(DOUBLED_CUR, "on-demand", "spot")
    Cur2Folder(planting.place("doubled-cur")).deliver(MARCH, cur_files.cur2_parquet(found * 2))
    planting.add("doubled-cur", "aws", "cur2")

    root = planting.place("doubled-azure")
    found = azure_days(2, SubscriptionId="double") * 2
    write_pair(root, found, found)
    planting.add("doubled-azure", "azure", "cost-details", actual=root.as_uri(),
                 amortized=root.as_uri())  # fmt: skip

    once = gcp.line("Z1", 2.0, project="double", billing_account_id="02")
    gcp.write(planting.place("doubled-gcp"), [once, once])
    planting.add("doubled-gcp", "gcp", "billing-detailed")

    for name in ("charges.csv", "charges (1).csv"):
        text = csv_text(rows(accounts=["snow"]))
        put(planting.place("doubled-folder") / "2026-03" / name, text)
    planting.add("doubled-folder", "snowpeak", "focus", options={"settle_seconds": 0})


def plant_growing_months(planting: Planting) -> None:
    folder = Cur2Folder(planting.place("growing-cur"), keeps_all=True)
    planting.add("growing-cur", "aws", "cur2")
    root = planting.place("growing-azure")
    planting.add("growing-azure", "azure", "cost-details", actual=root.as_uri(),
                 amortized=root.as_uri())  # fmt: skip
    for number, days in enumerate(WEEKS, start=1):
        folder.deliver(MARCH, cur_files.cur2_parquet(cur_days(GROWING, days)))
        planting.extract("growing-cur")
        found = [*azure_days(days), LATE]
        write_pair(root, [*found, BOUGHT], [*found, COVERED, UNUSED], days, number)
        planting.extract("growing-azure")
    # All four lie there before anybody looks.
    folder = Cur2Folder(planting.place("grown-cur"), keeps_all=True)
    planting.add("grown-cur", "aws", "cur2")
    for days in WEEKS:
        folder.deliver(MARCH, cur_files.cur2_parquet(cur_days(GROWN, days)))


def plant_gcp(planting: Planting) -> None:
    """A month that a window is unloaded of first, and the month before it."""
    root = planting.place("gcp-billing")
    window = gcp.LINES[:3]
    folder = gcp.write(root, window, run="r0")
    stated = gcp.manifest(window, run="r0", exported_at="2026-03-10T05:00:00Z")
    (folder / "manifest-000000000000.json").write_text(stated)
    gcp.write(root, gcp.LINES)
    before = gcp.line("B1", 4.0, start="02-28T00", end="02-28T07", invoice="202602")
    gcp.write(root, [before], FEBRUARY)
    planting.add("gcp-billing", "gcp", "billing-detailed")


def plant_aws(planting: Planting) -> None:
    """Commitments and shared machines, the same account as FOCUS, and a purchase of Azure."""
    company.write(planting.place(""))
    planting.add("aws", "aws", "focus")
    planting.add("aws-carbon", "aws", "carbon")

    AwsFolder(planting.place("focus-of-cur")).deliver(parquet(rows(accounts=[OF_CUR])))
    planting.add("focus-of-cur", "aws", "focus")
    planting.extract("focus-of-cur")
    Cur2Folder(planting.place("cur")).deliver(MARCH, cur_files.cur2_parquet(lines(OF_CUR)))
    planting.add("cur", "aws", "cur2", authoritative=True)

    azure_deliver(planting.place("azure-focus"), azure_focus_with_an_effective_purchase())
    planting.add("azure-focus", "azure", "focus")


# ---------------------------------------------------------------- deliveries that come twice


@slow
def test_the_same_delivery_twice_counts_once(planted: Planted) -> None:
    assert planted.statuses("again")[:2] == [Status.ACCEPTED, Status.UNCHANGED]
    assert planted.billed("again") == 4 * Decimal("1.25")
    assert planted.tied_out("again")


@slow
def test_the_same_rows_under_another_manifest_restate_nothing(planted: Planted) -> None:
    assert planted.statuses("again")[2:] == [Status.ACCEPTED, Status.ACCEPTED]
    assert planted.dirty_after_the_same == ()
    assert planted.dirty_after_another == (MARCH,)


@slow
def test_copies_of_both_ways_to_deliver_count_once(planted: Planted) -> None:
    assert planted.billed("side-by-side") == 5 * Decimal("1.25")
    assert planted.billed("legacy-side-by-side") == Decimal("1.3")
    assert planted.tied_out("side-by-side")
    assert planted.tied_out("legacy-side-by-side")


@slow
@pytest.mark.parametrize(
    ("source", "total", "repeated"),
    [
        ("doubled-focus", "10", 8),
        ("doubled-cur", "2.6", 4),
        ("doubled-azure", "6", 4),
        ("doubled-gcp", "4", 2),
        ("doubled-folder", "10", 8),
    ],
)
def test_rows_doubled_inside_a_delivery_are_named(
    planted: Planted, source: str, total: str, repeated: int
) -> None:
    """Two equal lines may be right, so they are told and not thrown away."""
    assert planted.billed(source) == Decimal(total)
    assert planted.red(source, "repeated_lines") == {"repeated_lines": repeated}


@slow
@pytest.mark.parametrize("source", ["again", "growing-cur", "growing-azure", "gcp-billing", "cur"])
def test_lines_that_come_once_are_not_called_repeated(planted: Planted, source: str) -> None:
    assert planted.red(source, "repeated_lines") == {}


# ---------------------------------------------------------------- months that grow, and their edges


@slow
def test_of_a_growing_month_the_last_delivery_counts(planted: Planted) -> None:
    for name in ("growing-cur", "growing-azure"):
        assert planted.statuses(name) == [Status.ACCEPTED] * len(WEEKS)
    totals = {"growing-cur": "31", "grown-cur": "31", "growing-azure": "146.75",
              "gcp-billing": "221.697"}  # fmt: skip
    for name, total in totals.items():
        assert planted.billed(name) == Decimal(total)
        assert planted.tied_out(name)


@slow
def test_usage_at_the_edge_of_a_month_is_in_its_invoice_month_once(planted: Planted) -> None:
    found = planted.ask(
        "select SkuId, x_BillingMonth, count(*), sum(BilledCost) from fct_cost_and_carbon"
        " where x_SourceName = 'gcp-billing' and SkuId in ('B1', 'L1', 'L2')"
        " group by all order by all"
    )
    assert found == [
        ("B1", FEBRUARY, 1, Decimal(4)),
        ("L1", MARCH, 1, Decimal("0.1")),
        ("L2", MARCH, 1, Decimal("0.2")),
    ]


@slow
def test_late_usage_is_in_the_month_that_bills_it_once(planted: Planted) -> None:
    found = planted.ask(
        "select x_SourceName, ChargeDescription, x_BillingMonth, ChargeClass, sum(BilledCost)"
        " from fct_cost_and_carbon where ChargeDescription in ('A9', 'late usage') or SkuId = 'L2'"
        " group by all order by all"
    )
    assert found == [
        ("aws", "A9", FEBRUARY, None, Decimal(40)),
        ("cur", "late usage", MARCH, "Correction", Decimal("0.4")),
        ("gcp-billing", "N1 Predefined Instance Core", MARCH, "Correction", Decimal("0.2")),
        ("growing-azure", "late usage", MARCH, "Correction", Decimal("0.25")),
    ]
    assert planted.red("cur", "charge_period_outside_billing_period") == {
        "charge_period_outside_billing_period": 1
    }


# ---------------------------------------------------------------- credits, commitments, shares


@slow
def test_a_line_with_two_credits_costs_once(planted: Planted) -> None:
    found = planted.ask(
        "select ChargeCategory, BilledCost, ContractedCost from fct_cost_and_carbon"
        " where x_SourceName = 'gcp-billing' and SkuId = 'D1' order by 1"
    )
    assert found == [
        ("Credit", Decimal("-1.5"), Decimal("-1.5")),
        ("Usage", Decimal("7.5"), Decimal(10)),
    ]
    assert (
        sum(rows for step, rows in planted.bridge("gcp-billing").items() if "credit" in step) == 2
    )


@slow
def test_covered_usage_that_is_taken_back_gives_its_fee_back(planted: Planted) -> None:
    found = planted.ask(
        "select CommitmentDiscountStatus, PricingQuantity, BilledCost, EffectiveCost"
        " from fct_cost_and_carbon where x_SourceName = 'gcp-billing' and SkuId = 'K1' order by 1"
    )
    assert found == [
        ("Used", Decimal(-10), Decimal(0), Decimal(-6)),
        (None, Decimal(-6), Decimal(-6), Decimal(-6)),
    ]


@slow
@pytest.mark.parametrize(
    ("commitment", "billed", "effective"),
    [
        (PLAN.format(OF_CUR, "b"), "459000", "1257.6"),  # upfront, a fee of 0, and its usage
        (PLAN.format(OF_CUR, "c"), "1.8", "1.8"),  # a fee each month, its usage and its negation
        ("sub-cpu", "60", "60"),  # fee and credits
        ("sub-flex", "72", "72"),
        (azure_pairs.RESERVATION.lower(), "100", "7"),  # actual and amortised cost
    ],
)
def test_a_commitment_is_billed_once_and_effective_once(
    planted: Planted, commitment: str, billed: str, effective: str
) -> None:
    found = planted.ask(
        "select ChargeCategory = 'Purchase', sum(BilledCost), sum(EffectiveCost)"
        f" from fct_cost_and_carbon where CommitmentDiscountId = '{commitment}'"
        " group by all order by 1 desc"
    )
    assert found == [
        (True, Decimal(billed), Decimal(0)),
        (False, Decimal(0), Decimal(effective)),
    ]


@slow
def test_negations_are_netted_and_not_added(planted: Planted) -> None:
    assert planted.billed("cur") == cash(lines(OF_CUR)) == Decimal("468276.3700000002")
    netted = {step: rows for step, rows in planted.bridge("cur").items() if "netted" in step}
    assert sum(netted.values()) == -5


@slow
def test_actual_and_amortised_cost_are_one_month(planted: Planted) -> None:
    [(billed, effective)] = planted.ask(
        "select sum(BilledCost), sum(EffectiveCost) from fct_cost_and_carbon"
        " where x_SourceName = 'growing-azure'"
    )
    assert (billed, effective) == (Decimal("146.75"), Decimal("53.75"))
    assert planted.bridge("growing-azure") == {
        "replaced: actual line that the amortised export has too, at equal cost": -32
    }


@slow
def test_a_purchase_in_the_effective_cost_of_a_focus_export_is_named(planted: Planted) -> None:
    [(billed, effective)] = planted.ask(
        "select sum(BilledCost), sum(EffectiveCost) from fct_cost_and_carbon"
        " where x_SourceName = 'azure-focus'"
    )
    assert (billed, effective) == (Decimal(100), Decimal(114))
    assert planted.red(
        "azure-focus", "commitment_purchase_effective", "commitment_usage_billed"
    ) == {"commitment_purchase_effective": 1}


@slow
def test_shares_of_a_machine_stand_in_its_place(planted: Planted) -> None:
    found = planted.ask(
        "select ResourceId, sum(BilledCost), sum(EffectiveCost), sum(ListCost)"
        " from fct_cost_and_carbon where ResourceId in ('i-1', 'i-3') group by all order by 1"
    )
    traffic = Decimal("0.01")
    assert [row[:3] for row in found] == [
        ("i-1", Decimal("0.05") + traffic, Decimal("0.08") + traffic),
        ("i-3", Decimal("0.1"), Decimal("0.1")),
    ]
    steps = planted.bridge("cur")
    assert sum(rows for step, rows in steps.items() if step.startswith("replaced")) == -3
    assert planted.tied_out("cur")


# ---------------------------------------------------------------- overlaps and carbon


@slow
def test_of_two_exports_of_an_account_the_authoritative_one_counts(planted: Planted) -> None:
    assert planted.statuses("focus-of-cur") == [Status.ACCEPTED]
    found = planted.ask(
        "select x_SourceName, sum(BilledCost) from fct_cost_and_carbon"
        f" where SubAccountId = '{OF_CUR}' group by all"
    )
    assert found == [("cur", Decimal("468276.3700000002"))]


@slow
def test_two_models_of_carbon_count_once(planted: Planted) -> None:
    reported = planted.ask(
        "select model_version, is_current, sum(total_location_kg) from fct_emissions_reported"
        " group by all order by all"
    )
    [(counted,)] = planted.ask("select sum(x_CarbonLocationKg) from fct_cost_and_carbon")
    checks = planted.ask(
        "select distinct passed from dq_result where check_id = 'reported_carbon_equals_fact'"
    )

    assert reported == [("v3.0.0", False, Decimal(99_000)), ("v3.0.1", True, Decimal("14.5"))]
    assert counted == Decimal("14.5")
    assert checks == [(True,)]


@slow
def test_no_plant_is_a_fault_of_ours(planted: Planted) -> None:
    assert (
        planted.ask(
            "select check_id, source_name, column_name, measured from dq_result"
            " where severity = 'error' and not passed"
        )
        == []
    )


# ---------------------------------------------------------------- refused while they land


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "home")


def counted(house: House) -> Decimal:
    """Return what the fact of all sources must come to: control totals of what is counted."""
    current = counted_deliveries(house.context(), house.state).values()
    found = [read_delivery(house.folder_of(decision)).totals.sums for decision in current]
    return sum((Decimal(sums["BilledCost"]) for sums in found), Decimal(0))


def second_data_export(house: House, root: Path) -> None:
    AwsFolder(root).deliver(parquet(rows()))
    house.add("main", root)
    house.extract()
    shutil.copytree(root / "focus", root / "manual")


def second_report(house: House, root: Path) -> None:
    LegacyFolder(root).deliver(MARCH, cur_files.legacy_gzip(cur_days(ACCOUNT, 10)))
    house.add("main", root, export="cur")
    house.extract()
    shutil.copytree(root / "report", root / "manual")


def pair_source(root: Path) -> SourceConfig:
    places = dict.fromkeys(("actual", "amortized"), root.as_uri())
    return SourceConfig(name="main", provider="azure", export="cost-details", **places)


def azure_pair(house: House, root: Path) -> list[Row]:
    found = azure_days(10 // 2)
    write_pair(root, [*found, BOUGHT | {"CostInBillingCurrency": "2.5"}], [*found, COVERED])
    house.sources["main"] = pair_source(root)
    house.extract()
    return found


def second_export_of_azure(house: House, root: Path) -> None:
    found = azure_pair(house, root)
    for dataset in ("actual", "amortized"):
        write_run(root, dataset, csv_bytes(found), len(found), days=("2026-03-01", "2026-03-31"),
                  export=f"{dataset}-manual", submitted="2026-04-09T03:00:00Z")  # fmt: skip


def manual_run_of_some_days(house: House, root: Path) -> None:
    found = azure_pair(house, root)[2:4]
    for dataset in ("actual", "amortized"):
        write_run(root, dataset, csv_bytes(found), len(found), days=("2026-03-03", "2026-03-04"),
                  run="manual", submitted="2026-04-09T03:00:00Z")  # fmt: skip


def purchases_in_both_exports(house: House, root: Path) -> None:
    found = [*azure_pair(house, root), BOUGHT]
    write_pair(root, found, found, number=2)


def one_half_doubled(house: House, root: Path) -> None:
    found = azure_pair(house, root)
    write_pair(root, found, found * 2, number=2)


def two_manifests_of_aws(house: House, root: Path) -> None:
    folder = AwsFolder(root)
    folder.deliver(parquet(rows()))
    house.add("main", root)
    house.extract()
    put(folder.manifest().with_name("old-Manifest.json"), folder.manifest().read_bytes())


def gcp_run(house: House, root: Path) -> Path:
    folder = gcp.write(root, [gcp.line("A1", 10.0)])
    house.add("main", root, provider="gcp", export="billing-detailed")
    house.extract()
    return folder


def two_manifests_of_gcp(house: House, root: Path) -> None:
    folder = gcp_run(house, root)
    shutil.copyfile(folder / "manifest-000000000000.json", folder / "manifest.json")


def run_of_gcp(root: Path, written: Sequence[Row], stated: Sequence[Row]) -> None:
    folder = gcp.write(root, written, run="r2")
    text = gcp.manifest(stated, run="r2", exported_at="2026-04-03T05:00:00Z")
    (folder / "manifest-000000000000.json").write_text(text)


def window_of_gcp_twice(house: House, root: Path) -> None:
    gcp_run(house, root)
    run_of_gcp(root, [gcp.line("A1", 10.0)] * 2, [gcp.line("A1", 10.0)])


def last_day_in_two_invoices(house: House, root: Path) -> None:
    gcp_run(house, root)
    both = [gcp.line("A1", 10.0),
            gcp.line("A2", 1.0, start="03-31T20", end="03-31T21", invoice="202604")]  # fmt: skip
    run_of_gcp(root, both, both)


REFUSED: dict[str, tuple[Callable[[House, Path], None], str]] = {
    "a second data export": (second_data_export, "CT-LAND-TWO-EXPORTS"),
    "a second report": (second_report, "CT-LAND-TWO-EXPORTS"),
    "a second export of Azure": (second_export_of_azure, "CT-LAND-TWO-EXPORTS"),
    "a manual run of some days": (manual_run_of_some_days, "CT-LAND-MANIFEST"),
    "purchases in actual and amortised cost": (purchases_in_both_exports, "CT-LAND-PAIR"),
    "lines doubled in amortised cost": (one_half_doubled, "CT-LAND-PAIR"),
    "two manifests of one folder": (two_manifests_of_aws, "CT-LAND-TWO-MANIFESTS"),
    "two manifests of one run": (two_manifests_of_gcp, "CT-LAND-TWO-MANIFESTS"),
    "a window unloaded twice": (window_of_gcp_twice, "CT-LAND-COUNT"),
    "a day of the next invoice": (last_day_in_two_invoices, "CT-DECODE-PERIOD"),
}


@pytest.mark.parametrize("cause", REFUSED)
def test_what_would_count_twice_is_refused_and_the_month_stays(
    cause: str, house: House, tmp_path: Path
) -> None:
    plant, code = REFUSED[cause]
    plant(house, tmp_path / "exports")
    assert house.current() is not None
    assert counted(house) == 10

    outcome = house.extract()[MARCH]

    assert outcome.status is Status.QUARANTINED
    assert outcome.error is not None
    assert outcome.error.code == code
    assert counted(house) == 10


# Pairs of exports that hold one account. Each counts 10 when it is alone.


ACCOUNT = "111111111111"
MEMBER = "222222222222"


def source(provider: str, export: str, root: Path) -> SourceConfig:
    return SourceConfig(name="main", provider=provider, export=export, location=root.as_uri())


def focus_10(root: Path) -> SourceConfig:
    """The whole organisation, as the payer exports it."""
    AwsFolder(root).deliver(parquet(rows(accounts=[ACCOUNT, MEMBER])))
    return source("aws", "focus", root)


def member_focus(root: Path) -> SourceConfig:
    AwsFolder(root).deliver(parquet(rows(days=8, accounts=[MEMBER])))
    return source("aws", "focus", root)


def old_focus(root: Path) -> SourceConfig:
    mandatory = {item["column_name"] for item in focus_columns() if item["v1_0"] == "M"}
    kept = mandatory | {"SubAccountId"}
    found = [
        {k: v for k, v in row.items() if k in kept} for row in rows(accounts=[ACCOUNT, MEMBER])
    ]
    missing = mandatory - set(found[0])
    found = [row | dict.fromkeys(missing, "x") for row in found]
    AwsFolder(root).deliver(parquet(found))
    return source("aws", "focus", root)


def cur2_10(root: Path) -> SourceConfig:
    Cur2Folder(root).deliver(MARCH, cur_files.cur2_parquet(cur_days(ACCOUNT, 10)))
    return source("aws", "cur2", root)


def cur_10(root: Path) -> SourceConfig:
    LegacyFolder(root).deliver(MARCH, cur_files.legacy_gzip(cur_days(ACCOUNT, 10)))
    return source("aws", "cur", root)


def azure_pair_10(root: Path) -> SourceConfig:
    found = [*azure_days(6), azure_line("rest", "1 1 1 1 1", 7)]
    write_pair(root, found, found)
    return pair_source(root)


def azure_focus_10(root: Path) -> SourceConfig:
    subscription = f"/subscriptions/{azure_pairs.S1.lower()}"
    azure_deliver(root, csv_gz([row(day=day, account=subscription) for day in range(1, 9)]))
    return source("azure", "focus", root)


def gcp_billing_10(root: Path) -> SourceConfig:
    gcp.write(root, [gcp.line("A1", 10.0)])
    return source("gcp", "billing-detailed", root)


def gcp_focus_10(root: Path) -> SourceConfig:
    found = [row(day=day, account="web") for day in range(1, 9)]
    gcp_deliver(root, parquet(found))
    return source("gcp", "focus", root)


OVERLAPS = {
    "one location twice": (focus_10, focus_10),
    "payer and member": (focus_10, member_focus),
    "FOCUS 1.0 and 1.2": (old_focus, focus_10),
    "FOCUS and CUR 2.0": (focus_10, cur2_10),
    "FOCUS and the legacy report": (focus_10, cur_10),
    "CUR 2.0 and the legacy report": (cur2_10, cur_10),
    "FOCUS and cost details of Azure": (azure_focus_10, azure_pair_10),
    "FOCUS and the billing export of Google": (gcp_focus_10, gcp_billing_10),
    "two billing exports of Google": (gcp_billing_10, gcp_billing_10),
}


SMALLER_SECOND = ("payer and member", "FOCUS and CUR 2.0", "FOCUS and the legacy report")


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_two_exports_of_one_account_are_never_both_counted(
    overlap: str, house: House, tmp_path: Path
) -> None:
    for name, plant in zip(("first", "second"), OVERLAPS[overlap], strict=True):
        house.sources[name] = plant(tmp_path / name).model_copy(update={"name": name})
    assert house.extract("first")[MARCH].status is Status.ACCEPTED

    outcome = house.extract("second")[MARCH]

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == (Status.QUARANTINED, "CT-LAND-OVERLAP")
    assert counted(house) == 10
    chosen = house.sources["second"].model_copy(update={"authoritative": True})
    house.sources["second"] = chosen
    if overlap in SMALLER_SECOND:
        refused = house.extract("second")[MARCH]
        assert refused.error is not None
        assert refused.error.code == "CT-LAND-DISPLACED"
        assert MEMBER in str(refused.error) or ACCOUNT in str(refused.error)
        assert counted(house) == 10
    assert house.extract("second", "not needed")[MARCH].status is Status.ACCEPTED
    assert {unit.source for unit in counted_deliveries(house.context(), house.state)} == {"second"}
    assert counted(house) == 10


def test_the_page_names_every_test_and_code() -> None:
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    named = set(re.findall(r"`(test_\w+)`", page))
    here = {name for name in globals() if name.startswith("test_")}

    assert named == here - {
        "test_no_plant_is_a_fault_of_ours",
        "test_the_page_names_every_test_and_code",
    }
    codes = {code for _, code in REFUSED.values()} | {"CT-LAND-OVERLAP", "CT-LAND-DISPLACED"}
    assert codes == set(re.findall(r"`(CT-[A-Z-]+)`", page))
