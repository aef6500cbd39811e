"""The tie-out's own SQL over charges and invoices of the sample's book, without files or dbt.

The fact is a table with the columns that the tie-out reads, filled from the book; invoices and the
truth about them are what the sample estate writes.
"""

import csv
import datetime as dt
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from dagster_project.inputs.declared import columns_of
from dagster_project.months import Month, next_month
from dagster_project.pipeline.calendar import INVOICE_DUE_DAY
from dagster_project.reference import seed_rows
from dagster_project.sample_estate.book import Edition, month_blocks
from dagster_project.sample_estate.finance import Invoices
from dagster_project.sample_estate.focus_lines import dimensions
from dagster_project.sample_estate.model import Block
from dagster_project.sample_estate.money import as_decimal
from dagster_project.sample_estate.sizing import size_for
from dagster_project.sample_estate.sources import EXPORTS
from tests.macro_harness import model_sql

INVOICES = "intermediate/invoices/int_invoices__"
MODELS = {
    "int_invoices__charged": f"{INVOICES}charged.sql",
    "int_invoices__legs": f"{INVOICES}legs.sql",
    "int_invoices__totals": f"{INVOICES}totals.sql",
    "int_invoices__differences": f"{INVOICES}differences.sql",
    "mart_invoice_reconciliation": "marts/finance/mart_invoice_reconciliation.sql",
}
MACROS = (
    "engine/types.sql",
    "engine/amounts.sql",
    "decoded/repair_focus.sql",
    "carbon/mart_money.sql",
    "finance/tie_out_lines.sql",
)
BRIDGE = (
    "tax",
    "credits",
    "refunds",
    "commitments",
    "support",
    "marketplace",
    "rounding",
    "corrections",
    "fx",
    "on_invoice_not_in_data",
    "in_data_not_invoiced",
)
KEY = (
    "billing_month",
    "invoice_issuer_name",
    "billing_account_id",
    "billing_currency",
    "invoice_id",
)
FACT = {
    "row": "bigint",
    "x_BillingMonth": "date",
    "x_SourceName": "varchar",
    "x_Provider": "varchar",
    "x_RecordKind": "varchar",
    "InvoiceIssuerName": "varchar",
    "BillingAccountId": "varchar",
    "InvoiceId": "varchar",
    "BillingCurrency": "varchar",
    "ChargeCategory": "varchar",
    "ChargeClass": "varchar",
    "ChargeDescription": "varchar",
    "ServiceProviderName": "varchar",
    "ProviderName": "varchar",
    "ServiceSubcategory": "varchar",
    "CommitmentDiscountId": "varchar",
    "BilledCost": "decimal(38,18)",
}
_TYPES = {"text": "varchar", "json": "varchar", "decimal": "decimal(38,18)"}
Tied = dict[str, Any]


