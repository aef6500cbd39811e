"""The audit pack: what it says, that it notices altered bytes, that it appears whole or not."""

import datetime as dt
import hashlib
import json
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.errors import CloudtallyError
from dagster_project.evidence.pack import Pack, write_pack
from dagster_project.landing.delivery import ControlTotals, Delivery, LandedPart
from dagster_project.ledger.store import Kind
from dagster_project.months import ALL_MONTHS
from dagster_project.pipeline.context import Context
from dagster_project.publish.candidate import HASH_ALGORITHM
from dagster_project.publish.digest import content_hashes
from dagster_project.settings import Settings, SourceConfig

MARCH = dt.date(2026, 3, 1)
HOSTILE = "<script>alert(1)</script>"
AMOUNT = "12.345678901234567891"

RELATIONS = f"""
create table fct_cost_and_carbon as
select
    date '2026-03-01' as x_BillingMonth, 'aws' as x_Provider, 'Charge' as x_RecordKind,
    'USD' as BillingCurrency, {AMOUNT}::decimal(38, 18) as BilledCost,
    {AMOUNT}::decimal(38, 18) as EffectiveCost, 'Pending' as x_CarbonReportedStatus,
    null::varchar as x_UnallocatedReason, null::decimal(38, 18) as x_CarbonLocationKg,
    null::decimal(38, 18) as x_CarbonMarketKg, null::decimal(38, 18) as x_CarbonUnspecifiedKg,
    null::decimal(38, 18) as x_EstimatedCarbonKg, null::varchar as x_CarbonMethod,
    null::varchar as x_CarbonModelVersion, 'NotCovered' as x_EstimateStatus,
    null::varchar as x_FactorSetId, 'r1' as x_RuleSetId, 'rate' as x_EstimateRateId;
create table bridge_estimate_factor as
select 'rate' as estimate_rate_key, 'grid-1' as carbon_factor_key;
create table dim_carbon_factor as
select 'grid-1' as carbon_factor_key, 'grid_intensity' as factor_kind,
    257.5::decimal(38, 18) as value, 257.5::decimal(38, 18) as value_low,
    257.5::decimal(38, 18) as value_high, 'g/kWh' as unit, 2025 as year, 'lifecycle' as boundary,
    'Ember' as source, 'CC-BY-4.0' as licence;
create table dim_billing_period as
select 'aws' as provider, date '2026-03-01' as billing_month, 'provisional' as cost_state,
    'pending' as carbon_state, timestamp '2026-04-02 05:00:00' as data_as_of;
create table mart_invoice_reconciliation as
select date '2026-03-01' as billing_month, 'aws' as provider, '{HOSTILE}' as billing_account_id,
    'INV-1' as invoice_id, 'USD' as billing_currency, 'variance' as outcome,
    'one cent is unexplained' as outcome_reason;
create table dq_result as
select 'control_total_equals_fact' as check_id, 'error' as severity, true as passed,
    'main' as source_name, 'aws' as provider, date '2026-03-01' as billing_month,
    'BilledCost' as column_name, 0::decimal(38, 18) as measured, 'USD' as unit,
    'fact minus control total' as detail, 'd1' as delivery_id;
create table dim_fx_rate as
select date '2026-03-01' as month, 'EUR' as from_currency, 1.08::decimal(38, 18) as rate;
create table fct_restatement (PeriodMonth date, Cause varchar);
create table mart_data_calendar as
select 'main' as source_name, 'aws' as provider, 'focus' as export, date '2026-03-01' as month,
    'arrived' as state, null::varchar as reason;
"""


