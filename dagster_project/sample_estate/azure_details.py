"""The book as Azure Cost Management exports cost details of an enrollment: two runs, packed CSV.

Belongs here: the actual and the amortised run and their columns. The actual run has
purchases and shows what they cover at cost 0. The amortised run shows covered usage at its share
of the price and what nobody used, and has no purchases. No run knows list or charge period as
FOCUS does: a line has a date, a price, a quantity.
"""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from dagster_project.months import Month, next_month
from dagster_project.sample_estate.azure_runs import ENROLLMENT, RunningExport, write_run
from dagster_project.sample_estate.book import HOUR_MS, Edition, Plan, Pledge
from dagster_project.sample_estate.delivery import Estate, Tally, delivery_id
from dagster_project.sample_estate.model import Block, Item
from dagster_project.sample_estate.money import as_decimal, as_text
from dagster_project.sample_estate.writers import stable_id

ACTUAL, AMORTIZED = "ActualCost", "AmortizedCost"
EXPORTS = {
    kind: RunningExport(
        name=f"fernlight-{folder}",
        kind=kind,
        folder=folder,
        data_version="2021-10-01",
        api_version="2023-07-01-preview",
    )
    for kind, folder in ((ACTUAL, "actual"), (AMORTIZED, "amortized"))
}
COLUMNS: tuple[str, ...] = (
    "BillingAccountId", "BillingAccountName", "BillingPeriodStartDate", "BillingPeriodEndDate",
    "BillingProfileId", "BillingProfileName", "AccountOwnerId", "AccountName", "SubscriptionId",
    "SubscriptionName", "Date", "Product", "PartNumber", "MeterId", "ServiceFamily",
    "MeterCategory", "MeterSubCategory", "MeterRegion", "MeterName", "Quantity", "EffectivePrice",
    "Cost", "UnitPrice", "BillingCurrency", "ResourceLocation", "AvailabilityZone",
    "ConsumedService", "ResourceId", "ResourceName", "ServiceInfo1", "ServiceInfo2",
    "AdditionalInfo", "Tags", "InvoiceSectionId", "InvoiceSection", "CostCenter", "UnitOfMeasure",
    "ResourceGroup", "ReservationId", "ReservationName", "ProductOrderId", "ProductOrderName",
    "OfferId", "IsAzureCreditEligible", "Term", "PublisherName", "PlanName", "ChargeType",
    "Frequency", "PublisherType", "PayGPrice", "PricingModel", "CostAllocationRuleName",
    "benefitId", "benefitName",
)  # fmt: skip
_METER_REGIONS = {"westeurope": "EU West", "northeurope": "EU North"}


@dataclass(frozen=True, slots=True)
class _Line:
    """What differs between two lines of an item, and between the two runs."""

    item: Item
    kind: str
    day: dt.date
    quantity: Decimal
    price: Decimal
    actual: Decimal | None
    amortized: Decimal | None


def write_pair(
    plan: Plan, estate: Estate, root: Path, month: Month, edition: Edition, blocks: Iterable[Block]
) -> Tally:
    """Write an actual and an amortised run of a month; return the lines as they count.

    What counts is the amortised lines, and the purchases of the actual run.
    """
    lines = [line for block in blocks for line in _lines(plan, block)]
    tally = Tally(facts=len(lines))
    for kind in (ACTUAL, AMORTIZED):
        chosen = [line for line in lines if _cost(line, kind) is not None]
        rows = [_row(line, month, kind) for line in chosen]
        _write_run(EXPORTS[kind], estate, root, month, edition, rows)
        tally.source += len(rows)
    return tally


def _cost(line: _Line, kind: str) -> Decimal | None:
    return line.actual if kind == ACTUAL else line.amortized


def _lines(plan: Plan, block: Block) -> Iterator[_Line]:
    for row, item in enumerate(block.items):
        for column in range(len(block.starts)):
            line = _line(plan, block, item, row, column)
            # A reservation that was used up has no line for the rest.
            if line.kind != "UnusedReservation" or line.amortized:
                yield line


