"""The carbon bridge over a handful of fact rows, and the same worked out by fractions."""

import calendar
import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

from dagster_project.reference import seed_rows
from tests.carbon_mart_harness import AMOUNT, CarbonMarts, Row

MODELS = (
    "intermediate/carbon/int_carbon__usage_kinds.sql",
    "intermediate/carbon/int_carbon__bridge_cells.sql",
    "intermediate/carbon/int_carbon__bridge_parts.sql",
    "marts/sustainability/mart_carbon_bridge.sql",
)
RATE = "decimal(19,15)"
TABLES = {
    "int_usage__skus": {
        "billing_month": "date",
        "sku_key": "varchar",
        "x_Provider": "varchar",
        "service": "varchar",
        "meter": "varchar",
        "unit": "varchar",
        "details": "varchar",
        "region_id": "varchar",
        "usage_month": "date",
        "is_held_idle": "boolean",
        "hours_per_unit": "integer",
    },
    "int_estimates__rates": {
        "billing_month": "date",
        "sku_key": "varchar",
        "is_covered": "boolean",
        "energy_kwh": RATE,
        "embodied_kg": RATE,
        "grid_year": "integer",
    },
    "fct_emissions_reported": {
        "source_name": "varchar",
        "provider": "varchar",
        "usage_month": "date",
        "model_version": "varchar",
        "is_current": "boolean",
        "total_location_kg": AMOUNT,
        "total_market_kg": AMOUNT,
        "total_unspecified_kg": AMOUNT,
    },
}
MONTH_LONG = {
    row["unit"]
    for row in seed_rows("carbon/carbon_usage_units")
    if row["by_hours_of_month"] == "true"
}
EARLIER = "2026-01-01"
LATER = "2026-02-01"
MOVERS = ("activity", "region", "mix", "intensity", "method")


def used(
    month: str,
    region: str = "west",
    service: str = "Machines",
    kwh: object = None,
    kg: object = None,
    **more: Any,
) -> dict[str, Any]:
    """A line of usage: kg is operational. Names in lower case say what its kind of usage is."""
    return {
        "provider": "aws",
        "month": month,
        "region": region,
        "service": service,
        "kwh": kwh,
        "kg": kg,
        "embodied": None,
        "location": None,
        "meter": f"{service} hour",
        "unit": "hours",
        "set": "first",
        "grid_year": 2025,
        "per_unit": 1,
        "embodied_per_unit": 1,
        **more,
    }


def fact_row(line: Mapping[str, Any]) -> Row:
    """A charge line of the fact."""
    known = line["kg"] is not None or line["embodied"] is not None
    return {
        "x_BillingMonth": line.get("billing_month", line["month"]),
        "ChargePeriodStart": line["month"],
        "x_Provider": line["provider"],
        "ServiceName": line["service"],
        "RegionId": line["region"],
        "ChargeCategory": "Usage",
        "SkuMeter": line["meter"],
        "ConsumedQuantity": 1,
        "ConsumedUnit": line["unit"],
        "x_EstimateStatus": "Estimated" if known else "NotCovered",
        "x_FactorSetId": line["set"] if known else None,
        "x_EstimateRateId": rate_id(line),
        "x_EstimatedEnergyKwh": line["kwh"],
        "x_EstimatedOperationalKg": line["kg"],
        "x_EstimatedEmbodiedKg": line["embodied"],
        "x_CarbonLocationKg": line["location"],
        "x_CarbonReportedStatus": "Pending" if line["location"] is None else "Reported",
        **{name: value for name, value in line.items() if name[:1].isupper() or name[:2] == "x_"},
    }


def rate_id(line: Mapping[str, Any]) -> str:
    """What the line's kind of usage is known by in its bill."""
    names = ("provider", "month", "region", "service", "meter")
    return "|".join([line.get("billing_month", line["month"]), *(str(line[n]) for n in names)])


def hours_of(line: Mapping[str, Any]) -> int:
    """Hours of the month where the line's unit is a month of something, else 1."""
    month = dt.date.fromisoformat(line["month"])
    days = calendar.monthrange(month.year, month.month)[1]
    return 24 * days if line["unit"].lower() in MONTH_LONG else 1


