import datetime as dt
import hashlib
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes import FakeStore, csv_gz

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import Candidate, match_schema
from dagster_project.exports.generic import carbon, peek
from dagster_project.exports.generic import focus as generic
from dagster_project.exports.onprem import focus as onprem

MARCH = dt.date(2026, 3, 1)
APRIL = dt.date(2026, 4, 1)


def found(objects: dict, **options) -> list:
    return list(onprem.EXPORT.find(FakeStore(objects), options))


def only(objects: dict, **options):
    (one,) = found(objects, **options)
    return one


def rows(*starts: str) -> bytes:
    return csv_gz("BilledCost,BillingPeriodStart", *(f"1.5,{start}" for start in starts))


def parquet(values: list, column: str = "BillingPeriodStart") -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({column: values}), sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    "key",
    [
        "BILLING_PERIOD=2026-03/a.csv",
        "billing_period=2026-03-01/a.csv",
        "usage_month=2026-03-01/a.csv",
        "dc1/2026-03/a.csv.gz",
        "dc1/202603/a.parquet",
        "focus-2026-03.csv",
        "focus_202603_v2.csv",
        "2025/BILLING_PERIOD=2026-03/2026-04-02.csv",
    ],
)
def test_month_in_the_path(key):
    one = only({key: b"not looked into"})
    assert (one.month, one.native_id, one.is_manifested) == (MARCH, "", False)


@pytest.mark.parametrize(
    "key",
    [
        "2026-04-02/a.csv.gz",
        "focus-20260402.csv.gz",
        "a.csv.gz",
        "2026-04_2026-05.csv.gz",
        "run-1202604/a.csv.gz",
    ],
)
def test_path_that_names_no_month_is_looked_into(key):
    one = only({key: rows("2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z")})
    assert (one.month, one.parts[0].name) == (MARCH, key)


@pytest.mark.parametrize(
    "values",
    [
        ["2026-03-01T00:00:00Z", "2026-03-01"],
        [dt.date(2026, 3, 1)],
        [dt.datetime(2026, 3, 1)],
        [dt.datetime(2026, 3, 31, 23, tzinfo=dt.timezone(dt.timedelta(hours=-1)))],
    ],
)
def test_parquet_is_looked_into(values):
    expected = APRIL if len(values) == 1 and getattr(values[0], "tzinfo", None) else MARCH
    assert only({"a.parquet": parquet(values)}).month == expected


@pytest.mark.parametrize(
    "objects",
    [
        {"a.csv.gz": rows("2026-03-01", "2026-04-01")},
        {"a.parquet": parquet(["2026-03-01", "2026-04-01"])},
    ],
)
def test_file_of_two_months_belongs_to_both(objects):
    deliveries = list(found(objects))
    assert [(one.month, one.shared) for one in deliveries] == [(MARCH, True), (APRIL, True)]
    assert deliveries[0].parts[0].info == deliveries[1].parts[0].info


@pytest.mark.parametrize(
    "objects",
    [
        {"a.csv": ""},
        {"a.csv": "BilledCost\r\n1\r\n"},
        {"a.csv": "BillingPeriodStart\r\n3/1/2026\r\n"},
        {"a.csv": b"BillingPeriodStart\r\n\xff\xfe\r\n"},
        {"a.csv.gz": rows("2026-03-01")[:-12]},
        {"a.csv.gz": b"not gzip"},
        {"a.parquet": b"PAR1"},
        {"a.parquet": parquet(["2026-03-01"], "Other")},
        {"a.parquet": parquet([None])},
    ],
)
def test_file_that_cannot_tell_its_month(objects):
    one = only(objects)
    assert (one.month, one.error.code) == (APRIL, "CT-LAND-NO-MONTH")


def test_large_parquet_is_not_loaded(monkeypatch):
    monkeypatch.setattr(peek, "PARQUET_BYTES", 10)
    assert only({"a.parquet": parquet(["2026-03-01"])}).error.code == "CT-LAND-NO-MONTH"


def test_long_csv_is_judged_by_its_first_bytes(monkeypatch):
    monkeypatch.setattr(peek, "CSV_BYTES", 61)
    assert only({"a.csv.gz": rows("2026-03-01", "2026-03-01", "2026-04-01")}).month == MARCH


def test_files_of_a_month_are_one_delivery():
    march, april = found({"2026-03/b.csv": "b", "2026-03/a.csv": "a", "2026-04/a.csv": "x"})
    assert [part.name for part in march.parts] == ["2026-03/a.csv", "2026-03/b.csv"]
    assert april.month == APRIL


