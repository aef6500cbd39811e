"""The estimation models on a handful of charge lines, in DuckDB without dbt."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from tests.macro_harness import macros, model_sql
from tests.seed_tables import load_seeds

MACROS = (
    "carbon/estimates.sql",
    "carbon/fact_rows.sql",
    "carbon/mart_money.sql",
    "decoded/charge_columns.sql",
    "decoded/focus_columns.sql",
    "engine/amounts.sql",
    "engine/dates.sql",
    "engine/exact.sql",
    "engine/listed.sql",
    "engine/same_columns.sql",
    "engine/special_members.sql",
    "engine/types.sql",
)
MODELS = (
    "intermediate/unite/int_usage__skus.sql",
    "intermediate/unite/int_usage__netted.sql",
    "intermediate/carbon/int_estimates__rates.sql",
    "intermediate/carbon/int_estimates__kinds.sql",
    "intermediate/carbon/int_usage__charges.sql",
    "intermediate/carbon/int_usage__unioned.sql",
    "intermediate/carbon/int_estimates__charges.sql",
)
SEED_NAMES = (
    "carbon_factor_sets",
    "carbon_factors",
    "carbon_machines",
    "carbon_usage_rules",
    "carbon_usage_units",
)
# Columns of int_charges__keyed that the models compute with; all others are of text here.
TYPED_COLUMNS = {
    "x_ChargeKey": "varchar",
    "billing_month": "date",
    "x_Provider": "varchar",
    "ServiceName": "varchar",
    "SkuMeter": "varchar",
    "ChargeDescription": "varchar",
    "ConsumedQuantity": "decimal(38,18)",
    "ConsumedUnit": "varchar",
    "PricingQuantity": "decimal(38,18)",
    "PricingUnit": "varchar",
    "SkuPriceDetails": "varchar",
    "RegionId": "varchar",
    "usage_month": "date",
    "CapacityReservationStatus": "varchar",
    "CommitmentDiscountStatus": "varchar",
    "ChargeCategory": "varchar",
    "ChargeClass": "varchar",
    "SubAccountId": "varchar",
    "ResourceId": "varchar",
    "BilledCost": "decimal(38,18)",
    "ListCost": "decimal(38,18)",
}
CHARGE_COLUMNS = dict.fromkeys(macros(*MACROS).keyed_charge_columns(), "varchar") | TYPED_COLUMNS
ESTIMATE_COLUMNS = (
    "x_EstimateStatus",
    *macros(*MACROS).estimate_measures(),
    "x_EstimateQuality",
    "x_FactorSetId",
    "x_EstimateRateId",
)
MONTH = dt.date(2026, 10, 1)


class Estimates:
    """A database with the carbon seeds, in which lines are estimated."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        load_seeds(self.connection, SEED_NAMES)
        self._models = [(Path(path).stem, model_sql(path, *MACROS)) for path in MODELS]

    def build(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Make the models of these charge lines; what a line doesn't say is as usual."""
        columns = ", ".join(f'"{name}" {kind}' for name, kind in CHARGE_COLUMNS.items())
        self.connection.execute(f"create or replace table int_charges__keyed ({columns})")
        marks = ", ".join("?" for _ in CHARGE_COLUMNS)
        for line in lines:
            row = {
                "billing_month": MONTH,
                "usage_month": line.get("billing_month", MONTH),
                "ChargeCategory": "Usage",
                "SubAccountId": "account",
                **line,
            }
            self.connection.execute(
                f"insert into int_charges__keyed values ({marks})",
                [row.get(name) for name in CHARGE_COLUMNS],
            )
        for name, sql in self._models:
            self.connection.execute(f"create or replace table {name} as {sql}")

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Run a query."""
        found = self.connection.execute(query)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def of(self, lines: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """Estimate lines; return each line's row by its key."""
        self.build(lines)
        columns = ", ".join(ESTIMATE_COLUMNS)
        query = f"select x_ChargeKey, {columns} from int_estimates__charges"
        return {row["x_ChargeKey"]: row for row in self.rows(query)}


def rounded(value: Decimal | None, digits: int = 6) -> str | None:
    """Return a value with so many significant digits, as hand calculations are written."""
    return None if value is None else f"{value:.{digits}g}"