class TieOut:
    """Charges and invoices of a few months in a database, and what the tie-out makes of them."""

    def __init__(self, folder: Path, months: Sequence[Month], rows: int, seed: int = 7) -> None:
        self.months = tuple(months)
        self.today = next_month(months[-1]).replace(day=2)
        self.connection = duckdb.connect()
        self._sql = {name: _rendered(name) for name in MODELS}
        self._declare()
        invoices = Invoices()
        self._charge(list(self._blocks(rows, seed)), invoices)
        invoices.write(folder / "invoices.csv", folder / "truth.json")
        self.truth = json.loads((folder / "truth.json").read_text())["invoices"]
        with (folder / "invoices.csv").open(encoding="utf-8", newline="") as file:
            self.add_invoice_rows(list(csv.DictReader(file)))

    def tied(self) -> list[Tied]:
        """Build every model anew; return the mart."""
        for name, sql in self._sql.items():
            self.connection.execute(f"create or replace table {name} as {sql}")
        found = self.connection.execute("select * from mart_invoice_reconciliation order by all")
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def add_invoice_rows(self, rows: Sequence[dict[str, str]]) -> None:
        """Add rows of an invoice file; absent cells stay absent."""
        names = [*columns_of("invoices")]
        marks = ", ".join("nullif(?, '')" for _ in names)
        self.connection.executemany(
            f"insert into inputs.invoices by position select *, 'd' from (select {marks})",
            [[row.get(name, "") for name in names] for row in rows],
        )

    def _declare(self) -> None:
        for schema in ("ledger", "inputs"):
            self.connection.execute(f"create schema {schema}")
        for kind in ("invoices", "ledger-postings"):
            columns = ", ".join(
                f'"{name}" {_TYPES.get(each.value, "timestamp")}'
                for name, each in columns_of(kind).items()
            )
            table = f"inputs.{kind.replace('-', '_')}"
            self.connection.execute(f"create table {table} ({columns}, delivery_id varchar)")
        self._seed("currencies", "focus/currencies", {"subunit": "decimal(38,18)"})
        self._seed("invoice_habits", "maps/invoice_habits", {"tax_in_data": "boolean"})
        self.connection.execute(
            "create table ledger.inputs as select 'invoices' as input_name, 'd' as delivery_id"
        )
        self.connection.execute(
            "create table ledger.sources (source_name varchar, is_internal boolean)"
        )
        self.connection.executemany(
            "insert into ledger.sources values (?, ?)",
            [(export.name, export.provider == "onprem") for export in EXPORTS],
        )
        self._dues()

    def _seed(self, name: str, file: str, types: dict[str, str]) -> None:
        rows = seed_rows(file)
        columns = ", ".join(
            f"cast(nullif({column}, '') as {types.get(column, 'varchar')}) as {column}"
            for column in rows[0]
        )
        table = pa.Table.from_pylist(list(rows))
        self.connection.register("seed", table)
        self.connection.execute(f"create table {name} as select {columns} from seed")

    def _dues(self) -> None:
        days = {row["provider"]: int(row["due_day"]) for row in seed_rows("maps/invoice_habits")}
        self.connection.execute(
            "create table ledger.invoices_due"
            " (provider varchar, billing_month date, due_on date, is_due boolean)"
        )
        for month in self.months:
            for provider in {export.provider for export in EXPORTS}:
                due = next_month(month).replace(day=days.get(provider, INVOICE_DUE_DAY))
                self.connection.execute(
                    "insert into ledger.invoices_due values (?, ?, ?, ?)",
                    [provider, month, due, due <= self.today],
                )

    def _blocks(self, rows: int, seed: int) -> Iterator[tuple[str, Block]]:
        size = size_for(rows, self.months)
        for export in EXPORTS:
            plan = export.plan(size)
            for month in self.months:
                edition = Edition(invoiced=month != self.months[-1])
                first = month == self.months[0]
                for block in month_blocks(plan, month, seed=seed, first=first, edition=edition):
                    yield export.name, block

    def _charge(self, blocks: Sequence[tuple[str, Block]], invoices: Invoices) -> None:
        rows: list[tuple[Any, ...]] = []
        for source, block in blocks:
            invoices.add(block)
            rows += _fact_rows(source, block)
        columns = ", ".join(f"{name} {kind}" for name, kind in FACT.items())
        self.connection.execute(f"create table fct_cost_and_carbon ({columns})")
        listed = [[number, *row] for number, row in enumerate(rows)]
        arrays = [pa.array(column) for column in zip(*listed, strict=True)]
        self.connection.register("rows", pa.Table.from_arrays(arrays, names=list(FACT)))
        self.connection.execute("insert into fct_cost_and_carbon select * from rows")
        self.connection.execute(
            "create table ledger.control_totals as select x_SourceName as source_name,"
            " x_BillingMonth as month, 'BilledCost' as metric,"
            " cast(sum(BilledCost) as decimal(38,18)) as total"
            " from fct_cost_and_carbon group by all"
        )


def _fact_rows(source: str, block: Block) -> Iterator[tuple[Any, ...]]:
    for number, item in enumerate(block.items):
        known = dimensions(item, block)
        head = (
            block.month,
            source,
            item.account.issuer.provider,
            "Charge",
            known["InvoiceIssuerName"],
            known["BillingAccountId"],
            None if source == "aws-sandbox" else known["InvoiceId"],
            known["BillingCurrency"],
            known["ChargeCategory"],
            known["ChargeClass"],
            known["ChargeDescription"],
            item.publisher or known["ProviderName"],
            known["ProviderName"],
            known["ServiceSubcategory"],
            known["CommitmentDiscountId"],
        )
        for amount in block.billed_cost[number]:
            yield (*head, as_decimal(int(amount), 12))


def _rendered(name: str) -> str:
    return model_sql(MODELS[name], *MACROS)


def true_bridge(truth: Sequence[dict[str, Any]], tied: Tied) -> dict[str, Decimal]:
    """Return what the bridge of a row of the mart must be, by the book alone."""
    found: dict[str, Decimal] = dict.fromkeys(BRIDGE, Decimal(0))
    for bill in truth:
        if _is_of(bill, tied):
            for line, amount in bill["bridge"].items():
                found[line] += Decimal(amount)
    return found


def _is_of(bill: dict[str, Any], tied: Tied) -> bool:
    same = all(
        bill[name] == (f"{tied[name]:%Y-%m}" if isinstance(tied[name], dt.date) else tied[name])
        for name in KEY[:-1]
    )
    return same and (tied["tie_key"] != "invoice" or bill["invoice_id"] == tied["invoice_id"])
