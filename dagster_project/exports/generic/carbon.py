"""Reported emissions of any provider without an export of its own: one plain table.

A row is a usage month, account, region, service, resource and model version; docs/generic_carbon.md
is the contract. Option `match` says by what rows find charge lines (`SourceConfig.emission_keys`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from dagster_project.exports.base import ColumnKind, DeclaredExport, Found, Rule, Schema
from dagster_project.exports.generic import plain_folder
from dagster_project.stores.base import ObjectStore

PERIOD = "usage_month"
ACCOUNTS = ("billing_account_id", "sub_account_id")
_NAMES = ("service_name", "resource_id", "methodology_version")
FIGURES = (
    "scope1",
    "scope2_location",
    "scope2_market",
    "scope2_unspecified",
    "scope3",
    "scope3_location",
    "scope3_market",
    "scope3_unspecified",
    "total_location",
    "total_market",
    "total_unspecified",
)
# Mt is a megatonne, and a kilogram of CO2 alone is another thing: neither is read.
UNITS = (
    *("kgCO2e", "gCO2e", "tCO2e", "MTCO2e", "mtCO2e"),
    *("kg CO2e", "g CO2e", "t CO2e", "MT CO2e", "mt CO2e"),
    *("kgCO2eq", "gCO2eq", "tCO2eq", "MTCO2eq", "mtCO2eq"),
    *("kg CO2eq", "g CO2eq", "t CO2eq", "MT CO2eq", "mt CO2eq"),
    *("kgCO2E", "gCO2E", "tCO2E", "MTCO2E", "mtCO2E"),
    *("kilograms CO2e", "grams CO2e", "tonnes CO2e", "metric tons CO2e"),
)
"""Spellings that are read; the macro `in_kg` tells kilograms, grams and tonnes by their letter."""


def find(store: ObjectStore, options: Mapping[str, Any]) -> Iterator[Found]:
    """Yield every delivery."""
    yield from plain_folder.find(store, options, period=PERIOD)


SCHEMA = Schema(
    version="emissions",
    columns={
        PERIOD: ColumnKind.MONTH,
        **dict.fromkeys((*ACCOUNTS, "region_id", *_NAMES, "emissions_unit"), ColumnKind.TEXT),
        **dict.fromkeys(FIGURES, ColumnKind.DECIMAL),
        "refreshed_at": ColumnKind.TIMESTAMP,
    },
    mandatory=frozenset({PERIOD, *ACCOUNTS, "region_id", "emissions_unit"}),
    totals=FIGURES,
    period=PERIOD,
    days=None,
    accounts=ACCOUNTS,
    rules=(Rule("emissions_unit", required=True, allowed=UNITS, needs_one_of=FIGURES),),
    # Two files of a month that say the same twice would double it.
    key=(PERIOD, *ACCOUNTS, "region_id", *_NAMES),
    key_may_lack=frozenset({*ACCOUNTS, "region_id", *_NAMES}),
)

EXPORT = DeclaredExport(is_emissions=True, finder=find, declared=(SCHEMA,))
