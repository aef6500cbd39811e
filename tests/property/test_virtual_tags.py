"""The SQL of the virtual tags gives what a slow reading of the rules file gives."""

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from dagster_project.errors import CloudtallyError
from dagster_project.rules import parse_rules
from tests.virtual_tags_harness import tagged

COLUMNS = {
    "provider": ["x_Provider"],
    "sub_account": ["SubAccountId"],
    "service": ["ServiceName"],
    "resource": ["ResourceId", "ResourceName"],
    "charge_category": ["ChargeCategory"],
}
RESULT = {
    "owner": "x_Owner",
    "cost_center": "x_CostCenter",
    "environment": "x_Environment",
    "workload": "x_Workload",
    "phase": "x_WorkloadPhase",
}
CLOSED = {
    "environment": ["production", "staging", "development", "test", "sandbox", "shared", "unknown"],
    "phase": ["training", "fine-tuning", "inference", "experiment", "none", "unknown"],
}
BLANKS = " \t\n\r\u00a0"

SAME_KEY = ["team", "Team", "TEAM", "tEAM"]
KEYS = st.sampled_from([*SAME_KEY, "Équipe", "équipe", "it's", 'a"b', "x/y~z", "ΟΣ", "ος", "${a}"])
FEW_WORDS = ["prod", "PRD", "Test", "a_b", "axb", "Data"]
WORDS = st.sampled_from(
    [*FEW_WORDS, "data", "it's", "100%", "c^d", "n\\n", "İx", "ix", "ΟΣ", "ος", "😀", "none",
     "Unknown", "training", "-- x", "{{ 1 }}", "${a}", "[x]", "a*"]
)  # fmt: skip
VALUES = st.one_of(
    WORDS, WORDS.map(lambda word: f" {word}\t"), st.sampled_from(["", "  ", "a\nb", None, True, 7])
)
GLOBS = st.one_of(
    WORDS.map(lambda word: re.sub(r"([\\\[*?])", r"\\\1", word)),
    st.sampled_from(["*", "*", "a?b", "*D*", "p*", "*%", "a_b", "A_*", "*^*", "a*b", r"a\*"]),
)
PERIODS = st.sampled_from(
    [{}, {"from": "2026-02"}, {"to": "2026-02"}, {"from": "2026-02", "to": "2026-02"}]
)
TAGS = st.one_of(
    *[
        st.dictionaries(keys, VALUES, min_size=size, max_size=4).map(json.dumps)
        for keys in (st.sampled_from(SAME_KEY), KEYS)
        for size in (1, 3)
    ],
    st.sampled_from([None, "", "{bad", "[1]", '"x"', "null", "{}"]),
)
CELLS = st.one_of(st.sampled_from([*FEW_WORDS, "a\nb", None]), WORDS)
CHARGES = st.fixed_dictionaries(
    {
        "Tags": TAGS,
        **{column: CELLS for columns in COLUMNS.values() for column in columns},
        "x_BillingMonth": st.sampled_from([dt.date(2026, month, 1) for month in (1, 2, 3)]),
    }
)


def _when() -> st.SearchStrategy[dict[str, Any]]:
    globs = st.lists(GLOBS, min_size=1, max_size=3)
    field = st.dictionaries(st.sampled_from(sorted(COLUMNS)), globs, min_size=1, max_size=2)
    tag = st.dictionaries(KEYS, globs, min_size=1, max_size=2).map(lambda tags: {"tag": tags})
    both = st.tuples(field, tag).map(lambda pair: pair[0] | pair[1])
    return st.one_of(st.just({}), field, tag, both)


def _rule(target: str) -> st.SearchStrategy[dict[str, Any]]:
    keys = st.lists(KEYS, min_size=1, max_size=3, unique=True)
    tagged_rule = st.fixed_dictionaries(
        {"tag": keys, "value": st.just("from-tag"), "when": st.one_of(st.just({}), _when())}
    )
    value = st.sampled_from(CLOSED[target]) if target in CLOSED else WORDS
    fixed = st.fixed_dictionaries({"value": value, "when": _when()})
    return st.tuples(st.one_of(tagged_rule, fixed), PERIODS).map(lambda pair: pair[0] | pair[1])


def _named(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"name": f"rule {number}", **rule} for number, rule in enumerate(rules)]


