"""A company of sixteen charge lines, small enough to be worked out on paper.

The lines stand here as they are billed; README.md works out what must come of them.
"""

import csv
import datetime as dt
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.exports.base import focus_columns
from dagster_project.months import Month, next_month
from dagster_project.settings import Settings, SourceConfig

JANUARY, FEBRUARY = dt.date(2026, 1, 1), dt.date(2026, 2, 1)
PAYER, OTHER = "111111111111", "222222222222"
PLAN = "arn:aws:savingsplans::111111111111:savingsplan/one"
MACHINE = "/subscriptions/0000-01/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/VM"
Row = dict[str, Any]

AWS = {
    "BillingAccountId": PAYER,
    "BillingAccountName": "Payer",
    "InvoiceIssuerName": "Amazon Web Services, Inc.",
    "ProviderName": "AWS",
    "PublisherName": "AWS",
    "RegionId": "eu-west-1",
    "RegionName": "EU (Ireland)",
    "ServiceCategory": "Compute",
}
EC2 = AWS | {
    "SubAccountId": PAYER,
    "ServiceName": "Amazon Elastic Compute Cloud",
    "x_ServiceCode": "AmazonEC2",
}
COMMITTED = {"CommitmentDiscountId": PLAN, "CommitmentDiscountCategory": "Spend",
             "CommitmentDiscountType": "Savings Plan", "PricingCategory": "Committed"}  # fmt: skip
NO_PLACE = {"RegionId": None, "RegionName": None}
GCP = {
    "BillingAccountId": "BILLING-1",
    "BillingAccountName": "Billing",
    "SubAccountId": "project-1",
    "InvoiceIssuerName": "Google Cloud",
    "ProviderName": "Google Cloud",
    "PublisherName": "Google Cloud",
    "RegionId": "europe-west1",
    "ServiceName": "Compute Engine",
    "ServiceCategory": "Compute",
}
AZURE = {
    "BillingAccountId": "/providers/Microsoft.Billing/billingAccounts/1",
    "BillingAccountName": "Enrolment",
    "SubAccountId": "/subscriptions/0000-01",
    "InvoiceIssuerName": "Microsoft",
    "ProviderName": "Microsoft",
    "PublisherName": "Microsoft",
    "RegionId": "westeurope",
    "ServiceName": "Virtual Machines",
    "ServiceCategory": "Compute",
}


def line(
    name: str,
    billed: Month,
    day: str,
    costs: tuple[str, str, str, str],
    place: Row,
    **more: Any,
) -> Row:
    """Return one charge line.

    Args:
        name: Its name in README.md; becomes the charge description.
        billed: Billing month.
        day: The day of use, as YYYY-MM-DD.
        costs: Billed, effective, list and contracted cost.
        place: Account, service and region.
        more: What is special about the line.
    """
    start = dt.datetime.fromisoformat(day)
    billed_cost, effective, listed, contracted = costs
    return {
        "ChargeDescription": name,
        "BillingPeriodStart": dt.datetime.combine(billed, dt.time()),
        "BillingPeriodEnd": dt.datetime.combine(next_month(billed), dt.time()),
        "ChargePeriodStart": start,
        "ChargePeriodEnd": start + dt.timedelta(days=1),
        "BilledCost": Decimal(billed_cost),
        "EffectiveCost": Decimal(effective),
        "ListCost": Decimal(listed),
        "ContractedCost": Decimal(contracted),
        "BillingCurrency": "USD",
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "PricingCategory": "Standard",
        "PricingQuantity": Decimal(1),
        "PricingUnit": "Hours",
        **place,
        **more,
    }


LAMBDA = AWS | {"SubAccountId": OTHER, "ServiceName": "AWS Lambda", "x_ServiceCode": "AWSLambda"}
PLANS = AWS | NO_PLACE | {
    "SubAccountId": PAYER, "ServiceName": "Savings Plans for AWS Compute usage",
    "ServiceCategory": "Other", "x_ServiceCode": "ComputeSavingsPlans",
}  # fmt: skip
SELLER = AWS | NO_PLACE | {
    "SubAccountId": OTHER, "ServiceName": "Acme Scanner", "PublisherName": "Acme Inc.",
    "ServiceCategory": "Security", "x_ServiceCode": "acme",
}  # fmt: skip

