"""The sample estate, read back by nothing but csv, json, pyarrow and fastavro."""

import csv
import datetime as dt
import gzip
import hashlib
import io
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pyarrow.parquet as pq
import pytest

from dagster_project.errors import CloudtallyError
from dagster_project.sample_estate import EstateSummary, write_estate
from dagster_project.sample_estate.money import PICO, settle, to_doubles
from dagster_project.settings import load_settings

MONTHS = [dt.date(2026, 4 + n, 1) for n in range(4)]
COSTS = {
    "billed_cost": "BilledCost",
    "effective_cost": "EffectiveCost",
    "list_cost": "ListCost",
    "contracted_cost": "ContractedCost",
}
ENUMS = {
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeClass": {"Correction", None},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "PricingCategory": {"Standard", "Dynamic", "Committed", "Other", None},
    "CommitmentDiscountCategory": {"Spend", "Usage", None},
    "CommitmentDiscountStatus": {"Used", "Unused", None},
}
PARENTS = {
    "AI Platforms": "AI and Machine Learning",
    "Application Platforms": "Web",
    "Block Storage": "Storage",
    "Caching": "Databases",
    "Containers": "Compute",
    "Content Delivery": "Networking",
    "Data Warehouses": "Databases",
    "Generative AI": "AI and Machine Learning",
    "Network Infrastructure": "Networking",
    "NoSQL Databases": "Databases",
    "Object Storage": "Storage",
    "Observability": "Management and Governance",
    "Other (Compute)": "Compute",
    "Other (Other)": "Other",
    "Relational Databases": "Databases",
    "Serverless Compute": "Compute",
    "Storage Platforms": "Storage",
    "Support": "Management and Governance",
    "Virtual Machines": "Compute",
}


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> EstateSummary:
    return write_estate(tmp_path_factory.mktemp("estate"), rows=5_000, months=MONTHS)


@pytest.fixture(scope="module")
def truth(estate: EstateSummary) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(estate.truth.read_text())
    return document


def _csv_rows(path: Path) -> list[dict[str, Any]]:
    raw = path.read_bytes()
    text = gzip.decompress(raw).decode() if path.suffix == ".gz" else raw.decode()
    return [
        {name: value or None for name, value in row.items()}
        for row in csv.DictReader(io.StringIO(text))
    ]


def _rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return rows
    return _csv_rows(path)


def _decimal(value: float | str) -> Decimal:
    return Decimal(value) if isinstance(value, str) else Decimal(repr(value))


def _deliveries(estate: EstateSummary) -> dict[tuple[str, str], list[list[Path]]]:
    """Return data files by source and month, deliveries oldest first."""
    exports = estate.out / "exports"
    found: dict[tuple[str, str], dict[str, list[Path]]] = defaultdict(dict)
    for name, source in (("fernlight-focus", "aws-main"), ("labs-focus", "aws-sandbox")):
        root = exports / "aws" / name
        for path in root.glob("metadata/**/*-Manifest.json"):
            manifest = json.loads(path.read_text())
            files = [root / file.partition(f"{name}/")[2] for file in manifest["dataFiles"]]
            found[source, manifest["billingPeriod"]][manifest["executionId"]] = files
    for path in (exports / "azure" / "costs").glob("**/manifest.json"):
        manifest = json.loads(path.read_text())
        files = [exports / "azure" / blob["blobName"] for blob in manifest["blobs"]]
        month = manifest["runInfo"]["startDate"][:7]
        found["azure-legacy", month][manifest["runInfo"]["submittedTime"]] = files
    for path in (exports / "gcp" / "focus").glob("**/manifest.json"):
        manifest = json.loads(path.read_text())
        files = [path.parent / name for name in manifest["files"]]
        found["gcp-ml", manifest["month"]][manifest["exported_at"]] = files
    for path in (exports / "onprem").glob("*/charges.csv"):
        found["onprem", path.parent.name][""] = [path]
    for path in (exports / "snowpeak").glob("*/*.csv.gz"):
        found["snowpeak", path.parent.name.partition("=")[2]][""] = [path]
    return {key: [runs[run] for run in sorted(runs)] for key, runs in found.items()}


