"""Compares published marts with what the sample estate knows by itself, exactly."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

COSTS = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")

_MEASURES = {
    ("1", "none"): "carbon_scope1_kg",
    ("2", "location"): "carbon_scope2_location_kg",
    ("2", "market"): "carbon_scope2_market_kg",
    ("2", "unspecified"): "carbon_scope2_unspecified_kg",
    ("3", "location"): "carbon_scope3_location_kg",
    ("3", "market"): "carbon_scope3_market_kg",
    ("3", "unspecified"): "carbon_scope3_unspecified_kg",
    ("3", "none"): "carbon_scope3_location_kg",
    ("total", "location"): "carbon_location_kg",
    ("total", "market"): "carbon_market_kg",
    ("total", "unspecified"): "carbon_unspecified_kg",
}


@dataclass(frozen=True)
class Agreement:
    """How many totals were compared, and a sentence for each that differs."""

    compared: int
    differences: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether totals were compared and none differs."""
        return self.compared > 0 and not self.differences


def compare_with_truth(database: Path, estate: Path) -> Agreement:
    """Compare every total of `truth.json` with the marts."""
    if not database.exists():
        return Agreement(0, ("nothing is published",))
    truth = json.loads((estate / "truth.json").read_text())
    connection = duckdb.connect(str(database), read_only=True)
    try:
        pairs = [
            *_charges(connection, truth),
            *_central_lines(connection, truth),
            *_emissions(connection, truth),
        ]
    finally:
        connection.close()
    differences = tuple(
        f"{name}: published {found}, true {wanted}"
        for name, wanted, found in pairs
        if wanted != found
    )
    return Agreement(len(pairs), differences)


def _charges(
    connection: duckdb.DuckDBPyConnection, truth: dict[str, Any]
) -> Iterator[tuple[str, Decimal | None, Decimal | None]]:
    for mart in ("mart_spend_carbon_monthly", "mart_spend_carbon_daily"):
        for item in truth["charges"]:
            sums = ", ".join(f"sum({column})" for column in (*COSTS, "charge_lines"))
            found = (
                connection.execute(
                    f"select {sums} from {mart} where provider = ? and billing_month = ?"
                    " and billing_currency = ?",
                    [item["provider"], f"{item['billing_month']}-01", item["billing_currency"]],
                ).fetchone()
                or (None,) * 5
            )
            wanted = [Decimal(item[column]) for column in COSTS] + [Decimal(item["rows"])]
            for column, true, value in zip((*COSTS, "rows"), wanted, found, strict=True):
                name = f"{mart} {item['provider']} {item['billing_month']} {column}"
                yield name, true, None if value is None else Decimal(value)


def _central_lines(
    connection: duckdb.DuckDBPyConnection, truth: dict[str, Any]
) -> Iterator[tuple[str, Decimal, Decimal | None]]:
    for item in truth["central_lines"]:
        found = connection.execute(
            "select sum(effective_cost) from mart_chargeback_month where movement = 'own'"
            " and provider = ? and billing_month = ? and billing_currency = ? and line_kind = ?",
            [
                item["provider"],
                f"{item['billing_month']}-01",
                item["billing_currency"],
                item["line"],
            ],
        ).fetchone()
        name = f"mart_chargeback_month {item['provider']} {item['billing_month']} {item['line']}"
        yield name, Decimal(item["effective_cost"]), found[0] if found else None


def _emissions(
    connection: duckdb.DuckDBPyConnection, truth: dict[str, Any]
) -> Iterator[tuple[str, Decimal, Decimal | None]]:
    for item in truth["emissions"]:
        measure = _MEASURES[item["scope"], item["method"]]
        found = connection.execute(
            f"select sum({measure}) from mart_spend_carbon_monthly"
            " where provider = ? and usage_month = ?",
            [item["provider"], f"{item['usage_month']}-01"],
        ).fetchone()
        name = f"{item['provider']} {item['usage_month']} scope {item['scope']} {item['method']}"
        yield name, Decimal(item["kg"]), found[0] if found else None
