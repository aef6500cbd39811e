"""A changed period as one row per currency: how much, why, and who is behind it.

The cause is said only where it follows: one thing that changed between the two publications, and
for a new delivery what its lines look like. Otherwise it is `unknown`, with all that changed.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from typing import Any

from dagster_project.history.columns import KILOGRAMS
from dagster_project.history.compare import Group
from dagster_project.history.digest import exact_sum, plain
from dagster_project.ledger.state import Period
from dagster_project.ledger.store import Clock
from dagster_project.months import parse_month

CHARGES, EMISSIONS = "charges", "emissions"
CODE, RULES, CONFIGURATION = "code", "rules", "configuration"
COMPUTED, NO_BASELINE = "computed", "baseline_missing"
LARGEST = 5

CAUSES = (
    "late_usage", "late_charge", "credit", "correction", "price", "tag", "re_export", "withdrawn",
    "rules", "our_code", "configuration", "carbon_method", "carbon_factor", "allocation", "unknown",
)  # fmt: skip
_WHOLE = {CODE: "our_code", RULES: "rules", CONFIGURATION: "configuration"}


@dataclass(frozen=True)
class Restatement:
    """One changed period between two publications, in one currency; plain data for the ledger.

    Amounts are exact decimals as text, new less old; None: no line has a value, or the version
    before is lost.
    """

    clock: str
    provider: str
    month: str
    currency: str | None
    status: str
    rows_added: int | None = None
    rows_changed: int | None = None
    rows_removed: int | None = None
    billed: str | None = None
    effective: str | None = None
    location_kg: str | None = None
    market_kg: str | None = None
    unspecified_kg: str | None = None
    natures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    largest: Sequence[Mapping[str, Any]] = ()
    cause: str = "unknown"
    changed_inputs: Sequence[str] = ()
    delivered_before: Sequence[Sequence[str]] = ()
    delivered_after: Sequence[Sequence[str]] = ()
    state_before: str = ""
    publication_before: str = ""
    detected_at: str = ""
    acknowledged_by: str | None = None
    acknowledged_at: str | None = None
    acknowledgement: str | None = None
    id: str = ""

    @property
    def period(self) -> Period:
        """The period that changed."""
        return Period(Clock(self.clock), self.provider, parse_month(self.month))

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> "Restatement":
        """Read a row as the ledger keeps it; what else an event records is left aside."""
        names = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in payload.items() if name in names})

    def as_payload(self) -> dict[str, Any]:
        """Return the row as the ledger keeps it."""
        return asdict(self)


def restatement_id(publication: str, period: Period, currency: str | None) -> str:
    """Return a key that is the same whenever the same change is found again."""
    parts = [publication, period.clock.value, period.provider, period.month.isoformat()]
    return hashlib.sha256("|".join([*parts, currency or ""]).encode()).hexdigest()[:32]


def restatements_of(groups: Iterable[Group]) -> list[Restatement]:
    """Sum groups up to one row per period and currency."""
    by_grain: dict[tuple[Period, str], list[Group]] = defaultdict(list)
    for group in groups:
        period = Period(group.clock, group.provider, group.month)
        by_grain[period, group.currency or ""].append(group)
    return [
        _sum_up(period, currency or None, found)
        for (period, currency), found in sorted(by_grain.items(), key=lambda item: item[0])
    ]


def without_baseline(period: Period) -> Restatement:
    """Return the row of a period that changed while what was published before is lost."""
    return Restatement(
        clock=period.clock.value,
        provider=period.provider,
        month=period.month.isoformat(),
        currency=None,
        status=NO_BASELINE,
    )


def cause_of(found: Restatement, changed: Collection[str]) -> str:
    """Return why a period changed, or `unknown` where more than one thing can be the reason."""
    if found.status == NO_BASELINE:
        return "unknown"
    if (
        set(changed) == {CHARGES, EMISSIONS}
        and found.clock == Clock.CARBON
        and not _moves_kg(found)
    ):
        return "allocation"
    if len(set(changed)) != 1:
        return "unknown"
    (only,) = set(changed)
    if only in _WHOLE:
        return _WHOLE[only]
    return _nature_of_carbon(found, only) if found.clock == Clock.CARBON else _nature_of_cost(found)


def _nature_of_cost(found: Restatement) -> str:
    nature = _main_nature(found.natures)
    return "tag" if nature == "rules" else nature  # the rules are the same: what they read moved


def _nature_of_carbon(found: Restatement, changed: str) -> str:
    if changed == CHARGES:
        return "late_usage" if found.rows_added else "allocation"
    return "carbon_method" if "carbon_method" in found.natures else "correction"


def _moves_kg(found: Restatement) -> bool:
    differences = (found.location_kg, found.market_kg, found.unspecified_kg)
    return any(Decimal(each) != 0 for each in differences if each is not None)


def _main_nature(natures: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the nature that moves most money; where none moves any, most lines."""
    return max(
        sorted(natures),
        key=lambda name: (Decimal(natures[name]["absolute"]), natures[name]["rows"]),
        default="unknown",
    )


