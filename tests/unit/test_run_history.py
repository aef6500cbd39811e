"""The command line's own event log: the same files as Dagster's, over connections that stay."""

import datetime as dt
import sqlite3
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from dagster_project.assets.launch import dagster_instance
from dagster_project.partitions import billing_months, one_run, range_tags
from dagster_project.paths import Home

YEAR = [dt.date(2024, month, 1) for month in range(1, 13)]


@dg.asset(partitions_def=billing_months, backfill_policy=one_run)
def built() -> None:
    """Make nothing."""


def run(home: Home) -> dg.ExecuteInProcessResult:
    definitions = dg.Definitions(assets=[built], jobs=[dg.define_asset_job("job", selection="*")])
    with dagster_instance(home) as instance:
        return definitions.resolve_job_def("job").execute_in_process(
            instance=instance, tags=range_tags(YEAR)
        )


def test_dagster_itself_reads_what_was_written(tmp_path: Path) -> None:
    home = Home(tmp_path)
    result = run(home)
    assert result.success
    with dg.DagsterInstance.from_config(str(home.dagster)) as plain:
        assert len(plain.get_materialized_partitions(dg.AssetKey("built"))) == len(YEAR)
        kinds = [log.dagster_event_type for log in plain.all_logs(result.run_id)]
    assert kinds.count(dg.DagsterEventType.ASSET_MATERIALIZATION) == len(YEAR)
    assert kinds[-1] is dg.DagsterEventType.RUN_SUCCESS


def test_a_year_of_events_opens_each_file_a_few_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def note(connection: Any, _record: Any) -> None:
        for _, _, file in connection.execute("pragma database_list"):
            opened.append(Path(file).name)

    sa.event.listen(sa.Engine, "connect", note)
    try:
        result = run(Home(tmp_path))
    finally:
        sa.event.remove(sa.Engine, "connect", note)
    assert 0 < opened.count(f"{result.run_id}.db") < len(YEAR)


def test_the_next_run_finds_the_files_closed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert run(home).success
    [index] = (home.dagster / "history" / "runs").glob("index.db")
    connection = sqlite3.connect(index, timeout=1)
    connection.execute("begin exclusive")
    connection.rollback()
    connection.close()
    assert run(home).success
