"""Charge lines of the book in the words of the AWS Cost and Usage Report, before any spelling.

Belongs here: line item types, what savings plans look like in a bill, values per item. Not here:
files. A bill differs from FOCUS in its rows: usage under a savings plan stands at its on-demand
cost, lines without a resource take that cost away again, and every period has a fee line which
says how much of the commitment was used. Reserved usage stands at 0, and the fee line of its
reservation says what was left. What nobody used has no line.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from dagster_project.months import Month
from dagster_project.sample_estate.book import HOUR_MS, Plan, Pledge
from dagster_project.sample_estate.delivery import Tally
from dagster_project.sample_estate.focus_lines import dimensions
from dagster_project.sample_estate.model import Block, Item
from dagster_project.sample_estate.money import NANO, PICO, Ints, as_text, settle

COVERED = "SavingsPlanCoveredUsage"
NEGATION = "SavingsPlanNegation"
RECURRING_FEE = "SavingsPlanRecurringFee"
UPFRONT_FEE = "SavingsPlanUpfrontFee"
DISCOUNTED = "DiscountedUsage"
RESERVATION_FEE = "RIFee"

_UNITS = {"Hours": "Hrs", "GB-Months": "GB-Mo", "GB-Seconds": "Lambda-GB-Second"}
_FAMILIES = {
    "Amazon Elastic Compute Cloud": "Compute Instance",
    "Amazon Elastic Block Store": "Storage",
    "Amazon Simple Storage Service": "Storage",
    "Amazon Relational Database Service": "Database Instance",
    "Amazon ElastiCache": "Cache Instance",
    "AWS Lambda": "Serverless",
    "AWS Data Transfer": "Data Transfer",
    "Amazon Virtual Private Cloud": "NAT Gateway",
}
_LOCATIONS = {
    "eu-west-1": "EU (Ireland)",
    "us-east-1": "US East (N. Virginia)",
    "eu-north-1": "EU (Stockholm)",
}
_SAVINGS_PLAN_TEXTS = (
    "savings_plan_start_time",
    "savings_plan_end_time",
    "savings_plan_savings_plan_a_r_n",
    "savings_plan_offering_type",
    "savings_plan_payment_option",
    "savings_plan_purchase_term",
)
_RESERVATION_TEXTS = (
    "pricing_lease_contract_length",
    "pricing_offering_class",
    "pricing_purchase_option",
    "reservation_reservation_a_r_n",
    "reservation_subscription_id",
    "reservation_number_of_reservations",
    "reservation_total_reserved_units",
    "reservation_units_per_reservation",
)
_PRODUCT_KEYS = {
    "CoreCount": "vcpu",
    "MemorySize": "memory",
    "OperatingSystem": "operating_system",
    "StorageClass": "storage_class",
    "DiskType": "storage_media",
}


@dataclass(frozen=True, slots=True)
class CurBlock:
    """A dense table of bill lines: items down, moments across.

    Attributes:
        book: The items, moments and quantities, and the book's own amounts.
        kinds: Line item type of each item.
        unblended: Cost before the enterprise discount, in trillionths.
        net: Cost after it.
        covered_cost: Cost under the commitment; covered usage only.
        pledge: The commitment that the lines belong to.
        commitment: What a period of a savings plan costs; its fee lines only.
        unused: How much of a commitment nobody used; fee lines only.
    """

    book: Block
    kinds: tuple[str, ...]
    unblended: Ints
    net: Ints
    covered_cost: Ints | None = None
    pledge: Pledge | None = None
    commitment: Ints | None = None
    unused: Ints | None = None


@dataclass
class Bill:
    """The lines of one delivery in order, counted as they pass."""

    plan: Plan
    month: Month
    tally: Tally = field(default_factory=Tally)
    _unused: dict[str, int] = field(default_factory=dict)

    def lines(self, blocks: Iterable[Block]) -> Iterator[CurBlock]:
        """Yield the bill's lines for blocks of the book."""
        for block in blocks:
            for lines in self._lines(block):
                self._count(lines)
                yield lines

    def _count(self, lines: CurBlock) -> None:
        """Count written lines; negations vanish, unused commitment becomes a line."""
        self.tally.source += lines.book.rows
        if NEGATION not in lines.kinds:
            self.tally.facts += lines.book.rows
        if lines.unused is not None:
            self.tally.facts += int(np.count_nonzero(lines.unused))

    def _lines(self, block: Block) -> Iterator[CurBlock]:
        first = block.items[0]
        if first.commitment is None:
            yield _plain(block)
        elif first.commitment.category == "Usage":
            yield from self._reserved(block, self._pledge(first))
        elif first.status == "Used":
            yield _covered(block, self._pledge(first))
            yield _negations(block, self._pledge(first))
        elif first.status == "Unused":
            yield _recurring_fee(block, self._pledge(first))
        else:
            upfront = [row for row, item in enumerate(block.items) if is_upfront(item)]
            if upfront:
                yield _upfront_fee(rows_of(block, upfront), self._pledge(first))

    def _reserved(self, block: Block, pledge: Pledge) -> Iterator[CurBlock]:
        first = block.items[0]
        if first.status == "Used":
            yield _discounted(block, pledge)
        elif first.status == "Unused":
            self._unused[first.key] = int(block.effective_cost.sum())
        else:
            yield _reservation_fee(block, pledge, self._unused.pop(pledge.unused.key))

    def _pledge(self, item: Item) -> Pledge:
        return next(p for p in self.plan.pledges if p.purchase.commitment == item.commitment)


