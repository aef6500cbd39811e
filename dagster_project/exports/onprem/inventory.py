"""On-premises inventory: what the organisation's own machines are and cost, one row an asset.

A plain folder of monthly CSV or Parquet files (see `exports/generic/plain_folder.py`), written by
people or by an asset register. docs/onprem_inventory.md describes the columns and what becomes of
them. People mistype, so a row that can't be right is refused with its file, column and number.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from dagster_project.exports.base import (
    Candidate,
    ColumnKind,
    DeclaredExport,
    Found,
    Rule,
    Schema,
    option_error,
)
from dagster_project.exports.generic import plain_folder
from dagster_project.reference import seed_rows
from dagster_project.stores.base import ObjectStore

ORGANISATION = "organisation"
LONGEST_LIFE = 1200
"""Months: a century. A life beyond it is a slip of the pen."""

LARGEST = 10**9
"""Prices and quantities lie below it, with nine decimals: a product of two is then exact."""

DECIMALS = 9
HOURS_OF_A_MONTH = 744


def find(store: ObjectStore, options: Mapping[str, Any]) -> Iterator[Found]:
    """Yield every delivery.

    Option `organisation` names the owner of the assets where the files have no such column.
    """
    organisation = options.get(ORGANISATION, "")
    if not isinstance(organisation, str):
        raise option_error(ORGANISATION, "it must be a name")
    for found in plain_folder.find(store, options, period="month"):
        is_named = isinstance(found, Candidate) and organisation
        yield _owned(found, organisation) if is_named else found  # type: ignore[arg-type]


def _owned(candidate: Candidate, organisation: str) -> Candidate:
    parts = tuple(
        replace(part, constants={**part.constants, ORGANISATION: organisation})
        for part in candidate.parts
    )
    return replace(candidate, parts=parts)


def asset_types() -> tuple[str, ...]:
    """Return the kinds of assets that the service map knows."""
    rows = [row for row in seed_rows("maps/service_map") if row["provider"] == "onprem"]
    return tuple(sorted(row["service_code"] for row in rows if row["service_code"].islower()))


def currencies() -> tuple[str, ...]:
    """Return the ISO 4217 codes."""
    return tuple(row["code"] for row in seed_rows("focus/currencies"))


_TEXTS = (
    "asset_id",
    "asset_name",
    "asset_type",
    "organisation",
    "cost_centre",
    "site",
    "owner",
    "currency",
)
_AMOUNTS = (
    "purchase_cost",
    "salvage_value",
    "energy_kwh",
    "rated_watts",
    "powered_hours",
    "electricity_price",
    "rack_units",
    "rack_unit_price",
    "licence_cost",
    "staff_hours",
    "staff_rate",
    "vcpu",
    "memory_gib",
    "storage_gb",
)

COLUMNS = {
    "month": ColumnKind.TIMESTAMP,
    **dict.fromkeys(_TEXTS, ColumnKind.TEXT),
    "tags": ColumnKind.JSON,
    "purchase_date": ColumnKind.TIMESTAMP,
    "useful_life_months": ColumnKind.DECIMAL,
    **dict.fromkeys(_AMOUNTS, ColumnKind.DECIMAL),
}

_NEVER_NULL = frozenset({"month", "asset_id", "asset_name", "asset_type", "currency"})
_TOGETHER = {
    "purchase_cost": ("purchase_date", "useful_life_months"),
    "salvage_value": ("purchase_cost",),
    "energy_kwh": ("electricity_price",),
    "rated_watts": ("powered_hours", "electricity_price"),
    "powered_hours": ("rated_watts",),
    "rack_units": ("rack_unit_price",),
    "rack_unit_price": ("rack_units",),
    "staff_hours": ("staff_rate",),
    "staff_rate": ("staff_hours",),
}

RULES = (
    Rule(ORGANISATION, required=True),
    Rule("asset_type", allowed=asset_types()),
    Rule("currency", allowed=currencies()),
    Rule("useful_life_months", least=1, below=LONGEST_LIFE + 1, decimals=0),
    *(
        Rule(
            name,
            least=0,
            below=HOURS_OF_A_MONTH + 1 if name == "powered_hours" else LARGEST,
            decimals=DECIMALS,
            at_most="purchase_cost" if name == "salvage_value" else "",
            needs=_TOGETHER.get(name, ()),
        )
        for name in _AMOUNTS
    ),
)

EXPORT = DeclaredExport(
    is_emissions=False,
    is_internal=True,
    names_own_accounts=True,
    finder=find,
    declared=(
        Schema(
            version="1",
            columns=COLUMNS,
            mandatory=_NEVER_NULL,
            never_null=_NEVER_NULL,
            totals=("licence_cost",),
            period="month",
            days="month",
            accounts=("organisation", "cost_centre"),
            extensible=False,
            rules=RULES,
            key=("asset_id",),
        ),
    ),
)