AWS_LINES = (
    line("A1", JANUARY, "2026-01-05", ("30", "30", "30", "30"), EC2),
    line("A2", JANUARY, "2026-01-06", ("0", "35", "50", "50"), EC2,
         CommitmentDiscountStatus="Used", **COMMITTED),
    line("A3", JANUARY, "2026-01-06", ("0", "5", "0", "0"), PLANS,
         CommitmentDiscountStatus="Unused", **COMMITTED),
    line("A4", JANUARY, "2026-01-01", ("40", "0", "40", "40"), PLANS,
         ChargeCategory="Purchase", ChargeFrequency="Recurring", **COMMITTED),
    line("A5", JANUARY, "2026-01-01", ("7", "7", "7", "7"), EC2 | NO_PLACE,
         ChargeCategory="Tax", PricingCategory=None, PricingUnit=None, PricingQuantity=None),
    line("A6", JANUARY, "2026-01-15", ("-3", "-3", "-3", "-3"), LAMBDA | NO_PLACE,
         ChargeCategory="Credit", ChargeFrequency="One-Time"),
    line("A7", JANUARY, "2026-01-20", ("20", "20", "20", "20"), SELLER),
    line("A8", JANUARY, "2026-01-10", ("11.3", "11.3", "12", "11.3"), LAMBDA,
         Tags={"env": "prod", "Team": "web"}),
    line("A9", FEBRUARY, "2026-01-31", ("40", "40", "40", "40"), EC2),
    line("A10", FEBRUARY, "2026-02-03", ("10", "10", "10", "10"), EC2),
)  # fmt: skip
GCP_LINES = (
    line("G1", JANUARY, "2026-01-07", ("6.4", "6.4", "8", "6.4"), GCP),
    line("G2", JANUARY, "2026-01-08", ("0", "0", "0", "0"), GCP),
    line("G3", JANUARY, "2026-01-09", ("1.7", "1.7", "2", "1.7"),
         GCP | {"ServiceName": "Cloud Storage", "ServiceCategory": "Storage"}),
)  # fmt: skip
AZURE_LINES = (
    line("Z1", JANUARY, "2026-01-03", ("4.5", "4.5", "5", "4.5"), AZURE, ResourceId=MACHINE),
    line("Z2", JANUARY, "2026-01-04", ("2", "2", "2", "2"), AZURE),
    line("Z3", FEBRUARY, "2026-02-03", ("5", "5", "5", "5"), AZURE, ResourceId=MACHINE),
)

# Tonnes: account, product, region, version, then scope 1, scope 2 location and market, scope 3.
AWS_EMISSIONS = (
    (PAYER, "AmazonEC2", "eu-west-1", "v3.0.1", 0.002, 0.007, 0.0, 0.003),
    (OTHER, "Other", "eu-west-1", "v3.0.1", 0.0, 0.0004, 0.0, 0.0001),
    (OTHER, "AmazonS3", "us-east-1", "v3.0.1", 0.0, 0.002, 0.0, 0.0),
    (PAYER, "AmazonEC2", "eu-west-1", "v3.0.0", 9.0, 50.0, 40.0, 40.0),
)
# Kilograms: service, then scope 1, scope 2 location and market, scope 3.
GCP_EMISSIONS = (("Compute Engine", "0.1", "0.6", "0.2", "0.3"),)
AZURE_EMISSIONS = {"Scope1": "0.5", "Scope2": "1.5", "Scope3": "1"}


def write(root: Path) -> None:
    """Write all deliveries as the providers do."""
    for month in (JANUARY, FEBRUARY):
        _aws_charges(root / "aws", month)
        _azure_charges(root / "azure", month)
    _gcp(root / "gcp", JANUARY, [_text(row) for row in GCP_LINES])
    for version in ("v3.0.0", "v3.0.1"):
        _aws_carbon(root / "aws-carbon", version)
    _gcp(root / "gcp-carbon", JANUARY, [_gcp_emission(*row) for row in GCP_EMISSIONS])
    _azure_carbon(root / "azure-carbon")