def is_upfront(item: Item) -> bool:
    """Whether a purchase is paid at once; the rest of its price comes with every period."""
    return item.frequency == "One-Time"


def rows_of(block: Block, rows: list[int]) -> Block:
    """Return some items of a block."""
    return Block(
        block.month,
        block.invoiced,
        tuple(block.items[row] for row in rows),
        block.starts,
        block.ends,
        block.quantity[rows],
        block.list_cost[rows],
        block.contracted_cost[rows],
        block.effective_cost[rows],
        block.billed_cost[rows],
    )


def _plain(block: Block) -> CurBlock:
    kinds = tuple(_kind(item) for item in block.items)
    metered = np.array([is_metered(item) for item in block.items])[:, None]
    unblended = np.where(metered, block.list_cost, block.billed_cost)
    return CurBlock(block, kinds, unblended, block.billed_cost)


def _kind(item: Item) -> str:
    if item.category == "Purchase":
        return "Fee"
    if item.category == "Usage" and item.charge_class and not is_metered(item):
        return "Refund"
    return item.category


def is_metered(item: Item) -> bool:
    """Whether the line is a quantity times AWS's own price."""
    is_usage = item.category == "Usage" and item.publisher is None
    return is_usage and item.frequency == "Usage-Based"


def _covered(block: Block, pledge: Pledge) -> CurBlock:
    kinds = (COVERED,) * len(block.items)
    on_demand = block.list_cost
    return CurBlock(block, kinds, on_demand, on_demand, block.effective_cost, pledge)


def _negations(block: Block, pledge: Pledge) -> CurBlock:
    """One line per account, usage type and period: AWS names no resource in them."""
    groups: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for row, item in enumerate(block.items):
        groups[item.account.sub_id, item.meter, item.operation].append(row)
    items = tuple(_without_resource(block.items[rows[0]]) for rows in groups.values())

    def summed(amounts: Ints) -> Ints:
        return np.stack([amounts[rows].sum(axis=0) for rows in groups.values()])

    taken = -summed(block.list_cost)
    quantity = summed(block.quantity)
    none = np.zeros_like(taken)
    book = Block(
        block.month, block.invoiced, items, block.starts, block.ends,
        quantity, none, none, none, none,
    )  # fmt: skip
    return CurBlock(book, (NEGATION,) * len(items), taken, taken, pledge=pledge)


def _without_resource(item: Item) -> Item:
    return replace(
        item,
        key=f"{item.account.sub_id}/{item.meter}/negation",
        description=f"SavingsPlanNegation used by AccountId : {item.account.sub_id}",
        zone=None,
        resource_id=None,
        resource_name=None,
        tags=(),
    )


