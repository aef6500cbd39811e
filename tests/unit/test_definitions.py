"""The code location as Dagster sees it, without running anything."""

import datetime as dt
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from dagster_project.assets.publication import CANDIDATE, PROMISES, PUBLISHED
from dagster_project.definitions import JOB, build_definitions
from dagster_project.months import month_range
from dagster_project.partitions import billing_months, range_tags
from dagster_project.paths import Home
from dagster_project.pipeline import dbt
from dagster_project.pipeline.dbt import PARSED, ensure_manifest
from dagster_project.sample_estate import write_estate
from dagster_project.settings import CONFIG_VARIABLE, Settings, load_settings
from expectations.suites import ALL_SUITES

JUNE, JULY = dt.date(2026, 6, 1), dt.date(2026, 7, 1)


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("estate")
    write_estate(folder, rows=1_000, months=[JUNE, JULY], only=["onprem", "aws-main"])
    return folder


@pytest.fixture(scope="module")
def settings(estate: Path) -> Settings:
    return load_settings(estate / "cloudtally.yaml")


@pytest.fixture(scope="module")
def definitions(settings: Settings, manifest: dict[str, Any]) -> dg.Definitions:
    target = settings.layout.dbt_target
    target.mkdir(parents=True)
    (target / PARSED).write_text(json.dumps(manifest))
    return build_definitions(settings)


@pytest.fixture
def configured(estate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv(CONFIG_VARIABLE, str(estate / "cloudtally.yaml"))
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def made(definitions: dg.Definitions) -> list[dg.AssetsDefinition]:
    return [
        assets
        for assets in definitions.assets or []
        if isinstance(assets, dg.AssetsDefinition) and assets.is_executable
    ]


def test_everything_resolves(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)
    assert definitions.resolve_job_def(JOB).name == JOB


def test_without_a_configuration_the_models_are_shown_alone(
    definitions: dg.Definitions, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "dagster_project.definitions.ensure_manifest",
        lambda _home: settings.layout.dbt_target / PARSED,
    )
    alone = {key for assets in made(build_definitions(None)) for key in assets.keys}
    everything = {key for assets in made(definitions) for key in assets.keys}
    assert alone < everything
    assert {key.path[0] for key in everything - alone} == {"landing", "decoded", "inputs"}


def test_half_of_a_manifest_that_a_killed_command_left_is_never_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    home.dbt_target.mkdir(parents=True)
    written = home.dbt_target / "manifest.json"

    def parse(*_: object) -> subprocess.CompletedProcess[str]:
        assert not written.exists()
        written.write_text("{}")
        return subprocess.CompletedProcess([], 0, "")

    monkeypatch.setattr(dbt, "_call", parse)
    for _ in range(2):
        written.write_text('{"nodes": {"model.cloud')
        assert json.loads(ensure_manifest(home).read_text()) == {}


def test_every_source_has_a_landing_asset_that_leads_to_the_publication(
    definitions: dg.Definitions, settings: Settings
) -> None:
    graph = definitions.resolve_asset_graph()
    landed = [dg.AssetKey(["landing", source.name]) for source in settings.sources]
    landed += [dg.AssetKey(["inputs", source.kind]) for source in settings.inputs]
    for key in landed:
        seen: set[dg.AssetKey] = set()
        edge = {key}
        while edge:
            seen |= edge
            edge = {child for key in edge for child in graph.get(key).child_keys} - seen
        assert PUBLISHED in seen, key


def test_landed_months_are_partitions_and_run_as_one_range(definitions: dg.Definitions) -> None:
    for assets in made(definitions):
        assert assets.partitions_def in (billing_months, None)
        assert assets.backfill_policy == dg.BackfillPolicy.single_run()
    rooms = {next(iter(assets.keys)).path[0] for assets in made(definitions)
             if assets.partitions_def is not None}  # fmt: skip
    assert {"landing", "decoded"} <= rooms


def test_every_step_is_in_the_pool_of_the_home(definitions: dg.Definitions) -> None:
    pools = {assets.node_def.name: assets.op.pool for assets in made(definitions)}
    pools |= {checks.node_def.name: checks.op.pool for checks in definitions.asset_checks or []
              if isinstance(checks, dg.AssetChecksDefinition)}  # fmt: skip
    assert set(pools.values()) == {"home"}, pools


def test_every_suite_of_promises_holds_the_publication_back(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    checks = graph.get_check_keys_for_assets({CANDIDATE})
    blocking = {key.name for key in checks if graph.get_check_spec(key).blocking}
    assert blocking == {f"{PROMISES}{suite.relation}" for suite in ALL_SUITES}


def test_range_tags_name_the_first_and_the_last_month() -> None:
    tags = range_tags([JULY, JUNE, dt.date(2026, 9, 1)])
    assert list(tags.values()) == ["2026-06", "2026-09"]
    keys = billing_months.get_partition_keys_in_range(dg.PartitionKeyRange(*tags.values()))
    assert keys == [f"{month:%Y-%m}" for month in month_range(JUNE, dt.date(2026, 9, 1))]


def test_the_sensor_announces_new_deliveries_once(
    definitions: dg.Definitions, configured: dg.DagsterInstance
) -> None:
    sensor = definitions.resolve_sensor_def("new_deliveries")
    context = dg.build_sensor_context(instance=configured)
    tick = sensor.evaluate_tick(context)
    assert tick.run_requests is not None
    [request] = tick.run_requests
    assert range_tags([JUNE, JULY]).items() <= request.tags.items()
    again = sensor.evaluate_tick(dg.build_sensor_context(instance=configured, cursor=tick.cursor))
    assert not again.run_requests
    assert "announced" in str(again.skip_message)


def test_the_sensor_announces_again_what_is_still_waiting_an_hour_later(
    definitions: dg.Definitions, configured: dg.DagsterInstance
) -> None:
    sensor = definitions.resolve_sensor_def("new_deliveries")
    tick = sensor.evaluate_tick(dg.build_sensor_context(instance=configured))
    signature = str(tick.cursor).partition("@")[0]
    earlier = dg.build_sensor_context(instance=configured, cursor=f"{signature}@2026-01-01T00")
    assert len(sensor.evaluate_tick(earlier).run_requests or []) == 1


def test_a_source_that_is_gone_does_not_stop_the_sensor(
    definitions: dg.Definitions, configured: dg.DagsterInstance, estate: Path
) -> None:
    sensor = definitions.resolve_sensor_def("new_deliveries")
    lost = estate / "exports/onprem"
    lost.rename(estate / "exports/away")
    try:
        tick = sensor.evaluate_tick(dg.build_sensor_context(instance=configured))
    finally:
        (estate / "exports/away").rename(lost)
    assert len(tick.run_requests or []) == 1


def test_the_schedule_asks_for_the_reload_window(
    definitions: dg.Definitions, configured: dg.DagsterInstance, settings: Settings
) -> None:
    schedule = definitions.resolve_schedule_def("reload_window")
    context = dg.build_schedule_context(
        instance=configured, scheduled_execution_time=dt.datetime(2026, 8, 10, 6, tzinfo=dt.UTC)
    )
    tick = schedule.evaluate_tick(context)
    assert settings.today.replace(day=1) == dt.date(2026, 8, 1)
    [request] = tick.run_requests or []
    assert range_tags([JULY, dt.date(2026, 8, 1)]).items() <= request.tags.items()
