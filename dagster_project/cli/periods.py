"""Commands about periods: closing them, accepting changes, and what was said of them before."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from dagster_project.cli.options import month_option, reason_option
from dagster_project.cli.screen import Screen
from dagster_project.months import Month, month_key
from dagster_project.settings import load_settings

FAILED = 1


def _period_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name a period."""
    for option in (
        click.option("--carbon", is_flag=True, help="The carbon clock instead of the cost clock."),
        click.option("--provider", metavar="NAME", help="Only this provider; default: all."),
        click.option("--month", type=month_option, metavar="YYYY-MM", required=True),
    ):
        command = option(command)
    return command


@click.command()
@_period_options
@click.option(
    "--override",
    metavar="WHY",
    type=reason_option,
    help="Close although it doesn't tie out; the reason is recorded.",
)
@click.pass_obj
def close(
    screen: Screen, month: Month, provider: str | None, carbon: bool, override: str | None
) -> None:
    """Close a month: from now on nothing changes it unless somebody acknowledges the change."""
    from dagster_project.ledger.store import Clock
    from dagster_project.periods.close import close_periods, summary
    from dagster_project.pipeline.context import Context

    clock = Clock.CARBON if carbon else Clock.COST
    with screen.working("adding up what is published"):
        closed = close_periods(Context(load_settings()), month, clock, provider, override)
    screen.document(
        [
            {
                "provider": each.period.provider,
                "month": month_key(month),
                "clock": clock.value,
                "digest": each.contents.digest,
                "rows": each.contents.rows,
                "sums": each.contents.sums,
                "override": each.override,
            }
            for each in closed
        ]
    )
    for each in closed:
        screen.tell(summary(each))
    screen.tell("Readers see the new state after the next `cloudtally run`.")


@click.command()
@_period_options
@click.option("--reason", type=reason_option, metavar="WHY", required=True)
@click.pass_obj
def reopen(screen: Screen, month: Month, provider: str | None, carbon: bool, reason: str) -> None:
    """Open a closed month again: it changes freely until it is closed anew."""
    from dagster_project.ledger.store import Clock
    from dagster_project.periods.close import reopen_periods
    from dagster_project.pipeline.context import Context
    from dagster_project.pipeline.guard import named

    clock = Clock.CARBON if carbon else Clock.COST
    periods = reopen_periods(Context(load_settings()), month, clock, provider, reason)
    screen.document([{"reopened": named(each)} for each in periods])
    for each in periods:
        screen.tell(f"reopened the {named(each)}")


@click.command()
@_period_options
@click.option("--reason", type=reason_option, metavar="WHY", required=True)
@click.pass_obj
def acknowledge(
    screen: Screen, month: Month, provider: str | None, carbon: bool, reason: str
) -> None:
    """Accept the change of a closed month that the last run held back, and no other."""
    from dagster_project.ledger.store import Clock
    from dagster_project.periods.acknowledge import acknowledge_changes
    from dagster_project.pipeline.context import Context
    from dagster_project.pipeline.guard import amounts, named

    clock = Clock.CARBON if carbon else Clock.COST
    with screen.working("looking at what was held back"):
        accepted = acknowledge_changes(Context(load_settings()), month, clock, provider, reason)
    screen.document([row.as_payload() for _, rows in accepted for row in rows])
    for period, rows in accepted:
        for row in rows:
            screen.tell(f"acknowledged in the {named(period)}: {amounts(row)}")
    screen.tell("Next: cloudtally run")


@click.command()
@click.option("--month", type=month_option, metavar="YYYY-MM", help="Only this month.")
@click.pass_obj
def restatements(screen: Screen, month: Month | None) -> None:
    """Show what changed after it had been published: by how much, why, and who accepted it."""
    from dagster_project.history.restatement import Restatement
    from dagster_project.pipeline.context import Context

    rows = [
        Restatement.from_payload(event.payload)
        for event in Context(load_settings()).state().restatements
        if month in (None, event.month)
    ]
    screen.document([row.as_payload() for row in rows])
    screen.restatements(rows)


@click.command("as-of")
@click.argument("date")
@click.option("--month", type=month_option, metavar="YYYY-MM", required=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the month as it was published then, with a DuckDB file to read it by.",
)
@click.option(
    "--rebuild",
    "rebuild_in",
    type=click.Path(path_type=Path, file_okay=False),
    help="Build it again in a home of its own, from the landed bytes of then, and compare.",
)
@click.pass_obj
def as_of(
    screen: Screen, date: str, month: Month, out: Path | None, rebuild_in: Path | None
) -> None:
    """Show what was published of a month at a date (its end, UTC) or moment, then and now."""
    from dagster_project.periods.as_of import as_of as look_up
    from dagster_project.periods.as_of import moment_of, write_copy
    from dagster_project.pipeline.context import Context

    context = Context(load_settings(), report=screen.tell)
    found = look_up(context, moment_of(date), month)
    rebuilt = None
    if rebuild_in is not None:
        from dagster_project.periods.rebuild import rebuild

        with screen.working("building it again"):
            rebuilt = rebuild(context, found, rebuild_in)
    copy = write_copy(found, out) if out is not None else None
    screen.as_of(found, copy, rebuilt)
    is_proven = rebuilt is None or rebuilt.is_equal or bool(rebuilt.reasons)
    sys.exit(0 if is_proven else FAILED)


COMMANDS = (close, reopen, acknowledge, restatements, as_of)
