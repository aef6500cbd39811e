"""The SQL that the virtual tag macros write, run in DuckDB and once in Spark."""

import datetime as dt
import json
import shutil
from typing import Any

import duckdb
import pytest
from dbt_common.exceptions import CompilationError

from dagster_project.rules import RuleSet, load_rules, parse_rules
from dagster_project.rules.text import fold
from tests.virtual_tags_harness import INPUTS, RESULTS, macros, query, table_rows, tagged

MONTH = dt.date(2026, 1, 1)

HOSTILE = ["it's", 'say "x"', "back\\slash", "\\' or 1=1 --", "{{ 1 }}", "100%", "a_b^c", "${user}"]

RULES = r"""
version: 1
aliases:
  owner: {HMPPS: [hm pps], unknown: [n/a]}
  environment: {production: [prod, prd], test: [qa]}
rules:
  owner:
    - {name: moved, when: {sub_account: acme-ml-*}, value: Data, from: 2026-02, to: 2026-03}
    - {name: tag, tag: [team, Owner], value: from-tag}
    - {name: disk, when: {resource: ["*/disks/*", "disk?"], service: [Compute*]}, value: storage}
    - {name: shared, when: {tag: {Purpose: "*shared*"}, provider: [aws, azure]}, value: hub}
  cost_center:
    - {name: tag, tag: cost-center}
  environment:
    - {name: tag, tag: env, value: from-tag}
    - {name: lab, when: {sub_account_name: "*lab*"}, value: sandbox}
"""


def _tags(**tags: Any) -> str:
    return json.dumps(tags)


def _one(column: str, rules: str = RULES, **charge: Any) -> Any:
    (row,) = tagged(parse_rules(rules, "f"), [{"x_BillingMonth": MONTH, **charge}])
    return row[column]


@pytest.mark.parametrize(
    ("tags", "owner"),
    [
        ('{"team":"Payments"}', "payments"),
        ('{"TEAM":" pay\\t"}', "pay"),
        ('{"TEAM":"upper","team":"exact"}', "exact"),
        ('{"Team":"b","TEAM":"a"}', "a"),
        ('{"Team":"b","TEAM":"  "}', "b"),
        ('{"team":"","owner":"x"}', "x"),
        ('{"team":null,"Owner":"x"}', "x"),
        ('{"Owner":"x","team":"first"}', "first"),
        ('{"team":"hmpps"}', "HMPPS"),
        ('{"team":"HM PPS"}', "HMPPS"),
        ('{"team":"DATA"}', "Data"),
        ('{"team":"N/A"}', None),
        ('{"team":"Unknown"}', None),
        ('{"team":7}', "7"),
        ('{"team":true}', "true"),
        ('{"team":"a","team":"a"}', "a"),
        ('{"other":"x"}', None),
        ("{}", None),
        ("[1]", None),
        ("{bad", None),
        ("", None),
        (None, None),
    ],
)
def test_owner_from_tags(tags: str | None, owner: str | None) -> None:
    assert _one("x_Owner", Tags=tags) == owner


def test_cost_centers_keep_their_spelling() -> None:
    assert _one("x_CostCenter", Tags=_tags(**{"Cost-Center": "CC-100"})) == "CC-100"


@pytest.mark.parametrize(
    ("value", "environment"),
    [("PRD", "production"), ("Staging", "staging"), ("qa", "test"), ("moon", "unknown")],
)
def test_environment_is_one_of_the_list(value: str, environment: str) -> None:
    assert _one("x_Environment", Tags=_tags(env=value)) == environment


def test_what_nothing_matches_is_visible() -> None:
    (row,) = tagged(load_rules(), [{"x_BillingMonth": MONTH}])
    assert row == {
        "x_Owner": None,
        "x_CostCenter": None,
        "x_Environment": "unknown",
        "x_Workload": None,
        "x_WorkloadPhase": "unknown",
        "x_RuleSetId": load_rules().id,
    }


@pytest.mark.parametrize(
    ("month", "owner"), [(1, "team-a"), (2, "Data"), (3, "Data"), (4, "team-a")]
)
def test_periods_include_both_ends(month: int, owner: str) -> None:
    found = _one(
        "x_Owner",
        Tags=_tags(team="team-a"),
        SubAccountId="ACME-ml-7",
        x_BillingMonth=dt.date(2026, month, 1),
    )
    assert found == owner


@pytest.mark.parametrize(
    ("charge", "owner"),
    [
        ({"ResourceId": "/sub/Disks/1", "ServiceName": "Compute Engine"}, "storage"),
        ({"ResourceName": "disk7", "ServiceName": "Compute"}, "storage"),
        ({"ResourceName": "disk77", "ServiceName": "Compute"}, None),
        ({"ResourceName": "disk7", "ServiceName": None}, None),
        ({"Tags": _tags(PURPOSE="is Shared"), "x_Provider": "AWS"}, "hub"),
        ({"Tags": _tags(PURPOSE="is Shared"), "x_Provider": "gcp"}, None),
        ({"x_Provider": "aws"}, None),
    ],
)
def test_conditions(charge: dict[str, Any], owner: str | None) -> None:
    assert _one("x_Owner", **charge) == owner


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_only_texts(text: str) -> None:
    rules = _hostile(text)
    assert _one("x_Owner", rules, Tags=json.dumps({text: "yes"})) == text
    assert _one("x_Owner", rules, SubAccountId=text) == text
    assert _one("x_Workload", rules, Tags=json.dumps({text: text.upper()})) == text
    assert _one("x_Owner", rules, SubAccountId=text + "x") is None