@st.composite
def _documents(draw: st.DrawFn) -> dict[str, Any]:
    document: dict[str, Any] = {"version": "1", "rules": {}, "aliases": {}, "case": {}}
    for target in draw(st.lists(st.sampled_from(sorted(RESULT)), min_size=2, unique=True)):
        rules = draw(st.lists(_rule(target), min_size=1, max_size=4))
        document["rules"][target] = _named(rules)
        canonical = st.sampled_from(CLOSED.get(target, ["Data", "Ops", "unknown"]))
        spelled = st.lists(WORDS, max_size=2, unique_by=_fold)
        document["aliases"][target] = draw(st.dictionaries(canonical, spelled, max_size=2))
    if draw(st.booleans()):
        document["case"] = {"owner": "keep", "cost_center": "lower"}
    return document


def _fold(text: str) -> str:
    return "".join({"İ": "i", "Σ": "σ", "ς": "σ"}.get(one, one.lower()) for one in text)


def _matches(glob: str, text: str | None) -> bool:
    if text is None:
        return False
    parts = re.findall(r"\\.|.", glob, flags=re.DOTALL)
    known = {"*": ".*", "?": "."}
    pattern = "".join(known.get(part) or re.escape(_fold(part[-1])) for part in parts)
    return re.fullmatch(pattern, _fold(text), flags=re.DOTALL) is not None


def _tags(text: str | None) -> dict[str, str]:
    try:
        found = json.loads(text or "")
    except ValueError:
        return {}
    entries = found.items() if isinstance(found, dict) else []
    texts = {
        key: (value if isinstance(value, str) else json.dumps(value)).strip(BLANKS)
        for key, value in entries
        if value is not None
    }
    return {key: value for key, value in texts.items() if value}


def _lookup(tags: Mapping[str, str], key: str) -> str | None:
    if key in tags:
        return tags[key]
    same = sorted(one for one in tags if _fold(one) == _fold(key))
    return tags[same[0]] if same else None


def _holds(rule: Mapping[str, Any], charge: Mapping[str, Any], tags: Mapping[str, str]) -> bool:
    month = charge["x_BillingMonth"].strftime("%Y-%m")
    if not rule.get("from", "0000") <= month <= rule.get("to", "9999"):
        return False
    for name, globs in rule["when"].items():
        if name == "tag":
            asked = [([_lookup(tags, key)], one) for key, one in globs.items()]
        else:
            asked = [([charge[column] for column in COLUMNS[name]], globs)]
        for texts, patterns in asked:
            if not any(_matches(glob, text) for glob in patterns for text in texts):
                return False
    return True


def _found(rules: list[dict[str, Any]], charge: Mapping[str, Any]) -> str | None:
    tags = _tags(charge["Tags"])
    for rule in rules:
        if _holds(rule, charge, tags):
            if "tag" not in rule:
                return str(rule["value"])
            for key in rule["tag"]:
                if (value := _lookup(tags, key)) is not None:
                    return value
    return None


def _expected(document: Mapping[str, Any], target: str, charge: Mapping[str, Any]) -> str | None:
    unknown = "unknown" if target in CLOSED else None
    rules = document["rules"].get(target, [])
    found = _found(rules, charge)
    if found is None:
        return unknown
    spellings = {
        _fold(one): canonical
        for canonical, spelled in document["aliases"].get(target, {}).items()
        for one in [canonical, *spelled]
    }
    for value in [rule["value"] for rule in rules if "tag" not in rule]:
        spellings.setdefault(_fold(value), value)
    result = spellings.get(_fold(found))
    if result is None and target in CLOSED:
        return _fold(found) if _fold(found) in CLOSED[target] else "unknown"
    if result is None:
        case = {"owner": "lower", "cost_center": "keep", "workload": "lower", **document["case"]}
        result = _fold(found) if case[target] == "lower" else found
    return unknown if _fold(result) == "unknown" else result


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(_documents(), st.lists(CHARGES, min_size=20, max_size=20))
def test_sql_equals_a_slow_reading_of_the_file(
    document: dict[str, Any], charges: list[dict[str, Any]]
) -> None:
    try:
        ruleset = parse_rules(json.dumps(document, ensure_ascii=False), "ownership.yaml")
    except CloudtallyError:
        reject()
    found = tagged(ruleset, charges)
    assert len(found) == len(charges)
    for row, charge in zip(found, charges, strict=True):
        expected = {
            column: _expected(document, target, charge) for target, column in RESULT.items()
        }
        assert row == {**expected, "x_RuleSetId": ruleset.id}


@given(_documents())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_id_is_of_the_content(document: dict[str, Any]) -> None:
    try:
        one = parse_rules(json.dumps(document), "a.yaml")
    except CloudtallyError:
        reject()
    other = parse_rules("# note\n" + json.dumps(document, indent=1), "b.yaml")
    assert one.id == other.id
    document["rules"].setdefault("owner", []).append({"name": "new", "value": "nobody-else"})
    assert parse_rules(json.dumps(document), "a.yaml").id != one.id
