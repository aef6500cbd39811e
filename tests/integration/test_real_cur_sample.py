"""A real legacy Cost and Usage Report: anonymised, November 2023, one account.

The sample (finopsfoundation/focus_converters, MIT) is no part of this repository: put the file
where the skip message says, or name it in CLOUDTALLY_CUR_SAMPLE.
"""

import csv
import datetime as dt
import os
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from dagster_project.paths import PROJECT_ROOT, Home
from dagster_project.pipeline.context import Context
from dagster_project.settings import Settings, SourceConfig
from tests.cur_files import LegacyFolder
from tests.pipeline_runs import built, give_reference, land

NAME = "sample-anonymous-aws-export-dataset.csv"
SAMPLE = PROJECT_ROOT.parent / "shared/data/focus_converters" / NAME
NOVEMBER = dt.date(2023, 11, 1)

Row = dict[str, str]


@pytest.fixture(scope="module")
def sample() -> Path:
    path = Path(os.environ.get("CLOUDTALLY_CUR_SAMPLE", SAMPLE))
    if not path.is_file():
        pytest.skip(f"SAMPLE MISSING: {NAME}, expected at {path} or CLOUDTALLY_CUR_SAMPLE")
    return path


@pytest.fixture(scope="module")
def rows(sample: Path) -> list[Row]:
    """What a reader without any of our code sees in it."""
    with sample.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def warehouse(
    sample: Path, reference: Home, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    root = tmp_path_factory.mktemp("real")
    LegacyFolder(root / "bucket").deliver(NOVEMBER, sample.read_bytes(), suffix=".csv")
    source = SourceConfig(
        name="real", provider="aws", export="cur", location=(root / "bucket").as_uri()
    )
    context = Context(Settings(home=root / "home", sources=(source,), clock=dt.date(2023, 12, 20)))
    give_reference(reference, context.home)
    land(context)
    with built(context) as connection:
        yield connection


def test_every_row_and_every_digit_arrives(
    rows: list[Row], warehouse: duckdb.DuckDBPyConnection
) -> None:
    [(count, billed, effective)] = warehouse.execute(
        "select count(*), sum(BilledCost), sum(EffectiveCost) from fct_cost_and_carbon"
    ).fetchall()
    cash = sum((Decimal(row["lineItem/UnblendedCost"]) for row in rows), Decimal(0))

    assert count == len(rows)
    assert billed == effective == cash


def test_every_line_is_found_by_its_own_key(
    rows: list[Row], warehouse: duckdb.DuckDBPyConnection
) -> None:
    [(keys,)] = warehouse.execute(
        "select count(distinct x_ChargeKey) from fct_cost_and_carbon"
    ).fetchall()

    assert keys == len(rows)


def test_categories_are_those_of_the_lines(
    rows: list[Row], warehouse: duckdb.DuckDBPyConnection
) -> None:
    found = warehouse.execute(
        "select ChargeCategory, count(*) from fct_cost_and_carbon group by all"
    ).fetchall()

    assert dict(found) == Counter(row["lineItem/LineItemType"] for row in rows)


def test_every_service_is_known(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select distinct ServiceName from fct_cost_and_carbon where ServiceCategory = 'Other'"
    ).fetchall()

    assert found == []


def test_regions_are_those_of_the_lines(
    rows: list[Row], warehouse: duckdb.DuckDBPyConnection
) -> None:
    [(regions,)] = warehouse.execute(
        "select count(*) from fct_cost_and_carbon where RegionId is not null"
    ).fetchall()

    assert regions == sum(
        bool(row["product/regionCode"] or row["product/region"] or row["product/fromRegionCode"])
        for row in rows
    )


def test_no_check_of_ours_complains(warehouse: duckdb.DuckDBPyConnection) -> None:
    broken = warehouse.execute(
        "select check_id, column_name, measured from dq_result"
        " where severity = 'error' and not passed"
    )

    assert broken.fetchall() == []
