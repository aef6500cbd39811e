"""Bad Cost and Usage Reports: named and refused; odd ones: accepted, reported, counted right."""

import datetime as dt
import gzip
import os
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.paths import Home
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.extract import Outcome, Status
from dagster_project.pipeline.imports import ledger_tables
from dagster_project.pipeline.plan import counted_deliveries
from dagster_project.settings import Settings, SourceConfig
from tests import cur_files
from tests.cur_files import Cur2Folder, LegacyFolder, Row
from tests.golden.cur_lines import MARCH, cash, lines
from tests.integration.estates import AwsFolder, House, parquet
from tests.integration.estates import rows as focus_rows
from tests.pipeline_runs import built, give_reference, land

ACCOUNT = "111111111111"
BOMB = b"0" * (80 << 20)


@pytest.fixture(autouse=True)
def _no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here is about the disk's own cache."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "home")


def plain(*names: str) -> list[Row]:
    """Lines of everyday usage."""
    return [row for row in lines(ACCOUNT) if row["line_item_line_item_description"] in names]


EVERYDAY = plain("on-demand", "spot", "credit")


def legacy(house: House, root: Path, *parts: bytes, suffix: str = ".csv.gz") -> Outcome:
    LegacyFolder(root).deliver(MARCH, *parts, suffix=suffix)
    house.add("main", root, export="cur")
    return house.extract()[MARCH]


def cur2(house: House, root: Path, *parts: bytes, suffix: str = ".snappy.parquet") -> Outcome:
    Cur2Folder(root).deliver(MARCH, *parts, suffix=suffix)
    house.add("main", root, export="cur2")
    return house.extract()[MARCH]


# ---------------------------------------------------------------- refused


def retyped(value: str) -> bytes:
    rows = [dict(row) for row in EVERYDAY]
    rows[1]["line_item_unblended_cost"] = value
    return cur_files.legacy_gzip(rows)


def without(name: str) -> bytes:
    return gzip.compress(cur_files.legacy_text(EVERYDAY, left_out=[name]))


def locked() -> bytes:
    raw = bytearray(cur_files.legacy_zip(EVERYDAY))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(magic) + offset] |= 1
    return bytes(raw)


