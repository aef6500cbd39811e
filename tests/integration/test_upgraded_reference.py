"""A warehouse that an older version filled takes the reference data of this one."""

from pathlib import Path

import duckdb

from dagster_project.paths import Home
from dagster_project.pipeline import steps
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.plan import write_note
from dagster_project.reference import seed_rows
from dagster_project.settings import Settings
from tests.pipeline_runs import give_reference


def test_seeds_with_other_columns_are_made_anew(reference: Home, tmp_path: Path) -> None:
    context = Context(Settings(home=tmp_path))
    give_reference(reference, context.home)
    write_note(context.home, complete=False)
    with duckdb.connect(str(context.home.database)) as engine:
        engine.execute("alter table seeds.carbon_usage_units drop column quantity_decimals")
        engine.execute("alter table seeds.currencies add column no_longer_there varchar")

    steps.load_reference(context)

    with duckdb.connect(str(context.home.database), read_only=True) as engine:
        units = engine.execute(
            "select count(quantity_decimals) from seeds.carbon_usage_units"
        ).fetchall()
        found = {row[0] for row in engine.execute("describe seeds.currencies").fetchall()}
    assert units == [(len(seed_rows("carbon/carbon_usage_units")),)]
    assert "no_longer_there" not in found
