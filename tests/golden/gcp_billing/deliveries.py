"""Lines of a Google Cloud detailed billing export, small enough to be worked out on paper.

They stand here as Google writes them, nested and in doubles; README.md works out what must come of
them.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.months import Month
from dagster_project.settings import Settings, SourceConfig

MARCH = dt.date(2026, 3, 1)
ACCOUNT = "01AAAA-BBBBBB-CCCCCC"
Row = dict[str, Any]

_TEXT, _DOUBLE, _NUMERIC = pa.string(), pa.float64(), pa.decimal128(38, 9)
_MOMENT = pa.timestamp("us", tz="UTC")
_PAIRS = pa.list_(pa.struct([("key", _TEXT), ("value", _TEXT)]))
SCHEMA = pa.schema(
    [
        ("billing_account_id", _TEXT),
        ("service", pa.struct([("id", _TEXT), ("description", _TEXT)])),
        ("sku", pa.struct([("id", _TEXT), ("description", _TEXT)])),
        ("usage_start_time", _MOMENT),
        ("usage_end_time", _MOMENT),
        (
            "project",
            pa.struct(
                [
                    ("id", _TEXT),
                    ("number", _TEXT),
                    ("name", _TEXT),
                    ("labels", _PAIRS),
                    ("ancestry_numbers", _TEXT),
                    (
                        "ancestors",
                        pa.list_(pa.struct([("resource_name", _TEXT), ("display_name", _TEXT)])),
                    ),
                ]
            ),
        ),
        ("labels", _PAIRS),
        ("system_labels", _PAIRS),
        (
            "location",
            pa.struct(
                [("location", _TEXT), ("country", _TEXT), ("region", _TEXT), ("zone", _TEXT)]
            ),
        ),
        (
            "tags",
            pa.list_(
                pa.struct(
                    [("key", _TEXT), ("value", _TEXT), ("inherited", pa.bool_()),
                     ("namespace", _TEXT)]
                )
            ),
        ),
        ("transaction_type", _TEXT),
        ("seller_name", _TEXT),
        ("export_time", _MOMENT),
        ("cost", _DOUBLE),
        ("currency", _TEXT),
        ("currency_conversion_rate", _DOUBLE),
        (
            "usage",
            pa.struct(
                [
                    ("amount", _DOUBLE),
                    ("unit", _TEXT),
                    ("amount_in_pricing_units", _DOUBLE),
                    ("pricing_unit", _TEXT),
                ]
            ),
        ),
        (
            "credits",
            pa.list_(
                pa.struct(
                    [("name", _TEXT), ("amount", _DOUBLE), ("full_name", _TEXT), ("id", _TEXT),
                     ("type", _TEXT)]
                )
            ),
        ),
        ("invoice", pa.struct([("month", _TEXT), ("publisher_type", _TEXT)])),
        ("cost_type", _TEXT),
        (
            "adjustment_info",
            pa.struct([("id", _TEXT), ("description", _TEXT), ("mode", _TEXT), ("type", _TEXT)]),
        ),
        ("resource", pa.struct([("name", _TEXT), ("global_name", _TEXT)])),
        (
            "price",
            pa.struct(
                [
                    ("effective_price", _NUMERIC),
                    ("tier_start_amount", _NUMERIC),
                    ("unit", _TEXT),
                    ("pricing_unit_quantity", _NUMERIC),
                ]
            ),
        ),
        ("cost_at_list", _DOUBLE),
        ("subscription", pa.struct([("instance_id", _TEXT)])),
        ("consumption_model", pa.struct([("id", _TEXT), ("description", _TEXT)])),
        ("cost_at_effective_price_default", _NUMERIC),
        ("cost_at_list_consumption_model", _NUMERIC),
    ]
)  # fmt: skip


def moment(text: str) -> dt.datetime:
    """Return a moment written as MM-DDTHH in 2026, UTC."""
    return dt.datetime.fromisoformat(f"2026-{text}:00:00").replace(tzinfo=dt.UTC)


def credit(kind: str, amount: float, name: str = "", identity: str = "") -> Row:
    """Return one credit of a line."""
    return {"name": name or kind, "amount": amount, "full_name": None, "id": identity or kind,
            "type": kind}  # fmt: skip


def line(
    name: str,
    cost: float,
    *credits: Row,
    start: str = "03-05T00",
    end: str = "03-06T00",
    quantity: float | None = 1.0,
    unit: str = "hour",
    region: str | None = "us-central1",
    project: str | None = "web",
    service: str = "Compute Engine",
    invoice: str = "202603",
    **more: Any,
) -> Row:
    """Return one line; its name in README.md becomes the SKU's id."""
    base: Row = {
        "billing_account_id": ACCOUNT,
        "service": {"id": "6F81-5844-456A", "description": service},
        "sku": {"id": name, "description": more.pop("sku", "N1 Predefined Instance Core")},
        "usage_start_time": moment(start),
        "usage_end_time": moment(end),
        "project": None if project is None else {
            "id": project, "number": "42", "name": project.upper(), "labels": [],
            "ancestry_numbers": "/1/2/", "ancestors": [],
        },
        "labels": [],
        "system_labels": [],
        "location": {"location": region or "global", "country": None, "region": region,
                     "zone": None},
        "tags": [],
        "transaction_type": "GOOGLE",
        "export_time": moment("03-06T12"),
        "cost": cost,
        "currency": "USD",
        "currency_conversion_rate": 1.0,
        "usage": None if quantity is None else {
            "amount": quantity * 3600, "unit": "seconds", "amount_in_pricing_units": quantity,
            "pricing_unit": unit,
        },
        "credits": list(credits),
        "invoice": {"month": invoice, "publisher_type": "GOOGLE"},
        "cost_type": "regular",
    }  # fmt: skip
    return base | more