def landed(context: Context) -> Path:
    """Write a delivery of one file into landing/; return the file."""
    folder = context.home.landed("main", MARCH, "d1")
    folder.mkdir(parents=True)
    content = b"the provider's own bytes"
    (folder / "part-0").write_bytes(content)
    part = LandedPart(
        name="data/part.parquet",
        key="data/part.parquet",
        file="part-0",
        etag="e",
        version=None,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        rows=1,
        columns={},
    )
    Delivery(
        delivery_id="d1",
        source="main",
        provider="aws",
        export="focus",
        month=MARCH,
        variant="",
        native_id="run-1",
        order="1",
        unmanifested=False,
        fetched_at="2026-04-02T05:00:00+00:00",
        schema_version="1.2",
        unknown_columns=(),
        parts=(part,),
        totals=ControlTotals(rows=1, sums={"BilledCost": AMOUNT}, days=(), accounts=()),
        note={},
    ).write(folder)
    return folder / "part-0"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A home with one published month, as small as it can be."""
    source = SourceConfig(name="main", provider="aws", export="focus", location="file:///nowhere")
    context = Context(Settings(home=tmp_path / "home", sources=(source,)))
    landed(context)
    publication = context.home.publications / "p1"
    publication.mkdir(parents=True)
    context.home.published.symlink_to(publication)
    with duckdb.connect(str(publication / "cloudtally.duckdb")) as connection:
        connection.execute(RELATIONS)
        month = content_hashes(connection, "fct_cost_and_carbon", [MARCH], {})[MARCH]
    manifest = {
        "publication_id": "p1",
        "built_at": "2026-04-02T06:00:00+00:00",
        "code_version": "0.1.0+abc",
        "hash_algorithm": HASH_ALGORITHM,
        "rules": "r1",
        "reporting_currency": "USD",
        "deliveries": [["main", MARCH.isoformat(), "", "d1"], ["main", "2026-02-01", "", "d0"]],
        "inputs": [],
        "fact_months": {MARCH.isoformat(): {"hash": month, "built": None}},
    }
    (publication / "manifest.json").write_text(json.dumps(manifest))
    context.ledger.append(
        Kind.ACCEPTED, source="main", month=MARCH, delivery_id="d1", payload={"rows": 1}
    )
    return context


def written(context: Context, out: Path, month: dt.date = MARCH) -> Pack:
    return write_pack(context, month, out, lambda _: None)


def tables(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "evidence.json").read_text())
    return found


def test_a_pack_says_what_was_published_from_what(context: Context, tmp_path: Path) -> None:
    pack = written(context, tmp_path / "pack")
    found = tables(pack.folder)

    assert pack.altered == ()
    assert Decimal(found["cost"][0]["billed_cost"]) == Decimal(AMOUNT)
    assert found["deliveries"][0]["landed_bytes"] == "intact"
    assert found["delivery_files"][0]["object_name"] == "data/part.parquet"
    assert [row["decision"] for row in found["decisions"]] == ["accepted"]
    assert {row["gap"] for row in found["gaps"]} == {"invoice", "carbon", "period"}
    assert pack.gaps == len(found["gaps"]) == 3
    assert len(found["deliveries"]) == 1, "a delivery of another month is in the pack"
    assert any(row["file"].endswith("service_map.csv") for row in found["seeds"])


def test_the_page_shows_every_digit_and_runs_nothing_foreign(
    context: Context, tmp_path: Path
) -> None:
    page = (written(context, tmp_path / "pack").folder / "index.html").read_text()
    assert AMOUNT in page
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert "script-src" not in page and "default-src 'none'" in page


def test_the_sums_hold_for_every_file(context: Context, tmp_path: Path) -> None:
    pack = written(context, tmp_path / "pack")
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=pack.folder, capture_output=True
    )
    assert checked.returncode == 0, checked.stderr
    listed = len((pack.folder / "SHA256SUMS").read_text().splitlines())
    assert listed == sum(1 for path in pack.folder.rglob("*") if path.is_file()) - 1


@pytest.mark.parametrize("damage", ["changed", "absent"])
def test_altered_bytes_are_named(context: Context, tmp_path: Path, damage: str) -> None:
    part = context.home.landed("main", MARCH, "d1") / "part-0"
    if damage == "changed":
        part.write_bytes(b"other bytes")
    else:
        part.unlink()
    pack = written(context, tmp_path / "pack")
    assert pack.altered == (f"main: data/part.parquet is {damage}",)
    assert tables(pack.folder)["deliveries"][0]["landed_bytes"] == damage


def test_a_delivery_that_is_gone_is_named(context: Context, tmp_path: Path) -> None:
    folder = context.home.landed("main", MARCH, "d1")
    folder.rename(folder.with_name("elsewhere"))
    assert written(context, tmp_path / "pack").altered == (
        "main: delivery d1 is gone from landing/",
    )


def test_a_month_that_was_altered_after_publication_is_named(
    context: Context, tmp_path: Path
) -> None:
    database = context.home.published / "cloudtally.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("update fct_cost_and_carbon set BilledCost = BilledCost + 0.01")
    assert written(context, tmp_path / "pack").altered == (
        "the published month is not what its manifest states",
    )


def test_an_input_is_evidence_of_every_month(context: Context, tmp_path: Path) -> None:
    path = context.home.published / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"inputs": [["inputs.invoices", "i1"]]}))
    part = context.home.landed("main", MARCH, "d1")
    part.parent.parent.parent.joinpath("inputs.invoices", "all").mkdir(parents=True)
    part.rename(context.home.landed("inputs.invoices", ALL_MONTHS, "i1"))
    found = tables(written(context, tmp_path / "pack").folder)
    assert [row["landed_bytes"] for row in found["deliveries"]] == ["intact", "gone"]


def test_a_month_that_is_not_published_has_no_evidence(context: Context, tmp_path: Path) -> None:
    with pytest.raises(CloudtallyError) as caught:
        written(context, tmp_path / "pack", dt.date(2026, 5, 1))
    assert caught.value.code == "CT-EVIDENCE-MONTH"
    assert not (tmp_path / "pack").exists()


def test_an_older_publication_is_one_sentence(context: Context, tmp_path: Path) -> None:
    with duckdb.connect(str(context.home.published / "cloudtally.duckdb")) as connection:
        connection.execute("drop table fct_restatement")
    with pytest.raises(CloudtallyError) as caught:
        written(context, tmp_path / "pack")
    assert caught.value.code == "CT-EVIDENCE-OLD"
    assert "fct_restatement" in str(caught.value)
    assert list(tmp_path.glob("*pack*")) == []


def test_only_an_earlier_pack_is_replaced(context: Context, tmp_path: Path) -> None:
    written(context, tmp_path / "pack")
    (tmp_path / "pack" / "stale").write_text("")
    written(context, tmp_path / "pack")
    assert not (tmp_path / "pack" / "stale").exists()
    assert list(tmp_path.glob(".pack*")) == []

    (tmp_path / "precious").mkdir()
    with pytest.raises(CloudtallyError) as caught:
        written(context, tmp_path / "precious")
    assert caught.value.code == "CT-EVIDENCE-EXISTS"
