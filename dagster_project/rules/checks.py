"""What rules of one target do to each other: periods that overlap, rules that are never reached."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from dagster_project.errors import CloudtallyError
from dagster_project.months import Month, month_key
from dagster_project.rules.model import Rule
from dagster_project.rules.place import Place
from dagster_project.rules.text import fold

_BEGIN, _END = Month.min, Month.max


def check_rules(rules: Mapping[str, Sequence[Rule]], place: Place) -> list[str]:
    """Return warnings about rules that can never match.

    Raises:
        CloudtallyError: CT-<family>-OVERLAP when two time-bound rules ask the same in a month.
    """
    warnings: list[str] = []
    for target, ordered in rules.items():
        hidden = _after_catch_all(ordered)
        for same in _asking_the_same(ordered):
            for earlier, later in combinations(same, 2):
                if earlier.bounded and later.bounded and _share_a_month(earlier, later):
                    raise _overlap(place, target, earlier, later)
                if not earlier.bounded:
                    hidden.setdefault(later.name, earlier.name)
        warnings += [
            f"{place.file}: rule {name!r} of {target} is never reached: {by!r} matches before it."
            for name, by in hidden.items()
        ]
    return warnings


def _after_catch_all(rules: Sequence[Rule]) -> dict[str, str]:
    for index, rule in enumerate(rules):
        if rule.catches_all:
            return {later.name: rule.name for later in rules[index + 1 :]}
    return {}


def _asking_the_same(rules: Sequence[Rule]) -> list[list[Rule]]:
    groups: dict[object, list[Rule]] = {}
    for rule in rules:
        groups.setdefault(_question(rule), []).append(rule)
    return list(groups.values())


def _question(rule: Rule) -> object:
    conditions = frozenset(
        (one.field, one.tag, frozenset(fold(glob) for glob in one.globs)) for one in rule.when
    )
    return rule.tags, conditions


def _share_a_month(one: Rule, other: Rule) -> bool:
    return (one.first or _BEGIN) <= (other.last or _END) and (other.first or _BEGIN) <= (
        one.last or _END
    )


def _overlap(place: Place, target: str, earlier: Rule, later: Rule) -> CloudtallyError:
    return replace(place, target=target, rule=later.name).error(
        "OVERLAP",
        f"{later.name!r} asks the same as {earlier.name!r} in a period that overlaps: "
        f"{_period(later)} and {_period(earlier)}.",
        "Let the earlier rule end in the month before the later one begins.",
    )


def _period(rule: Rule) -> str:
    first = month_key(rule.first) if rule.first else "the beginning"
    last = month_key(rule.last) if rule.last else "the end"
    return f"{first} to {last}"