def _line(plan: Plan, block: Block, item: Item, row: int, column: int) -> _Line:
    quantity = as_decimal(int(block.quantity[row, column]), 3)
    billed = as_decimal(int(block.billed_cost[row, column]), 12)
    effective = as_decimal(int(block.effective_cost[row, column]), 12)
    price = as_decimal(item.prices.effective, 9)
    actual: Decimal | None = billed
    amortized: Decimal | None = effective
    kind = _charge_type(item)
    if item.commitment is not None and kind != "Usage":
        pledge = next(p for p in plan.pledges if p.purchase.commitment == item.commitment)
        price = as_decimal(pledge.covered[0].prices.effective, 9)
        if kind == "Purchase":
            quantity, amortized = _bought(pledge), None
            price = billed / quantity
        else:
            quantity, actual = _unused(pledge, block, column, effective), None
    elif item.category in {"Adjustment", "Credit"}:
        quantity, price = Decimal(0), Decimal(0)
    day = dt.date(1970, 1, 1) + dt.timedelta(hours=int(block.starts[column]) // HOUR_MS)
    return _Line(item, kind, day, quantity, price, actual, amortized)


def _charge_type(item: Item) -> str:
    """Return the type of a line; an enrollment's bill knows credits only as adjustments."""
    if item.status == "Unused":
        return "UnusedReservation"
    if item.category == "Adjustment":
        return "RoundingAdjustment"
    return "Adjustment" if item.category == "Credit" else item.category


def _bought(pledge: Pledge) -> Decimal:
    """Return how many machines were reserved."""
    hourly = as_decimal(pledge.hourly, 12)
    return hourly / as_decimal(pledge.covered[0].prices.effective, 9)


def _unused(pledge: Pledge, block: Block, column: int, amount: Decimal) -> Decimal:
    """Return the hours that nobody used: their cost is hours times the price of an hour."""
    return amount / as_decimal(pledge.covered[0].prices.effective, 9)


def _row(line: _Line, month: Month, run: str) -> list[str]:
    item = line.item
    cost = _cost(line, run) or Decimal(0)
    is_free = run == ACTUAL and item.status == "Used"
    values = {
        **_account(item, month),
        **_resource(item),
        **_meter(item),
        **_commitment(line),
        "Date": f"{line.day:%m/%d/%Y}",
        "Quantity": _text(line.quantity),
        "EffectivePrice": _text(Decimal(0) if is_free else line.price),
        "Cost": _text(cost),
        "UnitPrice": _text(_unit_price(line, item.prices.contracted)),
        "PayGPrice": _text(_payg_price(line)),
        "ChargeType": line.kind,
        "Frequency": item.frequency.replace("-", ""),
        "PublisherType": "Azure",
        "PublisherName": "Microsoft",
        "OfferId": "MS-AZR-0017P",
        "IsAzureCreditEligible": "True",
    }
    return [values.get(column) or "" for column in COLUMNS]


def _text(value: Decimal) -> str:
    return as_text(int(value.scaleb(12)))


def _unit_price(line: _Line, contracted: int) -> Decimal:
    """Return the enrollment's price on demand; a purchase has the price of what was bought."""
    if line.kind == "Purchase":
        return line.price
    return as_decimal(contracted, 9) if line.kind == "Usage" else Decimal(0)


def _payg_price(line: _Line) -> Decimal:
    return as_decimal(line.item.prices.list_price, 9) if line.kind == "Usage" else Decimal(0)


def _account(item: Item, month: Month) -> dict[str, str]:
    account = item.account
    last = next_month(month) - dt.timedelta(days=1)
    return {
        "BillingAccountId": ENROLLMENT,
        "BillingAccountName": account.payer_name,
        "BillingPeriodStartDate": f"{month:%m/%d/%Y}",
        "BillingPeriodEndDate": f"{last:%m/%d/%Y}",
        "BillingProfileId": ENROLLMENT,
        "BillingProfileName": account.payer_name,
        "AccountOwnerId": "billing@fernlight.example",
        "AccountName": "Fernlight Shop AB",
        "SubscriptionId": account.sub_id.rpartition("/")[2],
        "SubscriptionName": account.sub_name,
        "BillingCurrency": account.issuer.currency,
        "InvoiceSection": "Shop",
        "CostCenter": dict(item.tags).get("CostCenter", ""),
    }


def _resource(item: Item) -> dict[str, str]:
    """Return resource columns; places and ids come in the spellings that services chose."""
    path = item.resource_id or ""
    group = path.partition("/resourceGroups/")[2].partition("/")[0]
    kind = item.resource_type or ""
    tags = ",".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in item.tags)
    return {
        "ResourceLocation": item.region.name.replace(" ", "") if item.region else "",
        "ConsumedService": kind.partition("/")[0],
        "ResourceId": path,
        "ResourceName": item.resource_name or "",
        "ResourceGroup": group,
        "AdditionalInfo": _additional(item),
        "Tags": tags,
    }


def _additional(item: Item) -> str:
    known = dict(item.details)
    if "InstanceType" not in known:
        return ""
    return json.dumps({"ServiceType": known["InstanceType"], "VCPUs": int(known["CoreCount"])})


def _meter(item: Item) -> dict[str, str]:
    if not item.meter:
        return {"Product": item.description}
    number = int(stable_id("part", item.meter)[:8], 16) % 10**5
    return {
        "Product": item.description,
        "PartNumber": f"AAF-{number:05d}",
        "MeterId": stable_id("meter", item.meter),
        "ServiceFamily": item.service.category,
        "MeterCategory": item.service.code,
        "MeterRegion": _METER_REGIONS.get(item.region.region_id if item.region else "", ""),
        "MeterName": item.meter,
        "UnitOfMeasure": item.unit,
    }


def _commitment(line: _Line) -> dict[str, str]:
    commitment = line.item.commitment
    if commitment is None:
        return {"PricingModel": "OnDemand" if line.kind == "Usage" else ""}
    order, _, reservation = commitment.commitment_id.partition("/reservations/")
    order = order.rpartition("/")[2]
    path = f"/providers/Microsoft.Capacity/reservationOrders/{order}/reservations/{reservation}"
    return {
        "PricingModel": "Reservation",
        "ReservationId": reservation,
        "ReservationName": commitment.name,
        "ProductOrderId": order,
        "ProductOrderName": "Reserved VM Instance, Standard_D8s_v5, West Europe, 1 Year",
        "Term": "12",
        "benefitId": path,
        "benefitName": commitment.name,
    }


def _write_run(
    export: RunningExport,
    estate: Estate,
    root: Path,
    month: Month,
    edition: Edition,
    rows: Sequence[Sequence[str]],
) -> None:
    run = delivery_id(estate.seed, f"azure-legacy/{export.folder}", month, edition)
    last = next_month(month) - dt.timedelta(days=1)
    container = root / export.folder
    folder = container / export.name / f"{month:%Y%m%d}-{last:%Y%m%d}" / run
    write_run(export, container, folder, month, edition, COLUMNS, rows)
