"""Commands of `cloudtally`.

Exit codes: 0 all is well; 1 the run failed and nothing was published; 2 wrong arguments or
configuration; 3 published, but deliveries are held back or sources can't be read, or invoices vary.
"""

import os
import sys
import webbrowser
from pathlib import Path
from typing import Literal

import click

from dagster_project.cli import periods
from dagster_project.cli.backfill import backfill
from dagster_project.cli.books import journal
from dagster_project.cli.evidence import evidence
from dagster_project.cli.options import FAILED, HELD_BACK, MISTAKEN, month_option
from dagster_project.cli.owners import owners
from dagster_project.cli.reconcile import reconcile
from dagster_project.cli.screen import Screen
from dagster_project.errors import CloudtallyError
from dagster_project.months import Month
from dagster_project.settings import CONFIG_VARIABLE, Settings, load_settings

MISTAKES = ("CT-CONFIG", "CT-RULES", "CT-ACCOUNTS", "CT-CHARGEBACK")
"""Codes of errors in what the user wrote; a command ends before it does anything."""


@click.group()
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"Configuration file; default ${CONFIG_VARIABLE} or ./cloudtally.yaml.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for machines.")
@click.version_option(package_name="cloudtally")
@click.pass_context
def cli(ctx: click.Context, config: Path | None, as_json: bool) -> None:
    """Cloud cost and carbon in one FOCUS table, from exports to published marts."""
    if config is not None:
        os.environ[CONFIG_VARIABLE] = str(config.resolve())
    ctx.obj = Screen(as_json)


@cli.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("demo"))
@click.option("--rows", type=click.IntRange(min=1_000), default=12_000, show_default=True)
@click.pass_obj
def demo(screen: Screen, out: Path, rows: int) -> None:
    """Write a fictional company's exports, run everything on them, compare with its truth."""
    from dagster_project.cli.truth import compare_with_truth
    from dagster_project.sample_estate.estate import write_estate

    if not (out / "truth.json").exists():
        with screen.working("writing the exports of a fictional company"):
            write_estate(out, rows=rows)
    settings = _settings(out / "cloudtally.yaml")
    code = _run(screen, settings, months=None, accept_shrink=None)
    if code == FAILED:
        sys.exit(code)
    agreement = compare_with_truth(settings.layout.published / "cloudtally.duckdb", out)
    screen.demo_summary(settings, agreement)
    sys.exit(code or (0 if agreement.agrees else FAILED))


@cli.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("--rows", type=click.IntRange(min=1_000), default=12_000, show_default=True)
@click.option("--seed", type=int, default=7, show_default=True)
@click.option(
    "--format",
    "formats",
    type=click.Choice(["focus", "native"]),
    default="focus",
    show_default=True,
    help="`native`: CUR, cost details and detailed billing export instead of FOCUS.",
)
@click.pass_obj
def sample(
    screen: Screen, out: Path, rows: int, seed: int, formats: Literal["focus", "native"]
) -> None:
    """Write the exports of a fictional company, with every total known in truth.json."""
    from dagster_project.sample_estate.estate import write_estate

    with screen.counting("writing rows", rows) as progress:
        summary = write_estate(out, rows=rows, seed=seed, progress=progress, formats=formats)
    screen.sample_summary(summary)


@cli.command()
@click.option(
    "--month",
    "months",
    type=month_option,
    metavar="YYYY-MM",
    multiple=True,
    help="Only this month; repeat.",
)
@click.option(
    "--accept-shrink",
    metavar="WHY",
    help="Accept deliveries that hold less, or by which something is lost; the reason is recorded.",
)
@click.pass_obj
def run(screen: Screen, months: tuple[Month, ...], accept_shrink: str | None) -> None:
    """Extract what is new, build what it touches, check, publish."""
    sys.exit(_run(screen, load_settings(), set(months) or None, accept_shrink))


@cli.command()
@click.pass_obj
def status(screen: Screen) -> None:
    """Show expected against arrived deliveries, per source and month, with their states."""
    from dagster_project.pipeline.calendar import calendar_rows, period_rows
    from dagster_project.pipeline.context import Context
    from dagster_project.pipeline.displacement import displacements

    settings = load_settings()
    context = Context(settings)
    state = context.state()
    rows = calendar_rows(settings, state)
    left_out = displacements(context, state)
    screen.calendar(settings, rows, period_rows(settings, state), state)
    screen.left_out(left_out)
    is_well = all(item.is_settled for item in left_out)
    is_whole = all(row.state not in ("quarantined", "missing") for row in rows)
    sys.exit(0 if is_well and is_whole else HELD_BACK)


@cli.command()
@click.option("--no-browser", is_flag=True, help="Only say where the page is.")
@click.pass_obj
def dashboard(screen: Screen, no_browser: bool) -> None:
    """Open the report of the published data."""
    page = load_settings().layout.published / "report" / "index.html"
    if not page.exists():
        raise CloudtallyError(
            "CT-DASHBOARD-NOTHING",
            "Nothing is published yet.",
            where={"expected": page},
            next_step="Run `cloudtally run`.",
        )
    screen.report(page)
    if not no_browser:
        webbrowser.open(page.as_uri())


for command in (*periods.COMMANDS, backfill, evidence, journal, owners, reconcile):
    cli.add_command(command)


def _settings(path: Path) -> Settings:
    os.environ[CONFIG_VARIABLE] = str(path.resolve())
    return load_settings(path)


def _run(
    screen: Screen, settings: Settings, months: set[Month] | None, accept_shrink: str | None
) -> int:
    from dagster_project.pipeline.context import Context
    from dagster_project.pipeline.guard import guarded_changes
    from dagster_project.pipeline.lock import home_lock
    from dagster_project.pipeline.survey import survey

    context = Context(settings, report=screen.say, accept_shrink=accept_shrink)
    with home_lock(context.home.lock):
        before = survey(context, months)
        if not before.has_work:
            screen.nothing_to_do(settings, before)
            return HELD_BACK if before.problems else 0
        if not before.months:
            screen.nothing_arrived(settings, before)
            return HELD_BACK if before.problems else 0
        if not before.waiting and not before.plan.dirty:
            guarded_changes(context)  # nothing will be built, so that this is known at once
        covered = sorted(months) if months else before.months
        with screen.counting("getting ready", None) as progress:
            from dagster_project.assets.launch import launch

            launched = launch(context, covered, progress.set)
        after = survey(context, months)
    screen.run_summary(settings, launched, after)
    if not launched.succeeded:
        return FAILED
    return HELD_BACK if after.problems or launched.unread else 0


def main() -> None:
    """Run a command; a user's mistake ends in one sentence, never in a traceback."""
    try:
        cli(standalone_mode=False)
    except CloudtallyError as error:
        Screen("--json" in sys.argv).error(error)
        sys.exit(MISTAKEN if error.code.startswith(MISTAKES) else FAILED)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