def settings(root: Path, home: Path) -> Settings:
    """Return the configuration that reads them."""
    kinds = {"aws": "focus", "aws-carbon": "carbon", "azure": "focus", "azure-carbon": "carbon",
             "gcp": "focus", "gcp-carbon": "carbon"}  # fmt: skip
    return Settings(
        home=home,
        clock=dt.date(2026, 3, 1),
        sources=tuple(
            SourceConfig(
                name=name,
                provider=name.partition("-")[0],
                export=kind,
                location=(root / name).as_uri(),
            )
            for name, kind in kinds.items()
        ),
    )


def _kinds(version: str) -> dict[str, str]:
    return {row["column_name"]: row["kind"] for row in focus_columns() if row[version]}


def _of_month(lines: Sequence[Row], month: Month) -> list[Row]:
    return [row for row in lines if row["BillingPeriodStart"].date() == month]


def _aws_charges(root: Path, month: Month) -> None:
    rows = _of_month(AWS_LINES, month)
    types = {"decimal": pa.float64(), "text": pa.string(), "timestamp": pa.timestamp("ms"),
             "json": pa.map_(pa.string(), pa.string())}  # fmt: skip
    kinds = _kinds("v1_2") | {"x_ServiceCode": "text"}
    schema = pa.schema([(name, types[kind]) for name, kind in kinds.items()])
    columns = [
        pa.array([_aws_cell(row.get(name), kind) for row in rows], types[kind])
        for name, kind in kinds.items()
    ]
    table = pa.Table.from_arrays(columns, schema=schema)
    _aws_delivery(root, f"BILLING_PERIOD={month:%Y-%m}", table)


def _aws_cell(value: Any, kind: str) -> Any:
    if value is None:
        return None
    return float(value) if kind == "decimal" else list(value.items()) if kind == "json" else value


def _aws_delivery(root: Path, partition: str, table: pa.Table) -> None:
    data = root / "export" / "data" / partition / "export-00001.snappy.parquet"
    data.parent.mkdir(parents=True)
    pq.write_table(table, data)
    name = f"s3://bucket/{data.relative_to(root).as_posix()}"
    manifest = root / "export" / "metadata" / partition / "export-Manifest.json"
    _json(manifest, {"name": "export", "executionId": "1", "dataFiles": [name]})


def _aws_carbon(root: Path, version: str) -> None:
    rows = [_aws_emission(*row) for row in AWS_EMISSIONS if row[3] == version]
    _aws_delivery(
        root,
        f"carbon_model_version={version}/usage_period=2026-01",
        pa.Table.from_pylist(rows),
    )


def _aws_emission(
    account: str,
    product: str,
    region: str,
    version: str,
    scope1: float,
    location: float,
    market: float,
    scope3: float,
) -> Row:
    values = {
        "total_mbm": scope1 + market + scope3,
        "total_lbm": scope1 + location + scope3,
        "total_scope_1": scope1,
        "total_scope_2_lbm": location,
        "total_scope_2_mbm": market,
        "total_scope_3_lbm": scope3,
        "total_scope_3_mbm": scope3,
    }
    # AWS writes the nearest double of the decimal, not the double of our addition.
    rounded = {name: float(f"{value:.6f}") for name, value in values.items()}
    return {
        "last_refresh_timestamp": dt.datetime(2026, 2, 20),
        "location": "EU (Ireland)",
        "model_version": version,
        "payer_account_id": PAYER,
        "product_code": product,
        "region_code": region,
        "usage_account_id": account,
        "usage_period_start": dt.datetime(2026, 1, 1),
        "usage_period_end": dt.datetime(2026, 2, 1),
        **{f"{name}_emissions_value": value for name, value in rounded.items()},
        **{f"{name}_emissions_unit": "MTCO2e" for name in rounded},
    }


