"""Why invoices differ from the charges: every cause once in a while, its amount known.

Belongs here: which line of an invoice a charge stands on, and what finance finds moved, added or
missing. What each cause adds to the tie-out is written down as it is planted, by no model.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal

from dagster_project.months import Month, next_month
from dagster_project.sample_estate.company_aws import AWS, LANTERNWATCH, PAYER, SANDBOX_PAYER
from dagster_project.sample_estate.focus_lines import invoice_number
from dagster_project.sample_estate.model import Item

_CENT = Decimal("0.01")
_AZURE_VAT = Decimal("0.25")
_LATE_RATE = Decimal("0.004")
_VOUCHERS = Decimal("480.00")


@dataclass(frozen=True, order=True, slots=True)
class Document:
    """An invoice; without a number, one that nobody has written yet."""

    month: Month
    provider: str
    issuer: str
    account: str
    currency: str
    number: str


@dataclass(frozen=True, order=True, slots=True)
class Line:
    """A line of an invoice: its category, and the line of the tie-out that it belongs to."""

    category: str
    name: str
    description: str = field(compare=False)


@dataclass
class Bill:
    """An invoice with its lines.

    Attributes:
        charged: What the export charges under its number.
        bridge: What every cause adds to the difference between the two.
        refers_to: Invoices that lines concern, where it isn't this one.
    """

    document: Document
    charged: Decimal = Decimal(0)
    lines: dict[Line, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    bridge: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    refers_to: dict[Line, str] = field(default_factory=dict)
    payment_currency: str = ""
    payment_rate: Decimal = Decimal(1)

    @property
    def total(self) -> Decimal:
        """What is payable."""
        return sum(self.lines.values(), Decimal(0))

    def add(self, line: Line, amount: Decimal, cause: str) -> None:
        """Add an amount that isn't charged under this number."""
        self.lines[line] += amount
        self.bridge[cause] += amount

    def take(self, name: str) -> tuple[Line, Decimal] | None:
        """Take a line away that is charged under this number."""
        for line in list(self.lines):
            if line.name == name:
                amount = self.lines.pop(line)
                self.bridge[name] -= amount
                return line, amount
        return None


Bills = dict[Document, Bill]
RateOf = Callable[[Month], Decimal]


@dataclass(frozen=True)
class Move:
    """A line that finance finds on another invoice than the one it is charged under.

    Attributes:
        every: The move happens where the month's number modulo `every` is `rest`.
        to: The other invoice.
    """

    name: str
    provider: str
    every: int
    rest: int
    to: Callable[[Document], Document]


def line_of(item: Item) -> Line:
    """Return the line of the invoice that bills an item."""
    category = item.category
    if category == "Tax":
        return Line(category, "tax", "Value added tax")
    if category == "Credit":
        return Line(category, "credits", "Credits")
    if category == "Adjustment":
        return Line(category, "rounding", "Rounding of single charges")
    if item.publisher:
        return Line(category, "marketplace", f"Marketplace, {item.publisher}")
    if item.service.subcategory == "Support":
        return Line(category, "support", "Support plan")
    if item.charge_class and item.prices.billed > 0 and item.base:
        return Line(category, "corrections", "Correction of the month before")
    if item.charge_class:
        return Line(category, "refunds", "Refund")
    if item.category == "Purchase" and item.commitment:
        return Line(category, "commitments", "Commitments")
    plain = "purchases" if item.category == "Purchase" else "usage"
    return Line(category, plain, category)


def plant_causes(charged: Mapping[tuple[Document, Line], Decimal], rate_of: RateOf) -> list[Bill]:
    """Return the invoices of the charges, with every cause of a difference planted.

    Args:
        charged: Billed cost by invoice number and line.
        rate_of: Dollars per euro on a month's average.
    """
    bills: Bills = {}
    for (document, line), amount in charged.items():
        bill = bills.setdefault(document, _empty(document))
        bill.charged += amount
        bill.lines[line] += amount
    for move in MOVES:
        _move(bills, move)
    for bill in list(bills.values()):
        _sell_vouchers(bill)
        _pay_in_dollars(bill, rate_of)
        _add_tax(bill)
        _round(bill)
    return [bills[document] for document in sorted(bills)]


def _empty(document: Document) -> Bill:
    return Bill(document, payment_currency=document.currency)


def _move(bills: Bills, move: Move) -> None:
    last = max(document.month for document in bills) if bills else None
    for document in sorted(bills):
        is_due = document.month.month % move.every == move.rest
        target = move.to(document)
        if document.provider != move.provider or not is_due or target == document:
            continue
        if last is None or target.month > last:
            continue
        taken = bills[document].take(move.name)
        if taken:
            line, amount = taken
            bill = bills.setdefault(target, _empty(target))
            bill.add(line, amount, move.name)
            if target.account == document.account and target.issuer == document.issuer:
                bill.refers_to[line] = document.number


def _next_invoice(document: Document) -> Document:
    later = next_month(document.month)
    number = invoice_number(document.provider, document.account, document.issuer, later)
    return replace(document, month=later, number=number)


def _credit_note(document: Document) -> Document:
    return replace(document, number=f"{document.number}-CN")


def _own_invoice(document: Document) -> Document:
    return replace(document, number=f"{document.number}-UP")


def _sellers_invoice(document: Document) -> Document:
    return replace(document, issuer=LANTERNWATCH)


def _sandbox_invoice(document: Document) -> Document:
    if document.account != PAYER:
        return document
    number = invoice_number(AWS.provider, SANDBOX_PAYER, AWS.issuer, document.month)
    return replace(document, account=SANDBOX_PAYER, number=number)


MOVES = (
    Move("credits", "azure", 4, 0, _next_invoice),
    Move("commitments", "aws", 6, 4, _own_invoice),
    Move("refunds", "aws", 3, 2, _credit_note),
    Move("corrections", "aws", 6, 0, _next_invoice),
    Move("support", "aws", 6, 0, _sandbox_invoice),
    Move("marketplace", "aws", 6, 1, _sellers_invoice),
)


def _sell_vouchers(bill: Bill) -> None:
    """Invoice something that no export contains."""
    document = bill.document
    if document.provider == "gcp" and document.month.month % 6 == 2:
        line = Line("Purchase", "purchases", "Training vouchers")
        bill.add(line, _VOUCHERS, "on_invoice_not_in_data")


def _pay_in_dollars(bill: Bill, rate_of: RateOf) -> None:
    """Settle in dollars, at the rate of the day of issue instead of the month's average."""
    document = bill.document
    if document.provider == "azure" and document.month.month % 6 == 1:
        effect = (bill.total * _LATE_RATE).quantize(_CENT, ROUND_HALF_UP)
        bill.add(Line("Adjustment", "fx", "Exchange rate difference"), effect, "fx")
        bill.payment_currency = "USD"
        bill.payment_rate = rate_of(document.month)


def _add_tax(bill: Bill) -> None:
    """Add the tax of a provider whose export never contains it."""
    if bill.document.provider == "azure":
        tax = (bill.total * _AZURE_VAT).quantize(_CENT, ROUND_HALF_UP)
        bill.add(Line("Tax", "tax", "Value added tax"), tax, "tax")


def _round(bill: Bill) -> None:
    exact = bill.total
    missing = exact.quantize(_CENT, ROUND_HALF_UP) - exact
    if missing:
        bill.add(
            Line("Adjustment", "rounding of the total", "Rounding of the total"),
            missing,
            "rounding",
        )
