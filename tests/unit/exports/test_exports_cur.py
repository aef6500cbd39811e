"""Cost and Usage Reports: layouts, spellings and what a manifest may say."""

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import pytest

from dagster_project.exports.aws import cur, cur2
from dagster_project.exports.aws.cur_columns import columns, with_slash
from dagster_project.exports.base import Candidate, Found, Unreadable, match_schema
from dagster_project.stores import open_store
from tests.cur_files import Cur2Folder, LegacyFolder
from tests.macro_harness import macros

MARCH, APRIL = dt.date(2026, 3, 1), dt.date(2026, 4, 1)
MACROS = ("aws/cur_columns.sql",)


def found(root: Path) -> list[Found]:
    return list(cur.EXPORT.find(open_store(root.as_uri(), {}), {}))


def candidates(root: Path) -> list[Candidate]:
    return [item for item in found(root) if isinstance(item, Candidate)]


def problem(root: Path) -> Unreadable:
    (item,) = found(root)
    assert isinstance(item, Unreadable)
    return item


def rewrite(manifest: Path, **changes: Any) -> None:
    document = json.loads(manifest.read_text()) | changes
    manifest.write_text(json.dumps({k: v for k, v in document.items() if v is not None}))


# ---------------------------------------------------------------- layout


def test_cur2_is_found_by_its_billing_period(tmp_path: Path) -> None:
    Cur2Folder(tmp_path).deliver(MARCH, b"1", b"2")

    (item,) = cur2.EXPORT.find(open_store(tmp_path.as_uri(), {}), {})

    assert isinstance(item, Candidate)
    assert (item.month, len(item.parts), item.missing) == (MARCH, 2, ())


@pytest.mark.parametrize("keeps_all", [False, True])
def test_a_report_is_found_by_its_manifest(tmp_path: Path, keeps_all: bool) -> None:
    folder = LegacyFolder(tmp_path, keeps_all=keeps_all)
    assembly = folder.deliver(MARCH, b"1", b"2")
    folder.deliver(APRIL, b"3")

    march, april = sorted(candidates(tmp_path), key=lambda item: item.month)

    assert (march.month, march.native_id, len(march.parts)) == (MARCH, assembly, 2)
    assert (april.month, len(april.parts), april.missing) == (APRIL, 1, ())


def test_every_assembly_is_one_delivery_and_its_copy_none(tmp_path: Path) -> None:
    folder = LegacyFolder(tmp_path, keeps_all=True)
    first, second = folder.deliver(MARCH, b"1"), folder.deliver(MARCH, b"2")

    items = sorted(candidates(tmp_path), key=lambda item: item.order)

    assert [item.native_id for item in items] == [first, second]


def test_in_a_copied_bucket_the_upper_manifest_tells_the_newest(tmp_path: Path) -> None:
    """All files have the moment of the copy; ids of assemblies have no order."""
    folder = LegacyFolder(tmp_path, keeps_all=True)
    folder.deliver(MARCH, b"1")
    newest = folder.deliver(MARCH, b"2")
    folder.assemblies = 0
    rewrite(folder.folder(MARCH) / "report-Manifest.json")
    for file in tmp_path.rglob("*.*"):
        os.utime(file, (1_800_000_000, 1_800_000_000))

    assert max(candidates(tmp_path), key=lambda item: item.order).native_id == newest


def test_parquet_lies_apart_from_its_manifest(tmp_path: Path) -> None:
    folder = LegacyFolder(tmp_path)
    folder.deliver(MARCH, b"1")
    data = tmp_path / "report/report/year=2026/month=3/report-00001.snappy.parquet"
    data.parent.mkdir(parents=True)
    (folder.folder(MARCH) / "report-1.csv.gz").rename(data)
    rewrite(
        folder.folder(MARCH) / "report-Manifest.json",
        reportKeys=[f"prefix/{data.relative_to(tmp_path)}"],
    )

    (item,) = candidates(tmp_path)

    assert item.missing == ()


def test_a_part_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = LegacyFolder(tmp_path)
    folder.deliver(MARCH, b"1", b"2")
    (folder.folder(MARCH) / "report-2.csv.gz").unlink()

    (item,) = candidates(tmp_path)

    assert [name.rpartition("/")[2] for name in item.missing] == ["report-2.csv.gz"]


