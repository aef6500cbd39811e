"""The project's own SQL from staging on, run in DuckDB without dbt.

dbt compiles a copy of the project in which the month of a batch is a variable, once; after that a
build over a handful of rows takes a second. Staging models are tables that a test fills.
"""

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb

from dagster_project.paths import DBT_PROJECT, SEEDS
from dagster_project.pipeline.build import dbt_environment
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.imports import import_ledger
from dagster_project.settings import Settings, SourceConfig
from tests.seed_tables import load_seeds

THIS_MONTH = """
{% macro this_month(column='billing_month') -%}
    {{ column }} = cast(getvariable('batch_month') as date)
{%- endmacro %}
"""
GOALS = ("fct_cost_and_carbon", "int_quality__emission_totals", "int_spend_carbon__monthly")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Model:
    """One compiled model."""

    name: str
    sql: str
    is_monthly: bool
    parents: tuple[str, ...]


def compiled_models(
    folder: Path,
    sources: Sequence[SourceConfig],
    goals: Sequence[str] = GOALS,
    delivered: Mapping[tuple[str, str], Sequence[str]] = MappingProxyType({}),
) -> "ModelRun":
    """Compile the project and return a database in which its models can be run.

    Args:
        folder: An empty folder.
        sources: What the configuration names; models read it from the ledger.
        goals: The models that are wanted; what they are made of is built with them.
        delivered: By room and export, columns that files have which models ask for while they are
            compiled.
    """
    project = folder / "dbt"
    shutil.copytree(DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    (folder / "seeds").symlink_to(SEEDS, target_is_directory=True)
    macro = project / "macros" / "engine" / "this_month.sql"
    if "macro batch_month" not in macro.read_text(encoding="utf-8"):
        raise AssertionError("the macro this_month has moved")
    macro.write_text(THIS_MONTH, encoding="utf-8")
    context = Context(Settings(home=folder / "home", sources=tuple(sources)))
    import_ledger(context, [])
    for (room, export), columns in delivered.items():
        _deliver(context.home.database, room, export, columns)
    context.home.dbt_target.mkdir(parents=True)
    finished = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "compile", "--project-dir", str(project)],
        env={**os.environ, **dbt_environment(context.home)},
        cwd=context.home.dbt_target,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise AssertionError(finished.stdout[-3000:])
    manifest = json.loads((context.home.dbt_target / "manifest.json").read_text())
    return ModelRun(context.home.database, _needed(manifest, goals))


def _deliver(database: Path, room: str, export: str, columns: Sequence[str]) -> None:
    """Let the ledger know a decoded file that has these columns and no row."""
    folder = database.with_name(f"{room}_{export}")
    path = folder / "ct_source=x" / "ct_month=2026-01-01" / "ct_delivery=x" / "part.parquet"
    path.parent.mkdir(parents=True)
    listed = ", ".join(f'null::varchar as "{name}"' for name in columns)
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"copy (select {listed} where false) to '{path}' (format parquet)")
        connection.execute(
            "insert into ledger.decoded_files (room, export, schema_id, path) values (?, ?, ?, ?)",
            [room, export, folder.name, str(path)],
        )
        connection.executemany(
            "insert into ledger.decoded_columns values (?, ?, ?)",
            [[folder.name, name, "VARCHAR"] for name in columns],
        )


def _needed(manifest: Mapping[str, Any], goals: Sequence[str]) -> list[Model]:
    """Return the goals and what they are made of, parents first."""
    nodes = manifest["nodes"]
    found: dict[str, Model] = {}

    def visit(unique_id: str) -> None:
        node = nodes.get(unique_id)
        if node is None or node["resource_type"] != "model" or node["name"] in found:
            return
        for parent in node["depends_on"]["nodes"]:
            visit(parent)
        found[node["name"]] = Model(
            node["name"],
            node["compiled_code"],
            node["config"]["materialized"] == "incremental",
            tuple(parent.split(".")[-1] for parent in node["depends_on"]["nodes"]),
        )

    for goal in goals:
        visit(f"model.cloudtally.{goal}")
    return list(found.values())


class ModelRun:
    """A database with the compiled models, rebuilt whole for each test's rows."""

    def __init__(self, ledger: Path, models: Sequence[Model]) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("set TimeZone = 'UTC'")
        self.connection.execute("set preserve_insertion_order = false")
        self.connection.execute("attach ':memory:' as warehouse")
        self.connection.execute("use warehouse")
        self.connection.execute(f"attach '{ledger}' as imported (read_only)")
        for schema, name in self.connection.execute(
            "select schema_name, table_name from duckdb_tables()"
            " where database_name = 'imported' and schema_name in ('ledger', 'inputs')"
        ).fetchall():
            self.connection.execute(f"create schema if not exists {schema}")
            self.connection.execute(
                f"create table {schema}.{name} as select * from imported.{schema}.{name}"
            )
        self._models = [model for model in models if not model.name.startswith("stg_")]
        self._staging = [model for model in models if model.name.startswith("stg_")]
        self.connection.execute("create schema seeds")
        parents = {parent for model in models for parent in model.parents}
        load_seeds(self.connection, parents, schema="seeds")
        for model in self._staging:
            self.connection.execute(f"create table {model.name} as {model.sql}")

    def build(self, rows: Mapping[str, Sequence[Row]], months: Iterable[dt.date]) -> None:
        """Fill staging tables and build every model, month by month in the order given."""
        months = list(months)
        for model in self._staging:
            self.connection.execute(f"delete from {model.name}")
            self._insert(model.name, rows.get(model.name, ()))
        for model in self._models:
            self._build(model, months)

    def _insert(self, table: str, rows: Sequence[Row]) -> None:
        """Insert rows of equal columns; the others stay NULL."""
        if rows:
            names = ", ".join(f'"{name}"' for name in rows[0])
            marks = f"({', '.join('?' for _ in rows[0])})"
            self.connection.execute(
                f"insert into {table} ({names}) values {', '.join(marks for _ in rows)}",
                [row[name] for row in rows for name in rows[0]],
            )

    def _build(self, model: Model, months: Sequence[dt.date]) -> None:
        if not model.is_monthly:
            self.connection.execute(f"create or replace table {model.name} as {model.sql}")
            return
        for position, month in enumerate(months):
            self.connection.execute(f"set variable batch_month = date '{month}'")
            verb = "insert into" if position else "create or replace table"
            as_ = "" if position else "as"
            self.connection.execute(f"{verb} {model.name} {as_} {model.sql}")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Run a query."""
        found: list[tuple[Any, ...]] = self.connection.execute(query).fetchall()
        return found
