"""Google Cloud Carbon Footprint, unloaded from BigQuery by `queries/carbon.sql`."""

from dagster_project.exports.base import ColumnKind, DeclaredExport, History, Schema
from dagster_project.exports.gcp import unload

_TEXTS = (
    "billing_account_id",
    "project.id",
    "project.number",
    "service.id",
    "service.description",
    "location.location",
    "location.region",
    "carbon_model_version",
)
_AMOUNTS = (
    "carbon_footprint_kgCO2e.scope1",
    "carbon_footprint_kgCO2e.scope2.location_based",
    "carbon_footprint_kgCO2e.scope2.market_based",
    "carbon_footprint_kgCO2e.scope3",
    "carbon_footprint_total_kgCO2e.location_based",
    "carbon_footprint_total_kgCO2e.market_based",
)
# Null since August 2025; older unloads still carry them.
_DEPRECATED = ("carbon_footprint_total_kgCO2e.after_offsets", "carbon_offsets_kgCO2e")

SCHEMA = Schema(
    version="carbon_footprint",
    columns={
        "usage_month": ColumnKind.TIMESTAMP,
        **dict.fromkeys(_TEXTS, ColumnKind.TEXT),
        **dict.fromkeys(_AMOUNTS + _DEPRECATED, ColumnKind.DECIMAL),
    },
    # A JSON unload leaves out what is null in every row: projects, zones, market-based amounts.
    mandatory=frozenset(
        {
            "usage_month",
            "billing_account_id",
            "carbon_model_version",
            "carbon_footprint_total_kgCO2e.location_based",
        }
    ),
    totals=_AMOUNTS,
    period="usage_month",
    days=None,
    accounts=("billing_account_id", "project.number"),
    extensible=False,
    flatten=True,
)

EXPORT = DeclaredExport(
    is_emissions=True,
    finder=unload.find,
    declared=(SCHEMA,),
    history=History(
        advice="Google exports no earlier month by itself: request a backfill of the transfer, by "
        "run date, then unload the month."
    ),
)
