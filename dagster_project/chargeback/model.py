"""Pools as data: what a pool takes, over whom it is distributed, and the identity of a file."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from dagster_project.months import month_key
from dagster_project.rules.model import Condition, Rule

LINE = "line"
LINES = (
    "owned", "untagged", "unused_commitment", "support", "tax", "unallocated_emissions",
)  # fmt: skip
CENTRAL_LINES = ("unused_commitment", "support", "tax")
"""Lines that no pool takes unless it names them."""

FIELD_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        LINE: "line_kind",
        "provider": "provider",
        "billing_account": "billing_account_id",
        "sub_account": "sub_account_id",
        "sub_account_name": "sub_account_name",
        "service": "service_name",
        "service_category": "service_category",
        "region": "region_id",
        "charge_category": "charge_category",
        "environment": "environment",
        "workload": "workload",
        "owner": "owner",
        "cost_center": "cost_center",
    }
)

WEIGHT_DECIMALS = 9


class Driver(StrEnum):
    """By what a pool is distributed."""

    EQUAL = "equal"
    WEIGHTS = "weights"
    EFFECTIVE_COST = "effective-cost"


@dataclass(frozen=True)
class Target:
    """Who gets a part: an owner, at a cost center if one is named, or another pool.

    `weight` is a part of 1, and counts where the driver is `weights`.
    """

    owner: str | None = None
    cost_center: str | None = None
    pool: str | None = None
    weight: Decimal = Decimal(1)

    def __str__(self) -> str:
        center = f" at {self.cost_center}" if self.cost_center else ""
        return f"pool {self.pool}" if self.pool else f"{self.owner}{center}"


@dataclass(frozen=True)
class Pool:
    """One pool: the rule that selects its lines, the driver, and the targets.

    Without targets, the driver `effective-cost` reaches every owner who has such cost; `within`
    narrows the cost that counts.
    """

    rule: Rule
    driver: Driver
    targets: tuple[Target, ...] = ()
    within: tuple[Condition, ...] = ()

    @property
    def name(self) -> str:
        """Unique name."""
        return self.rule.name

    @property
    def feeds(self) -> tuple[str, ...]:
        """Pools that get a part of this one."""
        return tuple(target.pool for target in self.targets if target.pool)


@dataclass(frozen=True)
class Chargeback:
    """A checked file: pools in the order in which they are asked, and owners it introduces.

    `levels[name]` is 0 for a pool that none feeds, else one more than that of its latest feeder.
    """

    pools: tuple[Pool, ...] = ()
    owners: tuple[str, ...] = ()
    levels: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = field(default=(), compare=False)

    @property
    def id(self) -> str | None:
        """Hash of the content: comments, layout and the file's name don't change it."""
        if not (self.pools or self.owners):
            return None
        text = json.dumps(self.content(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def content(self) -> dict[str, Any]:
        """Return everything that the file says, as plain data."""
        return {
            "format": 1,
            "owners": sorted(self.owners),
            "pools": [_pool_content(pool) for pool in self.pools],
        }


def _pool_content(pool: Pool) -> dict[str, Any]:
    rule = pool.rule
    return {
        "name": rule.name,
        "when": _conditions(rule.when),
        "from": month_key(rule.first) if rule.first else None,
        "to": month_key(rule.last) if rule.last else None,
        "by": pool.driver.value,
        "within": _conditions(pool.within),
        "over": [
            [target.owner, target.cost_center, target.pool, str(target.weight.normalize())]
            for target in pool.targets
        ],
    }


def _conditions(conditions: tuple[Condition, ...]) -> list[tuple[str, list[str]]]:
    return sorted((one.field or "", sorted(one.globs)) for one in conditions)
