"""Rules file -> RuleSet, with an error that names file and rule for everything that is not right.

Belongs here: the form of the file. What rules do to each other is in `checks.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from dagster_project.errors import CloudtallyError
from dagster_project.months import Month, parse_month
from dagster_project.rules.checks import check_rules
from dagster_project.rules.document import Node, read_document
from dagster_project.rules.model import (
    ALLOWED,
    DEFAULT_CASE,
    FIELD_COLUMNS,
    FROM_TAG,
    TARGETS,
    UNKNOWN,
    Condition,
    Rule,
    RuleSet,
)
from dagster_project.rules.text import fold, glob_tokens, trim

_TOP_FIELDS = ("version", "targets", "case", "aliases", "rules")
_RULE_FIELDS = ("name", "tag", "value", "when", "from", "to")
_LONGEST = 1000
_KEPT = "Nothing was built; what is published stays as it is."
_HELP = "docs/virtual_tags.md lists what may stand here."

Spellings = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class _Place:
    """Where in the file we are; every error carries it."""

    file: str
    target: str | None = None
    rule: str | None = None

    def error(self, code: str, what: str, next_step: str = _HELP) -> CloudtallyError:
        where = {"file": self.file, "target": self.target, "rule": self.rule}
        return CloudtallyError(
            f"CT-RULES-{code}", what, where=where, kept=_KEPT, next_step=next_step
        )


def load_rules(path: Path | None = None) -> RuleSet:
    """Read a rules file; the packaged defaults without one.

    Raises:
        CloudtallyError: CT-RULES-MISSING when it cannot be opened, CT-RULES-* when it is wrong.
    """
    if path is None:
        packaged = resources.files("dagster_project.rules") / "default_rules.yaml"
        return parse_rules(packaged.read_text(encoding="utf-8"), "default_rules.yaml")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Place(str(path)).error(
            "YAML", "The rules file is not UTF-8 text.", "Save the file as UTF-8."
        ) from error
    except OSError as error:
        raise _Place(str(path)).error(
            "MISSING",
            f"The rules file cannot be opened: {error.strerror}.",
            "Correct `rules:` in cloudtally.yaml, or remove it to use the defaults.",
        ) from error
    return parse_rules(text, str(path))


def parse_rules(text: str, file: str) -> RuleSet:
    """Read the text of a rules file; `file` is only named in errors.

    Raises:
        CloudtallyError: CT-RULES-* with file, target and rule.
    """
    place = _Place(file)
    document = read_document(text, file)
    _known_fields(document, _TOP_FIELDS, place)
    if document.get("version") != "1":
        raise place.error("VERSION", "The rules file must say `version: 1`.")
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
    warnings = check_rules(rules, file)
    return RuleSet(rules=rules, aliases=aliases, case=case, warnings=tuple(warnings))


def _known_fields(node: Mapping[str, Node], known: tuple[str, ...], place: _Place) -> None:
    for name in node:
        if name not in known:
            raise place.error(
                "FIELD", f"{name!r} is no field here.", f"Known fields: {', '.join(known)}."
            )


def _targets(node: Node | None, place: _Place) -> tuple[str, ...]:
    if node is None:
        return TARGETS
    listed = node.split(",") if isinstance(node, str) else _texts(node, "targets", place)
    names = [trim(name) for name in listed]
    for name in names:
        _known_target(name, TARGETS, place)
    return tuple(target for target in TARGETS if target in names)


def _known_target(name: str, targets: tuple[str, ...], place: _Place) -> None:
    if name not in targets:
        raise place.error(
            "TARGET", f"{name!r} is no target of this file.", f"Targets: {', '.join(targets)}."
        )


def _case(node: Node | None, place: _Place) -> dict[str, str]:
    case = dict(DEFAULT_CASE)
    for target, choice in _mapping(node or {}, "case", place).items():
        _known_target(target, tuple(DEFAULT_CASE), place)
        if choice not in ("lower", "keep"):
            raise replace(place, target=target).error("CASE", "`case` is `lower` or `keep`.")
        case[target] = str(choice)
    return case


def _by_target(
    document: Mapping[str, Node], name: str, targets: tuple[str, ...], place: _Place
) -> dict[str, Node]:
    nodes = _mapping(document.get(name) or {}, name, place)
    for target in nodes:
        _known_target(target, targets, place)
    return nodes


def _aliases_of(node: Node, place: _Place) -> Spellings:
    taken: dict[str, str] = {}
    aliases: Spellings = {}
    for raw, spelled in _mapping(node or {}, "aliases", place).items():
        canonical = _allowed(_text(raw, "alias", place), place)
        found = [canonical, *_texts(spelled or [], "aliases", place)]
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


def _allowed(value: str, place: _Place) -> str:
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


def _rules_of(node: Node, place: _Place) -> tuple[Rule, ...]:
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


def _rule(node: Node, place: _Place) -> Rule:
    fields = _mapping(node, "a rule", place)
    if "name" not in fields:
        raise place.error("NAME", "The rule has no name.", "Add `name: ...`.")
    name = _text(fields["name"], "name", place)
    place = replace(place, rule=name)
    _known_fields(fields, _RULE_FIELDS, place)
    tags = tuple(_texts(fields.get("tag") or [], "tag", place))
    first, last = _month(fields.get("from"), place), _month(fields.get("to"), place)
    if first and last and first > last:
        raise place.error("PERIOD", "`from` is later than `to`.", "Exchange them.")
    value = _value(fields, bool(tags), place)
    return Rule(name, tags, value, _when(fields.get("when"), place), first, last)


def _value(fields: Mapping[str, Node], has_tags: bool, place: _Place) -> str | None:
    if "tag" in fields and not has_tags:
        raise place.error("SHAPE", "`tag` lists no key.")
    value = _text(fields["value"], "value", place) if "value" in fields else FROM_TAG
    if has_tags != (value == FROM_TAG):
        raise place.error(
            "SHAPE",
            "`tag` and `value: from-tag` go together.",
            "Give a fixed value under `when: {tag: {key: glob}}`, or list the keys under `tag`.",
        )
    return None if has_tags else value


def _when(node: Node | None, place: _Place) -> tuple[Condition, ...]:
    fields = _mapping(node or {}, "when", place)
    _known_fields(fields, (*FIELD_COLUMNS, "tag"), place)
    conditions: list[Condition] = []
    for name, value in fields.items():
        if name == "tag":
            for key, globs in _mapping(value, "when.tag", place).items():
                tag = _text(key, "when.tag", place)
                conditions.append(Condition(_globs(globs, tag, place), tag=tag))
        else:
            conditions.append(Condition(_globs(value, name, place), field=name))
    return tuple(conditions)


def _globs(node: Node, name: str, place: _Place) -> tuple[str, ...]:
    globs = tuple(_texts(node, name, place))
    if not globs:
        raise place.error("SHAPE", f"{name!r} lists nothing to match.")
    for glob in globs:
        try:
            glob_tokens(glob)
        except ValueError as error:
            raise place.error(
                "GLOB",
                f"{glob!r} is no pattern: {error}.",
                r"Use * for any text, ? for one character, and \ before a literal *, ?, [ or \.",
            ) from error
    return globs


def _settle(
    rules: tuple[Rule, ...], aliases: Spellings, place: _Place
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


def _month(node: Node | None, place: _Place) -> Month | None:
    if node is None:
        return None
    try:
        return parse_month(_text(node, "month", place))
    except CloudtallyError as error:
        raise place.error("MONTH", error.what, error.next_step) from error


def _mapping(node: Node, name: str, place: _Place) -> dict[str, Node]:
    if not isinstance(node, dict):
        raise place.error("SHAPE", f"{name!r} must be a mapping.")
    return node


def _texts(node: Node, name: str, place: _Place) -> list[str]:
    items = node if isinstance(node, list) else [node]
    return [_text(item, name, place) for item in items]


def _text(node: Node, name: str, place: _Place) -> str:
    if not isinstance(node, str) or not trim(node):
        raise place.error("SHAPE", f"{name!r} must be text and not blank.")
    if len(node) > _LONGEST:
        raise place.error("SHAPE", f"{name!r} is longer than {_LONGEST} characters.")
    return trim(node)
