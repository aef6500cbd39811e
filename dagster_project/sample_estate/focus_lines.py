"""Charge lines of the book in the words of FOCUS 1.2, before any provider's accent.

Belongs here: column lists, values per item, values per line. Not here: file formats and quirks.
"""

import datetime as dt
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from dagster_project.months import Month, next_month
from dagster_project.sample_estate.model import Block, Item
from dagster_project.sample_estate.money import as_decimal, as_text

Value = str | Decimal | dt.datetime | None

COSTS = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost")
TIMES = ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")
NUMBERS = (
    *COSTS,
    "CommitmentDiscountQuantity",
    "ConsumedQuantity",
    "ContractedUnitPrice",
    "ListUnitPrice",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
)
FOCUS_1_2: tuple[str, ...] = (
    "AvailabilityZone", "BilledCost", "BillingAccountId", "BillingAccountName",
    "BillingAccountType", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "CapacityReservationId", "CapacityReservationStatus", "ChargeCategory", "ChargeClass",
    "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart",
    "CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountName",
    "CommitmentDiscountQuantity", "CommitmentDiscountStatus", "CommitmentDiscountType",
    "CommitmentDiscountUnit", "ConsumedQuantity", "ConsumedUnit", "ContractedCost",
    "ContractedUnitPrice", "EffectiveCost", "InvoiceId", "InvoiceIssuerName", "ListCost",
    "ListUnitPrice", "PricingCategory", "PricingCurrency", "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice", "PricingQuantity",
    "PricingUnit", "ProviderName", "PublisherName", "RegionId", "RegionName", "ResourceId",
    "ResourceName", "ResourceType", "ServiceCategory", "ServiceName", "ServiceSubcategory",
    "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId", "SubAccountId", "SubAccountName",
    "SubAccountType", "Tags",
)  # fmt: skip
_SINCE_1_1 = {
    "BillingAccountType", "CapacityReservationId", "CapacityReservationStatus",
    "CommitmentDiscountQuantity", "CommitmentDiscountUnit", "InvoiceId", "PricingCurrency",
    "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice", "ServiceSubcategory", "SkuMeter", "SkuPriceDetails",
    "SubAccountType",
}  # fmt: skip
FOCUS_1_0 = tuple(column for column in FOCUS_1_2 if column not in _SINCE_1_1)
_RELATED_TO_MONEY = frozenset({"Tax", "Credit", "Adjustment"})
TOKEN = "Token"  # noqa: S105

UNITS = {
    "1 GB": "GB",
    "1 GB/Month": "GB/Month",
    "1 Hour": "Hours",
    "10K": "10000 Units",
    "1K tokens": "1000 Tokens",
    "GiBy": "GiB",
    "GiBy.mo": "GiB-Months",
    "TiBy": "TiB",
    "WriteRequestUnits": "Write Request Units",
    "count": "Count",
    "hour": "Hours",
    "s": "Seconds",
}
"""Units of the providers' own price lists as FOCUS spells them."""


def invoice_id(item: Item, month: Month) -> str:
    """Return the number of the invoice that bills the item in that month."""
    account, issuer = item.account, item.account.issuer
    seller = item.publisher if item.publisher and issuer.provider == "aws" else issuer.issuer
    return invoice_number(issuer.provider, account.payer_id, seller, month)


def invoice_number(provider: str, payer: str, seller: str, month: Month) -> str:
    """Return the number of a seller's invoice for a payer and month."""
    digits = zlib.crc32(f"{payer}|{seller}|{month}".encode())
    return f"{provider.upper()[:3]}{month:%y%m}-{digits:010d}"


def dimensions(item: Item, block: Block) -> dict[str, str | None]:
    """Return the text columns of an item, tags and details left out."""
    account, issuer = item.account, item.account.issuer
    counted = not _is_money(item)
    unit = UNITS.get(item.unit, item.unit)
    known = block.invoiced and issuer.lines_name_invoice
    sku = f"{zlib.crc32(f'{item.service.code}/{item.meter}'.encode()):08X}"
    result: dict[str, str | None] = {
        "AvailabilityZone": item.zone,
        "BillingAccountId": account.payer_id,
        "BillingAccountName": account.payer_name,
        "BillingAccountType": account.payer_type,
        "BillingCurrency": issuer.currency,
        "CapacityReservationId": None,
        "CapacityReservationStatus": None,
        "ChargeCategory": item.category,
        "ChargeClass": item.charge_class,
        "ChargeDescription": item.description,
        "ChargeFrequency": item.frequency,
        "ConsumedUnit": unit if _is_consumed(item) else None,
        "InvoiceId": invoice_id(item, block.month) if known else None,
        "InvoiceIssuerName": issuer.issuer,
        "PricingCategory": item.pricing if counted else None,
        "PricingCurrency": TOKEN if item.tokens else issuer.currency,
        "PricingUnit": unit if counted else None,
        "ProviderName": issuer.provider_name,
        "PublisherName": item.publisher or issuer.publisher,
        "RegionId": item.region.region_id if item.region else None,
        "RegionName": item.region.name if item.region else None,
        "ResourceId": item.resource_id,
        "ResourceName": item.resource_name,
        "ResourceType": item.resource_type,
        "ServiceCategory": item.service.category,
        "ServiceName": item.service.name,
        "ServiceSubcategory": item.service.subcategory,
        "SkuId": sku if counted else None,
        "SkuMeter": item.meter if counted else None,
        "SkuPriceId": f"{sku}.{zlib.crc32(item.meter.encode()) % 10**6:06d}" if counted else None,
        "SubAccountId": account.sub_id,
        "SubAccountName": account.sub_name,
        "SubAccountType": account.sub_type,
    }
    result.update(_commitment(item))
    return result


