"""Finance's side of the same book: invoices in FOCUS Invoice Detail columns, exchange rates.

Belongs here: what an accountant would hold against the exports. Lines carry every decimal of the
charges; a rounding line brings each invoice to whole cents, and a total stands beside its lines.
"""

import calendar
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from dagster_project.months import Month, add_months, month_key, next_month
from dagster_project.sample_estate.focus_lines import invoice_id
from dagster_project.sample_estate.invoice_causes import (
    Bill,
    Document,
    Line,
    line_of,
    plant_causes,
)
from dagster_project.sample_estate.model import Block, Item
from dagster_project.sample_estate.money import as_decimal, exact_sum
from dagster_project.sample_estate.writers import iso, stable_id, write_csv, write_json

INVOICE_COLUMNS = (
    "BilledCost", "BillingAccountId", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "InvoiceDetailCreated", "InvoiceDetailDescription", "InvoiceDetailGrain",
    "InvoiceDetailId", "InvoiceDetailLastUpdated", "InvoiceId", "InvoiceIssueDate",
    "InvoiceIssueStatus", "InvoiceIssuerName", "PaymentCurrency", "PaymentCurrencyBilledCost",
    "PaymentCurrencyInvoiceDetailId", "PaymentDueDate", "PaymentTerms", "PurchaseOrderNumber",
    "ReferenceInvoiceId",
)  # fmt: skip
_EURO_IN_DOLLARS = ("1.0841", "1.0913", "1.0876", "1.1042", "1.0998", "1.1127", "1.1064", "1.0952")


@dataclass
class Invoices:
    """Sums of billed cost by invoice and line, in trillionths; months not invoiced yet apart."""

    charged: dict[tuple[Document, Line], int] = field(default_factory=lambda: defaultdict(int))
    waiting: dict[Document, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, block: Block) -> None:
        """Add the lines of a block, unless its issuer writes no invoices."""
        for row, item in enumerate(block.items):
            if not item.account.issuer.writes_invoices:
                continue
            document, amount = _document(item, block.month), exact_sum(block.billed_cost[row])
            if block.invoiced:
                self.charged[document, line_of(item)] += amount
            else:
                self.waiting[replace(document, number="")] += amount

    def write(self, path: Path, truth: Path) -> None:
        """Write the invoices as CSV, and what a tie-out with the charges must come to."""
        charged = {key: as_decimal(total, 12) for key, total in sorted(self.charged.items())}
        bills = plant_causes(charged, euro_rate)
        written = [row for bill in bills if bill.lines for row in _rows(bill)]
        write_csv(path, INVOICE_COLUMNS, written)
        write_json(truth, {"invoices": [*map(_truth, bills), *map(_pending, self._waiting())]})

    def _waiting(self) -> list[tuple[Document, Decimal]]:
        return [(document, as_decimal(x, 12)) for document, x in sorted(self.waiting.items())]


def _document(item: Item, month: Month) -> Document:
    account, issuer = item.account, item.account.issuer
    return Document(
        month,
        issuer.provider,
        issuer.issuer,
        account.payer_id,
        issuer.currency,
        invoice_id(item, month),
    )


def _rows(bill: Bill) -> list[list[str]]:
    """Return the lines of an invoice; its total, where there are several, has no line's columns."""
    rows = [
        _row(bill, amount)
        | {
            "ChargeCategory": line.category,
            "InvoiceDetailDescription": _description(line, bill.document.month),
            "InvoiceDetailId": stable_id(bill.document.number, line.category, line.name),
            "PaymentCurrencyInvoiceDetailId": stable_id(
                bill.document.number, line.category, line.name
            ),
            "ReferenceInvoiceId": bill.refers_to.get(line, bill.document.number),
        }
        for line, amount in sorted(bill.lines.items())
    ]
    if len(rows) > 1:
        rows.append(_row(bill, bill.total))
    return [[values.get(column, "") for column in INVOICE_COLUMNS] for values in rows]


def _description(line: Line, month: Month) -> str:
    return f"{line.description}, {calendar.month_name[month.month]}"


def _row(bill: Bill, amount: Decimal) -> dict[str, str]:
    document = bill.document
    after = next_month(document.month)
    issued = dt.datetime(after.year, after.month, 6)
    return {
        "BilledCost": f"{amount:f}",
        "BillingAccountId": document.account,
        "BillingCurrency": document.currency,
        "BillingPeriodEnd": _midnight(after),
        "BillingPeriodStart": _midnight(document.month),
        "InvoiceDetailCreated": iso(issued),
        "InvoiceDetailLastUpdated": iso(issued),
        "InvoiceId": document.number,
        "InvoiceIssueDate": iso(issued),
        "InvoiceIssueStatus": "Issued",
        "InvoiceIssuerName": document.issuer,
        "PaymentCurrency": bill.payment_currency,
        "PaymentCurrencyBilledCost": f"{(amount * bill.payment_rate).quantize(_PICO, _HALF):f}",
        "PaymentDueDate": iso(issued + dt.timedelta(days=30)),
        "PaymentTerms": "Net 30",
        "ReferenceInvoiceId": document.number,
    }


_PICO = Decimal("0.000000000001")
_HALF = ROUND_HALF_UP


def _truth(bill: Bill) -> dict[str, object]:
    total = bill.total if bill.lines else None
    return _stated(bill.document, bill.charged, total, bill.bridge)


def _pending(waiting: tuple[Document, Decimal]) -> dict[str, object]:
    document, charged = waiting
    return _stated(document, charged, None, {"in_data_not_invoiced": -charged})


def _stated(
    document: Document, charged: Decimal, total: Decimal | None, bridge: dict[str, Decimal]
) -> dict[str, object]:
    return {
        "billing_month": month_key(document.month),
        "provider": document.provider,
        "invoice_issuer_name": document.issuer,
        "billing_account_id": document.account,
        "billing_currency": document.currency,
        "invoice_id": document.number,
        "fact_total": f"{charged:f}",
        "invoice_total": None if total is None else f"{total:f}",
        "bridge": {line: f"{amount:f}" for line, amount in sorted(bridge.items()) if amount},
    }


def _midnight(day: dt.date) -> str:
    return iso(dt.datetime.combine(day, dt.time()))


def euro_rate(month: Month) -> Decimal:
    """Return the monthly average price of a euro in dollars."""
    position = (month.year * 12 + month.month) % len(_EURO_IN_DOLLARS)
    return Decimal(_EURO_IN_DOLLARS[position])


def write_rates(path: Path, months: Sequence[Month]) -> None:
    """Write monthly average rates, from a month before the first on."""
    wanted: Iterable[Month] = (add_months(months[0], -1), *months)
    rows = [[month_key(month), "EUR", "USD", str(euro_rate(month))] for month in wanted]
    write_csv(path, ("month", "from_currency", "to_currency", "rate"), rows)
