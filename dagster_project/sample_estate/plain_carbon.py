"""Emissions as a plain table, of a vendor that has no export of its own for them.

Belongs here: columns of docs/generic_carbon.md in several units and formats, and versions of the
vendor's method side by side: an older one, and a newer one that is announced without a figure.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from dagster_project.months import Month, month_key, next_month
from dagster_project.sample_estate.company_other import FRANKFURT, TRIAL, WAREHOUSE
from dagster_project.sample_estate.emissions import Emission, emission_of
from dagster_project.sample_estate.gcp_focus import write_parquet
from dagster_project.sample_estate.model import Item, on_demand
from dagster_project.sample_estate.money import as_decimal, pico
from dagster_project.sample_estate.plain_focus import write_manifest
from dagster_project.sample_estate.writers import iso, stable_id, write_csv

RESOLUTION = 1000
OLD_METHOD, METHOD, COMING_METHOD = "2025.9", "2025.10", "2026.1"
_NAMES = (
    "usage_month",
    "billing_account_id",
    "sub_account_id",
    "region_id",
    "service_name",
    "emissions_unit",
    "methodology_version",
    "refreshed_at",
)
_FIGURES: dict[str, Callable[[Emission], int]] = {
    "scope1": lambda emission: emission.scope1,
    "scope2_location": lambda emission: emission.scope2_location,
    "scope2_market": lambda emission: emission.scope2_market,
    "scope3": lambda emission: emission.scope3_location,
    "total_location": lambda emission: emission.location,
    "total_market": lambda emission: emission.market,
}
_TOTALS = ("total_location", "total_market")
_PLACES = {"kgCO2e": 9, "gCO2e": 6, "tCO2e": 12}
_Row = dict[str, object]


def grain(item: Item) -> tuple[str, ...]:
    """Return account, region and service."""
    region = item.region.region_id if item.region else "global"
    return (item.account.sub_id, region, item.service.name)


def trial_account(month: Month) -> Emission:
    """Return emissions of an account that was tried for free and is on no bill."""
    item = Item(
        "snowpeak/trial", TRIAL, WAREHOUSE, FRANKFURT, "trial", "warehouse", "Hours", on_demand(0)
    )
    return emission_of(item, pico("7.3"), month, "one-scope-3", RESOLUTION)


def write_month(root: Path, month: Month, emissions: Sequence[Emission], age: int) -> int:
    """Write one usage month with its manifest; return its rows.

    Args:
        root: Folder of the export.
        month: Usage month.
        emissions: By the current method.
        age: Place of the month in the estate; chooses unit, format and versions.
    """
    unit = tuple(_PLACES)[age % len(_PLACES)]
    folder = root / f"usage_month={month_key(month)}"
    rows = list(_versions(emissions, unit, age))
    if unit == "tCO2e":
        path = write_parquet(folder / "emissions.parquet", _schema(), rows)
    else:
        # Grams come without totals: the sums of their parts.
        names = [*_NAMES, *(name for name in _FIGURES if unit == "kgCO2e" or name not in _TOTALS)]
        path = folder / "emissions.csv"
        write_csv(path, names, _texts(rows, names))
    write_manifest(path, stable_id("plain-carbon", month), month, len(rows), _refreshed(month))
    return len(rows)


def _versions(emissions: Sequence[Emission], unit: str, age: int) -> Iterator[_Row]:
    if age < 2:
        for emission in emissions:
            yield _row(emission.scaled(874, RESOLUTION), unit, OLD_METHOD)
    for emission in emissions:
        yield _row(emission, unit, METHOD)
    if age == 2:
        for emission in emissions:
            yield _row(emission, unit, COMING_METHOD) | dict.fromkeys(_FIGURES)


def _row(emission: Emission, unit: str, method: str) -> _Row:
    account = emission.account
    places = _PLACES[unit]
    return {
        "usage_month": emission.month,
        "billing_account_id": account.payer_id,
        "sub_account_id": account.sub_id,
        "region_id": emission.region.region_id if emission.region else None,
        "service_name": emission.service.name,
        "emissions_unit": unit,
        "methodology_version": method,
        "refreshed_at": _refreshed(emission.month),
        **{name: as_decimal(amount(emission), places) for name, amount in _FIGURES.items()},
    }


def _refreshed(month: Month) -> dt.datetime:
    after = next_month(month)
    return dt.datetime(after.year, after.month, 24, 8, 0, 0)


def _schema() -> pa.Schema:
    kinds = {"usage_month": pa.date32(), "refreshed_at": pa.timestamp("us")}
    names = [(name, kinds.get(name, pa.string())) for name in _NAMES]
    return pa.schema([*names, *((name, pa.decimal128(38, 18)) for name in _FIGURES)])


def _texts(rows: Iterable[_Row], names: Sequence[str]) -> Iterator[list[str]]:
    for row in rows:
        yield [_text(row[name]) for name in names]


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dt.datetime):
        return iso(value)
    return month_key(value) if isinstance(value, dt.date) else str(value or "")
