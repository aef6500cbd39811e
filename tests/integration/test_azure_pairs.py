"""Pairs of Azure cost details that are no pairs: named, refused, healed by the next good one.

And the public sample of Microsoft, read where it lies and never copied.
"""

import csv
import os
import warnings
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.errors import CloudtallyError
from dagster_project.paths import PROJECT_ROOT, Home
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.extract import Status
from dagster_project.settings import Settings, SourceConfig
from tests.azure_pairs import csv_bytes, write_run
from tests.integration.estates import MARCH, House, azure_deliver, csv_gz, row
from tests.pipeline_runs import built, give_reference, land

SAMPLES = Path(
    os.environ.get("CLOUDTALLY_FINOPS_TOOLKIT")
    or PROJECT_ROOT.parent / "shared" / "data" / "finops-toolkit"
)
"""Where the two files of microsoft/finops-toolkit are, `EA_ActualCost_Small.csv` and its twin."""

FULL = ("2026-03-01", "2026-03-31")
SUBSCRIPTION = "1F0F4C7A-0000-0000-0000-000000000001"
LINE = {
    "SubscriptionId": SUBSCRIPTION,
    "Date": "03/05/2026",
    "MeterCategory": "Virtual Machines",
    "Quantity": "2",
    "CostInBillingCurrency": "1.5",
    "UnitOfMeasure": "1 Hour",
    "BillingCurrencyCode": "USD",
    "BillingAccountId": "8611537",
    "ChargeType": "Usage",
    "PricingModel": "OnDemand",
}
LINES = (LINE, LINE | {"Date": "03/06/2026", "CostInBillingCurrency": "2.25"})


