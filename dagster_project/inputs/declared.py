"""The declared columns of every input; one declaration adds an input.

The columns of FOCUS datasets come from the seed that also shapes the published datasets.
"""

from collections.abc import Iterable, Mapping

from dagster_project.exports.base import ColumnKind, Rule, Schema
from dagster_project.reference import seed_rows

_PAYABLE = frozenset(
    {
        "BilledCost",
        "BillingAccountId",
        "BillingCurrency",
        "BillingPeriodEnd",
        "BillingPeriodStart",
        "InvoiceId",
        "InvoiceIssuerName",
    }
)
"""What a header total of an invoice states: enough to hold charges against it, not yet FOCUS."""


def dataset_columns(dataset: str) -> tuple[dict[str, str], ...]:
    """Return the columns of a FOCUS 1.4 dataset beside Cost and Usage, as the seed lists them."""
    rows = seed_rows("focus/focus_dataset_columns")
    return tuple(row for row in rows if row["dataset"] == dataset)


def schemas_of(kind: str) -> tuple[Schema, ...]:
    """Return the declared versions of an input, as the configuration names it."""
    return _DECLARED[kind]


def columns_of(kind: str) -> dict[str, ColumnKind]:
    """Return every declared column of an input with its kind: the table that models read."""
    return {name: each for schema in schemas_of(kind) for name, each in schema.columns.items()}


def _dataset(
    dataset: str,
    version: str,
    *,
    key: tuple[str, ...],
    mandatory: Iterable[str] | None = None,
    totals: tuple[str, ...] = (),
    accounts: tuple[str, ...] = (),
    never_null: tuple[str, ...] = (),
) -> Schema:
    """Declare an input with the columns of a FOCUS dataset.

    Without `mandatory`, a file must have every column that the standard wants filled in each row.
    """
    rows = dataset_columns(dataset)
    filled = {
        row["column_name"] for row in rows if row["v1_4"] == "M" and row["v1_4_nullable"] == "false"
    }
    return Schema(
        version=version,
        columns={row["column_name"]: ColumnKind(row["kind"]) for row in rows},
        mandatory=frozenset(filled if mandatory is None else mandatory),
        totals=totals,
        period=None,
        days=None,
        accounts=accounts,
        key=key,
        never_null=frozenset(never_null),
    )


