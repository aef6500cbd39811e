"""Runs dbt/macros/finance/chargeback.sql in DuckDB over lines that a test makes up."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from dagster_project.chargeback.model import Chargeback
from dagster_project.chargeback.parse import parse_chargeback
from dagster_project.chargeback.table import pool_rows
from dagster_project.pipeline.macros import project_macros

FILES = (
    "virtual_tags.sql",
    "finance/chargeback.sql",
    "carbon/mart_money.sql",
    "engine/exact.sql",
    "engine/amounts.sql",
    "engine/cumulative_shares.sql",
    "engine/types.sql",
)
MONTH = dt.date(2026, 3, 1)
MEASURES = (
    "effective_cost", "billed_cost", "carbon_location_kg", "carbon_market_kg",
    "carbon_unspecified_kg", "estimated_carbon_kg",
)  # fmt: skip
KEYS = (
    "billing_month", "provider", "billing_account_id", "sub_account_id", "sub_account_name",
    "service_name", "service_category", "region_id", "charge_category", "environment", "workload",
    "owner", "cost_center", "line_kind", "billing_currency",
)  # fmt: skip
USUAL = {
    "billing_month": MONTH, "provider": "aws", "billing_currency": "USD", "line_kind": "owned",
    "charge_lines": 1,
}  # fmt: skip

Row = dict[str, Any]


def rows_of(chargeback: Chargeback | str, lines: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return the chargeback of monthly lines; what a line doesn't state is as usual, or NULL."""
    if isinstance(chargeback, str):
        chargeback = parse_chargeback(chargeback, "chargeback.yaml")
    definitions = [[row[3]] for row in pool_rows(chargeback)]
    macros = project_macros(*FILES, query=lambda _: definitions)
    types = {
        "billing_month": "date",
        "charge_lines": "bigint",
        **dict.fromkeys(MEASURES, "decimal(38, 18)"),
    }
    columns = (*KEYS, *MEASURES, "charge_lines")
    declared = ", ".join(f"{name} {types.get(name, 'varchar')}" for name in columns)
    with duckdb.connect() as connection:
        connection.execute(f"create table lines ({declared})")
        for line in lines:
            connection.execute(
                f"insert into lines values ({', '.join('?' for _ in columns)})",
                [(USUAL | dict(line)).get(name) for name in columns],
            )
        found = connection.execute(
            f"with chargeback as ({macros.chargeback_rows('lines')}) select * from chargeback"
            " order by all"
        )
        names = [item[0] for item in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
