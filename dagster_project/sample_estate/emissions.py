"""Emissions of the fictional company, derived from the list cost of what it used.

Belongs here: neutral emissions in integers of a microgram (10^-9 kg). No export format.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from dagster_project.months import Month
from dagster_project.sample_estate.model import Account, Block, Item, Region, Service
from dagster_project.sample_estate.money import PICO, exact_sum

GRAM = 10**6
TONNE = 10**12
_PER_GRAM = 10**6


@dataclass(frozen=True, slots=True)
class Emission:
    """Emissions of one group in one usage month, in micrograms of CO2e.

    Attributes:
        method: `both` when scopes 2 and 3 are stated location- and market-based, `one-scope-3`
            when scope 3 is stated once, `unspecified` when no method is stated.
    """

    provider: str
    month: Month
    account: Account
    region: Region | None
    zone: str | None
    service: Service
    item: Item
    method: str
    scope1: int
    scope2_location: int
    scope2_market: int
    scope3_location: int
    scope3_market: int

    @property
    def location(self) -> int:
        """Location-based total."""
        return self.scope1 + self.scope2_location + self.scope3_location

    @property
    def market(self) -> int:
        """Market-based total."""
        return self.scope1 + self.scope2_market + self.scope3_market

    def parts(self) -> dict[tuple[str, str], int]:
        """Return amounts by scope and method as the provider states them."""
        if self.method == "unspecified":
            return {
                ("1", "none"): self.scope1,
                ("2", "unspecified"): self.scope2_location,
                ("3", "unspecified"): self.scope3_location,
                ("total", "unspecified"): self.location,
            }
        parts = {
            ("1", "none"): self.scope1,
            ("2", "location"): self.scope2_location,
            ("2", "market"): self.scope2_market,
            ("total", "location"): self.location,
            ("total", "market"): self.market,
        }
        if self.method == "one-scope-3":
            return {**parts, ("3", "none"): self.scope3_location}
        return {
            **parts,
            ("3", "location"): self.scope3_location,
            ("3", "market"): self.scope3_market,
        }

    def scaled(self, thousandths: int, resolution: int = 1) -> "Emission":
        """Return the emission by another model, in whole multiples of the resolution."""

        def scale(value: int) -> int:
            return value * thousandths // 1000 // resolution * resolution

        return replace(
            self,
            scope1=scale(self.scope1),
            scope2_location=scale(self.scope2_location),
            scope2_market=scale(self.scope2_market),
            scope3_location=scale(self.scope3_location),
            scope3_market=scale(self.scope3_market),
        )


@dataclass
class Usage:
    """List cost of usage lines by the grain at which a provider reports emissions."""

    grain: Callable[[Item], tuple[str, ...]]
    list_cost: dict[tuple[str, ...], int] = field(default_factory=lambda: defaultdict(int))
    samples: dict[tuple[str, ...], Item] = field(default_factory=dict)

    def add(self, block: Block) -> None:
        """Add the usage lines of a block."""
        for row, item in enumerate(block.items):
            if item.emits and item.account.covered and item.service.grams_per_unit:
                key = self.grain(item)
                self.samples.setdefault(key, item)
                self.list_cost[key] += exact_sum(block.list_cost[row])

    def emissions(self, month: Month, method: str, resolution: int = 1) -> list[Emission]:
        """Return the emissions of the added usage, ordered by grain."""
        return [
            emission_of(self.samples[key], self.list_cost[key], month, method, resolution)
            for key in sorted(self.list_cost)
        ]


def emission_of(
    item: Item, list_cost: int, month: Month, method: str, resolution: int = 1
) -> Emission:
    """Return what a list cost (in trillionths) of an item's service emits in its region."""
    grid = item.region.grid if item.region else 400
    market = item.region.market if item.region else 0
    micrograms = list_cost * item.service.grams_per_unit * _PER_GRAM // PICO

    def amount(thousandths: int) -> int:
        return micrograms * thousandths // 1000 // resolution * resolution

    embodied = amount(390)
    single = method != "both"
    return Emission(
        provider=item.account.issuer.provider,
        month=month,
        account=item.account,
        region=item.region,
        zone=item.zone,
        service=item.service,
        item=item,
        method=method,
        scope1=amount(12),
        scope2_location=amount(grid),
        scope2_market=amount(market),
        scope3_location=embodied,
        scope3_market=embodied if single else amount(361),
    )