PROVIDERS = {"aws-main": "aws", "aws-sandbox": "aws", "azure-legacy": "azure", "gcp-ml": "gcp"}


@pytest.fixture(scope="module")
def current(estate: EstateSummary) -> dict[tuple[str, str], list[dict[str, Any]]]:
    return {
        key: [row for file in runs[-1] for row in _rows(file)]
        for key, runs in _deliveries(estate).items()
    }


def _is_commitment_purchase(row: dict[str, Any]) -> bool:
    return row["ChargeCategory"] == "Purchase" and bool(row.get("CommitmentDiscountId"))


def _summed(rows: list[dict[str, Any]]) -> dict[str, Decimal]:
    return {
        name: sum(
            (
                _decimal(row[column])
                for row in rows
                if name in {"billed_cost", "effective_cost"} or not _is_commitment_purchase(row)
            ),
            Decimal(0),
        )
        for name, column in COSTS.items()
    }


def test_truth_equals_what_a_reader_of_the_files_adds_up(
    truth: dict[str, Any], current: dict[tuple[str, str], list[dict[str, Any]]]
) -> None:
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for (source, month), rows in current.items():
        groups[PROVIDERS.get(source, source), month] += rows
    expected = {(c["provider"], c["billing_month"]): c for c in truth["charges"]}
    assert groups.keys() == expected.keys()
    for key, rows in groups.items():
        assert len(rows) == expected[key]["rows"]
        assert {row["BillingCurrency"] for row in rows} == {expected[key]["billing_currency"]}
        assert _summed(rows) == {name: Decimal(expected[key][name]) for name in COSTS}, key
    assert truth["rows"] == sum(len(rows) for rows in groups.values())


def test_all_promised_kinds_of_lines_are_there(
    current: dict[tuple[str, str], list[dict[str, Any]]],
) -> None:
    rows = [row for lines in current.values() for row in lines]
    kinds = {(row["ChargeCategory"], row["ChargeClass"]) for row in rows}
    assert kinds >= {
        ("Usage", None), ("Usage", "Correction"), ("Purchase", None), ("Tax", None),
        ("Credit", None), ("Adjustment", None),
    }  # fmt: skip
    assert {row.get("CommitmentDiscountStatus") for row in rows} >= {"Used", "Unused", None}
    assert any(_decimal(row["BilledCost"]) < 0 for row in rows)
    assert any(-_decimal(row["BilledCost"]).normalize().as_tuple().exponent >= 10 for row in rows)
    assert any(row.get("PricingCurrency") == "Token" for row in rows)
    assert not any(
        row["ChargeCategory"] == "Tax" or row["InvoiceId"]
        for (source, _month), lines in current.items()
        if source == "azure-legacy"
        for row in lines
    )


def test_focus_values_are_allowed_ones(
    current: dict[tuple[str, str], list[dict[str, Any]]],
) -> None:
    for rows in current.values():
        for row in rows:
            for column, allowed in ENUMS.items():
                assert row.get(column) in allowed, column
            if "ServiceSubcategory" in row:
                assert PARENTS[row["ServiceSubcategory"]] == row["ServiceCategory"]


def test_late_lines_belong_to_the_month_before(
    current: dict[tuple[str, str], list[dict[str, Any]]],
) -> None:
    for source in ("aws-main", "azure-legacy", "gcp-ml"):
        late = [
            row
            for row in current[source, "2026-06"]
            if row["ChargeClass"] == "Correction" and str(row["ChargePeriodStart"]) < "2026-06-01"
        ]
        assert late, source
        assert all(str(row["ChargePeriodStart"]) >= "2026-05-29" for row in late)