RESOURCE, SPEND = "COMMITTED_USAGE_DISCOUNT", "COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE"
CPU_FEE = "Commitment v1: Cpu in Iowa for 1 Year"
FLEX_FEE = "Commitment - dollar based v1: GCP Compute for 1 year"
MODEL = {"id": "7754-699E-0EBF", "description": "Compute Flexible CUDs 1 Year"}

LINES = (
    # A resource commitment: 100 core hours for 60, of which 70 are used and 10 given back.
    line("R1", 60.0, quantity=100.0, sku=CPU_FEE, subscription={"instance_id": "sub-cpu"},
         project=None, start="03-01T08", end="03-31T08"),
    line("R2", 80.0, credit(RESOURCE, -50.0), quantity=80.0, cost_at_list=88.0,
         resource={"name": "vm-1", "global_name":
                   "//compute.googleapis.com/projects/web/zones/us-central1-a/instances/1"},
         labels=[{"key": "team", "value": "web"}, {"key": "env", "value": "prod"}],
         system_labels=[{"key": "compute.googleapis.com/cores", "value": "4"}],
         tags=[{"key": "team", "value": "tagged", "inherited": True, "namespace": "o/1"},
               {"key": "cost", "value": "7", "inherited": False, "namespace": "o/1"}]),
    line("R3", 20.0, credit(RESOURCE, -20.0), quantity=20.0, start="03-07T00", end="03-07T01"),
    # 16 of those 80 hours were metered twice; 10 of them had been covered.
    line("K1", -16.0, credit(RESOURCE, 10.0), quantity=-16.0, cost_at_list=-17.6,
         adjustment_info={"id": "a-3", "description": "Metered twice", "type": "USAGE_CORRECTION",
                          "mode": "PARTIAL_CORRECTION"}),
    # A flexible commitment of 100 at list for 72; 75 are used, by two services, 7 given back.
    line("F1", 72.0, quantity=100.0, sku=FLEX_FEE, region=None, project=None,
         subscription={"instance_id": "sub-flex"}, start="03-01T08", end="03-31T08"),
    line("F2", 50.0, credit(SPEND, -50.0, identity="sub-flex")),
    line("F3", 30.0, credit(SPEND, -25.0, identity="sub-flex"), service="Kubernetes Engine",
         sku="Autopilot Balanced Pod mCPU Requests"),
    # Usage of February, covered by it and taken back in March.
    line("K2", -7.0, credit(SPEND, 7.0, identity="sub-flex"), quantity=-0.5, start="02-10T00",
         end="02-10T01",
         adjustment_info={"id": "a-4", "description": "Never ran", "type": "USAGE_CORRECTION",
                          "mode": "COMPLETE_NEGATION"}),
    # The newer model: usage has its price, the fee of 40 is offset but for 10.
    line("M1", 40.0, credit("FEE_UTILIZATION_OFFSET", -30.0), quantity=40.0, region=None,
         project=None, sku="Compute Flexible CUD fee", subscription={"instance_id": "sub-new"},
         start="03-01T08", end="03-31T08"),
    # An hour of the same fee in which nothing was used: there is nothing to offset.
    line("M1", 1.0, quantity=1.0, region=None, project=None, sku="Compute Flexible CUD fee",
         subscription={"instance_id": "sub-new"}, start="03-31T08", end="03-31T09"),
    line("M2", 30.0, sku="N2 Instance Core", consumption_model=MODEL, cost_at_list=45.0,
         cost_at_effective_price_default=Decimal("41.666666667")),
    # Covered by a commitment whose fee isn't here, and some of that taken back.
    line("W1", 8.0, credit(RESOURCE, -8.0), quantity=4.0, unit="gibibyte hour",
         sku="N1 Predefined Instance Ram", region="europe-west1"),
    line("W2", -2.0, credit(RESOURCE, 2.0), quantity=-1.0, unit="gibibyte hour",
         sku="N1 Predefined Instance Ram", region="europe-west1"),
    # Credits.
    line("P1", 12.0, credit("PROMOTION", -12.0, "Free trial"), service="Cloud Storage",
         sku="Standard Storage Iowa", unit="gibibyte month"),
    line("T1", 5.0, credit("FREE_TIER", -5.0), service="Cloud Storage", sku="Class A Operations",
         unit="count"),
    line("S1", 10.0, credit("SUSTAINED_USAGE_DISCOUNT", -3.0), cost_at_list=11.0),
    line("D1", 10.0, credit("SUSTAINED_USAGE_DISCOUNT", -2.5), credit("PROMOTION", -1.5, "Grant")),
    # What is no usage.
    line("X1", 7.1, cost_type="tax", quantity=None, service="Invoice", sku="Tax", region=None),
    line("X2", -0.003, cost_type="rounding_error", quantity=None, project=None,
         service="Invoice", sku="Rounding error", region=None),
    line("X3", -4.0, cost_type="adjustment", quantity=None, service="Invoice", sku="Goodwill",
         region=None, adjustment_info={"id": "a-1", "description": "Apology", "type": "GOODWILL",
                                       "mode": "MANUAL_ADJUSTMENT"}),
    line("C1", -6.0, start="02-10T00", end="02-10T01", quantity=-6.0,
         adjustment_info={"id": "a-2", "description": "Metered twice", "type": "USAGE_CORRECTION",
                          "mode": "PARTIAL_CORRECTION"}),
    # Used on 28 February in California, billed with March; then the first hour of March there.
    line("L1", 0.1, start="03-01T07", end="03-01T08"),
    line("L2", 0.2, start="02-28T10", end="02-28T11"),
    line("L3", 0.3, start="03-01T08", end="03-01T09"),
    # A partner's service, bought by subscription.
    line("Q1", 3.0, service="Acme Scanner", sku="Scans", transaction_type="THIRD_PARTY_RESELLER",
         invoice="202603", seller_name="Acme Inc.", subscription={"instance_id": "sub-acme"}),
    line("V1", 2.0, sku="Spot Preemptible N1 Instance Core"),
)  # fmt: skip


