"""`cloudtally reconcile`: invoices against charges, with the bridge between them."""

import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import click
from rich.table import Table

from dagster_project.cli.options import HELD_BACK, month_option
from dagster_project.cli.screen import Screen
from dagster_project.months import Month, month_key
from dagster_project.settings import load_settings

if TYPE_CHECKING:
    from dagster_project.publish.reconciliation import Tie, Value

STYLES = {
    "match": "green",
    "within_tolerance": "green",
    "variance": "red",
    "pending": "cyan",
    "not_reconcilable": "yellow",
}


@click.command()
@click.option("--month", type=month_option, metavar="YYYY-MM", required=True)
@click.option("--provider", metavar="NAME", help="Only this provider's invoices.")
@click.pass_obj
def reconcile(screen: Screen, month: Month, provider: str | None) -> None:
    """Show a month's charges against its invoices, line by line; code 3 where they vary."""
    from dagster_project.publish.reconciliation import ties_of

    ties = ties_of(load_settings().layout.published / "cloudtally.duckdb", month, provider)
    varies = any(tie.is_variance for tie in ties)
    screen.document(
        {
            "billing_month": month_key(month),
            "outcomes": _counts(ties),
            "ties": [tie.as_dict() for tie in ties],
        }
    )
    if not screen.as_json:
        _show(screen, month, ties)
    sys.exit(HELD_BACK if varies else 0)


def _counts(ties: "Sequence[Tie]") -> dict[str, int]:
    return {word: n for word in STYLES if (n := sum(tie.outcome == word for tie in ties))}


def _show(screen: Screen, month: Month, ties: "Sequence[Tie]") -> None:
    for tie in ties:
        screen.say(_whose(tie))
        screen.console.print(_table(tie))
        if tie.values["outcome_reason"]:
            screen.say(f"  {tie.values['outcome_reason']}")
        if tie.values["counterparts"]:
            screen.say(f"  the same amount, the other way round: {tie.values['counterparts']}")
    counts = ", ".join(f"{count} {word}" for word, count in _counts(ties).items())
    screen.say(f"{month_key(month)}: {counts}")


def _whose(tie: "Tie") -> str:
    names = ("invoice_issuer_name", "billing_account_id", "invoice_id")
    return " ".join(str(tie.values[name]) for name in names if tie.values[name])


def _table(tie: "Tie") -> Table:
    table = Table(
        caption=f"[{STYLES[tie.outcome]}]{tie.outcome}[/]",
        caption_justify="left",
        show_header=False,
    )
    table.add_column()
    table.add_column(justify="right")
    for name, amount in _lines(tie):
        table.add_row(name, _amount(amount, str(tie.values["billing_currency"])))
    return table


def _lines(tie: "Tie") -> "Iterator[tuple[str, Value]]":
    values = tie.values
    if values["control_total"] is not None:
        yield "deliveries", values["control_total"]
    yield "charges", values["fact_total"]
    for line, amount in tie.bridge.items():
        yield f"  {line.replace('_', ' ')}", amount
    if values["difference"] is not None:
        yield "  unexplained", values["unexplained"]
    yield "invoice", values["invoice_total"]
    if values["invoice_net_total"] != values["invoice_total"]:
        yield "  net of tax", values["invoice_net_total"]
    if values["ledger_total"] is not None:
        yield "posted", values["ledger_total"]
    yield "tolerance", values["tolerance"]


def _amount(amount: "Value", currency: str) -> str:
    from dagster_project.publish.reconciliation import exact

    if not isinstance(amount, Decimal):
        return "none"
    whole, point, digits = exact(amount, grouped=True).partition(".")
    return f"{whole}{point}{digits.ljust(2, '0') if point else ''} {currency}"
