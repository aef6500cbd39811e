"""What several unit tests share: the dbt project, compiled once."""

import json
from typing import Any

import pytest

from dagster_project.pipeline.context import Context
from dagster_project.pipeline.dbt import run_dbt
from dagster_project.pipeline.imports import import_ledger
from dagster_project.settings import Settings


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """dbt's manifest with compiled SQL, against the empty ledger of a new home."""
    context = Context(Settings(home=tmp_path_factory.mktemp("home")))
    import_ledger(context, [])
    run_dbt(context, ["compile"])
    text = (context.home.dbt_target / "manifest.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document
