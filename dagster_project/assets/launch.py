"""Runs the one job in this process, for the command line: the same assets that Dagster runs."""

import json
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from dagster_project.assets import run_history
from dagster_project.assets.landing import LANDING
from dagster_project.assets.publication import PROMISES
from dagster_project.assets.run_context import Given, given
from dagster_project.definitions import JOB, build_definitions
from dagster_project.months import Month
from dagster_project.partitions import range_tags
from dagster_project.paths import Home
from dagster_project.pipeline.build import seeds_are_loaded
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.extract import Outcome, Status
from dagster_project.pipeline.steps import begin

CONFIG = "dagster.yaml"
OWN_CONFIG = "command_line.yaml"
INSTANCE_CONFIG = """\
telemetry:
  enabled: false
concurrency:
  pools:
    default_limit: 1
    granularity: op
"""

# Dagster captures what a step prints, by a process beside it; the progress display would suffer.
OWN_INSTANCE_CONFIG = f"""\
{INSTANCE_CONFIG}
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
event_log_storage:
  module: {run_history.MODULE}
  class: {run_history.CLASS}
  config: {{base_dir: %s}}
"""
HISTORY = Path("history") / "runs"
"""Where Dagster itself keeps the event log of an instance."""

STARTED_BY = {"cloudtally/started_by": "command line"}
_UNFINISHED = (
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
)

MOST_SHOWN = 5

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Launched:
    """How a run ended.

    Attributes:
        failures: Sentences for the user about steps that failed.
        broken: Sentences about promises that keep the publication back.
        outcomes: What became of deliveries.
    """

    succeeded: bool
    failures: tuple[str, ...]
    broken: tuple[str, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def unread(self) -> tuple[Outcome, ...]:
        """What couldn't be brought home this time and is tried again by the next run."""
        return tuple(outcome for outcome in self.outcomes if outcome.status is Status.FAILED)


def launch(
    context: Context,
    months: Sequence[Month],
    progress: Progress,
    sources: Collection[str] | None = None,
) -> Launched:
    """Run every asset over the months; whoever calls holds the home's lock.

    Args:
        context: The run's surroundings.
        months: The months wanted.
        progress: Called with the number of the step that begins, and of all steps.
        sources: Look for deliveries of these sources only; of all when absent.
    """
    definitions = build_definitions(context.settings)
    job = definitions.resolve_job_def(JOB)
    begin(context)
    selection = _selection(definitions, context.home, sources)
    steps = {definitions.resolve_assets_def(key).node_def.name for key in selection}
    total = len(steps) + 1  # the promises are a step, and no asset
    done = 0

    def on_step() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    run = Given(context, frozenset(months), on_step)
    # It warns of every test of a month that isn't rebuilt, which was tested when it was built.
    logging.getLogger("dagster._core.execution.plan.active").setLevel(logging.ERROR)
    with given(run), dagster_instance(context.home) as instance:
        _close_killed_runs(instance)
        result = job.execute_in_process(
            instance=instance,
            tags={**range_tags(list(months)), **STARTED_BY},
            asset_selection=selection,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    return Launched(
        succeeded=result.success,
        failures=tuple(_failures(result)),
        broken=tuple(_broken_promises(result)),
        outcomes=tuple(run.outcomes),
    )


def dagster_instance(home: Home) -> dg.DagsterInstance:
    """Return the home's own instance; `dagster dev` shows its runs with DAGSTER_HOME set to it."""
    home.dagster.mkdir(parents=True, exist_ok=True)
    config = home.dagster / CONFIG
    if not config.exists():
        config.write_text(INSTANCE_CONFIG)
    root = home.dagster.resolve()
    (root / OWN_CONFIG).write_text(OWN_INSTANCE_CONFIG % json.dumps(str(root / HISTORY)))
    return dg.DagsterInstance.from_config(str(root), OWN_CONFIG)


def _close_killed_runs(instance: dg.DagsterInstance) -> None:
    """Close runs that a killed command line left open, and free every place in the pools.

    A step that was killed holds its place for ever, and every later run would wait for it. Who
    holds the home's lock may take them all: no other step could work on the home now.
    """
    left = dg.RunsFilter(tags=STARTED_BY, statuses=list(_UNFINISHED))
    for run in instance.get_runs(filters=left):
        instance.report_run_failed(run, "The process of this run ended before the run did.")
    storage = instance.event_log_storage
    pools = storage.get_concurrency_infos(sorted(storage.get_concurrency_keys())).values()
    holding = {slot.run_id for pool in pools for slot in pool.claimed_slots}
    waiting = {step.run_id for pool in pools for step in pool.pending_steps}
    for run_id in sorted(holding | waiting):
        storage.free_concurrency_slots_for_run(run_id)


def _selection(
    definitions: dg.Definitions, home: Home, sources: Collection[str] | None
) -> list[dg.AssetKey]:
    """Return what is to be made: the wanted landings, and the seeds unless they are loaded."""
    made = [
        assets
        for assets in definitions.assets or []
        if isinstance(assets, dg.AssetsDefinition) and assets.is_executable
    ]
    if seeds_are_loaded(home):
        made = [assets for assets in made if assets.node_def.name != "dbt_reference"]
    keys = [key for assets in made for key in assets.keys]
    return [key for key in keys if sources is None or _is_wanted(key, sources)]


def _is_wanted(key: dg.AssetKey, sources: Collection[str]) -> bool:
    return key.path[0] != LANDING or key.path[1] in sources


def _failures(result: dg.ExecuteInProcessResult) -> Iterator[str]:
    """Yield a sentence for every step that failed."""
    for event in result.all_events:
        if event.is_step_failure:
            yield _sentence(event.step_failure_data.error)


def _sentence(error: Any) -> str:
    """Return what a user has to know of an error that Dagster caught."""
    if error is None:
        return "A step failed for an unknown reason."
    while error.cause is not None:
        error = error.cause
    if error.cls_name == "DagsterExecutionInterruptedError":
        return "The run was interrupted; the next one does what is left."
    return str(error.message.partition("CloudtallyError: ")[2] or error.message).strip()


def _broken_promises(result: dg.ExecuteInProcessResult) -> Iterator[str]:
    """Yield a sentence for every promise that keeps the publication back."""
    for check in result.get_asset_check_evaluations():
        relation = check.check_name.partition(PROMISES)[2]
        if relation and not check.passed and check.severity is dg.AssetCheckSeverity.ERROR:
            said = [f"{relation}: {name}: {value.value}" for name, value in check.metadata.items()]
            yield from said[:MOST_SHOWN]
