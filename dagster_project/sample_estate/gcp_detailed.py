"""The book as Google's detailed billing export, written out by an `EXPORT DATA` query as Parquet.

Belongs here: nested columns, credits, commitment fees. Every line shows its cost before credits.
What a commitment covers is credited on the line of its usage, and paid by fee lines; nothing says
what was left unused. A promotion is credited on usage lines until it is spent.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from dagster_project.months import Month
from dagster_project.sample_estate.book import HOUR_MS, Edition, Plan, Pledge
from dagster_project.sample_estate.company_gcp import BILLING_ACCOUNT
from dagster_project.sample_estate.delivery import Estate, Tally, delivered_at, delivery_id
from dagster_project.sample_estate.focus_lines import dimensions
from dagster_project.sample_estate.gcp_focus import write_manifest, write_parquet
from dagster_project.sample_estate.model import Block, Item
from dagster_project.sample_estate.money import as_decimal, as_text
from dagster_project.sample_estate.writers import stamp

TABLE = "fernlight-billing.billing.gcp_billing_export_resource_v1_01A2B3_C4D5E6_F70819"
_TEXT = pa.string()
_REAL = pa.float64()
_NUMERIC = pa.decimal128(38, 9)
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
                    [
                        ("key", _TEXT),
                        ("value", _TEXT),
                        ("inherited", pa.bool_()),
                        ("namespace", _TEXT),
                    ]
                )
            ),
        ),
        ("transaction_type", _TEXT),
        ("seller_name", _TEXT),
        ("export_time", _MOMENT),
        ("cost", _REAL),
        ("currency", _TEXT),
        ("currency_conversion_rate", _REAL),
        (
            "usage",
            pa.struct(
                [
                    ("amount", _REAL),
                    ("unit", _TEXT),
                    ("amount_in_pricing_units", _REAL),
                    ("pricing_unit", _TEXT),
                ]
            ),
        ),
        (
            "credits",
            pa.list_(
                pa.struct(
                    [
                        ("name", _TEXT),
                        ("amount", _REAL),
                        ("full_name", _TEXT),
                        ("id", _TEXT),
                        ("type", _TEXT),
                    ]
                )
            ),
        ),
        ("invoice", pa.struct([("month", _TEXT), ("publisher_type", _TEXT)])),
        ("cost_type", _TEXT),
        (
            "adjustment_info",
            pa.struct([("id", _TEXT), ("description", _TEXT), ("mode", _TEXT), ("type", _TEXT)]),
        ),
        ("subscription", pa.struct([("instance_id", _TEXT)])),
        ("cost_at_list", _REAL),
        ("cost_at_effective_price_default", _REAL),
        ("cost_at_list_consumption_model", _REAL),
        ("consumption_model", pa.struct([("id", _TEXT), ("description", _TEXT)])),
        ("resource", pa.struct([("name", _TEXT), ("global_name", _TEXT)])),
        (
            "price",
            pa.struct(
                [
                    ("effective_price", _NUMERIC),
                    ("tier_start_amount", _NUMERIC),
                    ("unit", _TEXT),
                    ("pricing_unit_quantity", _NUMERIC),
                    ("list_price", _NUMERIC),
                    ("effective_price_default", _NUMERIC),
                    ("list_price_consumption_model", _NUMERIC),
                ]
            ),
        ),
    ]
)
_COUNTRIES = {"us-central1": "US", "europe-west4": "NL"}
_UNITS = {
    "hour": ("hour", "seconds", 3600),
    "s": ("second", "seconds", 1),
    "count": ("count", "count", 1),
    "GiBy": ("gibibyte", "bytes", 2**30),
    "TiBy": ("tebibyte", "bytes", 2**40),
    "GiBy.mo": ("gibibyte month", "byte-seconds", 2**30 * 2_628_000),
}
_COVERED = "Committed Usage Discount: CPU"

Row = dict[str, Any]


def write_run(
    plan: Plan, estate: Estate, root: Path, month: Month, edition: Edition, blocks: Iterable[Block]
) -> Tally:
    """Write one run of the export query with its manifest; return the lines as they count."""
    run = delivery_id(estate.seed, "gcp-ml", month, edition)
    folder = root / f"month={month:%Y-%m}" / f"run={run}"
    moment = delivered_at(month, edition)
    lines = _Lines(plan, month, moment)
    rows = lines.rows(blocks)
    half = max(100, -(-len(rows) // 2))
    files = [
        write_parquet(folder / f"part-{number:012d}.parquet", SCHEMA, rows[begin : begin + half])
        for number, begin in enumerate(range(0, len(rows), half))
    ]
    total = sum((_exact(row["cost"]) for row in rows), Decimal(0))
    sums = {"cost": as_text(int(total.scaleb(12)))}
    manifest = write_manifest(folder, run, TABLE, month, len(rows), sums, files, moment)
    stamp((*files, manifest), moment)
    return Tally(source=len(rows), facts=len(rows) + lines.added)


class _Lines:
    """The rows of one run.

    Attributes:
        added: Facts that should come on top of the rows: one for what a month left unused of a
            commitment, and promotions.
    """

    def __init__(self, plan: Plan, month: Month, moment: dt.datetime) -> None:
        self.plan, self.month, self.moment = plan, month, moment
        self.added = 0
        self._promotions: list[tuple[Item, Decimal]] = []

    def rows(self, blocks: Iterable[Block]) -> list[Row]:
        """Return all rows, promotions spent on them."""
        rows = [row for block in blocks for row in self._rows(block)]
        rows.sort(key=lambda row: row["usage_start_time"])
        for item, amount in self._promotions:
            self.added += _spend(item, amount, rows)
        return rows

    def _rows(self, block: Block) -> Iterator[Row]:
        for row, item in enumerate(block.items):
            if item.category == "Credit":
                self._promotions.append((item, -_money(block.billed_cost[row, 0])))
            elif item.status == "Unused":
                yield from self._fees(block)
            elif item.category != "Purchase":
                for column in range(len(block.starts)):
                    # Google writes no line for hours in which nothing ran.
                    if item.status is None or block.quantity[row, column]:
                        yield self._usage(block, item, row, column)

    def _fees(self, block: Block) -> Iterator[Row]:
        """Yield what the commitment costs in every period, used or not."""
        unused = block.items[0]
        pledge = next(p for p in self.plan.pledges if p.unused == unused)
        self.added += 1 if block.effective_cost.any() else 0
        for column in range(len(block.starts)):
            hours = int(block.ends[column] - block.starts[column]) // HOUR_MS
            cost = as_decimal(pledge.hourly * hours, 12)
            price = pledge.covered[0].prices.effective
            quantity = cost / as_decimal(price, 9)
            row = self._line(block, pledge.purchase, column, quantity, cost, cost, price)
            yield row | {"subscription": {"instance_id": _commitment_id(pledge)}}

    def _usage(self, block: Block, item: Item, row: int, column: int) -> Row:
        quantity = as_decimal(int(block.quantity[row, column]), 3)
        cost = _money(block.contracted_cost[row, column])
        listed = _money(block.list_cost[row, column])
        line = self._line(block, item, column, quantity, cost, listed, item.prices.list_price)
        if item.status == "Used":
            line["credits"] = [_credit(_COVERED, -cost, "COMMITTED_USAGE_DISCOUNT")]
        return line

    def _line(
        self,
        block: Block,
        item: Item,
        column: int,
        quantity: Decimal,
        cost: Decimal,
        listed_cost: Decimal,
        price: int,
    ) -> Row:
        known = dimensions(item, block)
        unit, base, factor = _UNITS[item.unit]
        listed = as_decimal(price, 9)
        amount = float(cost)
        return {
            **_place(item),
            "billing_account_id": BILLING_ACCOUNT,
            "service": {"id": item.service.code, "description": item.service.name},
            "sku": {"id": known["SkuId"], "description": item.meter},
            "usage_start_time": _moment(int(block.starts[column])),
            "usage_end_time": _moment(int(block.ends[column])),
            "labels": [{"key": key, "value": value} for key, value in item.tags],
            "system_labels": _system_labels(item),
            "tags": [],
            "transaction_type": "GOOGLE",
            "export_time": self.moment - dt.timedelta(hours=3),
            "cost": amount,
            "currency": item.account.issuer.currency,
            "currency_conversion_rate": 1.0,
            "usage": {
                "amount": float(quantity * factor),
                "unit": base,
                "amount_in_pricing_units": float(quantity),
                "pricing_unit": unit,
            },
            "credits": [],
            "invoice": {"month": f"{self.month:%Y%m}", "publisher_type": "GOOGLE"},
            "cost_type": "regular",
            "cost_at_list": float(listed_cost),
            "cost_at_effective_price_default": amount,
            "cost_at_list_consumption_model": float(listed_cost),
            "consumption_model": {"id": "7754-699E-0EBF", "description": "Default"},
            "price": {
                "effective_price": listed,
                "tier_start_amount": Decimal(0),
                "unit": unit,
                "pricing_unit_quantity": Decimal(1),
                "list_price": listed,
                "effective_price_default": listed,
                "list_price_consumption_model": listed,
            },
        }


def _money(amount: Any) -> Decimal:
    return as_decimal(int(amount), 12)


def _exact(amount: float) -> Decimal:
    return Decimal(repr(amount))


def _moment(milliseconds: int) -> dt.datetime:
    return dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=milliseconds)


def _commitment_id(pledge: Pledge) -> str | None:
    commitment = pledge.purchase.commitment
    return commitment.commitment_id if commitment else None


def _place(item: Item) -> Row:
    account = item.account
    region = item.region.region_id if item.region else None
    return {
        "project": {
            "id": account.sub_id,
            "number": account.number,
            "name": account.sub_name,
            "labels": [],
            "ancestry_numbers": "/640000000001/",
            "ancestors": [{"resource_name": "organizations/640000000001", "display_name": "fern"}],
        },
        "location": {
            "location": item.zone or region or "global",
            "country": _COUNTRIES.get(region or ""),
            "region": region,
            "zone": item.zone,
        },
        "resource": {"name": item.resource_name, "global_name": item.resource_id},
    }


def _system_labels(item: Item) -> list[dict[str, str]]:
    known = dict(item.details)
    if "InstanceType" not in known:
        return []
    labels = {
        "compute.googleapis.com/machine_spec": known["InstanceType"],
        "compute.googleapis.com/cores": known["CoreCount"],
        "compute.googleapis.com/memory": str(int(known["MemorySize"]) * 1024),
    }
    return [{"key": key, "value": value} for key, value in labels.items()]


def _credit(name: str, amount: Decimal, kind: str) -> Row:
    return {"name": name, "amount": float(amount), "full_name": name, "id": name, "type": kind}


def _spend(item: Item, amount: Decimal, rows: list[Row]) -> int:
    """Credit a promotion on usage of its project and service, oldest first, until it is spent.

    The last line takes what is left over. Return the number of credits.
    """
    fitting = [row for row in rows if _fits(row, item)]
    left, credits = amount, 0
    for row in fitting:
        is_last = row is fitting[-1]
        part = left if is_last else min(left, _open(row))
        if part > 0:
            row["credits"] = [*row["credits"], _credit(item.description, -part, "PROMOTION")]
            left, credits = left - part, credits + 1
    return credits


def _fits(row: Row, item: Item) -> bool:
    return (row["project"]["id"], row["service"]["description"]) == (
        item.account.sub_id,
        item.service.name,
    )


def _open(row: Row) -> Decimal:
    """Return what a row costs after the credits that it has."""
    return _exact(row["cost"]) + sum((_exact(c["amount"]) for c in row["credits"]), Decimal(0))
