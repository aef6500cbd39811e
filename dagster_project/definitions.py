"""The code location: assets from export to published mart, put together by one function."""

import warnings
from pathlib import Path

import dagster as dg

from dagster_project.assets.automation import delivery_sensor, reload_schedule
from dagster_project.assets.landing import decoded_assets, input_assets, landing_assets
from dagster_project.assets.publication import promise_checks, publication_assets
from dagster_project.assets.warehouse import warehouse_assets
from dagster_project.errors import CloudtallyError
from dagster_project.pipeline.dbt import ensure_manifest
from dagster_project.settings import Settings, load_settings

JOB = "cloudtally_run"


def build_definitions(settings: Settings | None) -> dg.Definitions:
    """Return the definitions for a configuration; without one, the models alone."""
    manifest = ensure_manifest(settings.layout if settings else None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=dg.BetaWarning)
        return _definitions(settings, manifest)


def _definitions(settings: Settings | None, manifest: Path) -> dg.Definitions:
    warehouse = warehouse_assets(manifest)
    marts = sorted(key for assets in warehouse[1:] for key in assets.keys)
    sources = _arrivals(settings) if settings else []
    job = dg.define_asset_job(JOB, selection=dg.AssetSelection.all())
    return dg.Definitions(
        assets=[*sources, *warehouse, *publication_assets([*marts, *_inputs(settings)])],
        asset_checks=[promise_checks()],
        jobs=[job],
        sensors=[delivery_sensor(JOB)],
        schedules=[reload_schedule(JOB)],
        executor=dg.in_process_executor,
    )


def _arrivals(settings: Settings) -> list[dg.AssetsDefinition]:
    return [*landing_assets(settings), *decoded_assets(settings), *input_assets(settings)]


def _inputs(settings: Settings | None) -> list[dg.AssetKey]:
    """Return what a publication waits for although no model may read it."""
    return [key for assets in input_assets(settings) for key in assets.keys] if settings else []


@dg.definitions
def defs() -> dg.Definitions:
    """Load the configuration that `CLOUDTALLY_CONFIG` names, if there is one."""
    try:
        settings: Settings | None = load_settings()
    except CloudtallyError as error:
        if error.code != "CT-CONFIG-MISSING":
            raise
        settings = None
    return build_definitions(settings)
