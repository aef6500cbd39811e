"""Reading and checking a chargeback file."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest

from dagster_project.chargeback.model import Driver
from dagster_project.chargeback.parse import load_chargeback, parse_chargeback
from dagster_project.chargeback.table import POOL_COLUMNS, pool_rows
from dagster_project.errors import CloudtallyError
from dagster_project.pipeline.owners import require_owners
from dagster_project.rules import parse_rules

FILE = """
version: 1
owners: [newcomers]
pools:
  - name: commitments
    when: {line: unused_commitment}
    by: weights
    over: [{pool: platform, weight: 0.75}, {owner: web, cost_center: CC-1, weight: 0.25}]
  - name: platform
    when: {provider: aws, sub_account_name: ["*-platform", "shared *"]}
    from: 2026-01
    to: 2026-12
    by: effective-cost
    within: {environment: production}
"""


def pool(**fields: str) -> str:
    """Return a file with one pool, some of whose fields are replaced."""
    usual = {"name": "p", "when": "{provider: aws}", "by": "equal", "over": "[web]"}
    items = ", ".join(f"{key}: {value}" for key, value in (usual | fields).items() if value)
    return f"version: 1\npools:\n  - {{{items}}}\n"


def refused(text: str) -> CloudtallyError:
    """Return the error that the text ends in."""
    with pytest.raises(CloudtallyError) as caught:
        parse_chargeback(text, "chargeback.yaml")
    error = caught.value
    assert error.where["file"] == "chargeback.yaml"
    assert error.kept
    assert error.next_step
    return error


def test_a_file_becomes_pools_in_order() -> None:
    chargeback = parse_chargeback(FILE, "x")
    commitments, platform = chargeback.pools
    assert chargeback.owners == ("newcomers",)
    assert commitments.driver is Driver.WEIGHTS
    assert [target.weight for target in commitments.targets] == [Decimal("0.75"), Decimal("0.25")]
    assert commitments.feeds == ("platform",)
    assert (platform.rule.first, platform.rule.last) == (dt.date(2026, 1, 1), dt.date(2026, 12, 1))
    assert chargeback.levels == {"commitments": 0, "platform": 1}
    assert chargeback.warnings == ()


def test_rows_for_sql_keep_the_order_and_whole_weights() -> None:
    rows = pool_rows(parse_chargeback(FILE, "x"))
    assert [len(row) for row in rows] == [len(POOL_COLUMNS)] * 2
    first, second = (json.loads(row[3]) for row in rows)
    assert [target["weight"] for target in first["targets"]] == [750_000_000, 250_000_000]
    assert first["when"][0]["equals"] == ["unused_commitment"]
    assert (second["level"], second["driver"]) == (1, "effective_cost")


def test_central_lines_are_taken_only_by_name() -> None:
    _, platform = pool_rows(parse_chargeback(FILE, "x"))
    lines = json.loads(platform[3])["when"][-1]
    assert lines["columns"] == ["line_kind"]
    assert set(lines["equals"]) == {"owned", "untagged", "unallocated_emissions"}


def test_the_id_follows_content_alone() -> None:
    shuffled = FILE.replace("version: 1\n", "# a comment\nversion: '1'\n")
    assert parse_chargeback(shuffled, "y").id == parse_chargeback(FILE, "x").id
    other = FILE.replace("0.75", "0.5").replace("0.25", "0.5")
    assert parse_chargeback(other, "x").id != parse_chargeback(FILE, "x").id


def test_without_a_file_nothing_is_shared() -> None:
    nothing = load_chargeback(None)
    assert (nothing.pools, nothing.id, pool_rows(nothing)) == ((), None, [])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CloudtallyError, match=r"CT-CHARGEBACK-MISSING.*none\.yaml.*chargeback:"):
        load_chargeback(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("pools: []\n", "VERSION", "version: 1"),
        ("version: 1\npools: {}x\n", "YAML", "line"),
        ("version: 1\nrules: []\n", "FIELD", "'rules'"),
        (pool(name=""), "NAME", "no name"),
        (pool() + pool().partition("pools:\n")[2], "NAME", "one name"),
        (pool(when=""), "SHAPE", "which lines"),
        (pool(when="{colour: red}"), "FIELD", "'colour'"),
        (pool(when="{tag: {team: web}}"), "FIELD", "virtual tag rule"),
        (pool(when="{resource: i-1}"), "FIELD", "virtual tag rule"),
        (pool(when="{line: taxes}"), "LINE", "'taxes'"),
        (pool(when='{service: "a[b]"}'), "GLOB", "a[b]"),
        (pool(**{"from": "2026-13"}), "MONTH", "2026-13"),
        (pool(**{"from": "2026-03", "to": "2026-02"}), "PERIOD", "later"),
        (pool(by=""), "DRIVER", "by"),
        (pool(by="headcount"), "DRIVER", "effective-cost"),
        (pool(over="[]"), "DRIVER", "nobody"),
        (pool(over="[web, web]"), "TARGET", "twice"),
        (pool(over="[{pool: other}]"), "TARGET", "'other'"),
        (pool(over="[{cost_center: C}]"), "SHAPE", "owner"),
        (pool(over="[{owner: web, colour: red}]"), "FIELD", "'colour'"),
        (pool(over="[{owner: web, weight: 1}]"), "WEIGHTS", "by: weights"),
        (pool(by="weights"), "WEIGHTS", "go together"),
        (pool(by="weights", over="[{owner: a, weight: 0}]"), "WEIGHTS", "'0'"),
        (pool(by="weights", over="[{owner: a, weight: -1}]"), "WEIGHTS", "'-1'"),
        (pool(by="weights", over="[{owner: a, weight: NaN}]"), "WEIGHTS", "'NaN'"),
        (pool(by="weights", over="[{owner: a, weight: 0.0000000001}]"), "WEIGHTS", "9 decimals"),
        (pool(by="effective-cost", over="[{pool: p}]"), "TARGET", "effective cost"),
        (pool(within="{provider: aws}"), "SHAPE", "within"),
    ],
)
def test_what_is_wrong_is_said(text: str, code: str, said: str) -> None:
    error = refused(text)
    assert error.code == f"CT-CHARGEBACK-{code}"
    assert said in str(error)


def test_weights_that_lose_a_part_say_how_much() -> None:
    error = refused(pool(by="weights", over="[{owner: a, weight: 0.49}, {owner: b, weight: 0.49}]"))
    assert error.code == "CT-CHARGEBACK-WEIGHTS"
    assert "0.98" in error.what
    assert "0.02 of the pool would be lost" in error.what
    assert error.where["rule"] == "p"


@pytest.mark.parametrize(
    ("edges", "way"),
    [
        ({"a": "a"}, "a -> a"),
        ({"a": "b", "b": "a"}, "b"),
        ({"a": "b", "b": "c", "c": "d", "d": "b"}, "c"),
    ],
)
def test_a_loop_is_named(edges: dict[str, str], way: str) -> None:
    lines = [
        f"  - {{name: {name}, when: {{owner: {name}}}, by: equal, over: [{{pool: {target}}}]}}"
        for name, target in edges.items()
    ]
    error = refused("version: 1\npools:\n" + "\n".join(lines))
    assert error.code == "CT-CHARGEBACK-LOOP"
    assert way in error.what
    assert error.what.count(" -> ") >= 1


def test_overlapping_periods_are_named() -> None:
    first = "  - {name: a, when: {provider: aws}, to: 2026-03, by: equal, over: [web]}\n"
    second = "  - {name: b, when: {provider: AWS}, from: 2026-03, by: equal, over: [web]}\n"
    error = refused(f"version: 1\npools:\n{first}{second}")
    assert (error.code, error.where["rule"]) == ("CT-CHARGEBACK-OVERLAP", "b")
    parse_chargeback(
        f"version: 1\npools:\n{first}{second.replace('2026-03', '2026-04')}", "a month later"
    )


def test_a_pool_that_is_never_asked_is_a_warning() -> None:
    line = "  - {name: NAME, when: {provider: aws}, by: equal, over: [web]}\n"
    text = f"version: 1\npools:\n{line.replace('NAME', 'a')}{line.replace('NAME', 'b')}"
    (warning,) = parse_chargeback(text, "f").warnings
    assert "'b'" in warning
    assert "'a'" in warning


def test_owners_are_known_or_introduced() -> None:
    rules = parse_rules("version: 1\naliases: {owner: {HMPPS: []}}\n", "r")
    text = pool(over="[web, HMPPS, newcomers]").replace("pools:", "owners: [newcomers]\npools:")
    require_owners(parse_chargeback(text, "f"), rules, {"web"}, "f")
    with pytest.raises(CloudtallyError) as caught:
        require_owners(parse_chargeback(pool(over="[wbe]"), "f"), rules, {"web"}, "f")
    assert caught.value.code == "CT-CHARGEBACK-OWNER"
    assert caught.value.where == {"file": "f", "rule": "p"}
    assert "'web'" in caught.value.next_step


def test_an_alias_that_goes_in_a_circle_is_refused() -> None:
    text = "version: 1\naliases: {owner: {web: [shop], shop: [web]}}\n"
    with pytest.raises(CloudtallyError, match="CT-RULES-ALIAS"):
        parse_rules(text, "f")
