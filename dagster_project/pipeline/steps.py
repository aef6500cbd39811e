"""The steps after extraction, each whole in itself, for whoever runs them: Dagster does.

Every step takes the home's lock, so two runs can interleave steps and still not corrupt a build.
"""

import shutil
from collections.abc import Iterable

from dagster_project.errors import CloudtallyError
from dagster_project.months import Month
from dagster_project.pipeline import build
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.dbt import NodeResult, run_dbt
from dagster_project.pipeline.guard import guarded_changes
from dagster_project.pipeline.imports import import_ledger
from dagster_project.pipeline.lock import home_lock
from dagster_project.pipeline.plan import Plan, make_plan, place_of, read_note, write_note
from dagster_project.pipeline.timings import Step, timed


def begin(context: Context) -> None:
    """Start the warehouse anew where the one that is there can't be used.

    A home that was moved or restored elsewhere has views that name files of another place. A
    warehouse file that was deleted leaves months behind that no view reads.
    """
    home = context.home
    with home_lock(home.lock):
        if read_note(home).get("place") != place_of(home):
            home.database.unlink(missing_ok=True)
            shutil.rmtree(home.lake, ignore_errors=True)
        if not home.database.exists():
            write_note(home, complete=False)


def load_reference(context: Context) -> list[NodeResult]:
    """Load and test the seeds."""
    with home_lock(context.home.lock):
        begin(context)
        import_ledger(context, [])
        context.report("loading reference data")
        results = run_dbt(context, build.build_arguments(build.REFERENCE))
        build.record_seeds(context.home)
        return results


def build_months(context: Context, months: Iterable[Month] | None = None) -> list[NodeResult]:
    """Build every dirty month, and the months that their carbon shares touch.

    Args:
        context: The run's surroundings.
        months: Build only these of the dirty months, and those that the warehouse lacks: a
            publication never loses a month because another one was wanted.

    Raises:
        CloudtallyError: CT-BUILD-NOTHING while no delivery was ever accepted.
    """
    with home_lock(context.home.lock):
        plan = make_plan(context)
        if not plan.months:
            raise _nothing_accepted()
        wanted = set(months) if months is not None else set(plan.months)
        dirty = tuple(month for month in plan.dirty if month in wanted or month in plan.absent)
        if not dirty:
            import_ledger(context, [])
            return []
        with timed(context.home.timings, Step.BUILD) as tally:
            results, built = _build(context, plan, dirty)
            tally.units = built
        if set(dirty) == set(plan.dirty):
            write_note(context.home, complete=True)
        return results


def _build(context: Context, plan: Plan, dirty: tuple[Month, ...]) -> tuple[list[NodeResult], int]:
    """Build in two passes and record what was built; return the results and the months' number."""
    build.prepare(context, dirty)
    context.report(f"building charges of {_named(dirty)}")
    shares = run_dbt(context, build.build_arguments(build.SHARES, build.REFERENCE, months=dirty))
    digests = build.share_digests(context.home.database, plan.months)
    touched = build.touched_by_shares(context, digests, dirty)
    build.prepare(context, touched)
    context.report(f"building facts and marts of {_named(touched)}")
    facts = run_dbt(
        context,
        build.build_arguments(build.MONTHLY, [*build.SHARES, *build.REFERENCE], months=touched),
    )
    build.record_built(context, plan, digests, touched)
    return shares + facts, len(touched)


def build_marts(context: Context) -> list[NodeResult]:
    """Build dimensions and marts over all months, and run the tests that guard them.

    Raises:
        CloudtallyError: CT-CLOSED-CHANGED when a closed period would change: what a publication
            restates is known before the marts are built, because one of them shows it.
    """
    with home_lock(context.home.lock):
        restatements = guarded_changes(context)
        plan = make_plan(context)
        with timed(context.home.timings, Step.MARTS) as tally:
            tally.units = len(plan.months)
            import_ledger(context, _unpublished(context, plan), restatements)
            context.report("building dimensions and marts")
            return run_dbt(
                context,
                build.build_arguments(build.MARTS, [*build.MONTHLY, *build.REFERENCE]),
            )


def _nothing_accepted() -> CloudtallyError:
    return CloudtallyError(
        "CT-BUILD-NOTHING",
        "No delivery has been accepted yet, so there is nothing to build.",
        kept="what was fetched stays in landing/; nothing is published.",
        next_step="Look at why the deliveries were refused: `cloudtally status`.",
    )


def _unpublished(context: Context, plan: Plan) -> list[Month]:
    """Return the months that readers don't see as they are built now: tests look at these."""
    state = context.state()
    published = (state.published or {}).get("fact_months", {})
    return [
        month
        for month in plan.months
        if published.get(month.isoformat(), {}).get("built") != state.built.get(month)
    ]


def _named(months: Iterable[Month]) -> str:
    return ", ".join(f"{month:%Y-%m}" for month in months)
