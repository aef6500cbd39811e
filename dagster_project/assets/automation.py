"""When runs start by themselves: a sensor for new deliveries, a schedule for the reload window."""

import datetime as dt
import hashlib
from collections.abc import Iterator

import dagster as dg

from dagster_project.assets.run_context import run_context
from dagster_project.errors import CloudtallyError
from dagster_project.months import ALL_MONTHS, Month, month_of
from dagster_project.partitions import range_tags
from dagster_project.pipeline.calendar import reload_window
from dagster_project.pipeline.extract import find_work

LOOK_EVERY_SECONDS = 600
RELOAD_AT = "0 6 * * *"


def delivery_sensor(job: str) -> dg.SensorDefinition:
    """Return the sensor that asks every source for deliveries that no decision covers yet.

    What is still undecided an hour after it was announced is announced again: its run may have
    met a source that was out of reach.
    """

    @dg.sensor(job_name=job, minimum_interval_seconds=LOOK_EVERY_SECONDS, name="new_deliveries")
    def new_deliveries(
        context: dg.SensorEvaluationContext,
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        months, signature = _waiting(context)
        announcement = f"{signature}@{dt.datetime.now(dt.UTC):%Y-%m-%dT%H}"
        if not months:
            yield dg.SkipReason("Nothing new at any source.")
        elif announcement == context.cursor:
            yield dg.SkipReason("These deliveries were announced within this hour.")
        else:
            context.update_cursor(announcement)
            yield dg.RunRequest(run_key=announcement, tags=range_tags(months))

    return new_deliveries


def _waiting(context: dg.SensorEvaluationContext) -> tuple[list[Month], str]:
    """Return the months with undecided deliveries, and a hash of what is waiting."""
    run = run_context()
    months: set[Month] = set()
    digest = hashlib.sha256()
    for source in (*run.settings.sources, *run.settings.inputs):
        try:
            _, work, _ = find_work(run, source)
        except CloudtallyError as error:
            context.log.warning(str(error))
            continue
        for item in work:
            months.add(item.unit.month)
            digest.update("".join(found.signature for found in item.found).encode())
    if months == {ALL_MONTHS}:  # a new input changes no month, and a run has to be about one
        months = {month_of(run.settings.today)}
    return sorted(months - {ALL_MONTHS}), digest.hexdigest()


def reload_schedule(job: str) -> dg.ScheduleDefinition:
    """Return the schedule that looks at the months which providers may still restate."""

    @dg.schedule(
        job_name=job, cron_schedule=RELOAD_AT, execution_timezone="UTC", name="reload_window"
    )
    def reload() -> dg.RunRequest | dg.SkipReason:
        run = run_context()
        months = {
            month
            for source in run.settings.sources
            for month in reload_window(source, run.settings.today)
        }
        if not months:
            return dg.SkipReason("No source is configured.")
        return dg.RunRequest(tags=range_tags(sorted(months)))

    return reload
