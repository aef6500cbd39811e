"""The command `backfill`: says what loading a range of months takes, then loads it."""

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from dagster_project.cli.backfill_screen import Pace, show_batch, show_end, show_plan
from dagster_project.cli.options import FAILED, HELD_BACK, month_option
from dagster_project.cli.screen import Screen
from dagster_project.months import Month
from dagster_project.settings import load_settings

if TYPE_CHECKING:
    from dagster_project.assets.launch import Launched
    from dagster_project.pipeline.backfill import BackfillPlan
    from dagster_project.pipeline.context import Context

MONTHS_AT_A_TIME = 12


@click.command()
@click.option("--from", "first", type=month_option, metavar="YYYY-MM", required=True)
@click.option("--to", "last", type=month_option, metavar="YYYY-MM", required=True)
@click.option(
    "--source",
    "sources",
    metavar="NAME",
    multiple=True,
    help="Only this source's deliveries; repeat.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option(
    "--accept-shrink",
    metavar="WHY",
    help="Accept deliveries that hold less than the one before; the reason is recorded.",
)
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=MONTHS_AT_A_TIME,
    show_default=True,
    help="Months that are built and published together, the newest first.",
)
@click.pass_obj
def backfill(
    screen: Screen,
    first: Month,
    last: Month,
    sources: tuple[str, ...],
    dry_run: bool,
    accept_shrink: str | None,
    batch: int,
) -> None:
    """Load a range of months, the newest first; a killed one is taken up where it was."""
    from dagster_project.pipeline.backfill import plan_backfill
    from dagster_project.pipeline.context import Context
    from dagster_project.pipeline.lock import home_lock

    if first > last:
        raise click.UsageError("--from is later than --to.")
    settings = load_settings()
    context = Context(settings, report=screen.say, accept_shrink=accept_shrink, listed={})
    if dry_run:
        plan = plan_backfill(context, first, last, sources, batch)
        show_plan(screen, plan)
        sys.exit(HELD_BACK if plan.at_fault else 0)
    with home_lock(context.home.lock):
        plan = plan_backfill(context, first, last, sources, batch)
        code = _work(screen, context, plan, sources)
    sys.exit(code)


def _work(screen: Screen, context: "Context", plan: "BackfillPlan", sources: Sequence[str]) -> int:
    """Run batch after batch; one that fails ends the work, because its months stay unpublished."""
    from dagster_project.assets.launch import launch

    pace = Pace(len(plan.months), plan.seconds, time.monotonic())
    done: list[tuple[tuple[Month, ...], Launched]] = []
    for number, months in enumerate(plan.batches, start=1):
        title = f"batch {number} of {len(plan.batches)}"
        with screen.counting(title, None) as progress:
            launched = launch(
                context,
                months,
                pace.steps_of(title, len(months), progress),
                sources or None,
            )
        done.append((months, launched))
        if launched.succeeded:
            pace.finish(len(months))
        show_batch(screen, title, months, launched, pace)
        if not launched.succeeded:
            break
    show_end(screen, context.settings, plan, done)
    return _exit_code(plan, [launched for _, launched in done])


def _exit_code(plan: "BackfillPlan", launched: Sequence["Launched"]) -> int:
    if any(not one.succeeded for one in launched):
        return FAILED
    held_back = any(not outcome.is_well for one in launched for outcome in one.outcomes)
    return HELD_BACK if held_back or plan.at_fault else 0
