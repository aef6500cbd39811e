"""Emissions of any other provider: a plain folder of monthly CSV or Parquet files.

For a provider that reports carbon in a table, a letter or a PDF: somebody copies it into the
columns below, which docs/generic_carbon.md describes. People mistype, so a row that can't be right
is refused with its file, column and number.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from dagster_project.exports.base import (
    ColumnKind,
    DeclaredExport,
    Found,
    History,
    Rule,
    Schema,
    option_error,
)
from dagster_project.exports.generic import plain_folder
from dagster_project.stores.base import ObjectStore

GRAIN = "grain"
PLACES = ("billing_account_id", "sub_account_id", "region_id", "service_name", "resource_id")
"""What emissions may be reported by, within a usage month."""

USUAL_GRAIN = PLACES[:-1]
KILOGRAMS = ("kgCO2e", "kg")
TONNES = ("MTCO2e", "tCO2e", "t")
MEASURES = (
    "scope1",
    "scope2_location",
    "scope2_market",
    "scope2_unspecified",
    "scope3_location",
    "scope3_market",
    "scope3_unspecified",
    "total_location",
    "total_market",
    "total_unspecified",
)


def find(store: ObjectStore, options: Mapping[str, Any]) -> Iterator[Found]:
    """Yield every delivery.

    Option `grain` lists the places by which the provider reports, see `grain_of`.
    """
    grain_of(options)
    yield from plain_folder.find(store, options, period="usage_month")


def grain_of(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns by which rows are shared over charge lines.

    Raises:
        CloudtallyError: CT-CONFIG-OPTION when it is no list of `PLACES`.
    """
    stated = options.get(GRAIN, list(USUAL_GRAIN))
    if not isinstance(stated, list) or not stated or set(map(str, stated)) - set(PLACES):
        raise option_error(GRAIN, f"it must be a list of some of {', '.join(PLACES)}")
    return tuple(place for place in PLACES if place in stated)


SCHEMA = Schema(
    version="generic-emissions",
    columns={
        "usage_month": ColumnKind.TIMESTAMP,
        "refreshed_at": ColumnKind.TIMESTAMP,
        **dict.fromkeys((*PLACES, "model_version", "emissions_unit"), ColumnKind.TEXT),
        **dict.fromkeys(MEASURES, ColumnKind.DECIMAL),
    },
    mandatory=frozenset({"usage_month", "billing_account_id", "emissions_unit"}),
    totals=MEASURES,
    period="usage_month",
    days=None,
    accounts=("billing_account_id", "sub_account_id"),
    extensible=False,
    rules=(Rule("emissions_unit", required=True, allowed=KILOGRAMS + TONNES),),
)

EXPORT = DeclaredExport(
    is_emissions=True,
    finder=find,
    declared=(SCHEMA,),
    history=History(advice="Put the month's file into the folder."),
)
