"""Reports of emissions that would count twice, or not at all, before a model sees them.

What counts is what an independent reader added up in the deliveries that are current, in tonnes as
AWS writes them and in kilograms as Google does.
"""

import datetime as dt
import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from dagster_project.landing.delivery import read_delivery
from dagster_project.pipeline.extract import Status
from dagster_project.pipeline.plan import counted_deliveries
from tests.integration.estates import MARCH, House, Row, gcp_deliver, json_lines, parquet, put

PAYER, MEMBER = "999999999999", "222222222222"
AWS_TOTAL = "total_lbm_emissions_value"
GOOGLE_TOTAL = "carbon_footprint_total_kgCO2e.location_based"
FIGURES = (
    "total_mbm", "total_lbm", "total_scope_1", "total_scope_2_lbm", "total_scope_2_mbm",
    "total_scope_3_lbm", "total_scope_3_mbm",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here is about the disk's own cache."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "home")


def emission(account: str, tonnes: float, version: str = "v3.0.1") -> Row:
    """Return a row of AWS's report of March; all of it is scope 2."""
    zeros = dict.fromkeys(FIGURES, 0.0) | {"total_lbm": tonnes, "total_scope_2_lbm": tonnes}
    return {
        "last_refresh_timestamp": dt.datetime(2026, 4, 20),
        "location": "EU (Ireland)",
        "model_version": version,
        "payer_account_id": PAYER,
        "product_code": "AmazonEC2",
        "region_code": "eu-west-1",
        "usage_account_id": account,
        "usage_period_start": dt.datetime(2026, 3, 1),
        "usage_period_end": dt.datetime(2026, 4, 1),
        **{f"{name}_emissions_value": value for name, value in zeros.items()},
        **{f"{name}_emissions_unit": "MTCO2e" for name in zeros},
    }


def deliver(
    root: Path, rows: Sequence[Row], version: str = "v3.0.1", execution: str | None = None
) -> None:
    """Write a month as AWS does: in place, or beside the refreshes before it."""
    columns = pa.Table.from_pylist([emission(PAYER, 0.0)]).schema
    unit = f"carbon_model_version={version}/usage_period=2026-03"
    folder = f"{unit}/{execution}" if execution else unit
    name = f"carbon/data/{folder}/carbon-00001.snappy.parquet"
    put(root / name, parquet(pa.Table.from_pylist(list(rows), schema=columns)))
    put(
        root / f"carbon/metadata/{folder}/carbon-Manifest.json",
        {"name": "carbon", "executionId": execution or "1", "dataFiles": [f"s3://bucket/{name}"]},
    )


def counted(house: House, column: str = AWS_TOTAL) -> dict[tuple[str, str], Decimal]:
    """Return what is counted, by source and model version."""
    return {
        (unit.source, unit.variant): Decimal(
            read_delivery(house.folder_of(decision)).totals.sums.get(column, "0")
        )
        for unit, decision in counted_deliveries(house.context(), house.state).items()
    }


def test_a_payer_s_and_a_member_s_report_are_never_both_counted(
    house: House, tmp_path: Path
) -> None:
    deliver(tmp_path / "payer", [emission(PAYER, 0.5), emission(MEMBER, 0.25)])
    deliver(tmp_path / "member", [emission(MEMBER, 0.25)])
    for name in ("payer", "member"):
        house.add(name, tmp_path / name, export="carbon")

    assert house.extract("payer")[MARCH].status is Status.ACCEPTED
    refused = house.extract("member")[MARCH]

    assert refused.status is Status.QUARANTINED
    assert refused.error is not None
    assert refused.error.code == "CT-LAND-OVERLAP"
    assert MEMBER in str(refused.error)
    assert counted(house) == {("payer", "v3.0.1"): Decimal("0.75")}


def test_of_refreshes_that_are_all_kept_the_newest_counts(house: House, tmp_path: Path) -> None:
    """AWS improves a month within a model; adding the files would give 0.9 t."""
    for day, tonnes in ((20, 0.5), (21, 0.4)):
        execution = f"2026-04-{day}T00:00:00.000Z-run"
        deliver(tmp_path / "carbon", [emission(MEMBER, tonnes)], execution=execution)
    house.add("main", tmp_path / "carbon", export="carbon")

    house.extract()

    assert counted(house) == {("main", "v3.0.1"): Decimal("0.4")}


def test_an_empty_file_of_a_new_model_takes_nothing_away(house: House, tmp_path: Path) -> None:
    """Both models are current side by side; the newest one that has rows is counted."""
    deliver(tmp_path / "carbon", [emission(MEMBER, 0.5, "v3.0.0")], "v3.0.0")
    deliver(tmp_path / "carbon", [])
    house.add("main", tmp_path / "carbon", export="carbon")

    outcomes = house.extract().values()

    assert {outcome.status for outcome in outcomes} == {Status.ACCEPTED}
    assert counted(house) == {("main", "v3.0.0"): Decimal("0.5"), ("main", "v3.0.1"): 0}


def test_a_month_that_google_exports_again_counts_once(house: House, tmp_path: Path) -> None:
    """A backfill that mends a defect replaces the month."""
    for run, kilograms in (("r1", 8), ("r2", 6)):
        gcp_deliver(
            tmp_path / "google",
            json_lines([google(kilograms)]),
            run=run,
            suffix=".jsonl",
            exported_at=f"2026-04-{15 + int(run[1])}T00:00:00Z",
            rows=1,
        )
    house.add("main", tmp_path / "google", provider="gcp", export="carbon")

    assert house.extract()[MARCH].status is Status.ACCEPTED
    assert counted(house, GOOGLE_TOTAL) == {("main", ""): 6}


def google(kilograms: int) -> Row:
    """Return a row of Google's report of March; all of it is scope 1."""
    based = dict.fromkeys(("location_based", "market_based"), 0.0)
    return {
        "usage_month": "2026-03-01",
        "billing_account_id": "BILLING-1",
        "project": {"id": "web", "number": "42"},
        "service": {"id": "S1", "description": "Compute Engine"},
        "location": {"location": "europe-west1-b", "region": "europe-west1"},
        "carbon_model_version": 15,
        "carbon_footprint_kgCO2e": {"scope1": float(kilograms), "scope2": based, "scope3": 0.0},
        "carbon_footprint_total_kgCO2e": dict.fromkeys(based, float(kilograms)),
    }
