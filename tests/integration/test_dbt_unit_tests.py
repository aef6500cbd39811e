"""dbt's unit tests: the rules of the models, on rows small enough to work out by hand.

dbt asks the warehouse for the columns of a model's inputs, so that a home without a source is built
first: every relation is there and empty.
"""

import datetime as dt
from pathlib import Path

import pytest
import yaml

from dagster_project.paths import DBT_PROJECT
from dagster_project.pipeline import build
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.dbt import NodeResult, run_dbt
from dagster_project.settings import load_settings

MONTH = dt.date(2026, 1, 1)
FEWEST = 12


def written_tests() -> set[str]:
    """Return the names of all unit tests that the project holds."""
    names = set()
    for path in (DBT_PROJECT / "models").rglob("*.yml"):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        names |= {test["name"] for test in document.get("unit_tests", [])}
    return names


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A home in which every relation is built, without a row."""
    folder: Path = tmp_path_factory.mktemp("home")
    config = folder / "cloudtally.yaml"
    config.write_text("home: ./warehouse\nsources: []\n", encoding="utf-8")
    context = Context(load_settings(config))
    build.prepare(context, [MONTH])
    without_tests = ["build", "--exclude-resource-types", "unit_test", "test"]
    run_dbt(context, [*without_tests, *build.event_time_arguments([MONTH])])
    return context


def test_every_unit_test_of_the_models_passes(context: Context) -> None:
    results: list[NodeResult] = run_dbt(context, ["test", "--select", "test_type:unit"])

    assert [result.unique_id for result in results if result.status != "pass"] == []
    assert {result.unique_id.rsplit(".", 1)[-1] for result in results} == written_tests()
    assert len(results) >= FEWEST
