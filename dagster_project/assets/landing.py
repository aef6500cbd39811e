"""One landing asset per configured source or input, and one decoded asset per export."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

import dagster as dg

from dagster_project.assets.run_context import note_outcomes, run_context, run_months
from dagster_project.partitions import billing_months, one_run
from dagster_project.pipeline.extract import Outcome, Status, extract
from dagster_project.pipeline.imports import ensure_decoded
from dagster_project.pipeline.lock import home_lock
from dagster_project.settings import INPUTS, InputConfig, Settings, SourceConfig

LANDING = "landing"
CHECK = "no_delivery_is_held_back"
CHARGES_STALE_AFTER = timedelta(hours=36)
EMISSIONS_STALE_AFTER = timedelta(days=45)


def landing_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the landing asset of every source."""
    return [_landing_asset(source) for source in settings.sources]


def input_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return one asset for every input; its table in the warehouse is a source of the models."""
    return [_input_asset(source) for source in settings.inputs]


def decoded_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the decoded asset of every kind of export that has a source."""
    sources: dict[str, list[SourceConfig]] = defaultdict(list)
    for source in settings.sources:
        sources[f"{source.room}_{source.kind}"].append(source)
    return [_decoded_asset(name, members) for name, members in sorted(sources.items())]


def _landing_asset(source: SourceConfig) -> dg.AssetsDefinition:
    key = dg.AssetKey([LANDING, source.name])

    @dg.asset(
        key=key,
        partitions_def=billing_months,
        backfill_policy=one_run,
        group_name=LANDING,
        kinds={source.provider, "file"},
        description=(
            f"Deliveries of {source.provider} {source.export} as the provider wrote them. "
            "Grain: one delivery per month."
        ),
        metadata={"location": _places(source)},
        check_specs=[dg.AssetCheckSpec(CHECK, asset=key)],
        freshness_policy=dg.FreshnessPolicy.time_window(
            fail_window=EMISSIONS_STALE_AFTER if source.is_emissions else CHARGES_STALE_AFTER
        ),
        pool="home",
    )
    def landing(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        run = run_context()
        with home_lock(run.home.lock):
            outcomes = extract(run, source, run_months(context))
        note_outcomes(outcomes)
        return _landing_result(outcomes)

    return landing


def _places(source: SourceConfig) -> str:
    """Return where a source is, without what follows a question mark."""
    places = ((name, place.split("?")[0]) for name, place in source.locations.items())
    return ", ".join(f"{name}: {place}" if name else place for name, place in places)


def _input_asset(source: InputConfig) -> dg.AssetsDefinition:
    key = dg.AssetKey([INPUTS, source.kind])

    @dg.asset(
        key=key,
        backfill_policy=one_run,
        group_name=INPUTS,
        kinds={"file"},
        description="A file of the company itself, landed whole. Grain: one delivery per content.",
        metadata={"location": source.location.split("?")[0]},
        check_specs=[dg.AssetCheckSpec(CHECK, asset=key)],
        pool="home",
    )
    def input_file() -> dg.MaterializeResult:
        run = run_context()
        with home_lock(run.home.lock):
            outcomes = extract(run, source)
        note_outcomes(outcomes)
        return _landing_result(outcomes)

    return input_file


def _landing_result(outcomes: Sequence[Outcome]) -> dg.MaterializeResult:
    held_back = [outcome for outcome in outcomes if not outcome.is_well]
    accepted = [outcome for outcome in outcomes if outcome.status is Status.ACCEPTED]
    return dg.MaterializeResult(
        metadata={
            "accepted": len(accepted),
            "unchanged": sum(outcome.status is Status.UNCHANGED for outcome in outcomes),
            "dagster/row_count": sum(outcome.rows or 0 for outcome in accepted),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=CHECK,
                passed=not held_back,
                severity=dg.AssetCheckSeverity.ERROR,
                metadata={
                    f"problem {number}": str(outcome.error)
                    for number, outcome in enumerate(held_back, start=1)
                },
            )
        ],
    )


def _decoded_asset(name: str, sources: Sequence[SourceConfig]) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(["decoded", name]),
        deps=[dg.AssetKey([LANDING, source.name]) for source in sources],
        partitions_def=billing_months,
        backfill_policy=one_run,
        group_name="decoded",
        kinds={"parquet"},
        description="Typed Parquet of accepted deliveries. Grain: one row of the provider's file.",
        pool="home",
    )
    def decoded(context: dg.AssetExecutionContext) -> None:
        run = run_context()
        with home_lock(run.home.lock):
            ensure_decoded(run, [source.name for source in sources])

    return decoded