def _hostile(text: str) -> str:
    glob = text.replace("\\", "\\\\")
    rules = {
        "owner": [
            {"name": "tag", "when": {"tag": {text: "y*"}}, "value": text},
            {"name": "field", "when": {"sub_account": glob}, "value": text},
        ],
        "workload": [{"name": text, "tag": [text], "value": "from-tag"}],
    }
    return json.dumps({"version": "1", "rules": rules, "aliases": {"workload": {text: []}}})


def test_every_line_keeps_its_place() -> None:
    charges = [
        {"Tags": tags, "SubAccountId": account, "x_BillingMonth": month}
        for tags in (None, "{}", '{"team":"a"}')
        for account in (None, "x", "acme-ml-1")
        for month in (None, MONTH)
        for _ in range(2)
    ]
    found = tagged(parse_rules(RULES, "f"), charges)
    assert len(found) == len(charges)
    assert all(row["x_RuleSetId"] for row in found)


def test_only_mentioned_columns_are_read() -> None:
    rules = parse_rules(RULES, "f")
    assert macros(table_rows(rules)).virtual_tag_inputs() == [
        "Tags", "x_Provider", "SubAccountId", "SubAccountName", "ServiceName", "ResourceId",
        "ResourceName", "x_BillingMonth",
    ]  # fmt: skip
    none = parse_rules("version: 1", "f")
    assert macros(table_rows(none)).virtual_tag_inputs() == ["x_BillingMonth"]


@pytest.mark.parametrize("execute", [True, False])
def test_without_rows_the_results_are_typed_defaults(execute: bool) -> None:
    available = macros([], execute=execute)
    columns = ", ".join(f"null as {name}" for name in INPUTS)
    with duckdb.connect() as connection:
        sql = available.virtual_tags_for("charges")
        answer = connection.execute(
            f"with charges as (select {columns}), tags as ({sql}) select * from tags"
        )
        row = dict(zip([one[0] for one in answer.description], answer.fetchone(), strict=True))
    assert [row[name] for name in RESULTS] == [None, None, "unknown", None, "unknown", None]
    if not execute:
        assert available.virtual_tag_inputs() == list(INPUTS)


def test_two_rule_sets_in_the_table_stop_the_build() -> None:
    rows = table_rows(load_rules()) + table_rows(parse_rules(RULES, "f"))
    with pytest.raises(CompilationError, match="two rule sets"):
        macros(rows).virtual_tags_for("charges")


def test_tag_value_stands_alone() -> None:
    expression = macros([]).tag_value("tags", "Team")
    sql = f"""select {expression} from (select '{{"TEAM":"x"}}' as tags)"""
    assert duckdb.sql(sql).fetchone() == ("x",)


def test_fold_is_the_same_in_sql_and_python_for_every_character() -> None:
    points = [point for point in range(1, 0x110000) if not 0xD800 <= point < 0xE000]
    expression = macros([]).virtual_tag_fold("chr(point)")
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select point, {expression} from (select unnest(?::integer[]) as point)", [points]
        ).fetchall()
    assert [point for point, text in found if text != fold(chr(point))] == []


@pytest.mark.slow
def test_spark_gives_the_same(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("no Java on this machine")
    monkeypatch.chdir(tmp_path)
    builder = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.sql.shuffle.partitions", "1").getOrCreate()
    try:
        for ruleset, charges in _spark_cases():
            lines = [
                (number, *(charge.get(name) for name in INPUTS))
                for number, charge in enumerate(charges)
            ]
            types = [f"{n} {'date' if n == 'x_BillingMonth' else 'string'}" for n in INPUTS]
            frame = spark.createDataFrame(lines, ", ".join(["line int", *types]))
            frame.createOrReplaceTempView("charges")
            found = spark.sql(query(ruleset, engine="spark")).orderBy("line").collect()
            assert [{n: row[n] for n in RESULTS} for row in found] == tagged(ruleset, charges)
    finally:
        spark.stop()


def _spark_cases() -> list[tuple[RuleSet, list[dict[str, Any]]]]:
    tags = [
        None, "", "{bad", "[1]", "{}", '{"TEAM":" \\u00a0b\\t","Team":"c","owner":""}',
        '{"team":"a","team":"a"}', '{"team":1.50,"env":"PRD"}', '{"team":true,"Cost-Center":"CC"}',
        '{"purpose":"is\\nShared"}', '{"team":"\\u0130\\u03a3"}',
    ]  # fmt: skip
    charges = [
        {"Tags": one, "x_Provider": provider, "SubAccountId": account, "x_BillingMonth": month,
         "ResourceName": "disk7", "ServiceName": service}
        for one in tags
        for provider, account in [(None, None), ("aws", "acme-ml-1")]
        for service in (None, "Compute")
        for month in (MONTH, dt.date(2026, 3, 1))
    ]  # fmt: skip
    cases = [(parse_rules(RULES, "f"), charges), (load_rules(), charges)]
    for text in HOSTILE:
        hostile = [{"Tags": json.dumps({text: text})}, {"Tags": json.dumps({text: "yes"})}]
        cases.append((parse_rules(_hostile(text), "f"), [*hostile, {"SubAccountId": text}]))
    return cases
