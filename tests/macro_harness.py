"""Renders macros and models of the dbt project without dbt, for one engine."""

from functools import cache
from types import SimpleNamespace
from typing import Any

import yaml
from dbt_common.clients.jinja import get_environment

from dagster_project.pipeline.macros import MACROS, project_macros


@cache
def macros(*files: str, engine: str = "duckdb") -> SimpleNamespace:
    """Return the macros of these files below dbt/macros, as functions that return SQL."""
    return project_macros(*files, engine=engine)


@cache
def project_variables() -> dict[str, Any]:
    """Return the variables that dbt_project.yml declares."""
    text = (MACROS.parent / "dbt_project.yml").read_text(encoding="utf-8")
    declared: dict[str, Any] = yaml.safe_load(text)["vars"]
    return declared


def model_sql(model: str, *files: str) -> str:
    """Return a model as DuckDB SQL: references become names, a batch is every month.

    Args:
        model: The model's file below dbt/models.
        files: The macros it calls, files below dbt/macros.
    """
    namespace = macros(*files)
    text = (MACROS.parent / "models" / model).read_text(encoding="utf-8")
    context = vars(namespace) | {
        "ref": lambda name: name,
        "source": lambda schema, table: f"{schema}.{table}",
        "monthly_model": lambda: "",
        "this_month": lambda _column="billing_month": "true",
        "var": project_variables().__getitem__,
    }
    return str(get_environment().from_string(text).render(context))
