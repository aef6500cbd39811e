"""A month of three Azure accounts, small enough to be worked out on paper.

The lines stand here as the two exports write them; azure_cost_details.md works out what must come
of them. Each account has the spellings of its kind.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from dagster_project.months import Month, next_month
from dagster_project.settings import Settings, SourceConfig
from tests.azure_pairs import csv_bytes, parquet_bytes, write_run

Row = dict[str, Any]
JANUARY = dt.date(2026, 1, 1)
S1 = "1F0F4C7A-0000-0000-0000-000000000001"
S2 = "2b9c1d44-0000-0000-0000-000000000002"
VM = f"/subscriptions/{S1}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1"
DISK = f"/subscriptions/{S1}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/store"
ORDER = "/providers/Microsoft.Capacity/reservationOrders/AAAA"
RESERVATION = f"{ORDER}/reservations/BBBB"
PLAN = "/providers/Microsoft.BillingBenefits/savingsPlanOrders/CCCC/savingsPlans/DDDD"

EA: Row = {
    "InvoiceSectionName": "Section",
    "SubscriptionId": S1,
    "SubscriptionName": "Shop",
    "ResourceGroup": "rg",
    "ResourceLocation": "EU West",
    "Date": "01/05/2026",
    "ProductName": "",
    "MeterCategory": "Virtual Machines",
    "MeterSubCategory": "Dv5",
    "MeterId": "meter-1",
    "MeterName": "D2 v5",
    "UnitOfMeasure": "1 Hour",
    "Quantity": "",
    "EffectivePrice": "",
    "CostInBillingCurrency": "",
    "ConsumedService": "Microsoft.Compute",
    "ResourceId": VM,
    "Tags": '"env": "prod","team": "shop"',
    "AdditionalInfo": "",
    "ReservationId": "",
    "ReservationName": "",
    "UnitPrice": "",
    "ProductOrderId": "",
    "Term": "",
    "PublisherType": "Azure",
    "PublisherName": "Canonical",
    "ChargeType": "Usage",
    "Frequency": "UsageBased",
    "PricingModel": "OnDemand",
    "BillingAccountId": "8611537",
    "BillingAccountName": "Enrolment",
    "BillingCurrencyCode": "USD",
    "BillingPeriodStartDate": "01/01/2026",
    "BillingPeriodEndDate": "01/31/2026",
    "BillingProfileId": "8611537",
    "PayGPrice": "",
    "benefitId": "",
    "benefitName": "",
}
OF_RESERVATION = {"PricingModel": "Reservation", "benefitId": RESERVATION, "benefitName": "RI one"}


def ea(name: str, figures: str, **more: Any) -> Row:
    """Return a line: quantity, effective price, cost, unit price and list price; - is empty."""
    columns = ("Quantity", "EffectivePrice", "CostInBillingCurrency", "UnitPrice", "PayGPrice")
    amounts = (figure.replace("-", "") if figure == "-" else figure for figure in figures.split())
    return EA | dict(zip(columns, amounts, strict=True)) | {"ProductName": name} | more


EA_BOTH = (
    ea("E1", "10 0.1 1 0.1 0.125"),
    ea("E2", "0.5 0.05 0.025 0.05 0.06", UnitOfMeasure="10K", MeterCategory="Storage",
       ConsumedService="Microsoft.Storage", ResourceId=DISK, Tags=""),
    ea("E3", "20000 0.05 0.1 0.05 0.06", UnitOfMeasure="10K", MeterCategory="Storage",
       ConsumedService="Microsoft.Storage", ResourceId=DISK, Tags="", Date="01/06/2026"),
    ea("E8", "10 0.03 0.3 0.03 0.1", PricingModel="Spot"),
    ea("E9", "1 49 49 0 0", ChargeType="Purchase", Frequency="OneTime", UnitOfMeasure="1",
       PublisherType="Marketplace", PublisherName="Acme Inc.", MeterCategory="Acme Scanner",
       ConsumedService="acme", ResourceId="", ResourceLocation="Unassigned"),
    ea("E10", "1 -0.004 -0.004 0 0", ChargeType="RoundingAdjustment", Frequency="OneTime",
       PricingModel="", ResourceId="", ConsumedService="", MeterCategory="Unassigned"),
    ea("E11", "1 3 3 0 0", ChargeType="Tax", Frequency="OneTime", PricingModel="", ResourceId="",
       ConsumedService="", MeterCategory="Unassigned"),
)  # fmt: skip
EA_ACTUAL = (
    ea("E4", "1 100 100 100 0", ChargeType="Purchase", Frequency="Recurring", UnitOfMeasure="1",
       ConsumedService="Microsoft.Capacity", ResourceId=ORDER, **OF_RESERVATION),
    ea("E5", "24 0 0 0 1", **OF_RESERVATION),
    ea("E7", "-1 20 -20 20 0", ChargeType="Refund", Frequency="OneTime", UnitOfMeasure="1",
       ConsumedService="Microsoft.Capacity", ResourceId=ORDER, **OF_RESERVATION),
)  # fmt: skip
EA_AMORTIZED = (
    ea("E5", "24 0.5 12 0 1", **OF_RESERVATION),
    ea("E6", "2 0.5 1 0 0", **(OF_RESERVATION | {"ChargeType": "UnusedReservation",
       "ConsumedService": "Microsoft.Capacity", "ResourceId": RESERVATION})),
)  # fmt: skip

MCA: Row = {
    "invoiceId": "G000000001",
    "previousInvoiceId": "",
    "billingAccountId": "acct:one_2019-05-31",
    "billingAccountName": "Company",
    "billingProfileId": "PROF-1",
    "billingProfileName": "Profile",
    "billingPeriodStartDate": "2026-01-01",
    "billingPeriodEndDate": "2026-01-31",
    "date": "2026-01-07",
    "consumedService": "Microsoft.Compute",
    "meterId": "meter-2",
    "meterName": "E4",
    "meterCategory": "Virtual Machines",
    "ProductId": "DZH318Z0",
    "product": "",
    "SubscriptionId": S2,
    "subscriptionName": "Shop",
    "publisherType": "Microsoft",
    "publisherName": "Microsoft",
    "ResourceId": VM.replace(S1, S2),
    "resourceLocation": "westeurope",
    "effectivePrice": "",
    "quantity": "",
    "unitOfMeasure": "1 Hour",
    "chargeType": "Usage",
    "billingCurrency": "EUR",
    "pricingCurrency": "USD",
    "costInBillingCurrency": "",
    "costInPricingCurrency": "",
    "paygCostInBillingCurrency": "",
    "exchangeRatePricingToBilling": "0.9",
    "tags": '{"Team":"shop","env":"test"}',
    "PayGPrice": "",
    "frequency": "UsageBased",
    "term": "",
    "pricingModel": "OnDemand",
    "unitPrice": "",
    "benefitId": "",
    "benefitName": "",
}
OF_PLAN = {"pricingModel": "SavingsPlan", "benefitId": PLAN, "benefitName": "SP one"}
NO_RESOURCE = {"ResourceId": "", "consumedService": "", "resourceLocation": ""}


def mca(name: str, figures: str, **more: Any) -> Row:
    """Return a line: quantity, effective price, cost in EUR and USD, unit and list price, list."""
    columns = (
        "quantity", "effectivePrice", "costInBillingCurrency", "costInPricingCurrency",
        "unitPrice", "PayGPrice", "paygCostInBillingCurrency",
    )  # fmt: skip
    return MCA | dict(zip(columns, figures.split(), strict=True)) | {"product": name} | more


MCA_BOTH = (
    mca("M1", "10 0.2 1.8 2 0.2 0.25 2.25"),
    mca("M6", "1 -5 -4.5 -5 0 0 0", chargeType="Refund", frequency="OneTime", tags="",
        publisherType="Marketplace", publisherName="Acme Inc.", unitOfMeasure="1",
        meterCategory="Acme Scanner", **NO_RESOURCE),
    mca("M7", "1 3 3 3 3 4 4", billingCurrency="USD", exchangeRatePricingToBilling="1",
        SubscriptionId="other"),
)  # fmt: skip
MCA_ACTUAL = (
    mca("M2", "1 100 90 100 100 0 0", chargeType="Purchase", frequency="Recurring",
        unitOfMeasure="1", **(OF_PLAN | NO_RESOURCE)),
    mca("M3", "8 0 0 0 0.2 0.25 1.8", **OF_PLAN),
    mca("M5", "24 0 0 0 0 1 21.6", pricingModel="Reservation", benefitId=RESERVATION),
)  # fmt: skip
MCA_AMORTIZED = (
    mca("M3", "8 0.1 0.72 0.8 0.2 0.25 1.8", **OF_PLAN),
    mca("M4", "1 0.2 0.18 0.2 0 0 0", chargeType="UnusedSavingsPlan", **(OF_PLAN | NO_RESOURCE)),
    mca("M5", "24 0.5 10.8 12 0 1 21.6", pricingModel="Reservation", benefitId=RESERVATION),
)  # fmt: skip

PAYG: tuple[Row, ...] = (
    {
        "SubscriptionGuid": "payg-1",
        "ResourceLocation": "US East",
        "UsageDateTime": "2026-01-02",
        "MeterCategory": "Load Balancer",
        "MeterSubcategory": "Standard",
        "MeterId": "meter-3",
        "MeterName": "P1",
        "UsageQuantity": "3",
        "ResourceRate": "0.025",
        "PreTaxCost": "0.075",
        "ConsumedService": "Microsoft.Network",
        "ResourceType": "Microsoft.Network/loadBalancers",
        "InstanceId": "/subscriptions/payg-1/resourceGroups/rg/providers/Microsoft.Network"
        "/loadBalancers/lb",
        "Tags": "not tags",
        "Currency": "USD",
        "UnitOfMeasure": "100 Hours",
    },
)


def write(root: Path, month: Month = JANUARY, more: Callable[[Row], Row] | None = None) -> None:
    """Write the three pairs; the customer agreement's amortised cost is Parquet.

    Args:
        root: Folder of the exports.
        month: The month to write them for.
        more: Makes another line of each, in both exports alike.
    """
    for dataset, own in (("actual", EA_ACTUAL), ("amortized", EA_AMORTIZED)):
        lines = billed_in(month, (*EA_BOTH, *own), more)
        _write(root / "ea" / dataset, dataset, month, csv_bytes(lines), lines, suffix=".csv.gz")
    actual = billed_in(month, (*MCA_BOTH, *MCA_ACTUAL), more)
    _write(root / "mca", "actual", month, csv_bytes(actual), actual)
    amortized = [
        line | {"date": dt.date.fromisoformat(line["date"]), "quantity": float(line["quantity"])}
        for line in billed_in(month, (*MCA_BOTH, *MCA_AMORTIZED), more)
    ]
    types = {"date": pa.date32(), "quantity": pa.float64()}
    content = parquet_bytes(amortized, types)
    _write(root / "mca", "amortized", month, content, amortized, suffix=".parquet")
    payg = billed_in(month, PAYG, more)
    for dataset in ("actual", "amortized"):
        _write(root / "payg" / dataset, dataset, month, csv_bytes(payg), payg)


def billed_in(
    month: Month, lines: Sequence[Row], more: Callable[[Row], Row] | None = None
) -> list[Row]:
    """Return lines of January as they would be in another month; only dates begin like dates."""
    moved = [{name: _moved(cell, month) for name, cell in line.items()} for line in lines]
    return moved + [more(line) for line in moved if more]


def _moved(cell: str, month: Month) -> str:
    for form in ("%Y-%m-", "%m/"):
        january = f"{JANUARY:{form}}"
        if cell.startswith(january):
            return f"{month:{form}}" + cell.removeprefix(january)
    return cell


def _write(
    root: Path,
    dataset: str,
    month: Month,
    content: bytes,
    lines: Sequence[Row],
    suffix: str = ".csv",
) -> None:
    days = (str(month), str(next_month(month) - dt.timedelta(days=1)))
    write_run(root, dataset, content, len(lines), days=days, suffix=suffix)


def settings(root: Path, home: Path) -> Settings:
    """Return the configuration that reads them; the customer agreement uses one container."""
    return Settings(
        home=home,
        clock=dt.date(2026, 3, 1),
        sources=tuple(
            SourceConfig(
                name=name,
                provider="azure",
                export="cost-details",
                actual=(root / place.format("actual")).as_uri(),
                amortized=(root / place.format("amortized")).as_uri(),
            )
            for name, place in (("ea", "ea/{}"), ("mca", "mca"), ("payg", "payg/{}"))
        ),
    )