class Pair:
    """A home with one source, and the places of its two exports."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "exports"
        self.house = House(folder / "home")
        places = {name: self.root / name for name in ("actual", "amortized")}
        for place in places.values():
            place.mkdir(parents=True)
        self.house.sources["main"] = SourceConfig(
            name="main",
            provider="azure",
            export="cost-details",
            **{name: place.as_uri() for name, place in places.items()},  # type: ignore[arg-type]
        )

    def write(self, dataset: str, lines: Sequence[Any] = LINES, **more: Any) -> None:
        content = csv_bytes(lines)
        days = more.pop("days", FULL)
        write_run(self.root / dataset, dataset, content, len(lines), days=days, **more)

    def refused(self, code: str, *words: str) -> CloudtallyError:
        outcome = self.house.extract()[MARCH]
        assert outcome.status is Status.QUARANTINED, outcome
        assert outcome.error is not None
        assert outcome.error.code == code, outcome.error
        for word in ("source: main", "month: 2026-03", *words):
            assert word in str(outcome.error), f"{word!r} is not in: {outcome.error}"
        assert self.house.decoded() == set()
        return outcome.error

    def accepted(self) -> None:
        assert self.house.extract()[MARCH].status is Status.ACCEPTED


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_a_pair_is_accepted_with_its_cash_and_its_effective_cost(pair: Pair) -> None:
    bought = LINE | {"ChargeType": "Purchase", "PricingModel": "Reservation",
                     "CostInBillingCurrency": "100"}  # fmt: skip
    used = LINE | {"PricingModel": "Reservation", "CostInBillingCurrency": "7"}
    pair.write("actual", [*LINES, bought])
    pair.write("amortized", [*LINES, used])

    pair.accepted()

    (path,) = pair.house.home.glob("landing/main/*/*/delivery.json")
    text = path.read_text()
    assert '"BilledCost": "103.750000000000000000"' in text
    assert '"EffectiveCost": "10.750000000000000000"' in text
    assert '"days": "2026-03-01 to 2026-03-31"' in text


def test_actual_cost_alone_is_refused_and_healed_by_its_other_half(pair: Pair) -> None:
    pair.write("actual")
    pair.refused("CT-LAND-HALF", "none of amortised cost", "still says what is invoiced")

    pair.write("amortized")

    pair.accepted()


def test_amortised_cost_alone_is_refused_even_where_nothing_else_is_configured(
    pair: Pair,
) -> None:
    source = pair.house.sources["main"]
    pair.house.sources["main"] = source.model_copy(update={"actual": ""})
    pair.write("amortized")

    pair.refused("CT-LAND-HALF", "none of actual cost", "It can't say what is invoiced")


def test_exports_of_other_days_are_refused(pair: Pair) -> None:
    pair.write("actual")
    pair.write("amortized", days=("2026-03-01", "2026-03-20"))

    pair.refused("CT-LAND-PAIR", "first day: 2026-03-21", "amortised 2026-03-01 to 2026-03-20")


def test_lines_that_differ_are_refused_and_healed(pair: Pair) -> None:
    pair.write("actual")
    pair.write("amortized", [LINES[0], LINES[1] | {"CostInBillingCurrency": "2.26"}])
    pair.refused("CT-LAND-PAIR", "first day: 2026-03-06", "cost 2.25", "cost 2.26")

    for dataset in ("actual", "amortized"):
        pair.write(dataset, run="run-2", submitted="2026-04-03T03:00:00Z")

    pair.accepted()


def test_purchases_in_both_exports_would_count_twice(pair: Pair) -> None:
    bought = LINE | {"ChargeType": "Purchase", "PricingModel": "Savings Plan"}
    for dataset in ("actual", "amortized"):
        pair.write(dataset, [*LINES, bought])

    pair.refused("CT-LAND-PAIR", "count twice", "first day: 2026-03-05")


def test_localised_headers_are_refused(pair: Pair) -> None:
    german = [
        {f"Kategorie ({name})" if name == "MeterCategory" else name: value
         for name, value in line.items()}
        for line in LINES
    ]  # fmt: skip
    for dataset in ("actual", "amortized"):
        pair.write(dataset, german)

    pair.refused("CT-DECODE-LOCALISED", "headers are localised", "language to English")


def test_a_missing_column_is_refused(pair: Pair) -> None:
    pair.write("actual")
    lines = [{k: v for k, v in line.items() if k != "ChargeType"} for line in LINES]
    pair.write("amortized", lines)

    pair.refused("CT-DECODE-MISSING-COLUMN", "ChargeType", "file: amortized/")


@pytest.mark.parametrize(
    ("cells", "code", "words"),
    [
        ({"Date": "26/03/2026"}, "CT-DECODE-TIMESTAMP", ("'26/03/2026'", "data row: 1")),
        ({"Date": "04/05/2026"}, "CT-DECODE-PERIOD", ("'04/05/2026'", "column: Date")),
        ({"Date": ""}, "CT-DECODE-ABSENT", ("column: Date",)),
        ({"CostInBillingCurrency": "1,5"}, "CT-DECODE-NUMBER", ("'1,5'",)),
        ({"CostInBillingCurrency": ""}, "CT-DECODE-ABSENT", ("CostInBillingCurrency",)),
    ],
)
def test_bad_cells_are_refused(
    pair: Pair, cells: dict[str, str], code: str, words: tuple[str, ...]
) -> None:
    for dataset in ("actual", "amortized"):
        pair.write(dataset, [LINE | cells, *LINES[1:]])

    pair.refused(code, *words)


def test_a_focus_export_of_the_same_subscription_is_not_counted_beside_it(
    pair: Pair, tmp_path: Path
) -> None:
    focus = [row(MARCH, day, f"/subscriptions/{SUBSCRIPTION.lower()}") for day in range(1, 9)]
    azure_deliver(tmp_path / "focus", csv_gz(focus))
    pair.house.add("focus", tmp_path / "focus", provider="azure")
    assert pair.house.extract("focus")[MARCH].status is Status.ACCEPTED
    for dataset in ("actual", "amortized"):
        pair.write(dataset)

    outcome = pair.house.extract()[MARCH]

    assert outcome.status is Status.QUARANTINED
    assert outcome.error is not None
    assert outcome.error.code == "CT-LAND-OVERLAP"
    assert SUBSCRIPTION.lower() in str(outcome.error)


# Microsoft's sample


def sample(name: str) -> list[dict[str, str]]:
    path = SAMPLES / f"EA_{name}Cost_Small.csv"
    if not path.exists():
        warnings.warn(f"NOT TESTED: {path} is not there", stacklevel=2)
        pytest.skip(f"{path} is not there; set CLOUDTALLY_FINOPS_TOOLKIT to its folder")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def cost(lines: Sequence[dict[str, str]]) -> Decimal:
    return sum((Decimal(line["Cost"]) for line in lines), Decimal(0))


def write_sample(
    root: Path, actual: Sequence[dict[str, str]], amortized: Sequence[dict[str, str]]
) -> SourceConfig:
    days = ("2023-09-01", "2023-09-30")
    for dataset, lines in (("actual", actual), ("amortized", amortized)):
        write_run(root, dataset, csv_bytes(lines), len(lines), days=days)
    return SourceConfig(
        name="main",
        provider="azure",
        export="cost-details",
        actual=root.as_uri(),
        amortized=root.as_uri(),
    )


def test_the_sample_as_it_is_is_no_pair(tmp_path: Path) -> None:
    """It was thinned out by hand: the amortised file has on-demand lines that the actual lacks."""
    source = write_sample(tmp_path / "exports", sample("Actual"), sample("Amortized"))
    house = House(tmp_path / "home", {"main": source})

    (outcome,) = house.extract().values()

    assert outcome.error is not None
    assert outcome.error.code == "CT-LAND-PAIR"
    assert outcome.error.where["first day"] == "2023-09-03"


@pytest.fixture(scope="module")
def warehouse(
    reference: Home, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The sample's actual lines, and the amortised lines that belong to them or to a commitment."""
    actual = sample("Actual")
    amortized = [
        line for line in sample("Amortized") if line in actual or line["PricingModel"] != "OnDemand"
    ]
    folder = tmp_path_factory.mktemp("sample")
    source = write_sample(folder / "exports", actual, amortized)
    context = Context(Settings(home=folder / "home", sources=(source,)))
    give_reference(reference, context.home)
    land(context)
    with built(context) as connection:
        yield connection


