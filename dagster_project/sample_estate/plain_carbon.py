"""Emissions of a SaaS vendor, copied by hand from its reports into the generic columns.

Belongs here: one CSV a month; every other month in tonnes, as the vendor's letters state them.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

from dagster_project.months import Month, month_key, next_month
from dagster_project.sample_estate.emissions import Emission
from dagster_project.sample_estate.model import Item
from dagster_project.sample_estate.money import as_text
from dagster_project.sample_estate.writers import stamp, write_csv

RESOLUTION = 1000
MODEL = "2026.1"
_AMOUNTS: dict[str, Callable[[Emission], int]] = {
    "scope1": lambda emission: emission.scope1,
    "scope2_location": lambda emission: emission.scope2_location,
    "scope2_market": lambda emission: emission.scope2_market,
    "scope3_location": lambda emission: emission.scope3_location,
    "scope3_market": lambda emission: emission.scope3_market,
    "total_location": lambda emission: emission.location,
    "total_market": lambda emission: emission.market,
}
COLUMNS = (
    "usage_month", "billing_account_id", "sub_account_id", "region_id", "service_name",
    "model_version", "emissions_unit", *_AMOUNTS,
)  # fmt: skip


def grain(item: Item) -> tuple[str, ...]:
    """Return account and service."""
    return (item.account.sub_id, item.service.code)


def write_month(root: Path, month: Month, emissions: Sequence[Emission]) -> int:
    """Write `YYYY-MM/emissions.csv` of one usage month; return its rows."""
    path = root / month_key(month) / "emissions.csv"
    unit, places = ("kgCO2e", 9) if month.month % 2 == 0 else ("t", 12)
    count = write_csv(path, COLUMNS, [_row(emission, unit, places) for emission in emissions])
    after = next_month(month)
    stamp((path,), dt.datetime(after.year, after.month, 24, 10, 15))
    return count


def _row(emission: Emission, unit: str, places: int) -> list[str]:
    return [
        emission.month.isoformat(),
        emission.account.payer_id,
        emission.account.sub_id,
        emission.region.region_id if emission.region else "",
        emission.service.name,
        MODEL,
        unit,
        *(as_text(amount(emission), places) for amount in _AMOUNTS.values()),
    ]
