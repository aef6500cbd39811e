"""From built marts to what readers see: candidate, promises, publication."""

from collections.abc import Iterator, Sequence

import dagster as dg

from dagster_project.assets.run_context import run_context
from dagster_project.partitions import one_run
from dagster_project.pipeline.lock import home_lock
from dagster_project.pipeline.plan import make_plan
from dagster_project.pipeline.timings import Step, timed
from dagster_project.publish.candidate import build_candidate, present_candidate
from dagster_project.publish.swap import publish

CANDIDATE = dg.AssetKey(["publication", "candidate"])
PUBLISHED = dg.AssetKey(["publication", "published"])
PROMISES = "promises__"


def publication_assets(marts: Sequence[dg.AssetKey]) -> list[dg.AssetsDefinition]:
    """Return the candidate, which depends on every mart, and the publication."""

    @dg.asset(
        key=CANDIDATE,
        deps=list(marts),
        backfill_policy=one_run,
        group_name="publication",
        kinds={"duckdb", "parquet"},
        description="A complete publication that nobody sees yet. Grain: one per build.",
        pool="home",
    )
    def candidate() -> dg.MaterializeResult:
        run = run_context()
        run.report("building the publication")
        with home_lock(run.home.lock), timed(run.home.timings, Step.CANDIDATE) as tally:
            plan = make_plan(run)
            built = build_candidate(run, plan)
            tally.units = len(plan.months)
        return dg.MaterializeResult(metadata={"publication": built.publication_id})

    @dg.asset(
        key=PUBLISHED,
        deps=[CANDIDATE],
        backfill_policy=one_run,
        group_name="publication",
        kinds={"duckdb", "parquet"},
        description="What BI reads: `published/cloudtally.duckdb` and Parquet, swapped in whole.",
        pool="home",
    )
    def published() -> dg.MaterializeResult:
        run = run_context()
        with home_lock(run.home.lock):
            ready = present_candidate(run.home)
            publish(run, ready)
        run.report(f"published {ready.publication_id}")
        return dg.MaterializeResult(metadata={"publication": ready.publication_id})

    return [candidate, published]


def promise_checks() -> dg.AssetChecksDefinition:
    """Return one blocking check per published mart: its suite of promises."""
    from expectations.suites import ALL_SUITES

    specs = [
        dg.AssetCheckSpec(
            name=f"{PROMISES}{suite.relation}",
            asset=CANDIDATE,
            blocking=True,
            description=suite.reader,
        )
        for suite in ALL_SUITES
    ]

    @dg.multi_asset_check(specs=specs, name="promises", pool="home")
    def promises() -> Iterator[dg.AssetCheckResult]:
        from dagster_project.publish.checks import check_candidate

        run = run_context()
        run.report("checking what readers are promised")
        with home_lock(run.home.lock), timed(run.home.timings, Step.PROMISES) as tally:
            results = check_candidate(run, present_candidate(run.home))
            tally.units = len(results)
        for result in results:
            yield dg.AssetCheckResult(
                asset_key=CANDIDATE,
                check_name=f"{PROMISES}{result.relation}",
                passed=result.passed,
                severity=dg.AssetCheckSeverity.ERROR,
                metadata={
                    promise.name: f"{promise.notes} {promise.observed}"
                    for promise in (*result.blocking, *result.warnings)
                },
            )

    return promises
