"""The rules as data: what a rule is, and which values a target may take.

Belongs here: plain values and the identity of a rule set. Reading is in `parse.py`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from dagster_project.months import Month, month_key

UNKNOWN = "unknown"
FROM_TAG = "from-tag"

ENVIRONMENTS = (
    "production", "staging", "development", "test", "sandbox", "shared", UNKNOWN,
)  # fmt: skip
PHASES = ("training", "fine-tuning", "inference", "experiment", "none", UNKNOWN)

# Targets with a closed list read `unknown` when nothing fits. The others read NULL: what nobody
# owns must not look like an owner.
ALLOWED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"environment": ENVIRONMENTS, "phase": PHASES}
)
TARGETS = ("owner", "cost_center", "environment", "workload", "phase")

# Owners differ by case in every estate ("HMPPS", "hmpps") and would be listed twice; cost centers
# are compared with the ledger of another system, so their spelling stays.
DEFAULT_CASE: Mapping[str, str] = MappingProxyType(
    {"owner": "lower", "cost_center": "keep", "workload": "lower"}
)

FIELD_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "provider": ("x_Provider",),
        "billing_account": ("BillingAccountId",),
        "sub_account": ("SubAccountId",),
        "sub_account_name": ("SubAccountName",),
        "service": ("ServiceName",),
        "service_category": ("ServiceCategory",),
        "region": ("RegionId",),
        "resource": ("ResourceId", "ResourceName"),
        "charge_category": ("ChargeCategory",),
    }
)


@dataclass(frozen=True)
class Condition:
    """One thing that must hold: a field, or a tag key, matches at least one of the globs."""

    globs: tuple[str, ...]
    field: str | None = None
    tag: str | None = None


@dataclass(frozen=True)
class Rule:
    """One rule of one target; `value` is None when the value of the first present tag is taken.

    `first` and `last` are billing months, both included; None is open.
    """

    name: str
    tags: tuple[str, ...] = ()
    value: str | None = None
    when: tuple[Condition, ...] = ()
    first: Month | None = None
    last: Month | None = None

    @property
    def bounded(self) -> bool:
        """Whether the rule holds in some billing months only."""
        return self.first is not None or self.last is not None

    @property
    def catches_all(self) -> bool:
        """Whether the rule matches every charge."""
        return not (self.tags or self.when or self.bounded)


@dataclass(frozen=True)
class RuleSet:
    """A checked rules file: per target the rules in order, the spellings and the case of values.

    `aliases[target]` maps a canonical value to the folded spellings that mean it, itself included.
    """

    rules: Mapping[str, tuple[Rule, ...]]
    aliases: Mapping[str, Mapping[str, tuple[str, ...]]]
    case: Mapping[str, str]
    warnings: tuple[str, ...] = field(default=(), compare=False)

    @property
    def id(self) -> str:
        """Hash of the content: comments, layout and the file's name do not change it."""
        text = json.dumps(self._content(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def _content(self) -> dict[str, Any]:
        return {
            "format": 1,
            "rules": {
                target: [_rule_content(rule) for rule in rules]
                for target, rules in self.rules.items()
            },
            "aliases": {
                target: {value: sorted(spellings) for value, spellings in values.items()}
                for target, values in self.aliases.items()
            },
            "case": dict(self.case),
        }


def _rule_content(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "tags": rule.tags,
        "value": rule.value,
        "when": sorted((one.field or "", one.tag or "", sorted(one.globs)) for one in rule.when),
        "from": month_key(rule.first) if rule.first else None,
        "to": month_key(rule.last) if rule.last else None,
    }
