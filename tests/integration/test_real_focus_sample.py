"""Real bills: the public FOCUS 1.0 sample of AWS, Microsoft and Oracle charges, anonymised.

The sample (FinOps Foundation, CC-BY-4.0) is no part of this repository: put `focus_sample.csv`
where the skip message says, or name it in CLOUDTALLY_FOCUS_SAMPLE.
"""

import csv
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.paths import PROJECT_ROOT, Home
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.plan import make_plan
from dagster_project.publish.candidate import build_candidate
from dagster_project.publish.checks import broken, check_candidate
from dagster_project.settings import Settings, SourceConfig
from tests.pipeline_runs import built, give_reference, land

SAMPLE = PROJECT_ROOT.parent / "shared/data/focus-sample-data/focus_sample.csv"
COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
MOMENTS = ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd")

Row = dict[str, str]


@dataclass(frozen=True)
class Sample:
    """The file, and what a reader without any of our code sees in it."""

    path: Path
    rows: tuple[Row, ...]

    def total(self, column: str) -> Decimal:
        """Add up a column, to the last digit."""
        return sum((Decimal(row[column]) for row in self.rows if row[column] != "NULL"), Decimal(0))

    def count(self, column: str, value: str) -> int:
        """Count the rows with exactly this text."""
        return sum(row[column] == value for row in self.rows)


@pytest.fixture(scope="module")
def sample() -> Sample:
    path = Path(os.environ.get("CLOUDTALLY_FOCUS_SAMPLE", SAMPLE))
    if not path.is_file():
        pytest.skip(f"SAMPLE MISSING: {path.name}, expected at {path} or CLOUDTALLY_FOCUS_SAMPLE")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return Sample(path, tuple(csv.DictReader(file)))


def context_of(folder: Path, home: Path) -> Context:
    source = SourceConfig(
        name="sample",
        provider="sample",
        export="focus",
        location=folder.as_uri(),
        options={"settle_seconds": 0},
    )
    return Context(Settings(home=home, sources=(source,)))


@pytest.fixture(scope="module")
def context(sample: Sample, reference: Home, tmp_path_factory: pytest.TempPathFactory) -> Context:
    folder = tmp_path_factory.mktemp("sample")
    (folder / "files").mkdir()
    (folder / "files" / "focus.csv").write_bytes(sample.path.read_bytes())
    found = context_of(folder / "files", folder / "home")
    give_reference(reference, found.home)
    land(found)
    built(found).close()
    return found


@pytest.fixture(scope="module")
def warehouse(context: Context) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(context.home.database), read_only=True) as connection:
        yield connection


def test_file_of_two_months_is_two_deliveries(context: Context, sample: Sample) -> None:
    months = Counter(row["BillingPeriodStart"][:7] for row in sample.rows)

    current = context.state().current

    assert len(months) == 2, "the sample's last row is of another month"
    assert {
        f"{unit.month:%Y-%m}": decision.payload["rows"] for unit, decision in current.items()
    } == months


def test_every_row_and_every_digit_arrives(
    sample: Sample, warehouse: duckdb.DuckDBPyConnection
) -> None:
    sums = ", ".join(f"sum({name})" for name in COSTS)
    [(rows, *found)] = warehouse.execute(
        f"select count(*), {sums} from fct_cost_and_carbon"
    ).fetchall()

    assert rows == len(sample.rows)
    assert found == [sample.total(name) for name in COSTS]


def test_every_row_keeps_what_it_says(sample: Sample, warehouse: duckdb.DuckDBPyConnection) -> None:
    """Columns go by their names: this export has one of its own in the middle."""
    texts = ("ServiceName", "SkuId", "RegionId", "SubAccountId", "ResourceId", "ChargeDescription")
    numbers = ("BilledCost", "ListUnitPrice", "PricingQuantity", "ConsumedQuantity")
    columns = ", ".join((*texts, *numbers))
    found = warehouse.execute(
        f"select json_extract_string(x_SourceValues, '$.Id'), {columns} from fct_cost_and_carbon"
    ).fetchall()

    expected = [
        (
            row["Id"],
            *(present(row[name]) for name in texts),
            *(amount(row[name]) for name in numbers),
        )
        for row in sample.rows
    ]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def present(text: str) -> str | None:
    return None if text in ("", "NULL") else text


def amount(text: str) -> Decimal | None:
    known = present(text)
    return None if known is None else Decimal(known).quantize(Decimal("1e-18"))


def test_every_repair_is_counted(sample: Sample, warehouse: duckdb.DuckDBPyConnection) -> None:
    expected: Counter[tuple[str, Any]] = Counter()
    for row in sample.rows:
        expected.update(
            ("decode_null_literal", name) for name, text in row.items() if text == "NULL"
        )
        expected.update(("decode_zone_missing", name) for name in MOMENTS)
        expected["decode_unknown_column", "Id"] += 1
        expected["decode_unmanifested", None] += 1
        expected["repair_ChargeFrequencyCase", None] += row["ChargeFrequency"] == "Usage-based"
        expected["repair_MissingContractedCost", None] += row["ContractedCost"] == "NULL"

    found = warehouse.execute("""
        select check_id, column_name, cast(sum(measured) as integer) from dq_result
        where starts_with(check_id, 'repair_') or starts_with(check_id, 'decode_')
        group by check_id, column_name
    """).fetchall()

    assert {(check, column): rows for check, column, rows in found} == dict(expected)


def test_every_repair_is_shown_on_its_line(
    sample: Sample, warehouse: duckdb.DuckDBPyConnection
) -> None:
    [(changed, spelled, missing)] = warehouse.execute("""
        select
            count(*) filter (where x_SourceChanges is not null),
            count(*) filter (where json_extract_string(x_SourceValues, '$.ChargeFrequency')
                = 'Usage-based' and ChargeFrequency = 'Usage-Based'),
            count(*) filter (where x_SourceChanges like '%MissingContractedCost%'
                and ContractedCost is null)
        from fct_cost_and_carbon
    """).fetchall()

    assert spelled == sample.count("ChargeFrequency", "Usage-based") > 0
    assert missing == sample.count("ContractedCost", "NULL") > 0
    assert changed == sum(
        row["ChargeFrequency"] == "Usage-based" or row["ContractedCost"] == "NULL"
        for row in sample.rows
    )


def test_no_promise_to_readers_is_broken(context: Context) -> None:
    results = check_candidate(context, build_candidate(context, make_plan(context)))

    assert broken(results) == []
    assert any(
        promise.name == "list_prices_known" for result in results for promise in result.warnings
    ), "a missing contracted cost warns"