def test_commitments_are_used_or_unused_to_the_last_digit(
    current: dict[tuple[str, str], list[dict[str, Any]]],
) -> None:
    rows = [row for row in current["aws-main", "2026-05"] if row["CommitmentDiscountId"]]
    statuses: dict[str | None, Decimal] = defaultdict(Decimal)
    for row in rows:
        statuses[row["CommitmentDiscountStatus"]] += _decimal(row["EffectiveCost"])
        if row["CommitmentDiscountStatus"]:
            assert row["BilledCost"] == 0
    assert statuses["Used"] > 0
    assert statuses["Unused"] > 0
    hourly = Decimal("3.25") + 2 * Decimal("0.657413")
    assert statuses["Used"] + statuses["Unused"] == hourly * 31 * 24
    assert statuses[None] == 0


def test_superseded_deliveries_stay_beside_with_lower_totals(estate: EstateSummary) -> None:
    deliveries = _deliveries(estate)
    restated = {key for key, runs in deliveries.items() if len(runs) == 2}
    assert {("aws-main", "2026-05"), ("gcp-ml", "2026-05"), ("azure-legacy", "2026-04")} <= restated
    for key in restated:
        before, after = (
            sum(_decimal(row["EffectiveCost"]) for file in files for row in _rows(file))
            for files in deliveries[key]
        )
        assert before < after, key


def test_manifests_count_what_they_announce(estate: EstateSummary) -> None:
    for path in (estate.out / "exports" / "azure" / "costs").glob("**/manifest.json"):
        manifest = json.loads(path.read_text())
        parts = [path.parent / Path(blob["blobName"]).name for blob in manifest["blobs"]]
        assert manifest["blobCount"] == len(parts) > 1
        assert manifest["byteCount"] == sum(part.stat().st_size for part in parts)
        assert manifest["dataRowCount"] == sum(len(_csv_rows(part)) for part in parts)
    for path in (estate.out / "exports" / "gcp" / "focus").glob("**/manifest.json"):
        manifest = json.loads(path.read_text())
        rows = [row for name in manifest["files"] for row in _rows(path.parent / name)]
        assert manifest["rows"] == len(rows)
        for column, total in manifest["sums"].items():
            assert Decimal(total) == sum(_decimal(row[column]) for row in rows)
    for path in (estate.out / "exports" / "onprem").glob("*/manifest.json"):
        file = json.loads(path.read_text())["files"][0]
        data = path.parent / file["name"]
        assert file["sha256"] == hashlib.sha256(data.read_bytes()).hexdigest()
        assert file["rows"] == len(_csv_rows(data))


def _aws_emissions(estate: EstateSummary) -> Iterator[tuple[str, str, str, Decimal]]:
    names = {
        ("1", "none"): "total_scope_1_emissions_value",
        ("2", "location"): "total_scope_2_lbm_emissions_value",
        ("2", "market"): "total_scope_2_mbm_emissions_value",
        ("3", "location"): "total_scope_3_lbm_emissions_value",
        ("3", "market"): "total_scope_3_mbm_emissions_value",
        ("total", "location"): "total_lbm_emissions_value",
        ("total", "market"): "total_mbm_emissions_value",
    }
    root = estate.out / "exports" / "aws" / "fernlight-carbon" / "data"
    for path in root.glob("carbon_model_version=v3.0.1/**/*.parquet"):
        table = pq.ParquetFile(path).read()
        assert table.num_columns == 23
        for row in table.to_pylist():
            for (scope, method), name in names.items():
                month = f"{row['usage_period_start']:%Y-%m}"
                yield month, scope, method, _decimal(row[name]) * 1000


def _gcp_emissions(estate: EstateSummary) -> Iterator[tuple[str, str, str, Decimal]]:
    for folder in (estate.out / "exports" / "gcp" / "carbon").iterdir():
        manifests = [json.loads(path.read_text()) for path in folder.glob("*/manifest.json")]
        newest = max(manifests, key=lambda manifest: str(manifest["exported_at"]))
        for row in _nested_rows(folder / f"run={newest['run_id']}" / newest["files"][0]):
            parts, total = row["carbon_footprint_kgCO2e"], row["carbon_footprint_total_kgCO2e"]
            month = str(row["usage_month"])[:7]
            yield month, "1", "none", _decimal(parts["scope1"])
            yield month, "2", "location", _decimal(parts["scope2"]["location_based"])
            yield month, "2", "market", _decimal(parts["scope2"]["market_based"])
            yield month, "3", "none", _decimal(parts["scope3"])
            yield month, "total", "location", _decimal(total["location_based"])
            yield month, "total", "market", _decimal(total["market_based"])