def _azure_charges(root: Path, month: Month) -> None:
    # Not in alphabetical order: CSV goes by position, and manifests of ours sort their keys.
    names = sorted(_kinds("v1_0"), reverse=True)
    rows = [_text(row) for row in _of_month(AZURE_LINES, month)]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([row.get(name, "") for name in names] for row in rows)
    content = gzip.compress(text.getvalue().encode(), mtime=0)
    last = next_month(month) - dt.timedelta(days=1)
    folder = root / "focus-cost" / f"{month:%Y%m%d}-{last:%Y%m%d}" / "run"
    folder.mkdir(parents=True)
    (folder / "part_0_0001.csv.gz").write_bytes(content)
    blob = {"byteCount": len(content), "dataRowCount": len(rows)}
    _json(
        folder / "manifest.json",
        {
            "blobCount": 1,
            "dataRowCount": len(rows),
            "exportConfig": {"exportName": "focus-cost", "type": "FocusCost", "dataVersion": "1.0"},
            "runInfo": {
                "runId": f"run-{month:%Y-%m}",
                "submittedTime": f"{next_month(month):%Y-%m}-05T00:00:00Z",
                "startDate": f"{month}T00:00:00",
                "endDate": f"{last}T00:00:00",
            },
            "blobs": [
                {"blobName": f"focus-cost/{folder.parent.name}/run/part_0_0001.csv.gz", **blob}
            ],
        },
    )


def _azure_carbon(root: Path) -> None:
    files = []
    for scope, kg in AZURE_EMISSIONS.items():
        name = f"{scope.lower()}.jsonl"
        row = {
            "subscriptionId": "0000-01",
            "resourceGroup": "rg",
            "resourceId": MACHINE.lower(),
            "location": "westeurope",
            "resourceType": "microsoft.compute/virtualmachines",
            "latestMonthEmissions": float(kg),
        }
        _lines(root / "2026-01" / name, [row])
        files.append({"name": name, "scope": scope, "rows": 1})
    _json(
        root / "2026-01" / "manifest.json",
        {
            "retrievedAt": "2026-02-19T00:00:00Z",
            "month": "2026-01",
            "files": files,
            "subscriptionAccessDecisions": [
                {"subscriptionId": "0000-01", "decision": "Allowed", "denialReason": None}
            ],
        },
    )


def _gcp(root: Path, month: Month, rows: Sequence[Row]) -> None:
    folder = root / f"month={month:%Y-%m}" / "run=1"
    _lines(folder / "part-000.jsonl", rows)
    _json(
        folder / "manifest.json",
        {
            "run_id": "1",
            "table": "t",
            "month": f"{month:%Y-%m}",
            "rows": len(rows),
            "files": ["part-000.jsonl"],
            "exported_at": "2026-02-15T00:00:00Z",
        },
    )


def _gcp_emission(service: str, scope1: str, location: str, market: str, scope3: str) -> Row:
    parts = {"location": Decimal(location), "market": Decimal(market)}
    others = Decimal(scope1) + Decimal(scope3)
    return {
        "usage_month": "2026-01-01",
        "billing_account_id": "BILLING-1",
        "project": {"id": "project-1", "number": "1"},
        "service": {"id": "S1", "description": service},
        "location": {"location": "europe-west1-b", "region": "europe-west1"},
        "carbon_model_version": 15,
        "carbon_footprint_kgCO2e": {
            "scope1": float(scope1),
            "scope2": {f"{name}_based": float(kg) for name, kg in parts.items()},
            "scope3": float(scope3),
        },
        "carbon_footprint_total_kgCO2e": {
            f"{name}_based": float(kg + others) for name, kg in parts.items()
        },
    }


def _text(row: Row) -> Row:
    """Return a line as text exports write it; what is absent is left out."""
    return {name: _cell(value) for name, value in row.items() if value is not None}


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return json.dumps(value)
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, dt.datetime) else str(value)


def _lines(path: Path, rows: Sequence[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _json(path: Path, document: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