def manifest(**changes) -> dict:
    document = {
        "delivery_id": "d-7",
        "month": "2026-03",
        "delivered_at": "2026-04-03T08:00:00+02:00",
        "files": [{"name": "a.csv", "rows": 3, "sha256": hashlib.sha256(b"a").hexdigest()}],
    }
    document |= changes
    return {key: value for key, value in document.items() if value is not None}


def test_manifest_says_what_belongs_to_a_delivery():
    one = only({"dc/manifest.json": manifest(), "dc/a.csv": "a", "dc/2026-03-old.csv": "old"})
    assert isinstance(one, Candidate)
    assert (one.native_id, one.order) == ("d-7", "2026-04-03T06:00:00.000000+00:00")
    (part,) = one.parts
    assert (part.info.key, part.rows) == ("dc/a.csv", 3)
    assert part.sha256 == hashlib.sha256(b"a").hexdigest()


def test_order_without_a_moment_is_the_manifests_modification():
    one = only({"manifest.json": manifest(delivered_at=None), "a.csv": "a"})
    assert one.order == "2026-04-02T06:00:00.000000+00:00"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"delivery_id": None}, "CT-LAND-MANIFEST"),
        ({"month": "2026-3"}, "CT-LAND-MANIFEST"),
        ({"delivered_at": "later"}, "CT-LAND-MANIFEST"),
        ({"files": None}, "CT-LAND-MANIFEST"),
        ({"files": [{"name": "a.csv"}, {"name": "a.csv"}]}, "CT-LAND-MANIFEST"),
        ({"files": [{}]}, "CT-LAND-MANIFEST"),
        ({"files": [{"name": "a.csv", "sha256": "x"}]}, "CT-LAND-MANIFEST"),
        ({"files": [{"name": "../a.csv"}]}, "CT-LAND-HOSTILE-KEY"),
    ],
)
def test_unusable_manifest_holds_its_month_back(changes, code):
    one = only({"2026-03/manifest.json": manifest(**changes), "2026-03/a.csv": "a"})
    assert (one.month, one.error.code) == (MARCH, code)


def test_version_may_be_stated():
    assert only({"2026-03/a.csv": "a"}, version="1.3").version == "1.3"
    with pytest.raises(CloudtallyError, match="CT-CONFIG-OPTION"):
        found({"2026-03/a.csv": "a"}, version="2.0")


def test_all_focus_versions_are_declared():
    versions = [schema.version for schema in generic.EXPORT.schemas()]
    assert versions == ["1.4", "1.3", "1.2", "1.1", "1.0"]
    newest, oldest = generic.EXPORT.schemas()[0], generic.EXPORT.schemas()[-1]
    assert "ProviderName" not in newest.mandatory
    assert "InvoiceIssuerName" in oldest.mandatory
    assert "Tags" not in oldest.mandatory


# ---------------------------------------------------------------- emissions


def reported(objects: dict) -> list:
    return list(carbon.EXPORT.find(FakeStore(objects), {}))


@pytest.mark.parametrize("month", ["2026-03", "2026-03-01", "2026-03-31", "2026-03-31T23:00:00Z"])
def test_emissions_are_looked_into_for_their_usage_month(month):
    (one,) = reported({"a.csv": f"usage_month,total_location\r\n{month},1\r\n"})
    assert (one.month, one.shared) == (MARCH, False)


@pytest.mark.parametrize("month", ["2026-13", "202603", "March", "26-03", ""])
def test_emissions_of_no_month_cannot_be_placed(month):
    (one,) = reported({"a.csv": f"usage_month,total_location\r\n{month},1\r\n"})
    assert one.error.code == "CT-LAND-NO-MONTH"


def test_a_year_of_emissions_belongs_to_all_of_its_months():
    march, april = reported({"a.csv": "usage_month\r\n2026-03\r\n2026-04\r\n"})
    assert [(march.month, march.shared), (april.month, april.shared)] == [
        (MARCH, True), (APRIL, True)
    ]  # fmt: skip


def test_a_table_of_emissions_needs_accounts_region_and_unit():
    needed = ["usage_month", "billing_account_id", "sub_account_id", "region_id", "emissions_unit"]
    assert match_schema(needed, carbon.EXPORT.schemas()) is carbon.SCHEMA
    for column in needed:
        with pytest.raises(CloudtallyError, match=column):
            match_schema([name for name in needed if name != column], carbon.EXPORT.schemas())


def test_units_are_told_by_their_first_letter():
    """As the macro `in_kg` does; a megatonne would be taken for a tonne."""
    assert {unit[0].lower() for unit in carbon.UNITS} == set("kgtm")
    assert not any(unit.startswith("Mt") for unit in carbon.UNITS)
    assert len(set(carbon.UNITS)) == len(carbon.UNITS)