def test_the_sample_s_cash_is_its_actual_cost(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select count(*), sum(BilledCost), sum(EffectiveCost) from fct_cost_and_carbon"
    ).fetchone()

    actual, amortized = sample("Actual"), sample("Amortized")
    covered = [line for line in amortized if line["PricingModel"] != "OnDemand"]
    on_demand = [line for line in actual if line["PricingModel"] == "OnDemand"]
    assert found == (13, cost(actual), cost([*on_demand, *covered]))


def test_the_sample_s_rows_close(warehouse: duckdb.DuckDBPyConnection) -> None:
    failed = "select check_id from dq_result where severity = 'error' and not passed"
    assert warehouse.execute(failed).fetchall() == []
    bridge = "select cast(measured as integer) from dq_result where check_id = 'row_bridge'"
    assert warehouse.execute(bridge).fetchall() == [(-10,)]


def test_the_sample_s_commitments(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select ChargeCategory, CommitmentDiscountType, CommitmentDiscountStatus, BilledCost,"
        " EffectiveCost, ContractedCost from fct_cost_and_carbon"
        " where CommitmentDiscountId is not null order by all"
    ).fetchall()

    assert found == [
        ("Purchase", "Reservation", None, Decimal("3.25"), 0, Decimal("3.25")),
        ("Usage", "Reservation", "Used", 0, Decimal("0.493152"), Decimal("1.168")),
        ("Usage", "Savings Plan", "Used", 0, Decimal("0.006000000468"), Decimal("0.013347594624")),
    ]