_INVOICE_LINES = _dataset(
    "InvoiceDetail",
    "lines",
    key=("InvoiceIssuerName", "InvoiceId", "InvoiceDetailId"),
    totals=("BilledCost",),
    never_null=("BilledCost",),
    accounts=("InvoiceIssuerName", "BillingAccountId"),
)
_INVOICE_TOTALS = _dataset(
    "InvoiceDetail",
    "totals",
    key=_INVOICE_LINES.key,
    mandatory=_PAYABLE,
    totals=_INVOICE_LINES.totals,
    accounts=_INVOICE_LINES.accounts,
    never_null=("BilledCost",),
)
_BILLING_PERIODS = _dataset("BillingPeriod", "1.4", key=("InvoiceIssuerName", "BillingPeriodStart"))
_CONTRACT_COMMITMENTS = _dataset(
    "ContractCommitment", "1.4", key=("ContractId", "ContractCommitmentId")
)
_CURRENCIES = tuple(row["code"] for row in seed_rows("focus/currencies"))
_LARGEST_RATE = 10**9
_LARGEST_CARBON_PRICE = 10**9
_LARGEST_BUDGET = 10**15
_BUDGET_MEASURES = (
    "carbon_location_kg",
    "carbon_market_kg",
    "carbon_unspecified_kg",
    "estimated_carbon_kg",
)
_FX_RATES = Schema(
    version="monthly",
    columns={
        "month": ColumnKind.TEXT,
        "from_currency": ColumnKind.TEXT,
        "to_currency": ColumnKind.TEXT,
        "rate": ColumnKind.DECIMAL,
    },
    mandatory=frozenset({"month", "from_currency", "to_currency", "rate"}),
    totals=(),
    period=None,
    days=None,
    accounts=("from_currency", "to_currency"),
    never_null=frozenset({"month", "from_currency", "to_currency", "rate"}),
    rules=(
        Rule("month", pattern=(r"\d{4}-(0[1-9]|1[0-2])", "2026-03")),
        Rule("from_currency", allowed=_CURRENCIES),
        Rule("to_currency", allowed=_CURRENCIES),
        Rule("rate", above=0, below=_LARGEST_RATE),
    ),
    key=("month", "from_currency", "to_currency"),
)
_BUDGETS = Schema(
    version="monthly",
    columns={
        "month": ColumnKind.TEXT,
        "budget": ColumnKind.TEXT,
        "measure": ColumnKind.TEXT,
        "amount": ColumnKind.DECIMAL,
        "provider": ColumnKind.TEXT,
        "owner": ColumnKind.TEXT,
        "environment": ColumnKind.TEXT,
    },
    mandatory=frozenset({"month", "budget", "measure", "amount"}),
    totals=("amount",),
    period=None,
    days=None,
    accounts=("budget",),
    never_null=frozenset({"amount"}),
    rules=(
        Rule("month", required=True, pattern=(r"\d{4}-(0[1-9]|1[0-2])", "2026-03")),
        Rule("budget", required=True),
        Rule("measure", required=True, allowed=_BUDGET_MEASURES),
        Rule("amount", above=0, below=_LARGEST_BUDGET),
    ),
    key=("budget", "month", "measure"),
)
_CARBON_PRICE_COLUMNS = {
    "valid_from": ColumnKind.TEXT,
    "price_per_tonne": ColumnKind.DECIMAL,
    "currency": ColumnKind.TEXT,
    "kind": ColumnKind.TEXT,
    "owner": ColumnKind.TEXT,
    "source": ColumnKind.TEXT,
}
_CARBON_PRICES = Schema(
    version="monthly",
    columns=_CARBON_PRICE_COLUMNS,
    mandatory=frozenset(_CARBON_PRICE_COLUMNS),
    totals=(),
    period=None,
    days=None,
    accounts=(),
    never_null=frozenset({"price_per_tonne"}),
    rules=(
        Rule("valid_from", required=True, pattern=(r"\d{4}-(0[1-9]|1[0-2])", "2026-03")),
        Rule("price_per_tonne", above=0, below=_LARGEST_CARBON_PRICE, decimals=6),
        Rule("currency", required=True, allowed=_CURRENCIES),
        Rule("kind", required=True, allowed=("shadow", "fee")),
        Rule("owner", required=True),
        Rule("source", required=True),
    ),
    key=("valid_from",),
)
_LEDGER_POSTINGS = Schema(
    version="monthly",
    columns={
        "month": ColumnKind.TEXT,
        "invoice_issuer_name": ColumnKind.TEXT,
        "billing_account_id": ColumnKind.TEXT,
        "invoice_id": ColumnKind.TEXT,
        "currency": ColumnKind.TEXT,
        "amount": ColumnKind.DECIMAL,
        "ledger_account": ColumnKind.TEXT,
    },
    mandatory=frozenset(
        {"month", "invoice_issuer_name", "billing_account_id", "currency", "amount"}
    ),
    totals=("amount",),
    period=None,
    days=None,
    accounts=("invoice_issuer_name", "billing_account_id"),
    never_null=frozenset({"amount"}),
    key=(),
)

_DECLARED: Mapping[str, tuple[Schema, ...]] = {
    "billing-periods": (_BILLING_PERIODS,),
    "budgets": (_BUDGETS,),
    "carbon-prices": (_CARBON_PRICES,),
    "contract-commitments": (_CONTRACT_COMMITMENTS,),
    "fx-rates": (_FX_RATES,),
    "invoices": (_INVOICE_LINES, _INVOICE_TOTALS),
    "ledger-postings": (_LEDGER_POSTINGS,),
}
