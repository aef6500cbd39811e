"""Renders dbt/macros/virtual_tags.sql without a dbt project and runs it in DuckDB."""

from collections.abc import Mapping, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

import duckdb

from dagster_project.pipeline.macros import project_macros
from dagster_project.rules import TAG_RULES_COLUMNS, RuleSet, rule_rows

INPUTS = (
    "Tags", "x_Provider", "BillingAccountId", "SubAccountId", "SubAccountName", "ServiceName",
    "ServiceCategory", "RegionId", "ResourceId", "ResourceName", "ChargeCategory",
    "x_BillingMonth",
)  # fmt: skip
RESULTS = (
    "x_Owner", "x_CostCenter", "x_Environment", "x_Workload", "x_WorkloadPhase", "x_RuleSetId",
)  # fmt: skip


def macros(
    rows: Sequence[tuple[Any, ...]], *, engine: str = "duckdb", execute: bool = True
) -> SimpleNamespace:
    """Return the file's macros; `rows` is what a query over ledger.tag_rules answers."""
    return project_macros(
        "virtual_tags.sql", engine=engine, query=(lambda _: rows) if execute else None
    )


def table_rows(ruleset: RuleSet) -> list[tuple[Any, ...]]:
    """What the macro's query answers after the rule set was imported into DuckDB."""
    connection = _database()
    columns = ", ".join(f"{name} {kind}" for name, kind in TAG_RULES_COLUMNS)
    connection.execute(f"create or replace temp table tag_rules ({columns})")
    marks = ", ".join("?" for _ in TAG_RULES_COLUMNS)
    connection.executemany(
        f"insert into tag_rules values ({marks})",
        [[row[name] for name, _ in TAG_RULES_COLUMNS] for row in rule_rows(ruleset)],
    )
    return connection.execute(
        "select rule_set_id, target, kind, definition from tag_rules "
        "order by target, kind, position"
    ).fetchall()


def query(ruleset: RuleSet, *, engine: str = "duckdb", source: str = "charges") -> str:
    """The whole enrichment as a model writes it: distinct inputs, rules, join back."""
    available = macros(table_rows(ruleset), engine=engine)
    return f"""
        with virtual_tags as ({available.virtual_tags_for(source)})
        select {source}.*, {", ".join(f"virtual_tags.{name}" for name in RESULTS)}
        from {source}
        left join virtual_tags on {available.virtual_tags_join(source, "virtual_tags")}
    """


def tagged(ruleset: RuleSet, charges: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Run the enrichment over charges (missing inputs are NULL); results in the order given."""
    connection = _database()
    types = ", ".join(
        f"{name} {'date' if name == 'x_BillingMonth' else 'varchar'}" for name in INPUTS
    )
    connection.execute(f"create or replace temp table charges (line integer, {types})")
    marks = ", ".join("?" for _ in range(len(INPUTS) + 1))
    connection.executemany(
        f"insert into charges values ({marks})",
        [[n, *(charge.get(name) for name in INPUTS)] for n, charge in enumerate(charges)],
    )
    names = ", ".join(RESULTS)
    found = connection.execute(f"select {names} from ({query(ruleset)}) order by line")
    return [dict(zip(RESULTS, row, strict=True)) for row in found.fetchall()]


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()
