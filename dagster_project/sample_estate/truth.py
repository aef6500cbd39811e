"""What the pipeline must arrive at, summed from the book and never through a file or a model.

Belongs here: exact sums of charges and emissions of current deliveries, and their file.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dagster_project.months import Month, month_key
from dagster_project.sample_estate.emissions import Emission
from dagster_project.sample_estate.model import Block, Item
from dagster_project.sample_estate.money import Ints, as_text, exact_sum
from dagster_project.sample_estate.writers import write_json

_COSTS = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")
_LEAVE_OUT_PURCHASES = frozenset({"list_cost", "contracted_cost"})


@dataclass
class Truth:
    """Sums by the grain of `truth.json`; money in trillionths, emissions in micrograms."""

    rows: dict[tuple[str, Month, str], int] = field(default_factory=lambda: defaultdict(int))
    costs: dict[tuple[str, Month, str, str], int] = field(default_factory=lambda: defaultdict(int))
    central: dict[tuple[str, Month, str, str], int] = field(
        default_factory=lambda: defaultdict(int)
    )
    kilograms: dict[tuple[str, Month, str, str], int] = field(
        default_factory=lambda: defaultdict(int)
    )

    def add(self, block: Block) -> None:
        """Add the lines of a current delivery."""
        issuer = block.items[0].account.issuer
        key = (issuer.provider, block.month, issuer.currency)
        self.rows[key] += block.rows
        plain = np.array([not is_commitment_purchase(item) for item in block.items])
        for name in _COSTS:
            amounts: Ints = getattr(block, name)
            if name in _LEAVE_OUT_PURCHASES:
                amounts = amounts[plain]
            self.costs[(*key, name)] += exact_sum(amounts)
        for row, item in enumerate(block.items):
            if line := central_line(item):
                self.central[(*key, line)] += exact_sum(block.effective_cost[row])

    def shift_rows(self, key: tuple[str, Month, str], difference: int) -> None:
        """Count lines that an export has more or fewer of than the book; no amount moves."""
        self.rows[key] += difference

    def add_emissions(self, emissions: Sequence[Emission]) -> None:
        """Add emissions as the current version of a provider's export states them."""
        for emission in emissions:
            for (scope, method), amount in emission.parts().items():
                self.kilograms[(emission.provider, emission.month, scope, method)] += amount

    @property
    def total_rows(self) -> int:
        """Charge lines of all current deliveries."""
        return sum(self.rows.values())

    def write(self, path: Path, seed: int, months: Sequence[Month]) -> None:
        """Write `truth.json`; every decimal is text."""
        write_json(
            path,
            {
                "seed": seed,
                "rows": self.total_rows,
                "months": [month_key(month) for month in months],
                "charges": [self._charge(key) for key in sorted(self.rows)],
                "central_lines": [self._central(key) for key in sorted(self.central)],
                "emissions": [self._emission(key) for key in sorted(self.kilograms)],
            },
        )

    def _charge(self, key: tuple[str, Month, str]) -> dict[str, Any]:
        provider, month, currency = key
        return {
            "provider": provider,
            "billing_month": month_key(month),
            "billing_currency": currency,
            "rows": self.rows[key],
            **{name: as_text(self.costs[(*key, name)]) for name in _COSTS},
        }

    def _central(self, key: tuple[str, Month, str, str]) -> dict[str, str]:
        provider, month, currency, line = key
        return {
            "provider": provider,
            "billing_month": month_key(month),
            "billing_currency": currency,
            "line": line,
            "effective_cost": as_text(self.central[key]),
        }

    def _emission(self, key: tuple[str, Month, str, str]) -> dict[str, str]:
        provider, month, scope, method = key
        return {
            "provider": provider,
            "usage_month": month_key(month),
            "scope": scope,
            "method": method,
            "kg": as_text(self.kilograms[key], 9),
        }


def central_line(item: Item) -> str | None:
    """Return the line of the chargeback on which a charge stands that is nobody's own."""
    if item.category == "Tax":
        return "tax"
    if item.service.subcategory == "Support":
        return "support"
    return "unused_commitment" if item.status == "Unused" else None


def is_commitment_purchase(item: Item) -> bool:
    """Whether the line buys a commitment, whose list cost would count its usage twice."""
    return item.category == "Purchase" and item.commitment is not None