def _sum_up(period: Period, currency: str | None, groups: Sequence[Group]) -> Restatement:
    def rows(change: str) -> int:
        return sum(group.rows for group in groups if group.change == change)

    def difference(name: str) -> str | None:
        return plain(_sum(groups, name))

    is_cost = period.clock is Clock.COST
    location, market, unspecified = KILOGRAMS
    return Restatement(
        clock=period.clock.value,
        provider=period.provider,
        month=period.month.isoformat(),
        currency=currency,
        status=COMPUTED,
        rows_added=rows("added"),
        rows_changed=rows("changed"),
        rows_removed=rows("removed"),
        billed=difference("BilledCost") if is_cost else None,
        effective=difference("EffectiveCost") if is_cost else None,
        location_kg=None if is_cost else difference(location),
        market_kg=None if is_cost else difference(market),
        unspecified_kg=None if is_cost else difference(unspecified),
        natures=_natures(groups),
        largest=_largest(groups, is_cost),
    )


def _natures(groups: Sequence[Group]) -> dict[str, dict[str, Any]]:
    found: dict[str, list[Group]] = defaultdict(list)
    for group in groups:
        found[group.nature].append(group)
    return {
        nature: {
            "rows": sum(group.rows for group in members),
            "billed": plain(_sum(members, "BilledCost")),
            "absolute": plain(exact_sum(_size(group) for group in members)),
        }
        for nature, members in sorted(found.items())
    }


def _largest(groups: Sequence[Group], is_cost: bool) -> list[dict[str, Any]]:
    """Return the services and accounts that differ most, by billed cost or by kilograms."""
    places: dict[tuple[str | None, str | None], list[Group]] = defaultdict(list)
    for group in groups:
        places[group.service, group.account].append(group)
    names = ("BilledCost", "EffectiveCost") if is_cost else KILOGRAMS

    def size(members: Sequence[Group]) -> Decimal:
        measures = names[:1] if is_cost else names
        return max((_sum(members, name) or Decimal(0)).copy_abs() for name in measures)

    by_name = sorted(places.items(), key=lambda item: json.dumps(item[0]))
    ranked = sorted(by_name, key=lambda item: size(item[1]), reverse=True)
    return [
        {
            "service": service,
            "account": account,
            "rows": sum(group.rows for group in members),
            **{name: plain(_sum(members, name)) for name in names},
        }
        for (service, account), members in ranked[:LARGEST]
    ]


def _size(group: Group) -> Decimal:
    return (group.amounts["BilledCost"] or Decimal(0)).copy_abs()


def _sum(groups: Sequence[Group], name: str) -> Decimal | None:
    values = [value for group in groups if (value := group.amounts[name]) is not None]
    return exact_sum(values) if values else None
