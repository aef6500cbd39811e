"""Rules file -> RuleSet, with an error that names file and rule for everything that is not right.

Belongs here: the form of the file. What rules do to each other is in `checks.py`.
"""

from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path

from dagster_project.rules import reading
from dagster_project.rules.checks import check_rules
from dagster_project.rules.document import Node
from dagster_project.rules.model import (
    ALLOWED,
    DEFAULT_CASE,
    FIELD_COLUMNS,
    FROM_TAG,
    TARGETS,
    UNKNOWN,
    Rule,
    RuleSet,
)
from dagster_project.rules.place import Family, Place
from dagster_project.rules.text import fold, trim

_TOP_FIELDS = ("version", "targets", "case", "aliases", "rules")
_RULE_FIELDS = ("name", "tag", "value", "when", "from", "to")
_HELP_PAGE = "docs/virtual_tags.md"

Spellings = dict[str, tuple[str, ...]]


def load_rules(path: Path | None = None) -> RuleSet:
    """Read a rules file; the packaged defaults without one.

    Raises:
        CloudtallyError: CT-RULES-MISSING when it cannot be opened, CT-RULES-* when it is wrong.
    """
    if path is None:
        packaged = resources.files("dagster_project.rules") / "default_rules.yaml"
        return parse_rules(packaged.read_text(encoding="utf-8"), "default_rules.yaml")
    return parse_rules(reading.file_text(path, _place(str(path)), "rules"), str(path))


def parse_rules(text: str, file: str) -> RuleSet:
    """Read the text of a rules file; `file` is only named in errors.

    Raises:
        CloudtallyError: CT-RULES-* with file, target and rule.
    """
    place = _place(file)
    document = reading.document_of(text, _TOP_FIELDS, place)
    targets = _targets(document.get("targets"), place)
    case = _case(document.get("case"), place)
    rules = {
        target: _rules_of(nodes, replace(place, target=target))
        for target, nodes in _by_target(document, "rules", targets, place).items()
    }
    named = _by_target(document, "aliases", targets, place)
    aliases: dict[str, Spellings] = {}
    for target in targets:
        here = replace(place, target=target)
        spellings = _aliases_of(named.get(target, {}), here)
        rules[target], aliases[target] = _settle(rules.get(target, ()), spellings, here)
    warnings = check_rules(rules, place)
    return RuleSet(rules=rules, aliases=aliases, case=case, warnings=tuple(warnings))


def _place(file: str) -> Place:
    return Place(Family.RULES, file, _HELP_PAGE)


def _targets(node: Node | None, place: Place) -> tuple[str, ...]:
    if node is None:
        return TARGETS
    listed = node.split(",") if isinstance(node, str) else reading.texts(node, "targets", place)
    names = [trim(name) for name in listed]
    for name in names:
        _known_target(name, TARGETS, place)
    return tuple(target for target in TARGETS if target in names)


def _known_target(name: str, targets: tuple[str, ...], place: Place) -> None:
    if name not in targets:
        raise place.error(
            "TARGET", f"{name!r} is no target of this file.", f"Targets: {', '.join(targets)}."
        )


def _case(node: Node | None, place: Place) -> dict[str, str]:
    case = dict(DEFAULT_CASE)
    for target, choice in reading.mapping(node or {}, "case", place).items():
        _known_target(target, tuple(DEFAULT_CASE), place)
        if choice not in ("lower", "keep"):
            raise replace(place, target=target).error("CASE", "`case` is `lower` or `keep`.")
        case[target] = str(choice)
    return case


def _by_target(
    document: Mapping[str, Node], name: str, targets: tuple[str, ...], place: Place
) -> dict[str, Node]:
    nodes = reading.mapping(document.get(name) or {}, name, place)
    for target in nodes:
        _known_target(target, targets, place)
    return nodes


