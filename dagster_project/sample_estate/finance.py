"""Finance's side of the same book: invoices in FOCUS Invoice Detail columns, exchange rates.

Belongs here: what an accountant would hold against the exports. Invoices are in whole cents; an
Azure invoice shows value added tax that the cost export never contains.
"""

import calendar
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from dagster_project.months import Month, add_months, month_key, next_month
from dagster_project.sample_estate.focus_lines import invoice_id
from dagster_project.sample_estate.model import Block, Item
from dagster_project.sample_estate.money import as_decimal, exact_sum
from dagster_project.sample_estate.writers import iso, stable_id, write_csv

INVOICE_COLUMNS = (
    "BilledCost", "BillingAccountId", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "InvoiceDetailCreated", "InvoiceDetailDescription", "InvoiceDetailGrain",
    "InvoiceDetailId", "InvoiceDetailLastUpdated", "InvoiceId", "InvoiceIssueDate",
    "InvoiceIssueStatus", "InvoiceIssuerName", "PaymentCurrency", "PaymentCurrencyBilledCost",
    "PaymentCurrencyInvoiceDetailId", "PaymentDueDate", "PaymentTerms", "PurchaseOrderNumber",
    "ReferenceInvoiceId",
)  # fmt: skip
_CENT = Decimal("0.01")
_AZURE_VAT = Decimal("0.25")
_EURO_IN_DOLLARS = ("1.0841", "1.0913", "1.0876", "1.1042", "1.0998", "1.1127", "1.1064", "1.0952")


@dataclass(frozen=True, order=True, slots=True)
class InvoiceKey:
    """Grain of the invoice file."""

    month: Month
    provider: str
    issuer: str
    account: str
    currency: str
    invoice: str
    category: str


@dataclass
class Invoices:
    """Sums of billed cost by invoice and charge category, in trillionths."""

    totals: dict[InvoiceKey, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, block: Block) -> None:
        """Add the lines of a block whose month is invoiced."""
        if not block.invoiced:
            return
        for row, item in enumerate(block.items):
            if item.account.issuer.writes_invoices:
                self.totals[_key(item, block.month)] += exact_sum(block.billed_cost[row])

    def write(self, path: Path) -> None:
        """Write the invoices as CSV."""
        amounts = {
            key: as_decimal(total, 12).quantize(_CENT, ROUND_HALF_UP)
            for key, total in sorted(self.totals.items())
        }
        rows = [_row(key, amount) for key, amount in sorted(_with_tax(amounts).items())]
        write_csv(path, INVOICE_COLUMNS, rows)


def _key(item: Item, month: Month) -> InvoiceKey:
    account, issuer = item.account, item.account.issuer
    return InvoiceKey(
        month,
        issuer.provider,
        issuer.issuer,
        account.payer_id,
        issuer.currency,
        invoice_id(item, month),
        item.category,
    )


def _with_tax(amounts: dict[InvoiceKey, Decimal]) -> dict[InvoiceKey, Decimal]:
    result = dict(amounts)
    for key, amount in amounts.items():
        if key.provider == "azure":
            tax = InvoiceKey(
                key.month,
                key.provider,
                key.issuer,
                key.account,
                key.currency,
                key.invoice,
                "Tax",
            )
            part = (amount * _AZURE_VAT).quantize(_CENT, ROUND_HALF_UP)
            result[tax] = result.get(tax, Decimal(0)) + part
    return result


def _row(key: InvoiceKey, amount: Decimal) -> list[str]:
    after = next_month(key.month)
    issued = dt.datetime(after.year, after.month, 6)
    detail = stable_id(key.invoice, key.category)
    values = {
        "BilledCost": f"{amount:f}",
        "BillingAccountId": key.account,
        "BillingCurrency": key.currency,
        "BillingPeriodEnd": _midnight(after),
        "BillingPeriodStart": _midnight(key.month),
        "ChargeCategory": key.category,
        "InvoiceDetailCreated": iso(issued),
        "InvoiceDetailDescription": f"{key.category}, {calendar.month_name[key.month.month]}",
        "InvoiceDetailId": detail,
        "InvoiceDetailLastUpdated": iso(issued),
        "InvoiceId": key.invoice,
        "InvoiceIssueDate": iso(issued),
        "InvoiceIssueStatus": "Issued",
        "InvoiceIssuerName": key.issuer,
        "PaymentCurrency": key.currency,
        "PaymentCurrencyBilledCost": f"{amount:f}",
        "PaymentCurrencyInvoiceDetailId": detail,
        "PaymentDueDate": iso(issued + dt.timedelta(days=30)),
        "PaymentTerms": "Net 30",
        "ReferenceInvoiceId": key.invoice,
    }
    return [values.get(column, "") for column in INVOICE_COLUMNS]


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