def _nested_rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".avro":
        with path.open("rb") as file:
            return [row for row in fastavro.reader(file) if isinstance(row, dict)]
    if path.suffix == ".gz":
        return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    return _rows(path)


def _azure_emissions(estate: EstateSummary) -> Iterator[tuple[str, str, str, Decimal]]:
    for folder in (estate.out / "exports" / "azure" / "carbon").iterdir():
        manifest = json.loads((folder / "manifest.json").read_text())
        for file in manifest["files"]:
            lines = (folder / file["name"]).read_text().splitlines()
            assert len(lines) == file["rows"]
            for line in lines:
                kg = _decimal(json.loads(line)["latestMonthEmissions"])
                scope = file["scope"].removeprefix("Scope")
                yield folder.name, scope, "none" if scope == "1" else "unspecified", kg
                yield folder.name, "total", "unspecified", kg


@pytest.mark.parametrize(
    ("provider", "read"),
    [("aws", _aws_emissions), ("gcp", _gcp_emissions), ("azure", _azure_emissions)],
)
def test_emissions_equal_the_truth(
    estate: EstateSummary, truth: dict[str, Any], provider: str, read: Any
) -> None:
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for month, scope, method, kg in read(estate):
        sums[month, scope, method] += kg
    expected = {
        (e["usage_month"], e["scope"], e["method"]): Decimal(e["kg"])
        for e in truth["emissions"]
        if e["provider"] == provider
    }
    assert sums == expected
    assert {month for month, _scope, _method in expected} == {"2026-04", "2026-05", "2026-06"}
    assert all(sums[month, "total", m] > 500 for month, s, m in expected if s == "total")


def test_emissions_exports_have_their_traps(estate: EstateSummary) -> None:
    root = estate.out / "exports"
    old = root / "aws/fernlight-carbon/data/carbon_model_version=v3.0.0"
    counts = [pq.ParquetFile(path).metadata.num_rows for path in sorted(old.rglob("*.parquet"))]
    assert counts[0] > 0
    assert counts[-1] == 0
    formats = {"".join(path.suffixes) for path in (root / "gcp/carbon").rglob("part-*")}
    assert formats == {".parquet", ".json.gz", ".avro"}
    manifest = json.loads((root / "azure/carbon/2026-04/manifest.json").read_text())
    decisions = {d["decision"] for d in manifest["subscriptionAccessDecisions"]}
    assert decisions == {"Allowed", "Denied"}
    path = next((root / "gcp/carbon/month=2026-04").rglob("*.parquet"))
    projects = [row["project"] for row in _rows(path)]
    assert any(project["id"] is None and project["number"] for project in projects)


def test_invoices_and_rates_come_from_the_same_book(
    estate: EstateSummary, current: dict[tuple[str, str], list[dict[str, Any]]]
) -> None:
    invoices = _csv_rows(estate.invoices)
    named: dict[str, Decimal] = defaultdict(Decimal)
    for (_source, _month), rows in current.items():
        for row in rows:
            if row.get("InvoiceId"):
                named[row["InvoiceId"]] += _decimal(row["BilledCost"])
    truth = json.loads(estate.invoice_truth.read_text())["invoices"]
    known = {bill["invoice_id"]: bill for bill in truth}
    assert named
    for number, amount in named.items():
        assert Decimal(known[number]["fact_total"]) == amount
    lines: dict[str, Decimal] = defaultdict(Decimal)
    for line in invoices:
        if line["InvoiceDetailId"]:
            lines[line["InvoiceId"]] += Decimal(line["BilledCost"])
    for bill in truth:
        caused = sum(map(Decimal, bill["bridge"].values()), Decimal(bill["fact_total"]))
        assert caused == Decimal(bill["invoice_total"] or 0)
        if bill["invoice_total"]:
            assert lines[bill["invoice_id"]] == caused == caused.quantize(Decimal("0.01"))
    totals = [line for line in invoices if not line["InvoiceDetailId"]]
    assert totals
    assert all(Decimal(line["BilledCost"]) == lines[line["InvoiceId"]] for line in totals)
    assert {i["BillingCurrency"] for i in invoices} == {"USD", "EUR"}
    assert {i["BillingPeriodStart"][:7] for i in invoices} == {"2026-04", "2026-05", "2026-06"}
    assert any(i["ChargeCategory"] == "Tax" and i["BillingCurrency"] == "EUR" for i in invoices)
    rates = _csv_rows(estate.rates)
    assert {row["month"] for row in rates} >= {f"{month:%Y-%m}" for month in MONTHS}