@pytest.mark.parametrize(
    "file",
    [
        "report/20260301-20260401/report-1.csv.gz",
        "report/20260301-20260401/assembly/report-1.csv.zip",
        "report/report/year=2026/month=3/report-1.snappy.parquet",
    ],
)
def test_files_without_a_manifest_are_no_delivery(tmp_path: Path, file: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_bytes(b"1")

    item = problem(tmp_path)

    assert (item.month, item.error.code) == (MARCH, "CT-LAND-NO-MANIFEST")


def test_two_reports_in_one_place_are_refused(tmp_path: Path) -> None:
    LegacyFolder(tmp_path / "one").deliver(MARCH, b"1")
    LegacyFolder(tmp_path / "two").deliver(MARCH, b"2")

    item = problem(tmp_path)

    assert item.error.code == "CT-LAND-TWO-EXPORTS"
    assert "one/report, two/report" in str(item.error)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"assemblyId": None}, "no assemblyId"),
        ({"reportKeys": None}, "no list of reportKeys"),
        ({"reportKeys": ["a", "a"]}, "names a data file twice"),
        ({"billingPeriod": {"start": "20260401T000000.000Z"}}, "not the month of its folder"),
        ({"billingPeriod": "2026"}, "not the month of its folder"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    tmp_path: Path, changes: dict[str, Any], word: str
) -> None:
    folder = LegacyFolder(tmp_path)
    folder.deliver(MARCH, b"1")
    rewrite(folder.folder(MARCH) / "report-Manifest.json", **changes)

    error = problem(tmp_path).error

    assert error.code == "CT-LAND-MANIFEST"
    assert word in str(error)


def test_a_manifest_that_climbs_out_is_refused(tmp_path: Path) -> None:
    folder = LegacyFolder(tmp_path)
    folder.deliver(MARCH, b"1")
    rewrite(folder.folder(MARCH) / "report-Manifest.json", reportKeys=["../../etc/passwd"])

    assert problem(tmp_path).error.code == "CT-LAND-HOSTILE-KEY"


def test_a_manifest_that_is_no_json_is_refused(tmp_path: Path) -> None:
    folder = LegacyFolder(tmp_path)
    folder.deliver(MARCH, b"1")
    (folder.folder(MARCH) / "report-Manifest.json").write_text("{")

    assert problem(tmp_path).error.code == "CT-LAND-MANIFEST"


# ---------------------------------------------------------------- columns


@pytest.mark.parametrize(
    ("name", "slash"),
    [
        ("line_item_net_unblended_cost", "lineItem/NetUnblendedCost"),
        ("split_line_item_split_cost", "splitLineItem/SplitCost"),
        ("pricing_public_on_demand_cost", "pricing/publicOnDemandCost"),
        ("savings_plan_savings_plan_a_r_n", "savingsPlan/SavingsPlanARN"),
    ],
)
def test_a_column_has_two_spellings(name: str, slash: str) -> None:
    assert with_slash(name) == slash


def test_models_read_declared_columns_in_the_same_spellings() -> None:
    """A seed can't be read while dbt parses, so the macro lists them again."""
    read = macros(*MACROS).legacy_cur_columns()
    named = {item["name"]: item for item in read if item["name"] in columns()}

    assert len(named) > 50
    for name, item in named.items():
        assert item["spellings"] == [with_slash(name)]
        assert item["kind"] == columns()[name].value


def test_each_spelling_has_its_schema() -> None:
    slashes = [with_slash(name) for name in columns()]

    assert match_schema(slashes, cur.EXPORT.declared).version == "1.0 (CSV)"
    assert match_schema(list(columns()), cur.EXPORT.declared).version == "1.0 (Parquet)"


def test_the_cash_measure_is_net_else_unblended() -> None:
    for schema in (*cur.EXPORT.declared, *cur2.EXPORT.declared):
        (measure,) = schema.measures
        net, gross = measure.first_of
        assert measure.name == "BilledCost"
        assert net.replace("_", "").lower().endswith("netunblendedcost")
        assert gross.replace("_", "").lower().endswith("itemunblendedcost") or "/" in gross
        assert net not in schema.mandatory
        assert gross in schema.mandatory
