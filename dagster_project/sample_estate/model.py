"""The words the book is written in: accounts, services, items and blocks of charge lines.

Belongs here: neutral types. No export format and no price list.
"""

import datetime as dt
import zlib
from dataclasses import dataclass, field

import numpy as np

from dagster_project.months import Month
from dagster_project.sample_estate.money import NANO, Ints, settle

Tags = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who writes the invoice, under which provider word."""

    provider: str
    provider_name: str
    publisher: str
    issuer: str
    currency: str
    lines_name_invoice: bool
    writes_invoices: bool = True


@dataclass(frozen=True, slots=True)
class Account:
    """A sub account (account, project, subscription) and the billing account that pays it."""

    issuer: Issuer
    payer_id: str
    payer_name: str
    payer_type: str
    sub_id: str
    sub_name: str
    sub_type: str
    number: str = ""
    covered: bool = True


@dataclass(frozen=True, slots=True)
class Service:
    """A service as the provider names it, with its place in FOCUS and in the emissions export."""

    name: str
    code: str
    category: str
    subcategory: str
    bucket: str
    grams_per_unit: int


@dataclass(frozen=True, slots=True)
class Region:
    """A region with the relation of its grid to the dirtiest one, in thousandths."""

    region_id: str
    name: str
    grid: int
    market: int


@dataclass(frozen=True, slots=True)
class Commitment:
    """A commitment discount."""

    commitment_id: str
    name: str
    category: str
    kind: str
    unit: str


@dataclass(frozen=True, slots=True)
class Prices:
    """Unit prices in billionths of the billing currency."""

    list_price: int
    contracted: int
    effective: int
    billed: int


@dataclass(frozen=True, slots=True)
class Item:
    """Everything about a charge line except when it was and how much."""

    key: str
    account: Account
    service: Service
    region: Region | None
    description: str
    meter: str
    unit: str
    prices: Prices
    base: int = 0
    shape: str = "flat"
    zone: str | None = None
    resource_id: str | None = None
    resource_name: str | None = None
    resource_type: str | None = None
    operation: str = ""
    category: str = "Usage"
    charge_class: str | None = None
    frequency: str = "Usage-Based"
    pricing: str | None = "Standard"
    commitment: Commitment | None = None
    status: str | None = None
    tags: Tags = ()
    details: Tags = ()
    publisher: str | None = None
    tokens: int = 0
    number: int = field(default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "number", zlib.crc32(self.key.encode()))

    @property
    def emits(self) -> bool:
        """Whether the line stands for work done by machines of the provider."""
        return (
            self.category == "Usage"
            and self.charge_class is None
            and self.status != "Unused"
            and self.publisher is None
        )


@dataclass(frozen=True, slots=True)
class Block:
    """A dense table of charge lines: items down, moments across.

    Amounts are settled trillionths of the billing currency; quantities are thousandths.
    """

    month: Month
    invoiced: bool
    items: tuple[Item, ...]
    starts: Ints
    ends: Ints
    quantity: Ints
    list_cost: Ints
    contracted_cost: Ints
    effective_cost: Ints
    billed_cost: Ints

    @property
    def rows(self) -> int:
        """Number of charge lines."""
        return int(self.quantity.size)


def priced_block(
    month: Month, invoiced: bool, items: tuple[Item, ...], starts: Ints, ends: Ints, quantity: Ints
) -> Block:
    """Return a block whose amounts are quantity x unit price."""

    def cost(values: list[int]) -> Ints:
        return settle(quantity * np.array(values, dtype=np.int64)[:, None])

    return Block(
        month,
        invoiced,
        items,
        starts,
        ends,
        quantity,
        cost([item.prices.list_price for item in items]),
        cost([item.prices.contracted for item in items]),
        cost([item.prices.effective for item in items]),
        cost([item.prices.billed for item in items]),
    )


def on_demand(list_price: int, discount_percent: int = 0) -> Prices:
    """Return prices of usage that no commitment covers."""
    net = list_price * (100 - discount_percent) // 100
    return Prices(list_price, net, net, net)


def covered(list_price: int, effective: int) -> Prices:
    """Return prices of usage covered by a commitment: billed with the purchase, not here."""
    return Prices(list_price, list_price, effective, 0)


def unit_of_money() -> Prices:
    """Return prices of a line that is counted in money itself."""
    return Prices(NANO, NANO, NANO, NANO)


def milliseconds(day: dt.date, hour: int = 0) -> int:
    """Return the UTC moment as milliseconds since 1970."""
    return (day.toordinal() - dt.date(1970, 1, 1).toordinal()) * 86_400_000 + hour * 3_600_000
