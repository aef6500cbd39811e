"""Reading and checking a rules file."""

import datetime as dt
import json
from pathlib import Path

import pytest

from dagster_project.errors import CloudtallyError
from dagster_project.rules import TAG_RULES_COLUMNS, load_rules, parse_rules, rule_rows
from dagster_project.rules.text import fold, like_pattern, literal_text

OWNERSHIP = """
version: 1
targets: owner, environment
aliases:
  environment: {production: [prod, PRD], test: [qa]}
rules:
  owner:
    - {name: team-tag, tag: [team, owner], value: from-tag}
    - {name: data, when: {provider: gcp, sub_account: [acme-ml-*]}, value: data, from: 2026-01, to: 2026-12}
"""  # noqa: E501


def _rules(rule: str, target: str = "owner") -> str:
    return f"version: 1\nrules:\n  {target}:\n    - {rule}\n"


def _refused(text: str) -> CloudtallyError:
    with pytest.raises(CloudtallyError) as caught:
        parse_rules(text, "ownership.yaml")
    assert caught.value.where["file"] == "ownership.yaml"
    return caught.value


def test_a_file_becomes_rules_in_order() -> None:
    ruleset = parse_rules(OWNERSHIP, "ownership.yaml")
    tag, data = ruleset.rules["owner"]
    assert (tag.name, tag.tags, tag.value) == ("team-tag", ("team", "owner"), None)
    assert (data.value, data.first, data.last) == (
        "data",
        dt.date(2026, 1, 1),
        dt.date(2026, 12, 1),
    )
    assert [(one.field, one.globs) for one in data.when] == [
        ("provider", ("gcp",)),
        ("sub_account", ("acme-ml-*",)),
    ]
    assert ruleset.aliases["environment"]["production"] == ("production", "prod", "prd")
    assert ruleset.warnings == ()


def test_the_packaged_defaults_are_valid_and_quiet() -> None:
    ruleset = load_rules()
    assert ruleset.warnings == ()
    assert set(ruleset.rules) == {"owner", "cost_center", "environment", "workload", "phase"}


def test_scalars_stay_as_typed() -> None:
    text = "version: 1\naliases: {cost_center: {0123: [no, 1e3]}}\n"
    assert parse_rules(text, "f").aliases["cost_center"]["0123"] == ("0123", "no", "1e3")


def test_a_byte_order_mark_is_harmless(tmp_path: Path) -> None:
    path = tmp_path / "ownership.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + OWNERSHIP.encode())
    assert load_rules(path).id == parse_rules(OWNERSHIP, "x").id


@pytest.mark.parametrize(
    ("content", "code"), [(None, "CT-RULES-MISSING"), (b"version: \xff", "CT-RULES-YAML")]
)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes | None, code: str) -> None:
    path = tmp_path / "ownership.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CloudtallyError) as caught:
        load_rules(path)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "CT-RULES-YAML"),
        ("- 1", "CT-RULES-YAML"),
        ("version: [1", "CT-RULES-YAML"),
        ("version: 1\nversion: 1", "CT-RULES-YAML"),
        ("version: &v 1\ncase: *v", "CT-RULES-YAML"),
        ("[" * 5000, "CT-RULES-YAML"),
        ("? [a]\n: b", "CT-RULES-YAML"),
        ('version: "1\\x00"', "CT-RULES-YAML"),
        ("#" * (1024 * 1024 + 1), "CT-RULES-YAML"),
        ("version: 2", "CT-RULES-VERSION"),
        ("rules: {}", "CT-RULES-VERSION"),
        ("version: 1\nrule: {}", "CT-RULES-FIELD"),
        ("version: 1\nrules: {team: []}", "CT-RULES-TARGET"),
        ("version: 1\naliases: {team: {}}", "CT-RULES-TARGET"),
        ("version: 1\ntargets: owner, team", "CT-RULES-TARGET"),
        ("version: 1\ntargets: [owner]\nrules: {phase: []}", "CT-RULES-TARGET"),
        ("version: 1\ncase: {environment: keep}", "CT-RULES-TARGET"),
        ("version: 1\ncase: {owner: upper}", "CT-RULES-CASE"),
        ("version: 1\nrules: [owner]", "CT-RULES-SHAPE"),
        ("version: 1\nrules: {owner: {name: x}}", "CT-RULES-SHAPE"),
        ("version: 1\naliases: {owner: {a: [X], b: [x]}}", "CT-RULES-ALIAS"),
        ("version: 1\naliases: {owner: {a: [B], b: []}}", "CT-RULES-ALIAS"),
        ("version: 1\naliases: {environment: {prod: [p]}}", "CT-RULES-VALUE"),
        ("version: 1\naliases: {owner: {a: ['  ']}}", "CT-RULES-SHAPE"),
    ],
)
def test_files_that_are_refused(text: str, code: str) -> None:
    assert _refused(text).code == code


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("{name: r, value: x, wen: {}}", "CT-RULES-FIELD"),
        ("{name: r, value: x, when: {acount: a}}", "CT-RULES-FIELD"),
        ("{name: r, value: x, when: {region: '[a-z]*'}}", "CT-RULES-GLOB"),
        ("{name: r, value: x, when: {region: 'a\\'}}", "CT-RULES-GLOB"),
        ("{name: r, value: x, when: {region: []}}", "CT-RULES-SHAPE"),
        ("{name: r, value: x, when: {region: {a: b}}}", "CT-RULES-SHAPE"),
        ("{name: r, value: x, when: {tag: team}}", "CT-RULES-SHAPE"),
        ("{name: r, value: x, from: 2026-13}", "CT-RULES-MONTH"),
        ("{name: r, value: x, from: 2026-02, to: 2026-01}", "CT-RULES-PERIOD"),
        ("{name: r}", "CT-RULES-SHAPE"),
        ("{name: r, value: from-tag}", "CT-RULES-SHAPE"),
        ("{name: r, tag: team, value: x}", "CT-RULES-SHAPE"),
        ("{name: r, tag: [], value: from-tag}", "CT-RULES-SHAPE"),
        ("{name: r, value: " + "x" * 1001 + "}", "CT-RULES-SHAPE"),
    ],
)
def test_rules_that_are_refused_by_name(rule: str, code: str) -> None:
    error = _refused(_rules(rule))
    assert error.code == code
    assert error.where["rule"] == "r"
    assert error.next_step