def sums(rows: Sequence[Row]) -> dict[str, str]:
    """Return what a manifest states of rows, as decimal texts."""
    costs = sum((Decimal(str(row["cost"])) for row in rows), Decimal(0))
    credits = sum(
        (Decimal(str(item["amount"])) for row in rows for item in row["credits"]), Decimal(0)
    )
    return {"cost": str(costs), "credits.amount": str(credits), "BilledCost": str(costs + credits)}


def manifest(rows: Sequence[Row], month: Month = MARCH, run: str = "r1", **changes: Any) -> str:
    """Return the manifest that the shipped query writes."""
    document = {
        "run_id": run,
        "table": "p.d.gcp_billing_export_resource_v1_X",
        "month": f"{month:%Y-%m}",
        "rows": str(len(rows)),
        "sums": [{"name": name, "total": total} for name, total in sums(rows).items()],
        "exported_at": "2026-04-02T05:00:00Z",
    }
    return json.dumps(document | changes)


def table(rows: Sequence[Row]) -> pa.Table:
    """Return rows in the types in which BigQuery unloads them."""
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


def write(root: Path, rows: Sequence[Row] = LINES, month: Month = MARCH, run: str = "r1") -> Path:
    """Write one run as Parquet; return its folder."""
    folder = root / f"month={month:%Y-%m}" / f"run={run}"
    folder.mkdir(parents=True)
    pq.write_table(table(rows), folder / "part-000000000000.parquet")
    (folder / "manifest-000000000000.json").write_text(manifest(rows, month, run))
    return folder


def settings(root: Path, home: Path, **more: Mapping[str, Any]) -> Settings:
    """Return the configuration that reads it."""
    source = SourceConfig(
        name="gcp-billing",
        provider="gcp",
        export="billing-detailed",
        location=root.as_uri(),
        **more,
    )
    return Settings(home=home, clock=dt.date(2026, 4, 10), sources=(source,))