def _commitment(item: Item) -> dict[str, str | None]:
    commitment = item.commitment
    return {
        "CommitmentDiscountCategory": commitment.category if commitment else None,
        "CommitmentDiscountId": commitment.commitment_id if commitment else None,
        "CommitmentDiscountName": commitment.name if commitment else None,
        "CommitmentDiscountStatus": item.status,
        "CommitmentDiscountType": commitment.kind if commitment else None,
        "CommitmentDiscountUnit": UNITS.get(commitment.unit, commitment.unit)
        if commitment
        else None,
    }


def unit_prices(item: Item) -> dict[str, int | None]:
    """Return the unit price columns of an item in billionths."""
    if _is_money(item):
        return dict.fromkeys(_UNIT_PRICES)
    listed, net = item.prices.list_price, item.prices.contracted
    return {
        "ContractedUnitPrice": net,
        "ListUnitPrice": listed,
        "PricingCurrencyContractedUnitPrice": item.tokens or net,
        "PricingCurrencyListUnitPrice": item.tokens or listed,
    }


_UNIT_PRICES = (
    "ContractedUnitPrice",
    "ListUnitPrice",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyListUnitPrice",
)


def _is_money(item: Item) -> bool:
    return item.category in _RELATED_TO_MONEY


def _is_purchase(item: Item) -> bool:
    return item.category == "Purchase"


def _is_consumed(item: Item) -> bool:
    return item.category == "Usage" and item.status != "Unused"


def has_consumption(item: Item) -> bool:
    """Whether the line consumed anything; purchases and unused commitments did not."""
    return _is_consumed(item)


def is_counted(item: Item) -> bool:
    """Whether the line has a pricing quantity."""
    return not _is_money(item)


def tags_json(item: Item) -> str | None:
    """Return the tags as JSON text with the keys as people typed them, or None without tags."""
    return json.dumps(dict(item.tags), separators=(", ", ": ")) if item.tags else None


def details_json(item: Item) -> str | None:
    """Return SkuPriceDetails as JSON text, or None."""
    return json.dumps(dict(item.details)) if item.details else None


@dataclass(frozen=True, slots=True)
class Line:
    """One charge line with all FOCUS 1.2 columns."""

    item: Item
    columns: Mapping[str, Value]


def lines(block: Block) -> Iterator[Line]:
    """Yield the charge lines of a block, one by one: for exports of modest size."""
    period = (
        dt.datetime(block.month.year, block.month.month, 1),
        dt.datetime.combine(next_month(block.month), dt.time()),
    )
    for row, item in enumerate(block.items):
        fixed: dict[str, Value] = dict.fromkeys(FOCUS_1_2)
        fixed.update(dimensions(item, block))
        fixed.update({name: _price(value) for name, value in unit_prices(item).items()})
        fixed["Tags"], fixed["SkuPriceDetails"] = tags_json(item), details_json(item)
        fixed["BillingPeriodStart"], fixed["BillingPeriodEnd"] = period
        for column in range(len(block.starts)):
            yield Line(item, {**fixed, **_amounts(block, item, row, column)})


def _price(value: int | None) -> Decimal | None:
    return None if value is None else as_decimal(value, 9)


def _amounts(block: Block, item: Item, row: int, column: int) -> dict[str, Value]:
    quantity = as_decimal(int(block.quantity[row, column]), 3)
    effective = as_decimal(int(block.effective_cost[row, column]), 12)
    billed = as_decimal(int(block.billed_cost[row, column]), 12)
    in_tokens = quantity * as_decimal(item.tokens, 9) if item.tokens else effective
    return {
        "BilledCost": billed,
        "ContractedCost": as_decimal(int(block.contracted_cost[row, column]), 12),
        "EffectiveCost": effective,
        "ListCost": as_decimal(int(block.list_cost[row, column]), 12),
        "CommitmentDiscountQuantity": _committed(item, quantity, effective, billed),
        "ConsumedQuantity": quantity if has_consumption(item) else None,
        "PricingCurrencyEffectiveCost": in_tokens,
        "PricingQuantity": quantity if is_counted(item) else None,
        "ChargePeriodStart": _moment(int(block.starts[column])),
        "ChargePeriodEnd": _moment(int(block.ends[column])),
    }


def _committed(item: Item, quantity: Decimal, effective: Decimal, billed: Decimal) -> Value:
    if item.commitment is None:
        return None
    if item.commitment.category == "Usage":
        return quantity
    return billed if _is_purchase(item) else effective


def _moment(milliseconds: int) -> dt.datetime:
    return dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=milliseconds)


def text(value: Value) -> str:
    """Return a value as it stands in a CSV file; nothing for a missing one."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, Decimal):
        return as_text(int(value.scaleb(12)), 12)
    return value