def lying() -> bytes:
    """A bomb whose stated size is harmless."""
    raw = bytearray(cur_files.zipped({"report.csv": BOMB}))
    at = raw.index(b"PK\x01\x02")
    raw[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    return bytes(raw)


BAD: dict[str, tuple[Callable[[], bytes], str, str, str]] = {
    "amount as text": (
        lambda: retyped("about one"), ".csv.gz", "CT-DECODE-NUMBER", "lineItem/UnblendedCost",
    ),
    "no cost": (
        lambda: without("line_item_unblended_cost"),
        ".csv.gz", "CT-DECODE-MISSING-COLUMN", "lineItem/UnblendedCost",
    ),
    "no key of a line": (
        lambda: without("identity_line_item_id"),
        ".csv.gz", "CT-DECODE-MISSING-COLUMN", "identity/LineItemId",
    ),
    "line without a cost": (
        lambda: retyped(""), ".csv.gz", "CT-DECODE-ABSENT", "lineItem/UnblendedCost",
    ),
    "truncated zip": (
        lambda: cur_files.legacy_zip(EVERYDAY)[:-40], ".csv.zip", "CT-LAND-TRUNCATED", "zip",
    ),
    "zip with damaged rows": (
        lambda: (lambda good: good[:80] + b"\xff" * 40 + good[120:])(
            cur_files.legacy_zip(EVERYDAY)
        ),
        ".csv.zip", "CT-LAND-TRUNCATED", "report-1.csv.zip",
    ),
    "zip of nothing": (
        lambda: cur_files.zipped({}), ".csv.zip", "CT-LAND-TRUNCATED", "0 files",
    ),
    "zip of two files": (
        lambda: cur_files.zipped({"a.csv": b"a\n1\n", "b.csv": b"a\n1\n"}),
        ".csv.zip", "CT-LAND-TRUNCATED", "2 files",
    ),
    "locked zip": (locked, ".csv.zip", "CT-LAND-TRUNCATED", "password"),
    "zip bomb": (
        lambda: cur_files.zipped({"report.csv": BOMB}),
        ".csv.zip", "CT-LAND-TRUNCATED", "more than 200 times",
    ),
    "zip bomb that lies": (lying, ".csv.zip", "CT-LAND-TRUNCATED", "report-1.csv.zip"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_report_is_named_and_refused(house: House, tmp_path: Path, name: str) -> None:
    content, suffix, code, word = BAD[name]

    outcome = legacy(house, tmp_path / "bucket", content(), suffix=suffix)

    assert outcome.status is Status.QUARANTINED
    assert outcome.error is not None
    assert outcome.error.code == code, str(outcome.error)
    assert word in str(outcome.error)
    assert house.current() is None
    assert house.decoded() == set()


def test_a_name_inside_a_zip_is_never_used(house: House, tmp_path: Path) -> None:
    hostile = cur_files.zipped({"../../escaped.csv": cur_files.legacy_text(EVERYDAY)})

    outcome = legacy(house, tmp_path / "bucket", hostile, suffix=".csv.zip")

    assert (outcome.status, outcome.rows) == (Status.ACCEPTED, 3)
    assert not list(tmp_path.rglob("escaped*"))
    assert not list(house.home.rglob("unzipped*"))


def test_a_file_that_is_no_zip_is_refused(house: House, tmp_path: Path) -> None:
    outcome = legacy(house, tmp_path / "bucket", cur_files.legacy_text(EVERYDAY), suffix=".csv.zip")

    assert outcome.status is Status.QUARANTINED
    assert not zipfile.is_zipfile(tmp_path / "bucket/report/20260301-20260401/report-1.csv.zip")


def test_files_without_a_manifest_are_refused(house: House, tmp_path: Path) -> None:
    folder = LegacyFolder(tmp_path / "bucket")
    folder.deliver(MARCH, cur_files.legacy_gzip(EVERYDAY))
    (folder.folder(MARCH) / "report-Manifest.json").unlink()
    house.add("main", folder.root, export="cur")

    outcome = house.extract()[MARCH]

    assert outcome.status is Status.QUARANTINED
    assert outcome.error is not None
    assert outcome.error.code == "CT-LAND-NO-MANIFEST"


@pytest.mark.parametrize("export", ["cur", "cur2"])
def test_a_report_and_focus_of_one_account_are_never_both_counted(
    house: House, tmp_path: Path, export: str
) -> None:
    focus = AwsFolder(tmp_path / "focus")
    focus.deliver(parquet(focus_rows(accounts=[ACCOUNT, "222222222222"])))
    house.add("focus", focus.root)
    assert house.extract("focus")[MARCH].status is Status.ACCEPTED

    deliver = legacy if export == "cur" else cur2
    written = (cur_files.legacy_gzip if export == "cur" else cur_files.cur2_parquet)(EVERYDAY)
    outcome = deliver(house, tmp_path / "bucket", written)

    assert outcome.status is Status.QUARANTINED
    assert outcome.error is not None
    assert outcome.error.code == "CT-LAND-OVERLAP"
    assert "'focus'" in str(outcome.error)
    assert ACCOUNT in str(outcome.error)
    house.add("main", tmp_path / "bucket", export=export, authoritative=True)
    refused = house.extract()[MARCH]
    assert refused.error is not None
    assert refused.error.code == "CT-LAND-DISPLACED"
    assert "222222222222" in str(refused.error)
    assert house.extract(accept_shrink="sold")[MARCH].status is Status.ACCEPTED
    assert {unit.source for unit in counted_deliveries(house.context(), house.state)} == {"main"}


# ---------------------------------------------------------------- accepted and reported


def test_a_report_without_resources_says_so(house: House, tmp_path: Path) -> None:
    written = cur_files.cur2_parquet(EVERYDAY, left_out=["line_item_resource_id"])

    outcome = cur2(house, tmp_path / "bucket", written)

    assert outcome.status is Status.ACCEPTED
    [sentence] = outcome.oddities
    assert "no column line_item_resource_id" in sentence
    assert "ResourceId stays NULL" in sentence


def test_columns_that_change_within_the_month_are_reported(house: House, tmp_path: Path) -> None:
    outcome = legacy(
        house,
        tmp_path / "bucket",
        cur_files.legacy_gzip(plain("on-demand")),
        cur_files.legacy_gzip(plain("a: fee", "a: usage", "a: negation")),
    )

    assert outcome.status is Status.ACCEPTED
    [uneven] = [text for text in outcome.oddities if "only some files have" in text]
    assert "savingsPlan/SavingsPlanARN" in uneven
    assert "resourceTags/user:project" in uneven
    assert not any("unknown columns" in text for text in outcome.oddities)


def net(lines_: list[Row], cost: str | None, **more: Any) -> list[Row]:
    return [row | {"line_item_net_unblended_cost": cost} | more for row in lines_]


WRITERS: dict[str, tuple[Callable[..., Outcome], Callable[[list[Row]], bytes], str]] = {
    "cur2": (cur2, cur_files.cur2_parquet, "line_item_net_unblended_cost"),
    "cur, CSV": (legacy, cur_files.legacy_gzip, "lineItem/NetUnblendedCost"),
    "cur, Parquet": (
        lambda house, root, written: legacy(house, root, written, suffix=".snappy.parquet"),
        cur_files.legacy_parquet,
        "line_item_net_unblended_cost",
    ),
}


@pytest.mark.parametrize("export", WRITERS)
def test_net_costs_of_nothing_but_zeros_would_hide_the_cash(
    house: House, tmp_path: Path, export: str
) -> None:
    deliver, write, column = WRITERS[export]

    outcome = deliver(house, tmp_path / "bucket", write(net(EVERYDAY, "0.0")))

    assert outcome.status is Status.QUARANTINED
    assert outcome.error is not None
    assert outcome.error.code == "CT-LAND-NET-ZERO"
    for word in (column, "3 of which", "left out, or filled", "month: 2026-03"):
        assert word in str(outcome.error)
    assert house.current() is None
    assert house.decoded() == set()
    assert house.extract(accept_shrink="all is free")[MARCH].status is Status.ACCEPTED


def test_effective_costs_after_discounts_are_held_to_the_same(house: House, tmp_path: Path) -> None:
    covered = [
        row | {"savings_plan_net_savings_plan_effective_cost": "0"}
        for row in plain("a: fee", "a: usage", "a: negation")
    ]

    outcome = cur2(house, tmp_path / "bucket", cur_files.cur2_parquet([*EVERYDAY, *covered]))

    assert outcome.error is not None
    assert outcome.error.code == "CT-LAND-NET-ZERO"
    assert "savings_plan_net_savings_plan_effective_cost" in str(outcome.error)


@pytest.mark.parametrize(
    "lines_",
    [
        net(EVERYDAY, None),
        [*net(plain("on-demand"), "0"), *net(plain("spot"), "0.2")],
        net(EVERYDAY, "0", line_item_unblended_cost="0"),
    ],
    ids=["absent", "one line is free", "all is free"],
)
def test_net_costs_that_hide_nothing_are_accepted(
    house: House, tmp_path: Path, lines_: list[Row]
) -> None:
    outcome = cur2(house, tmp_path / "bucket", cur_files.cur2_parquet(lines_))

    assert outcome.status is Status.ACCEPTED


def test_a_line_that_is_free_by_its_net_cost_is_counted(house: House, tmp_path: Path) -> None:
    lines_ = [*net(plain("on-demand"), "0"), *net(plain("spot"), "0.2")]
    cur2(house, tmp_path / "bucket", cur_files.cur2_parquet(lines_))

    columns, found = ledger_tables(house.context(), [])["decode_counts"]

    names = [name for name, _ in columns]
    told = [dict(zip(names, row, strict=True)) for row in found]
    [free] = [row for row in told if row["name"] == "net_cost_zero"]
    assert (free["column_name"], free["rows"]) == ("line_item_net_unblended_cost", 1)


def test_an_unknown_column_is_still_reported(house: House, tmp_path: Path) -> None:
    text = cur_files.legacy_text(EVERYDAY).replace(b"lineItem/LegalEntity", b"lineItem/Novelty")

    outcome = legacy(house, tmp_path / "bucket", gzip.compress(text))

    assert any("unknown columns: lineItem/Novelty" in text for text in outcome.oddities)


@pytest.fixture(scope="module")
def odd(
    reference: Home, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A home of odd reports: parts of unlike columns, two currencies, no resources, bad tags."""
    root = tmp_path_factory.mktemp("odd")
    LegacyFolder(root / "uneven").deliver(
        MARCH,
        cur_files.legacy_gzip(plain("on-demand")),
        cur_files.legacy_gzip(plain("a: fee", "a: usage", "a: negation")),
    )
    Cur2Folder(root / "currencies").deliver(
        MARCH, cur_files.cur2_parquet(of(two_currencies(), "222222222222"))
    )
    Cur2Folder(root / "no-resources").deliver(
        MARCH,
        cur_files.cur2_parquet(
            of(EVERYDAY, "333333333333"), left_out=["line_item_resource_id", *splits()]
        ),
    )
    Cur2Folder(root / "bad-tags").deliver(MARCH, bad_tags(), suffix=".csv.gz")
    for name, write, suffix in (
        ("case-csv", cur_files.legacy_gzip, ".csv.gz"),
        ("case-parquet", cur_files.legacy_parquet, ".snappy.parquet"),
    ):
        LegacyFolder(root / name).deliver(
            MARCH, write(of(case_twins(), CASE_ACCOUNTS[name])), suffix=suffix
        )
    Cur2Folder(root / "no-effective").deliver(
        MARCH,
        cur_files.cur2_parquet(
            of(plain("on-demand", "no upfront: usage"), "555555555555"),
            left_out=["reservation_effective_cost", "reservation_net_effective_cost"],
        ),
    )
    exports = {
        "uneven": "cur",
        "currencies": "cur2",
        "no-resources": "cur2",
        "bad-tags": "cur2",
        "no-effective": "cur2",
        "case-csv": "cur",
        "case-parquet": "cur",
    }
    sources = tuple(
        SourceConfig(name=name, provider="aws", export=export, location=(root / name).as_uri())
        for name, export in exports.items()
    )
    context = Context(Settings(home=root / "home", sources=sources, clock=dt.date(2026, 4, 20)))
    give_reference(reference, context.home)
    land(context)
    with built(context) as connection:
        yield connection


def of(rows: list[Row], account: str) -> list[Row]:
    named = {"bill_payer_account_id": account, "line_item_usage_account_id": account}
    return [row | named for row in rows]


CASE_ACCOUNTS = {"case-csv": "666666666666", "case-parquet": "777777777777"}


def case_twins() -> list[Row]:
    """Two tag keys that differ in case only, on lines that have both, one, or none."""
    tags = ({"tag:Env": "PROD", "tag:env": "prod"}, {"tag:Env": "Test"}, {"tag:env": "test"}, {})
    [pattern] = plain("on-demand")
    bare = {name: cell for name, cell in pattern.items() if not name.startswith("tag:")}
    return [
        bare | more | {"identity_line_item_id": f"case{number}",
                       "line_item_line_item_description": f"case {number}"}
        for number, more in enumerate(tags)
    ]  # fmt: skip


def two_currencies() -> list[Row]:
    """Usage under one plan, billed in two currencies: neither cancels the other."""
    rows = plain("a: usage", "a: negation")
    return [*rows, *(row | {"line_item_currency_code": "CNY"} for row in rows[:1])]


def splits() -> list[str]:
    return [name for name in cur_files.columns() if name.startswith("split_line_item_")]


def bad_tags() -> bytes:
    text = gzip.decompress(cur_files.cur2_csv(of(plain("on-demand"), "444444444444"))).decode()
    return gzip.compress(text.replace('""user_project"": ""shop""', "broken").encode())


def ask(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


def test_parts_of_unlike_columns_make_one_month(odd: duckdb.DuckDBPyConnection) -> None:
    found = ask(
        odd,
        "select ChargeDescription, CommitmentDiscountStatus, BilledCost, Tags"
        " from fct_cost_and_carbon where x_SourceName = 'uneven' order by all",
    )

    assert found == [
        ("a: fee", "Unused", Decimal(0), None),
        ("a: fee", None, Decimal(1), None),
        ("a: usage", "Used", Decimal(0), None),
        ("on-demand", None, Decimal(1), '{"project":"shop"}'),
    ]


def test_unlike_parts_are_counted(odd: duckdb.DuckDBPyConnection) -> None:
    found = ask(
        odd,
        "select column_name, cast(measured as integer) from dq_result"
        " where check_id = 'decode_uneven_column' and source_name = 'uneven'",
    )

    assert ("savingsPlan/SavingsPlanARN", 1) in found
    assert ("resourceTags/user:project", 3) in found


def test_currencies_are_never_netted_with_each_other(odd: duckdb.DuckDBPyConnection) -> None:
    found = ask(
        odd,
        "select BillingCurrency, ChargeCategory, x_SourceChanges, sum(BilledCost)"
        " from fct_cost_and_carbon where x_SourceName = 'currencies' group by all order by all",
    )

    assert found == [
        ("CNY", "Adjustment", "NegationResidue", Decimal("1.2")),
        ("CNY", "Usage", None, Decimal(0)),
        ("USD", "Usage", None, Decimal(0)),
    ]
    assert sum(amount for *_, amount in found) == cash(two_currencies())


def test_resources_that_are_not_exported_are_null(odd: duckdb.DuckDBPyConnection) -> None:
    found = ask(
        odd,
        "select count(*), count(ResourceId), sum(BilledCost) from fct_cost_and_carbon"
        " where x_SourceName = 'no-resources'",
    )

    assert found == [(3, 0, cash(EVERYDAY))]
    assert ask(
        odd,
        "select column_name, severity, passed from dq_result"
        " where check_id = 'decode_absent_column' and source_name = 'no-resources'",
    ) == [("line_item_resource_id", "info", True)]


@pytest.mark.parametrize("source", CASE_ACCOUNTS)
def test_tag_keys_that_differ_in_case_are_both_kept(
    odd: duckdb.DuckDBPyConnection, source: str
) -> None:
    found = ask(
        odd,
        "select ChargeDescription, Tags from fct_cost_and_carbon"
        f" where x_SourceName = '{source}' order by 1",
    )
    assert found == [
        ("case 0", '{"Env":"PROD","env":"prod"}'),
        ("case 1", '{"Env":"Test"}'),
        ("case 2", '{"env":"test"}'),
        ("case 3", None),
    ]


def test_tags_that_are_no_json_stay_in_the_source_values(odd: duckdb.DuckDBPyConnection) -> None:
    found = ask(
        odd,
        "select Tags, x_SourceChanges, json_extract_string(x_SourceValues, '$.Tags')"
        " from fct_cost_and_carbon where x_SourceName = 'bad-tags'",
    )

    assert found == [(None, "TagsInvalid", "{broken}")]


def test_reserved_usage_without_its_effective_cost_is_never_published_as_a_sum(
    odd: duckdb.DuckDBPyConnection,
) -> None:
    """An export that was set up without the column; no other check of ours complains."""
    assert ask(
        odd,
        "select check_id, source_name, column_name, cast(measured as integer) from dq_result"
        " where severity = 'error' and not passed",
    ) == [("cost_missing", "no-effective", "EffectiveCost", 1)]