def _recurring_fee(block: Block, pledge: Pledge) -> CurBlock:
    """One line per period, with what the commitment is worth and what was used of it."""
    hours = (block.ends - block.starts)[None, :] // HOUR_MS
    commitment = settle(pledge.hourly * hours)
    cost = settle(pledge.hourly * hours * (100 - pledge.upfront_percent) // 100)
    book = replace(block, items=(pledge.purchase,), quantity=hours * 1000)
    return CurBlock(
        book,
        (RECURRING_FEE,),
        cost,
        cost,
        pledge=pledge,
        commitment=commitment,
        unused=block.effective_cost,
    )


def _upfront_fee(block: Block, pledge: Pledge) -> CurBlock:
    kinds = (UPFRONT_FEE,) * len(block.items)
    return CurBlock(block, kinds, block.billed_cost, block.billed_cost, pledge=pledge)


def _discounted(block: Block, pledge: Pledge) -> CurBlock:
    kinds = (DISCOUNTED,) * len(block.items)
    nothing = np.zeros_like(block.list_cost)
    return CurBlock(block, kinds, nothing, nothing, block.effective_cost, pledge)


def _reservation_fee(block: Block, pledge: Pledge, unused: int) -> CurBlock:
    """Return the month's fee; reservations of the estate have no upfront part."""
    count = reserved(pledge)
    book = replace(block, quantity=block.quantity * count)
    left = settle(np.array([[unused]], dtype=np.int64))
    cost = block.billed_cost
    return CurBlock(book, (RESERVATION_FEE,), cost, cost, pledge=pledge, unused=left)


def reserved(pledge: Pledge) -> int:
    """Return how many instances are reserved."""
    return pledge.hourly // (pledge.covered[0].prices.effective * (PICO // NANO))


def item_texts(item: Item, kind: str, lines: CurBlock) -> dict[str, str | None]:
    """Return the text columns of a line as CUR 2.0 spells them, maps and moments left out."""
    known = dimensions(item, lines.book)
    sold_by_others = item.publisher is not None
    product = item.category in {"Usage", "Purchase"}
    region = item.region.region_id if item.region else None
    machine = dict(item.details).get("InstanceType")
    rate = as_text(item.prices.list_price, 9) if is_metered(item) else None
    paid = "0" if kind == DISCOUNTED else rate
    return {
        "bill_bill_type": _bill_type(kind),
        "bill_billing_entity": "AWS Marketplace" if sold_by_others else "AWS",
        "bill_invoice_id": known["InvoiceId"],
        "bill_invoicing_entity": known["InvoiceIssuerName"],
        "bill_payer_account_id": known["BillingAccountId"],
        "bill_payer_account_name": known["BillingAccountName"],
        "identity_line_item_id": _line_id(item.key, kind),
        "line_item_availability_zone": item.zone,
        "line_item_blended_rate": paid,
        "line_item_currency_code": known["BillingCurrency"],
        "line_item_legal_entity": item.publisher or known["InvoiceIssuerName"],
        "line_item_line_item_description": item.description,
        "line_item_line_item_type": kind,
        "line_item_net_unblended_rate": (
            as_text(item.prices.contracted, 9) if paid == rate and rate else paid
        ),
        "line_item_operation": item.operation or None,
        "line_item_product_code": item.service.code,
        "line_item_resource_id": resource_id(item.resource_id),
        "line_item_tax_type": "VAT" if kind == "Tax" else None,
        "line_item_unblended_rate": paid,
        "line_item_usage_account_id": known["SubAccountId"],
        "line_item_usage_account_name": known["SubAccountName"],
        "line_item_usage_type": item.meter or None,
        "pricing_currency": known["BillingCurrency"] if product else None,
        "pricing_public_on_demand_rate": rate,
        "pricing_rate_code": known["SkuPriceId"],
        "pricing_rate_id": None,
        "pricing_term": _term(item, kind) if rate else None,
        "pricing_unit": _UNITS.get(item.unit, item.unit) if product else None,
        "product_instance_family": "General purpose" if machine else None,
        "product_instance_type": machine,
        "product_location": _LOCATIONS.get(region or ""),
        "product_location_type": "AWS Region" if region else None,
        "product_operation": item.operation or None,
        "product_product_family": _FAMILIES.get(item.service.name) if product else None,
        "product_region_code": region,
        "product_servicecode": item.service.code if product else None,
        "product_sku": known["SkuId"],
        "product_usagetype": item.meter or None,
        **_savings_plan_texts(lines),
        **_reservation_texts(lines),
    }


def _bill_type(kind: str) -> str:
    return {"Refund": "Refund", UPFRONT_FEE: "Purchase"}.get(kind, "Anniversary")


def _line_id(key: str, kind: str) -> str:
    """Return the id that a line keeps over all its periods and deliveries."""
    return hashlib.sha256(f"{key}|{kind}".encode()).hexdigest()[:52]


def _term(item: Item, kind: str) -> str:
    if kind == DISCOUNTED:
        return "Reserved"
    return "Spot" if item.pricing == "Dynamic" else "OnDemand"


def resource_id(arn: str | None) -> str | None:
    """Return a resource as the bill names it: EC2 and S3 by plain ids, most others by ARN."""
    if arn is None:
        return None
    rest = arn.split(":", 5)[-1]
    if arn.startswith("arn:aws:s3:::"):
        return rest
    is_plain = arn.startswith("arn:aws:ec2:") and not rest.startswith("natgateway/")
    return rest.partition("/")[2] if is_plain else arn


def _savings_plan_texts(lines: CurBlock) -> dict[str, str | None]:
    pledge = lines.pledge
    commitment = pledge.purchase.commitment if pledge else None
    if pledge is None or commitment is None or commitment.category != "Spend":
        return dict.fromkeys(_SAVINGS_PLAN_TEXTS)
    began = lines.book.month.year - (lines.book.month.month < pledge.upfront_month)
    return {
        "savings_plan_start_time": f"{began}-{pledge.upfront_month:02d}-01T00:00:00.000Z",
        "savings_plan_end_time": f"{began + 1}-{pledge.upfront_month:02d}-01T00:00:00.000Z",
        "savings_plan_savings_plan_a_r_n": commitment.commitment_id,
        "savings_plan_offering_type": "ComputeSavingsPlans",
        "savings_plan_payment_option": _payment_option(pledge),
        "savings_plan_purchase_term": "1yr",
    }


def _reservation_texts(lines: CurBlock) -> dict[str, str | None]:
    pledge = lines.pledge
    commitment = pledge.purchase.commitment if pledge else None
    if pledge is None or commitment is None or commitment.category != "Usage":
        return dict.fromkeys(_RESERVATION_TEXTS)
    known: dict[str, str | None] = {
        "pricing_lease_contract_length": "1yr",
        "pricing_offering_class": "standard",
        "pricing_purchase_option": _payment_option(pledge),
        "reservation_reservation_a_r_n": commitment.commitment_id,
        "reservation_subscription_id": str(pledge.purchase.number),
    }
    if lines.unused is None:
        return dict.fromkeys(_RESERVATION_TEXTS) | known
    hours = int(lines.book.quantity[0, 0]) // 1000
    return {
        **known,
        "reservation_number_of_reservations": str(reserved(pledge)),
        "reservation_total_reserved_units": str(hours),
        "reservation_units_per_reservation": str(hours // reserved(pledge)),
    }


def _payment_option(pledge: Pledge) -> str:
    known = {0: "No Upfront", 100: "All Upfront"}
    return known.get(pledge.upfront_percent, "Partial Upfront")


def product_map(item: Item) -> dict[str, str]:
    """Return the `product` map: what has no column of its own."""
    name = item.service.name
    # A volume is a product of EC2 in every bill, whatever the console calls it.
    is_volume = name == "Amazon Elastic Block Store"
    known = {"product_name": "Amazon Elastic Compute Cloud" if is_volume else name}
    if item.region:
        known["region"] = item.region.region_id
    for key, value in item.details:
        if key in _PRODUCT_KEYS:
            known[_PRODUCT_KEYS[key]] = f"{value} GiB" if key == "MemorySize" else value
    return known


def discount_of(lines: CurBlock) -> Ints:
    """Return what the enterprise discount takes off, as negative amounts."""
    return lines.net - lines.unblended


def is_discounted(item: Item, kind: str) -> bool:
    """Whether the enterprise discount applies to a line."""
    return kind == "Usage" and item.prices.contracted < item.prices.list_price


def is_public(item: Item, kind: str) -> bool:
    """Whether AWS states what the line would cost on demand."""
    return kind in {"Usage", COVERED, DISCOUNTED} and is_metered(item)