class Bridges:
    """A database in which bridges are built of lines of usage."""

    def __init__(self) -> None:
        self.marts = CarbonMarts(*MODELS)
        for name, columns in TABLES.items():
            self.marts.declare(name, columns)

    def build(
        self, lines: Sequence[Mapping[str, Any]], emissions: Sequence[Row] = ()
    ) -> list[dict[str, Any]]:
        """Return the rows of the mart."""
        skus: dict[str, tuple[Row, Row]] = {}
        for line in lines:
            row = fact_row(line)
            place = {"billing_month": row["x_BillingMonth"], "sku_key": rate_id(line)}
            sku = {
                **place,
                "x_Provider": line["provider"],
                "service": line["service"],
                "meter": line["meter"],
                "unit": line["unit"],
                "details": "",
                "region_id": line["region"],
                "usage_month": line["month"],
                "is_held_idle": False,
                "hours_per_unit": hours_of(line),
            }
            rates = {
                **place,
                "is_covered": True,
                "energy_kwh": line["per_unit"],
                "embodied_kg": line["embodied_per_unit"],
                "grid_year": line["grid_year"],
            }
            skus[f"{place}"] = (sku, rates)
        self.marts.fill("int_usage__skus", [sku for sku, _ in skus.values()])
        self.marts.fill("int_estimates__rates", [rates for _, rates in skus.values()])
        self.marts.fill("fct_emissions_reported", emissions)
        return self.marts.build(*(fact_row(line) for line in lines))


@cache
def bridges() -> Bridges:
    """Return the one database that tests build bridges in, each from lines of its own."""
    return Bridges()


def told(
    rows: Iterable[Mapping[str, Any]], figure: str = "operational", method: str | None = None,
    comparison: str = "previous_month", provider: str = "aws",
) -> dict[str, Any]:  # fmt: skip
    """Kilograms of each part of one figure's bridge; parts of none are left out."""
    return {
        row["part"]: row["kg"]
        for row in rows
        if (row["figure"], row["comparison"], row["provider"]) == (figure, comparison, provider)
        and method in (None, row["method"])
    }


Cell = tuple[str, str]
Month = Mapping[Cell, tuple[Fraction, Fraction]]
"""Activity and kilograms of regions and services."""


def by_fractions(earlier: Month, later: Month) -> dict[str, Fraction]:
    """Parts of a bridge without a change of method: every order of four movers, written out."""
    months = (earlier, later)
    movers = MOVERS[:4]
    parts: dict[str, Fraction] = defaultdict(Fraction)
    orders = list(itertools.permutations(movers))
    for order in orders:
        taken = dict.fromkeys(movers, 0)
        before = _emitted(months, taken)
        for mover in order:
            taken[mover] = 1
            after = _emitted(months, taken)
            parts[mover] += (after - before) / len(orders)
            before = after
    return dict(parts)


def _emitted(months: tuple[Month, Month], taken: Mapping[str, int]) -> Fraction:
    """Kilograms with total, shares and intensities each of one of the two months."""
    total = sum((activity for activity, _ in months[taken["activity"]].values()), Fraction())
    if not total:
        return Fraction()
    spread = months[taken["region"]] or months[1 - taken["region"]]
    spread_total = sum((activity for activity, _ in spread.values()), Fraction())
    found = Fraction()
    for region in {region for region, _ in spread}:
        share = _of_region(spread, region) / spread_total
        mixed = months[taken["mix"]]
        if not _of_region(mixed, region):
            mixed = months[1 - taken["mix"]]
        for cell, (activity, _) in mixed.items():
            if cell[0] == region:
                priced = months[taken["intensity"]].get(cell) or mixed[cell]
                found += (
                    total * share * activity / _of_region(mixed, region) * priced[1] / priced[0]
                )
    return found


def _of_region(month: Month, region: str) -> Fraction:
    return sum((a for (place, _), (a, _) in month.items() if place == region), Fraction())
