"""The book as Azure Cost Management exports it: FOCUS 1.2-preview, packed CSV in parts.

Belongs here: the 106 columns in Microsoft's order, run folders and manifests. Azure leaves out
commitment quantities, price details, zones, the enrollment's invoice number and tax.
"""

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from dagster_project.months import Month, next_month
from dagster_project.sample_estate import azure_runs
from dagster_project.sample_estate.book import Edition
from dagster_project.sample_estate.delivery import Estate, delivered_at, delivery_id
from dagster_project.sample_estate.finance import euro_rate
from dagster_project.sample_estate.focus_lines import COSTS, Line, Value, lines, text
from dagster_project.sample_estate.model import Block
from dagster_project.sample_estate.writers import stable_id

EXPORT = azure_runs.RunningExport(
    name="fernlight-focus-cost",
    kind="FocusCost",
    folder="costs",
    data_version="1.2-preview",
    api_version="2025-03-01",
)
COLUMNS: tuple[str, ...] = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingAccountType", "BillingCurrency",
    "BillingPeriodEnd", "BillingPeriodStart", "CapacityReservationId", "CapacityReservationStatus",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd",
    "ChargePeriodStart", "CommitmentDiscountCategory", "CommitmentDiscountId",
    "CommitmentDiscountName", "CommitmentDiscountQuantity", "CommitmentDiscountStatus",
    "CommitmentDiscountType", "CommitmentDiscountUnit", "ConsumedQuantity", "ConsumedUnit",
    "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "InvoiceId", "InvoiceIssuerName",
    "ListCost", "ListUnitPrice", "PricingCategory", "PricingCurrency", "PricingQuantity",
    "PricingUnit", "ProviderName", "PublisherName", "RegionId", "RegionName", "ResourceId",
    "ResourceName", "ResourceType", "ServiceCategory", "ServiceName", "ServiceSubcategory",
    "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId", "SubAccountId", "SubAccountName",
    "SubAccountType", "Tags", "x_AccountId", "x_AccountName", "x_AccountOwnerId",
    "x_AmortizationClass", "x_BilledCostInUsd", "x_BilledUnitPrice", "x_BillingAccountId",
    "x_BillingAccountName", "x_BillingExchangeRate", "x_BillingExchangeRateDate",
    "x_BillingProfileId", "x_BillingProfileName", "x_ContractedCostInUsd",
    "x_CostAllocationRuleName", "x_CostCenter", "x_CustomerId", "x_CustomerName",
    "x_EffectiveCostInUsd", "x_EffectiveUnitPrice", "x_InvoiceIssuerId", "x_InvoiceSectionId",
    "x_InvoiceSectionName", "x_ListCostInUsd", "x_PartnerCreditApplied", "x_PartnerCreditRate",
    "x_PricingBlockSize", "x_PricingSubcategory", "x_PricingUnitDescription",
    "x_PublisherCategory", "x_PublisherId", "x_ResellerId", "x_ResellerName",
    "x_ResourceGroupName", "x_ResourceType", "x_ServiceModel", "x_ServicePeriodEnd",
    "x_ServicePeriodStart", "x_SkuDescription", "x_SkuDetails", "x_SkuIsCreditEligible",
    "x_SkuMeterCategory", "x_SkuMeterId", "x_SkuMeterName", "x_SkuMeterSubcategory",
    "x_SkuOfferId", "x_SkuOrderId", "x_SkuOrderName", "x_SkuPartNumber", "x_SkuPlanName",
    "x_SkuRegion", "x_SkuServiceFamily", "x_SkuTerm", "x_SkuTier",
)  # fmt: skip
_LEFT_OUT = ("CommitmentDiscountQuantity", "CommitmentDiscountUnit", "SkuPriceDetails")
_TENTH_DIGIT = Decimal("0.0000000001")


def write_run(
    estate: Estate, root: Path, month: Month, edition: Edition, blocks: Iterable[Block]
) -> list[Path]:
    """Write one export run with its manifest; earlier runs stay. Return the data files."""
    run = delivery_id(estate.seed, "azure-legacy", month, edition)
    folder = root / _folder(estate, month, edition) / run
    rows = list(_rows(blocks, month))
    return azure_runs.write_run(EXPORT, root, folder, month, edition, COLUMNS, rows)


def _folder(estate: Estate, month: Month, edition: Edition) -> str:
    """Return one of the two folder orders that Azure accounts show: the first month the older."""
    last = next_month(month) - dt.timedelta(days=1)
    days = f"{month:%Y%m%d}-{last:%Y%m%d}"
    if estate.is_first(month):
        return f"{days}/{EXPORT.name}/{delivered_at(month, edition):%Y%m%d%H%M}"
    return f"{EXPORT.name}/{days}"


def _rows(blocks: Iterable[Block], month: Month) -> Iterator[list[str]]:
    rate = euro_rate(month)
    for block in blocks:
        for line in lines(block):
            values = {**line.columns, **_extras(line, rate, month)}
            yield [text(values.get(column)) for column in COLUMNS]


def _extras(line: Line, rate: Decimal, month: Month) -> dict[str, Value]:
    item = line.item
    group = (item.resource_id or "").partition("/resourceGroups/")[2].partition("/")[0]
    extras: dict[str, Value] = dict.fromkeys(_LEFT_OUT)
    for cost in COSTS:
        amount = line.columns[cost]
        if isinstance(amount, Decimal):
            dollars = (amount * rate).quantize(_TENTH_DIGIT, ROUND_HALF_UP)
            extras[f"x_{cost}InUsd"] = dollars
    return {
        **extras,
        "x_AccountName": "Fernlight Shop AB",
        "x_AmortizationClass": _amortization(line),
        "x_BillingAccountId": azure_runs.ENROLLMENT,
        "x_BillingAccountName": item.account.payer_name,
        "x_BillingExchangeRate": rate,
        "x_BillingExchangeRateDate": dt.datetime.combine(month, dt.time()),
        "x_CostCenter": dict(item.tags).get("CostCenter"),
        "x_InvoiceSectionName": "Shop",
        "x_PricingBlockSize": Decimal(1),
        "x_PricingUnitDescription": item.unit,
        "x_ResourceGroupName": group.lower() or None,
        "x_ResourceType": (item.resource_type or "").lower() or None,
        "x_SkuDescription": item.description,
        "x_SkuDetails": json.dumps(dict(item.details)) if item.details else None,
        "x_SkuIsCreditEligible": "True",
        "x_SkuMeterCategory": item.service.code,
        "x_SkuMeterId": stable_id("meter", item.meter) if item.meter else None,
        "x_SkuMeterName": item.meter or None,
        "x_SkuRegion": item.region.region_id if item.region else None,
        "x_SkuTerm": Decimal(12) if item.commitment else None,
    }


def _amortization(line: Line) -> str | None:
    if line.item.commitment is None:
        return None
    return "Principal" if line.item.category == "Purchase" else "Amortized Charge"
