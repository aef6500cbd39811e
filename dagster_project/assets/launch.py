"""Runs the one job in this process, for the command line: the same assets that Dagster runs."""

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dagster as dg

from dagster_project.assets.run_context import given_context
from dagster_project.definitions import JOB, build_definitions
from dagster_project.months import Month
from dagster_project.partitions import range_tags
from dagster_project.paths import Home
from dagster_project.pipeline.build import seeds_are_loaded
from dagster_project.pipeline.context import Context

INSTANCE_CONFIG = """\
telemetry:
  enabled: false
concurrency:
  pools:
    default_limit: 1
    granularity: op
"""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Launched:
    """How a run ended; `problems` are sentences for the user."""

    succeeded: bool
    problems: tuple[str, ...]


def launch(context: Context, months: Sequence[Month], progress: Progress) -> Launched:
    """Run every asset over the months from the first to the last."""
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    definitions = build_definitions(context.settings)
    job = definitions.resolve_job_def(JOB)
    selection = _selection(definitions, context.home)
    total = len({definitions.resolve_assets_def(key).node_def.name for key in selection})
    done = 0

    def on_step() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    with given_context(context, on_step), dagster_instance(context.home) as instance:
        result = job.execute_in_process(
            instance=instance,
            tags=range_tags(list(months)),
            asset_selection=selection,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    return Launched(result.success, tuple(_problems(result)))


def dagster_instance(home: Home) -> dg.DagsterInstance:
    """Return the home's own instance; `dagster dev` shows its runs with DAGSTER_HOME set to it."""
    home.dagster.mkdir(parents=True, exist_ok=True)
    config = home.dagster / "dagster.yaml"
    if not config.exists():
        config.write_text(INSTANCE_CONFIG)
    os.environ["DAGSTER_HOME"] = str(home.dagster.resolve())
    return dg.DagsterInstance.get()


def _selection(definitions: dg.Definitions, home: Home) -> list[dg.AssetKey]:
    """Return every asset that can be made, without the seeds if they are loaded already."""
    made = [
        assets
        for assets in definitions.assets or []
        if isinstance(assets, dg.AssetsDefinition) and assets.is_executable
    ]
    if seeds_are_loaded(home):
        made = [assets for assets in made if assets.node_def.name != "dbt_reference"]
    return [key for assets in made for key in assets.keys]


def _problems(result: dg.ExecuteInProcessResult) -> list[str]:
    problems = []
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            message = error.message if error is not None else "unknown"
            problems.append(message.partition("CloudtallyError: ")[2].strip() or message.strip())
    for check in result.get_asset_check_evaluations():
        if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR:
            details = [str(value.value) for value in check.metadata.values()]
            if check.check_name.startswith("promises__"):
                problems.append(f"{check.check_name}: {' '.join(details[:3])}")
    return problems
