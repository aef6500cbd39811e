"""Usage that is billed late, before and after the carbon of its month is closed."""

import datetime as dt
import shutil
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from dagster_project.ledger.state import Period
from dagster_project.ledger.store import Clock
from dagster_project.months import Month
from dagster_project.paths import Home
from dagster_project.periods.close import close_periods, reopen_periods
from dagster_project.pipeline import steps
from dagster_project.pipeline.plan import make_plan
from dagster_project.publish.swap import publish
from tests.integration.estates import APRIL, MARCH, AwsFolder, House, parquet, put, row
from tests.period_homes import candidate_of
from tests.pipeline_runs import FACT, give_reference, land

GRAM = Decimal("0.001")
KG = "x_CarbonLocationKg"
Shares = dict[str, tuple[str, Decimal | None]]


def used(name: str, billed: Month, list_cost: float = 1.0, day: int = 31) -> dict[str, Any]:
    """A line of March in the bill of some month."""
    start = dt.datetime(2026, 3, day)
    return row(
        billed,
        ResourceId=name,
        RegionId="eu-west-1",
        PublisherName="AWS",
        ListCost=list_cost,
        ChargePeriodStart=start,
        ChargePeriodEnd=start + dt.timedelta(days=1),
    )


def of_its_month(billed: Month) -> dict[str, Any]:
    return row(billed, ResourceId=f"{billed:%B}", RegionId="eu-west-1", PublisherName="AWS")


def report_a_gram(root: Path) -> None:
    """AWS reports one gram for March, of the account, region and service of all lines."""
    total = ("total_mbm", "total_lbm", "total_scope_1")
    rest = ("scope_2_lbm", "scope_2_mbm", "scope_3_lbm", "scope_3_mbm")
    values = dict.fromkeys(total, 1e-6) | {f"total_{name}": 0.0 for name in rest}
    line = {
        "last_refresh_timestamp": dt.datetime(2026, 4, 20),
        "location": "Europe (Ireland)",
        "model_version": "v3.0.1",
        "payer_account_id": "999999999999",
        "usage_account_id": "111111111111",
        "product_code": "Other",
        "region_code": "eu-west-1",
        "usage_period_start": dt.datetime(2026, 3, 1),
        "usage_period_end": dt.datetime(2026, 4, 1),
        **{f"{name}_emissions_value": value for name, value in values.items()},
        **{f"{name}_emissions_unit": "MTCO2e" for name in values},
    }
    folder = "carbon_model_version=v3.0.1/usage_period=2026-03"
    data = root / "export" / "data" / folder / "export-00001.snappy.parquet"
    put(data, parquet(pa.Table.from_pylist([line])))
    put(
        root / "export" / "metadata" / folder / "export-Manifest.json",
        {"executionId": "1", "dataFiles": [f"s3://bucket/{data.relative_to(root).as_posix()}"]},
    )


class Bills:
    """A home of bills and one report of emissions."""

    def __init__(self, root: Path, reference: Home) -> None:
        self.aws = AwsFolder(root / "bucket")
        self.house = House(root / "home")
        self.house.add("main", self.aws.root)
        report_a_gram(root / "carbon")
        self.house.add("carbon", root / "carbon", export="carbon")
        self.reference = reference
        give_reference(reference, self.context.home)
        self.publications = 0

    @property
    def context(self) -> Any:
        return self.house.context()

    def deliver(self, month: Month, *lines: dict[str, Any]) -> None:
        self.aws.deliver(parquet(list(lines)), month=month)

    def build(self) -> Sequence[Month]:
        """Build what has to be; return the months that were built."""
        before = {month: part.stat().st_mtime_ns for month, part in self.parts().items()}
        steps.build_months(self.context)
        return [
            month
            for month, part in self.parts().items()
            if part.stat().st_mtime_ns != before.get(month)
        ]

    def parts(self) -> dict[Month, Path]:
        folder = self.context.home.lake / FACT
        return {
            dt.date.fromisoformat(part.parent.name.partition("=")[2]): part
            for part in sorted(folder.glob("*/part.parquet"))
        }

    def lose_all_but_ledger_landing_and_kept(self) -> None:
        home = self.context.home
        home.database.unlink()
        home.published.unlink()
        for folder in (home.lake, home.publications, home.root / "decoded"):
            shutil.rmtree(folder)
        give_reference(self.reference, home)
        steps.begin(self.context)

    def publish(self) -> None:
        self.publications += 1
        publish(self.context, candidate_of(self.context, self.publications))

    def shares(self) -> Shares:
        """Status and kilograms of March's lines by resource."""
        with duckdb.connect() as connection:
            rows = connection.execute(
                f"select ResourceId, x_CarbonReportedStatus, {KG} from read_parquet(?)"
                " where ChargePeriodStart < date '2026-04-01' and x_RecordKind = 'Charge'",
                [[str(part) for part in self.parts().values()]],
            ).fetchall()
        return {resource: (status, kg) for resource, status, kg in rows}


@pytest.fixture
def bills(tmp_path: Path, reference: Home) -> Bills:
    """March's bill, and April's with a line of March in time."""
    bills = Bills(tmp_path, reference)
    bills.deliver(MARCH, used("first", MARCH), used("second", MARCH, day=1))
    bills.deliver(APRIL, of_its_month(APRIL), used("in time", APRIL))
    land(bills.context)
    bills.build()
    bills.publish()
    return bills


def total(shares: Shares) -> Decimal:
    return sum((kg for _, kg in shares.values() if kg is not None), Decimal(0))


@pytest.mark.slow
def test_late_usage_before_and_after_the_carbon_close(bills: Bills) -> None:
    before = bills.shares()
    assert {status for status, _ in before.values()} == {"Reported"}
    assert len({round(kg or 0, 17) for _, kg in before.values()}) == 1
    assert total(before) == GRAM

    close_periods(bills.context, MARCH, Clock.CARBON, "aws", None)
    assert not make_plan(bills.context).dirty
    period = Period(Clock.CARBON, "aws", MARCH)
    assert set(bills.context.state().closes[period].facts["counted_bills"]) == {
        "2026-03-01", "2026-04-01",
    }  # fmt: skip

    again = (of_its_month(APRIL), used("in time", APRIL), used("late in April", APRIL, 50.0))
    bills.deliver(APRIL, *again)
    land(bills.context)
    assert make_plan(bills.context).dirty == (APRIL,)
    bills.lose_all_but_ledger_landing_and_kept()
    bills.build()
    late = {"late in April": ("LateAfterClose", None)}
    assert bills.shares() == before | late
    bills.publish()  # nothing that is closed has changed

    reopen_periods(bills.context, MARCH, Clock.CARBON, "aws", "the bill wasn't whole")
    assert make_plan(bills.context).dirty == (APRIL,)
    assert bills.build() == [MARCH, APRIL]
    bills.publish()
    shared = bills.shares()
    assert {status for status, _ in shared.values()} == {"Reported"}
    assert total(shared) == GRAM
    assert round(shared["late in April"][1] or 0, 15) == round(GRAM * 50 / 53, 15)
