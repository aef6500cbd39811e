"""Faults of deliveries and of periods: what is refused while it lands, and what a signed month."""

import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.errors import CloudtallyError
from dagster_project.ledger.store import Clock
from dagster_project.periods.close import close_periods
from dagster_project.pipeline.extract import Status
from tests.golden import deliveries as company
from tests.integration.estates import (
    MARCH,
    AwsFolder,
    House,
    azure_deliver,
    csv_gz,
    parquet,
    rows,
)
from tests.period_homes import PeriodHome, line, lines_of, two_months


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "home")


@pytest.fixture
def closed(tmp_path: Path) -> PeriodHome:
    """March of two providers, closed."""
    home = two_months(tmp_path / "home")
    close_periods(home.context, MARCH, Clock.COST, None, None)
    return home


# ---------------------------------------------------------------- columns


def test_a_map_that_becomes_a_text_means_the_same(house: House, tmp_path: Path) -> None:
    def tags() -> list[dict[str, str]]:
        current = house.current()
        assert current is not None
        files = f"{house.home}/decoded/**/ct_delivery={current.delivery_id}/*.parquet"
        found = duckdb.sql(f"select distinct Tags from '{files}'").fetchall()
        return [value if isinstance(value, dict) else json.loads(value) for (value,) in found]

    folder = AwsFolder(tmp_path / "bucket")
    house.add("main", folder.root)
    folder.deliver(parquet(rows()))
    assert house.extract()[MARCH].status is Status.ACCEPTED
    as_map = tags()

    texts = [row | {"Tags": json.dumps(row["Tags"])} for row in rows()]
    folder.deliver(parquet(texts, Tags=pa.string()))

    assert house.extract()[MARCH].status is Status.ACCEPTED
    assert tags() == as_map == [{"env": "prod"}]


@pytest.mark.parametrize("announced", ["1.0r2", "1.2-preview", "1.2-r7"])
def test_a_minor_version_of_the_standard_is_read(
    house: House, tmp_path: Path, announced: str
) -> None:
    root = tmp_path / "bucket"
    extras = ("BillingAccountType", "SubAccountType")
    azure_deliver(root, csv_gz([row | dict.fromkeys(extras, "x") for row in rows()]))
    (manifest,) = root.rglob("manifest.json")
    manifest.write_text(manifest.read_text().replace('"1.2"', f'"{announced}"'))
    house.add("main", root, provider="azure")

    outcome = house.extract()[MARCH]

    assert (outcome.status, outcome.rows) == (Status.ACCEPTED, 8), outcome.error
    found = duckdb.sql(f"select BillingAccountType from '{house.decoded_file()}'").fetchall()
    assert found == [("x",)] * 8


def test_carbon_in_another_unit_is_refused(house: House, tmp_path: Path) -> None:
    company.write(tmp_path)
    house.add("main", tmp_path / "aws-carbon", export="carbon")
    for path in (tmp_path / "aws-carbon").rglob("*.parquet"):
        table = pq.read_table(path)
        place = table.schema.get_field_index("total_lbm_emissions_unit")
        unit = pa.array(["kgCO2e"] * table.num_rows)
        pq.write_table(table.set_column(place, "total_lbm_emissions_unit", unit), path)

    outcomes = house.extract().values()

    assert outcomes
    for outcome in outcomes:
        assert outcome.status is Status.QUARANTINED
        assert outcome.error is not None
        assert outcome.error.code == "CT-DECODE-VALUE"
        assert "kgCO2e" in str(outcome.error)


# ---------------------------------------------------------------- months that were signed


def refused(home: PeriodHome) -> str:
    with pytest.raises(CloudtallyError, match="CT-CLOSED-CHANGED") as caught:
        home.publish()
    return caught.value.what


def test_a_refund_in_a_closed_month_stops_until_it_is_acknowledged(closed: PeriodHome) -> None:
    refund = line("r1", MARCH, ChargeCategory="Credit", BilledCost=Decimal(-3),
                  EffectiveCost=Decimal(-3))  # fmt: skip
    closed.deliver("main", MARCH, "main-03-2")
    closed.build(MARCH, [*lines_of(MARCH), refund])

    assert "1 rows added, 0 changed, 0 removed, billed -3 USD" in refused(closed)


def test_a_service_that_moves_into_another_stops_a_closed_month(closed: PeriodHome) -> None:
    """The total is the same: only the sums by service differ."""
    closed.deliver("main", MARCH, "main-03-2")
    closed.build(MARCH, lines_of(MARCH, ServiceName="Site Recovery"))

    assert "0 rows added, 1 changed, 0 removed, billed +0 USD" in refused(closed)