def _aliases_of(node: Node, place: Place) -> Spellings:
    taken: dict[str, str] = {}
    aliases: Spellings = {}
    for raw, spelled in reading.mapping(node or {}, "aliases", place).items():
        canonical = _allowed(reading.text(raw, "alias", place), place)
        found = [canonical, *reading.texts(spelled or [], "aliases", place)]
        spellings = tuple(dict.fromkeys(fold(trim(one)) for one in found))
        for spelling in spellings:
            if spelling in taken:
                raise place.error(
                    "ALIAS",
                    f"{spelling!r} is mapped twice: to {taken[spelling]!r} and to {canonical!r}.",
                    "Keep one of them.",
                )
            taken[spelling] = canonical
        aliases[canonical] = spellings
    return aliases


def _allowed(value: str, place: Place) -> str:
    """Return a canonical value; for a closed target its spelling in the list."""
    allowed = ALLOWED.get(place.target or "")
    if allowed is None:
        return UNKNOWN if fold(value) == UNKNOWN else value
    if fold(value) not in allowed:
        raise place.error(
            "VALUE",
            f"{value!r} is no allowed {place.target}.",
            f"Allowed: {', '.join(allowed)}; map other spellings to these under `aliases`.",
        )
    return fold(value)


def _rules_of(node: Node, place: Place) -> tuple[Rule, ...]:
    if node == "":
        return ()
    if not isinstance(node, list):
        raise place.error("SHAPE", "The rules of a target must be a list.")
    rules: dict[str, Rule] = {}
    for number, item in enumerate(node, start=1):
        rule = _rule(item, replace(place, rule=f"number {number}"))
        if rule.name in rules:
            raise replace(place, rule=rule.name).error(
                "NAME", "Two rules of this target have one name.", "Rename one of them."
            )
        rules[rule.name] = rule
    return tuple(rules.values())


def _rule(node: Node, place: Place) -> Rule:
    fields = reading.mapping(node, "a rule", place)
    name = reading.name_of(fields, place)
    place = replace(place, rule=name)
    reading.known_fields(fields, _RULE_FIELDS, place)
    tags = tuple(reading.texts(fields.get("tag") or [], "tag", place))
    first, last = reading.period(fields, place)
    value = _value(fields, bool(tags), place)
    when = reading.mapping(fields.get("when") or {}, "when", place)
    conditions = reading.conditions(when, (*FIELD_COLUMNS, "tag"), place)
    return Rule(name, tags, value, conditions, first, last)


def _value(fields: Mapping[str, Node], has_tags: bool, place: Place) -> str | None:
    if "tag" in fields and not has_tags:
        raise place.error("SHAPE", "`tag` lists no key.")
    value = reading.text(fields["value"], "value", place) if "value" in fields else FROM_TAG
    if has_tags != (value == FROM_TAG):
        raise place.error(
            "SHAPE",
            "`tag` and `value: from-tag` go together.",
            "Give a fixed value under `when: {tag: {key: glob}}`, or list the keys under `tag`.",
        )
    return None if has_tags else value


def _settle(
    rules: tuple[Rule, ...], aliases: Spellings, place: Place
) -> tuple[tuple[Rule, ...], Spellings]:
    """Bring fixed values to their canonical spelling and make each of them canonical.

    A tag that says `Data-Science` then meets a rule that says `data-science`.
    """
    canonical = {spelling: value for value, spellings in aliases.items() for spelling in spellings}
    settled: list[Rule] = []
    for rule in rules:
        if rule.value is None:
            settled.append(rule)
            continue
        spelling = fold(rule.value)
        if spelling not in canonical:
            canonical[spelling] = _allowed(rule.value, replace(place, rule=rule.name))
        settled.append(replace(rule, value=canonical[spelling]))
    for value in ALLOWED.get(place.target or "", (UNKNOWN,)):
        canonical.setdefault(value, value)
    grouped: Spellings = {}
    for spelling, value in canonical.items():
        grouped[value] = (*grouped.get(value, ()), spelling)
    return tuple(settled), grouped
