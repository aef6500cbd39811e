"""The marts of carbon over a handful of fact rows, in DuckDB without dbt."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from tests.macro_harness import model_sql
from tests.seed_tables import load_seeds

MACROS = (
    "carbon/bridge.sql",
    "carbon/estimates.sql",
    "carbon/comparison.sql",
    "carbon/figures.sql",
    "carbon/kubernetes.sql",
    "carbon/mart_money.sql",
    "carbon/restated.sql",
    "engine/amounts.sql",
    "engine/dates.sql",
    "engine/exact.sql",
    "engine/listed.sql",
    "engine/monthly_model.sql",
    "engine/proportions.sql",
    "engine/same_columns.sql",
    "engine/semantic_order.sql",
    "engine/types.sql",
    "virtual_tags.sql",
)
AMOUNT = "decimal(38,18)"
FACT = {
    "x_ChargeKey": "varchar",
    "x_BillingMonth": "date",
    "ChargePeriodStart": "timestamp",
    "x_Provider": "varchar",
    "x_SourceName": "varchar",
    "x_RecordKind": "varchar",
    "x_EstimateRateId": "varchar",
    "SubAccountId": "varchar",
    "ServiceName": "varchar",
    "RegionId": "varchar",
    "ResourceId": "varchar",
    "Tags": "varchar",
    "AllocatedResourceId": "varchar",
    "AllocatedTags": "varchar",
    "BillingCurrency": "varchar",
    "EffectiveCost": AMOUNT,
    "x_CarbonReportedStatus": "varchar",
    "x_CarbonLocationKg": AMOUNT,
    "x_CarbonMarketKg": AMOUNT,
    "x_CarbonUnspecifiedKg": AMOUNT,
    "x_CarbonProviderScope2LocationKg": AMOUNT,
    "x_CarbonProviderScope3LocationKg": AMOUNT,
    "x_CarbonProviderScope2UnspecifiedKg": AMOUNT,
    "x_CarbonProviderScope3UnspecifiedKg": AMOUNT,
    "x_EstimateStatus": "varchar",
    "x_EstimatedEnergyKwh": AMOUNT,
    "x_EstimatedOperationalKg": AMOUNT,
    "x_EstimatedEmbodiedKg": AMOUNT,
    "x_EstimatedFeraKg": AMOUNT,
    "x_EstimatedCarbonKg": AMOUNT,
    "x_Workload": "varchar",
    "x_WorkloadPhase": "varchar",
    "x_FactorSetId": "varchar",
    **dict.fromkeys(
        (
            "ChargeCategory",
            "ChargeDescription",
            "SkuMeter",
            "SkuPriceDetails",
            "SubAccountId",
            "ResourceId",
            "ConsumedUnit",
            "PricingUnit",
            "CapacityReservationStatus",
            "CommitmentDiscountStatus",
        ),
        "varchar",
    ),
    **dict.fromkeys(("ConsumedQuantity", "PricingQuantity"), AMOUNT),
}
USUAL = {
    "x_BillingMonth": "2026-01-01",
    "ChargePeriodStart": "2026-01-01",
    "x_Provider": "aws",
    "x_SourceName": "bills",
    "x_RecordKind": "Charge",
    "BillingCurrency": "USD",
    "EffectiveCost": "0",
    "x_CarbonReportedStatus": "NotApplicable",
    "x_EstimateStatus": "NotApplicable",
    "x_WorkloadPhase": "none",
}
TABLES = {
    "dim_source": {"source_name": "varchar", "is_internal": "boolean"},
    "dim_billing_period": {
        "provider": "varchar",
        "billing_month": "date",
        "cost_state": "varchar",
        "carbon_state": "varchar",
        "data_as_of": "timestamp",
    },
    "fct_cost_and_carbon": FACT,
}
Row = Mapping[str, Any]


class CarbonMarts:
    """A database in which models are built from fact rows; what a row doesn't say is as usual."""

    def __init__(self, *models: str, seeds: Sequence[str] = ()) -> None:
        self.connection = duckdb.connect()
        self._models = [(Path(path).stem, model_sql(path, *MACROS)) for path in models]
        load_seeds(self.connection, seeds)
        for name, columns in TABLES.items():
            self.declare(name, columns)
        self.fill("dim_source", [{"source_name": "own", "is_internal": True}])

    def declare(self, name: str, columns: Mapping[str, str]) -> None:
        """Make an empty table."""
        listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        schema, _, _ = name.rpartition(".")
        if schema:
            self.connection.execute(f"create schema if not exists {schema}")
        self.connection.execute(f"create or replace table {name} ({listed})")

    def fill(self, name: str, rows: Sequence[Row]) -> None:
        """Replace the rows of a table; columns that a row lacks are NULL."""
        self.connection.execute(f"delete from {name}")
        for row in rows:
            names = ", ".join(f'"{column}"' for column in row)
            marks = ", ".join("?" for _ in row)
            self.connection.execute(
                f"insert into {name} ({names}) values ({marks})", list(row.values())
            )

    def build(self, *lines: Row) -> list[dict[str, Any]]:
        """Build every model of these lines; return the rows of the last."""
        usual = [{**USUAL, "x_ChargeKey": f"line-{number}"} for number in range(len(lines))]
        self.fill(
            "fct_cost_and_carbon", [u | dict(line) for u, line in zip(usual, lines, strict=True)]
        )
        for name, sql in self._models:
            self.connection.execute(f"create or replace table {name} as {sql}")
        return self.rows(f"select * from {self._models[-1][0]} order by all")

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Run a query."""
        found = self.connection.execute(query)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