def test_the_configuration_is_read_by_the_loader(estate: EstateSummary) -> None:
    settings = load_settings(estate.config)
    assert [s.name for s in settings.sources] == [s.name for s in estate.sources]
    assert all(Path(s.location.removeprefix("file://")).is_dir() for s in settings.sources)
    assert [s.export for s in settings.inputs] == ["fx-rates", "invoices"]
    assert all(Path(s.location.removeprefix("file://")).is_file() for s in settings.inputs)


def _digest(folder: Path) -> dict[str, tuple[str, float]]:
    return {
        path.relative_to(folder).as_posix(): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime if "exports" in path.parts else 0.0,
        )
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_equal_arguments_give_equal_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two", "three")]
    for folder, seed in zip(folders, (7, 7, 8), strict=True):
        write_estate(folder, rows=1_500, seed=seed, months=MONTHS[:2])
    first, second, third = (_digest(folder) for folder in folders)
    assert first == second
    assert first["truth.json"] != third["truth.json"]
    write_estate(folders[2], rows=1_500, seed=7, months=MONTHS[:2])
    assert _digest(folders[2]) == first


def test_hourly_estate_of_one_month_is_exact(tmp_path: Path) -> None:
    seen: list[int] = []
    summary = write_estate(
        tmp_path, rows=70_000, months=MONTHS[:1], only={"aws"}, progress=seen.append
    )
    charge = json.loads(summary.truth.read_text())["charges"][0]
    names = [*COSTS.values(), "ChargeCategory", "CommitmentDiscountId"]
    rows = [
        row
        for path in (tmp_path / "exports/aws/fernlight-focus/data").rglob("*.parquet")
        for row in pq.ParquetFile(path).read(columns=names).to_pylist()
    ]
    rows += _csv_rows(next((tmp_path / "exports/aws/labs-focus/data").rglob("*.csv.gz")))
    assert len(rows) == charge["rows"] == summary.rows == sum(seen)
    assert abs(len(rows) - 70_000) < 7_000
    assert _summed(rows) == {name: Decimal(charge[name]) for name in COSTS}
    assert not (tmp_path / "exports/gcp").exists()


def test_doubles_return_the_settled_decimal() -> None:
    random.seed(11)
    amounts = [random.randint(-(10**digits), 10**digits) for digits in range(1, 18)] * 200
    settled = settle(np.array(amounts, dtype=np.int64))
    for amount, double in zip(settled, to_doubles(settled), strict=True):
        assert Decimal(repr(float(double))) == Decimal(int(amount)).scaleb(-12)
    assert abs(int((settled - np.array(amounts)).max())) < PICO // 10**7


@pytest.mark.parametrize(
    "arguments",
    [
        {"rows": 0},
        {"months": []},
        {"months": [MONTHS[0], MONTHS[2]]},
        {"months": [dt.date(2026, 4, 2)]},
        {"only": {"nobody"}},
    ],
)
def test_impossible_arguments_are_refused_before_anything_is_written(
    tmp_path: Path, arguments: dict[str, Any]
) -> None:
    with pytest.raises(CloudtallyError) as caught:
        write_estate(tmp_path / "estate", **arguments)
    assert caught.value.code == "CT-SAMPLE-ARGUMENTS"
    assert not (tmp_path / "estate").exists()
