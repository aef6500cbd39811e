"""Chargeback file -> Chargeback, with an error that names file and pool for all that is wrong."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from dagster_project.chargeback.model import (
    FIELD_COLUMNS,
    LINE,
    LINES,
    WEIGHT_DECIMALS,
    Chargeback,
    Driver,
    Pool,
    Target,
)
from dagster_project.rules import reading
from dagster_project.rules.checks import check_rules
from dagster_project.rules.document import Node
from dagster_project.rules.model import Condition, Rule
from dagster_project.rules.place import Family, Place

_TOP_FIELDS = ("version", "owners", "pools")
_POOL_FIELDS = ("name", "when", "from", "to", "by", "within", "over")
_TARGET_FIELDS = ("owner", "cost_center", "pool", "weight")
_TAGGED = ("tag", "resource", "resource_name")
_HELP_PAGE = "docs/chargeback.md"


def load_chargeback(path: Path | None) -> Chargeback:
    """Read a chargeback file; without one, nothing is shared.

    Raises:
        CloudtallyError: CT-CHARGEBACK-MISSING when it cannot be opened, CT-CHARGEBACK-* when it is
            wrong.
    """
    if path is None:
        return Chargeback()
    text = reading.file_text(path, _place(str(path)), "chargeback")
    return parse_chargeback(text, str(path))


def parse_chargeback(text: str, file: str) -> Chargeback:
    """Read the text of a chargeback file; `file` is only named in errors.

    Raises:
        CloudtallyError: CT-CHARGEBACK-* with file and pool.
    """
    place = _place(file)
    document = reading.document_of(text, _TOP_FIELDS, place)
    owners = tuple(reading.texts(document.get("owners") or [], "owners", place))
    pools = _pools(document.get("pools") or [], place)
    warnings = check_rules({"pools": [pool.rule for pool in pools]}, place)
    return Chargeback(pools, owners, _levels(pools, place), tuple(warnings))


def _place(file: str) -> Place:
    return Place(Family.CHARGEBACK, file, _HELP_PAGE)


def _pools(node: Node, place: Place) -> tuple[Pool, ...]:
    if not isinstance(node, list):
        raise place.error("SHAPE", "`pools` must be a list.")
    pools: dict[str, Pool] = {}
    for number, item in enumerate(node, start=1):
        pool = _pool(item, replace(place, rule=f"number {number}"))
        if pool.name in pools:
            raise replace(place, rule=pool.name).error(
                "NAME", "Two pools have one name.", "Rename one of them."
            )
        pools[pool.name] = pool
    return tuple(pools.values())


def _pool(node: Node, place: Place) -> Pool:
    fields = reading.mapping(node, "a pool", place)
    name = reading.name_of(fields, place)
    place = replace(place, rule=name)
    reading.known_fields(fields, _POOL_FIELDS, place)
    first, last = reading.period(fields, place)
    when = _conditions(fields.get("when"), "when", place)
    if not when:
        raise place.error("SHAPE", "The pool does not say under `when` which lines it takes.")
    driver = _driver(fields.get("by"), place)
    targets = tuple(_targets(fields.get("over") or [], driver, place))
    within = _conditions(fields.get("within"), "within", place)
    _check_driver(driver, targets, within, place)
    return Pool(Rule(name, when=when, first=first, last=last), driver, targets, within)


def _conditions(node: Node | None, name: str, place: Place) -> tuple[Condition, ...]:
    fields = reading.mapping(node or {}, name, place)
    for field in fields:
        if field in _TAGGED:
            raise place.error(
                "FIELD",
                f"{field!r} is no field here: pools are formed from monthly sums.",
                "Give these lines an owner or a workload by a virtual tag rule, and ask for that.",
            )
    conditions = reading.conditions(fields, tuple(FIELD_COLUMNS), place)
    for condition in conditions:
        unknown = sorted(set(condition.globs) - set(LINES)) if condition.field == LINE else []
        if unknown:
            raise place.error("LINE", f"{unknown[0]!r} is no line.", f"Lines: {', '.join(LINES)}.")
    return conditions


def _driver(node: Node | None, place: Place) -> Driver:
    known = ", ".join(driver.value for driver in Driver)
    if node is None:
        raise place.error("DRIVER", "The pool does not say `by` what it is shared.", known)
    name = reading.text(node, "by", place)
    if name not in list(Driver):
        raise place.error("DRIVER", f"{name!r} is no driver.", f"Drivers: {known}.")
    return Driver(name)


def _targets(node: Node, driver: Driver, place: Place) -> Iterator[Target]:
    if isinstance(node, dict):
        raise place.error("SHAPE", "`over` must be a list.")
    seen: set[tuple[str | None, str | None, str | None]] = set()
    for item in node if isinstance(node, list) else [node]:
        target = _target(item, driver, place)
        key = (target.owner, target.cost_center, target.pool)
        if key in seen:
            raise place.error("TARGET", f"{target} stands under `over` twice.", "Keep one of them.")
        seen.add(key)
        yield target


def _target(node: Node, driver: Driver, place: Place) -> Target:
    fields = {"owner": node} if isinstance(node, str) else reading.mapping(node, "over", place)
    reading.known_fields(fields, _TARGET_FIELDS, place)
    words = {name: reading.text(value, name, place) for name, value in fields.items()}
    if ("owner" in words) == ("pool" in words) or ("pool" in words and "cost_center" in words):
        raise place.error("SHAPE", "A target is an owner, maybe with a cost center, or a pool.")
    if ("weight" in words) != (driver is Driver.WEIGHTS):
        raise place.error("WEIGHTS", "Weights and `by: weights` go together.")
    weight = _weight(words.pop("weight"), place) if "weight" in words else Decimal(1)
    return Target(**words, weight=weight)


def _weight(text: str, place: Place) -> Decimal:
    try:
        weight = Decimal(text)
    except InvalidOperation:
        weight = Decimal("NaN")
    if not (weight.is_finite() and weight > 0 and weight == round(weight, WEIGHT_DECIMALS)):
        raise place.error(
            "WEIGHTS",
            f"{text!r} is no weight.",
            f"Write a number above 0 with at most {WEIGHT_DECIMALS} decimals, such as 0.25.",
        )
    return weight


def _check_driver(
    driver: Driver, targets: Sequence[Target], within: Sequence[Condition], place: Place
) -> None:
    if driver is Driver.EFFECTIVE_COST:
        if any(target.pool or target.cost_center for target in targets):
            raise place.error(
                "TARGET",
                "Only owners have effective cost of their own, at the cost centers it stands at.",
                "List owners by name under `over`, or leave it out for all of them.",
            )
        return
    if within:
        raise place.error("SHAPE", f"`within` goes with `by: {Driver.EFFECTIVE_COST}`.")
    if not targets:
        raise place.error(
            "DRIVER", f"`by: {driver}` has nobody to share with.", "List owners under `over`."
        )
    total = sum((target.weight for target in targets), Decimal(0))
    if driver is Driver.WEIGHTS and total != 1:
        raise place.error(
            "WEIGHTS",
            f"The weights add up to {total}, so {abs(1 - total)} of the pool would be "
            f"{'lost' if total < 1 else 'made up'}.",
            "Let them add up to exactly 1, or share equally with `by: equal`.",
        )


def _levels(pools: Sequence[Pool], place: Place) -> Mapping[str, int]:
    """Return after how many others a pool is handed on."""
    names = {pool.name for pool in pools}
    feeders: dict[str, set[str]] = {pool.name: set() for pool in pools}
    for pool in pools:
        for target in pool.feeds:
            if target not in names:
                raise replace(place, rule=pool.name).error(
                    "TARGET",
                    f"There is no pool {target!r}.",
                    f"Pools: {', '.join(sorted(names))}.",
                )
            feeders[target].add(pool.name)
    try:
        ordered = list(TopologicalSorter(feeders).static_order())
    except CycleError as error:
        way = [*error.args[1]]
        raise replace(place, rule=way[0]).error(
            "LOOP",
            f"The pools go round in a circle: {' -> '.join(way)}.",
            "Let one of them end at owners.",
        ) from None
    levels: dict[str, int] = {}
    for name in ordered:
        levels[name] = max((levels[feeder] + 1 for feeder in feeders[name]), default=0)
    return levels