def test_names_are_needed_and_unique() -> None:
    assert _refused(_rules("{value: x}")).code == "CT-RULES-NAME"
    twice = "{name: r, value: x, when: {region: a}}\n    - {name: r, value: y}"
    assert _refused(_rules(twice)).code == "CT-RULES-NAME"


def test_a_fixed_environment_must_be_allowed_or_an_alias() -> None:
    error = _refused(_rules("{name: r, value: prod}", "environment"))
    assert error.code == "CT-RULES-VALUE"
    assert "production, staging" in error.next_step
    text = _rules("{name: r, value: Prod}", "environment")
    settled = parse_rules(text + "aliases: {environment: {production: [prod]}}", "f")
    assert settled.rules["environment"][0].value == "production"


@pytest.mark.parametrize(
    ("first", "second", "overlaps"),
    [
        ("from: 2026-01, to: 2026-06", "from: 2026-06", True),
        ("from: 2026-01, to: 2026-06", "from: 2026-07", False),
        ("to: 2026-06", "to: 2026-01", True),
        ("to: 2026-06", "name: s", False),
    ],
)
def test_periods_of_the_same_question(first: str, second: str, overlaps: bool) -> None:
    when = "when: {sub_account: [a, B]}"
    same = "when: {sub_account: [b, A]}"
    second = second if second.startswith("name") else f"name: s, {second}"
    rules = f"{{name: r, {when}, value: x, {first}}}\n    - {{{second}, {same}, value: y}}"
    if overlaps:
        error = _refused(_rules(rules))
        assert (error.code, error.where["rule"]) == ("CT-RULES-OVERLAP", "s")
    else:
        assert parse_rules(_rules(rules), "f").warnings == ()


@pytest.mark.parametrize(
    "rules",
    [
        "{name: r, value: x}\n    - {name: s, when: {region: a}, value: y}",
        "{name: r, tag: team, value: from-tag}\n    - {name: s, tag: [team], value: from-tag}",
    ],
)
def test_rules_never_reached_are_told(rules: str) -> None:
    (warning,) = parse_rules(_rules(rules), "ownership.yaml").warnings
    assert "'s' of owner is never reached: 'r'" in warning


def test_the_id_changes_with_the_content_only() -> None:
    one = parse_rules(OWNERSHIP, "a")
    assert one.id == parse_rules(OWNERSHIP.replace("version: 1", "version: 1  # note"), "b").id
    assert one.id != parse_rules(OWNERSHIP.replace("2026-12", "2026-11"), "a").id
    assert len(one.id) == 12


def test_rows_are_flat_and_folded() -> None:
    rows = rule_rows(parse_rules(OWNERSHIP, "f"))
    assert {tuple(row) for row in rows} == {tuple(name for name, _ in TAG_RULES_COLUMNS)}
    (row,) = [row for row in rows if row["name"] == "data" and row["kind"] == "rule"]
    assert row["position"] == 2
    assert json.loads(str(row["definition"])) == {
        "tags": [],
        "value": "data",
        "when": [
            {"columns": ["x_Provider"], "tag": None, "equals": ["gcp"], "like": []},
            {"columns": ["SubAccountId"], "tag": None, "equals": [], "like": ["acme-ml-%"]},
        ],
        "from": "2026-01-01",
        "to": "2026-12-01",
    }


def test_a_file_without_rules_still_has_an_id_in_the_table() -> None:
    ruleset = parse_rules("version: 1", "f")
    assert {row["rule_set_id"] for row in rule_rows(ruleset)} == {ruleset.id}


@pytest.mark.parametrize(
    ("glob", "like"),
    [("a*", "a%"), ("A?%_^", "a_^%^_^^"), (r"a\*b*", "a*b%"), (r"\[x]*", "[x]%"), ("plain", None)],
)
def test_globs_become_like_patterns(glob: str, like: str | None) -> None:
    assert like_pattern(glob) == like


def test_literals_and_fold() -> None:
    assert literal_text(r"A\*B") == "a*b"
    assert fold("İΣΑΣ") == "iσασ"
