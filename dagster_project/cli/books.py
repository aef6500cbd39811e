"""`cloudtally journal`: a published month for the general ledger."""

from dataclasses import asdict
from pathlib import Path

import click

from dagster_project.books.journal import Journal, View
from dagster_project.cli.options import month_option
from dagster_project.cli.screen import Screen
from dagster_project.months import Month, month_key
from dagster_project.settings import load_settings


@click.command()
@click.option("--month", type=month_option, metavar="YYYY-MM", required=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write this CSV file; without it the lines are printed.",
)
@click.option(
    "--view",
    type=click.Choice(["restated", "current-period"]),
    default="restated",
    show_default=True,
    help="`current-period`: later changes of closed months in the month that acknowledged them.",
)
@click.option("--accruals", is_flag=True, help="Add the month's accrual and its reversal.")
@click.pass_obj
def journal(screen: Screen, month: Month, out: Path | None, view: View, accruals: bool) -> None:
    """Write a published month as double-entry lines by ledger account and cost center."""
    from dagster_project.books.accounts import load_chart
    from dagster_project.books.document import journal_csv, write_whole
    from dagster_project.books.journal import read_journal

    settings = load_settings()
    chart = load_chart(settings.ledger_accounts)
    database = settings.layout.published / "cloudtally.duckdb"
    made = read_journal(database, month, chart, view, accruals)
    text = journal_csv(made)
    if out is not None:
        write_whole(out, text)
    elif not screen.as_json:
        click.echo(text, nl=False)
    show(screen, made, out, unmapped=chart.unmapped.account)


def show(screen: Screen, made: Journal, out: Path | None, unmapped: str) -> None:
    """Say what was written, and what an accountant has to look at."""
    lines = [line for line in made.lines if line.ledger_account == unmapped]
    screen.document(
        {
            "month": month_key(made.month),
            "view": made.view,
            "out": out,
            "states": made.states,
            "totals": made.totals(),
            "lines_unmapped": len(lines),
            "not_estimated": made.not_estimated,
            "lines": [asdict(line) for line in made.lines],
        }
    )
    if out is None:
        return
    screen.say(f"Wrote {len(made.lines)} lines of {month_key(made.month)} to {out}")
    for currency, (debit, credit) in made.totals().items():
        screen.say(f"  {currency}: debit {debit}, credit {credit}")
    unsettled = [f"{name} {state}" for name, state in made.states.items() if state != "closed"]
    if unsettled:
        screen.say(f"Not closed: {', '.join(unsettled)}.")
    if lines:
        screen.say(f"{len(lines)} lines have no account of their own and stand under {unmapped}.")
    if made.not_estimated:
        screen.say(f"Not accrued, too few days are known: {', '.join(made.not_estimated)}.")
