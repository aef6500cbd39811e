"""RuleSet -> rows of `ledger.tag_rules`, ready for SQL: globs translated, spellings folded.

Grain: one row per target, per canonical value of a target, and per rule of a target.
"""

import json
from typing import Any

from dagster_project.months import Month
from dagster_project.rules.model import (
    ALLOWED,
    FIELD_COLUMNS,
    TARGETS,
    UNKNOWN,
    Condition,
    Rule,
    RuleSet,
)
from dagster_project.rules.text import like_pattern, literal_text

# (name, type) in order; `string` and `int` are known to both engines.
TAG_RULES_COLUMNS = (
    ("rule_set_id", "string"),
    ("target", "string"),
    ("kind", "string"),
    ("position", "int"),
    ("name", "string"),
    ("definition", "string"),
)

Row = dict[str, str | int]


def rule_rows(ruleset: RuleSet) -> list[Row]:
    """Flatten a rule set into rows with the columns of TAG_RULES_COLUMNS.

    `kind` is `target`, `value` or `rule`; `position` counts within target and kind from 1;
    `definition` is JSON that `dbt/macros/virtual_tags.sql` reads. Every rule set yields rows, even
    one without rules, so that the id is always known.
    """
    rows: list[Row] = []
    for target in TARGETS:
        definition = {"unlisted": _unlisted(ruleset, target)}
        rows += _numbered(ruleset.id, target, "target", [(target, definition)])
        rows += _numbered(ruleset.id, target, "value", _values(ruleset, target))
        rules = [(rule.name, _definition(rule)) for rule in ruleset.rules.get(target, ())]
        rows += _numbered(ruleset.id, target, "rule", rules)
    return rows


def _unlisted(ruleset: RuleSet, target: str) -> str:
    """Say what becomes of a tag's value that is nobody's spelling: lower, keep or unknown."""
    return UNKNOWN if target in ALLOWED else ruleset.case[target]


def _values(ruleset: RuleSet, target: str) -> list[tuple[str, dict[str, Any]]]:
    missing = None if target not in ALLOWED else UNKNOWN
    return [
        (value, {"value": missing if value == UNKNOWN else value, "spellings": list(spellings)})
        for value, spellings in ruleset.aliases.get(target, {}).items()
    ]


def _numbered(
    rule_set_id: str, target: str, kind: str, named: list[tuple[str, dict[str, Any]]]
) -> list[Row]:
    return [
        {
            "rule_set_id": rule_set_id,
            "target": target,
            "kind": kind,
            "position": position,
            "name": name,
            "definition": json.dumps(definition, sort_keys=True, ensure_ascii=False),
        }
        for position, (name, definition) in enumerate(named, start=1)
    ]


def _definition(rule: Rule) -> dict[str, Any]:
    return {
        "tags": list(rule.tags),
        "value": rule.value,
        "when": [_condition(condition) for condition in rule.when],
        "from": _day(rule.first),
        "to": _day(rule.last),
    }


def _condition(condition: Condition) -> dict[str, Any]:
    patterns = [(glob, like_pattern(glob)) for glob in condition.globs]
    return {
        "columns": list(FIELD_COLUMNS[condition.field]) if condition.field else [],
        "tag": condition.tag,
        "equals": [literal_text(glob) for glob, like in patterns if like is None],
        "like": [like for _, like in patterns if like is not None],
    }


def _day(month: Month | None) -> str | None:
    return month.isoformat() if month else None
