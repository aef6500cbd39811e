"""The worked commitment scenarios of the FOCUS specification, as rows of a FOCUS delivery.

Figures: FinOps Open Cost and Usage Specification 1.2, `specification/data`, CC-BY-4.0. README.md
says what the specification leaves open and how it was filled.
"""

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

from dagster_project.exports.base import focus_columns

JANUARY = dt.date(2023, 1, 1)
Row = dict[str, Any]
Figures = dict[str, str]

FILES = {
    "purchase-all-upfront": "scenarios/commitment_discount_purchase_scenario_1",
    "purchase-no-upfront": "scenarios/commitment_discount_purchase_scenario_2",
    "purchase-partial-upfront": "scenarios/commitment_discount_purchase_scenario_3",
    "usage-used": "scenarios/commitment_discount_usage_scenario_1",
    "usage-unused": "scenarios/commitment_discount_usage_scenario_2",
    "usage-partly-used": "scenarios/commitment_discount_usage_scenario_3",
    "usage-and-on-demand": "scenarios/commitment_discount_usage_scenario_4",
    "one-size-used": "flexibility/one_hundred_percent_utilization_without"
    "_commitment_discount_flexibility",
    "one-size-unused": "flexibility/zero_percent_utilization_without"
    "_commitment_discount_flexibility",
    "any-size-one-machine": "flexibility/one_hundred_percent_utilization_with"
    "_commitment_discount_flexibility_with_1_resource",
    "any-size-two-machines": "flexibility/one_hundred_percent_utilization_with"
    "_commitment_discount_flexibility_with_2_resources",
}
"""Scenarios, with their files in `commitment_discount_*.csv` of the specification."""

_CARRIED = {
    "category": "ChargeCategory",
    "frequency": "ChargeFrequency",
    "pricing": "PricingCategory",
    "quantity": "PricingQuantity",
    "list_price": "ListUnitPrice",
    "list": "ListCost",
    "billed": "BilledCost",
    "effective": "EffectiveCost",
    "consumed": "ConsumedQuantity",
    "commitment_category": "CommitmentDiscountCategory",
    "commitment_quantity": "CommitmentDiscountQuantity",
    "status": "CommitmentDiscountStatus",
    "commitment_unit": "CommitmentDiscountUnit",
}
_WITHOUT_ZONE = "%Y-%m-%dT%H:%M:%SZ"


def scenarios() -> dict[str, list[Figures]]:
    """Return the figures of every scenario, in the order of the specification."""
    with (Path(__file__).parent / "spec_rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [row for row in rows if row["scenario"] == name] for name in FILES}


def published(folder: Path, scenario: str) -> list[Row]:
    """Return what the specification's own file says, under our names of columns."""
    group, _, name = FILES[scenario].partition("/")
    with (folder / f"commitment_discount_{group}" / f"{name}.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["BilledCost"]]
    return [{ours: plain(row.get(column)) for ours, column in _CARRIED.items()} for row in rows]


def carried(scenario: str) -> list[Row]:
    """Return the same of the figures that are written down here."""
    return [{name: plain(row[name]) for name in _CARRIED} for row in scenarios()[scenario]]


def plain(cell: str | None) -> Decimal | str | None:
    """Return a cell; the files write `null` for what is absent."""
    if cell in (None, "", "null"):
        return None
    try:
        return Decimal(str(cell))
    except ArithmeticError:
        return cell


def focus_rows(scenario: str) -> list[Row]:
    """Return a scenario as a FOCUS 1.2 delivery; mandatory columns it leaves out are filled."""
    return [_focus_row(scenario, figures) for figures in scenarios()[scenario]]


def _focus_row(scenario: str, figures: Figures) -> Row:
    name = f"{scenario}-commitment"
    is_bought_or_covered = figures["commitment_quantity"] != ""
    row = dict.fromkeys(item["column_name"] for item in focus_columns() if item["v1_2"])
    row |= {column: plain(figures[ours]) for ours, column in _CARRIED.items()}
    row |= {
        "BillingAccountId": scenario,
        "BillingAccountName": scenario,
        "BillingAccountType": "Account",
        "BillingCurrency": "USD",
        "BillingPeriodStart": dt.datetime(2023, 1, 1),
        "BillingPeriodEnd": dt.datetime(2023, 2, 1),
        "ChargeDescription": scenario,
        "ChargePeriodStart": dt.datetime.strptime(figures["start"], _WITHOUT_ZONE),
        "ChargePeriodEnd": dt.datetime.strptime(figures["end"], _WITHOUT_ZONE),
        "InvoiceIssuerName": "Example",
        "ProviderName": "Example",
        "PublisherName": "Example",
        "ResourceId": name if figures["resource"] == "commitment" else figures["resource"],
        "ServiceCategory": "Compute",
        "ServiceName": "Machines",
        "ServiceSubcategory": "Virtual Machines",
        "SubAccountId": scenario,
        "Tags": {"env": "prod", "team": "web"},
    }
    if row["ConsumedQuantity"] is not None:
        row["ConsumedUnit"] = "Hour"
    if row["PricingQuantity"] is not None:
        row["PricingUnit"] = "Hour"
    if row["ListCost"] is None:
        row["ListCost"] = max(row["BilledCost"], row["EffectiveCost"])
    row["ContractedCost"] = row["ListCost"]
    if is_bought_or_covered:
        row["CommitmentDiscountId"] = name
        row["CommitmentDiscountCategory"] = row["CommitmentDiscountCategory"] or "Spend"
        row["CommitmentDiscountType"] = "Commitment"
    return row
