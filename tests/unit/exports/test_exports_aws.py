import datetime as dt

import pytest
from fakes import FakeStore

from dagster_project.errors import CloudtallyError
from dagster_project.exports.aws import carbon, focus
from dagster_project.exports.base import Candidate, Unreadable
from dagster_project.stores.base import DENIED, fault

MARCH = dt.date(2026, 3, 1)
PART = "costs/data/BILLING_PERIOD=2026-03/costs-00001.snappy.parquet"
MANIFEST = "costs/metadata/BILLING_PERIOD=2026-03/costs-Manifest.json"


def manifest(*files: str, execution: str = "2026-04-01T02:03:04.5Z-abc") -> dict:
    return {"name": "costs", "executionId": execution, "dataFiles": list(files)}


def found(store: FakeStore, export=focus.EXPORT) -> list:
    return list(export.find(store, {}))


def only(store: FakeStore, export=focus.EXPORT):
    (one,) = found(store, export)
    return one


def test_manifest_names_the_parts_whatever_else_lies_there():
    store = FakeStore(
        {
            MANIFEST: manifest(f"s3://bucket/prefix/{PART}"),
            PART: b"parquet",
            PART.replace("00001", "00099"): b"left over",
        }
    )
    one = only(store)
    assert (one.month, one.native_id) == (MARCH, "2026-04-01T02:03:04.5Z-abc")
    assert one.order == "2026-04-01T02:03:04.5Z"
    assert [part.info.key for part in one.parts] == [PART]


def test_every_refresh_is_a_candidate_of_its_own():
    store = FakeStore()
    for run in ("2026-04-01T00:00:00Z-a", "2026-04-02T00:00:00Z-b"):
        data = f"data/BILLING_PERIOD=2026-03/{run}/costs-00001.parquet"
        store.put(data, run)
        store.put(
            f"metadata/BILLING_PERIOD=2026-03/{run}/costs-Manifest.json",
            manifest(f"s3://b/{data}", execution=run),
        )
    newest = max(found(store), key=lambda one: one.order)
    assert newest.native_id.endswith("-b")
    assert len(found(store)) == 2


def test_missing_part_is_named():
    one = only(FakeStore({MANIFEST: manifest(f"s3://bucket/{PART}")}))
    assert one.missing == (f"s3://bucket/{PART}",)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("not json", "not a JSON object"),
        ("[]", "not a JSON object"),
        ({"dataFiles": []}, "no executionId"),
        ({"executionId": "x", "dataFiles": "y"}, "no list of dataFiles"),
        ({"executionId": "x", "dataFiles": ["a", "a"]}, "twice"),
    ],
)
def test_unusable_manifest_is_reported_with_its_month(document, reason):
    one = only(FakeStore({MANIFEST: document, PART: b"x"}))
    assert isinstance(one, Unreadable)
    assert (one.month, one.error.code) == (MARCH, "CT-LAND-MANIFEST")
    assert reason in str(one.error)


def test_name_that_climbs_out_is_refused():
    one = only(FakeStore({MANIFEST: manifest("s3://b/../../etc/passwd")}))
    assert one.error.code == "CT-LAND-HOSTILE-KEY"


def test_files_without_manifest_are_reported():
    one = only(FakeStore({PART: b"x"}))
    assert (one.month, one.error.code) == (MARCH, "CT-LAND-NO-MANIFEST")


def test_two_exports_in_one_location_are_not_chosen_between():
    store = FakeStore({MANIFEST: manifest(f"s3://b/{PART}"), PART: b"x"})
    store.put(MANIFEST.replace("costs/", "other/"), manifest("s3://b/other/data/x.parquet"))
    one = only(store)
    assert one.error.code == "CT-LAND-TWO-EXPORTS"
    assert "costs, other" in str(one.error)


def test_two_manifests_in_a_folder_are_refused():
    store = FakeStore({MANIFEST: manifest(f"s3://b/{PART}"), PART: b"x"})
    store.put(MANIFEST.replace("costs-M", "old-M"), manifest(f"s3://b/{PART}"))
    assert only(store).error.code == "CT-LAND-TWO-MANIFESTS"


def test_a_month_that_is_none_is_no_crash():
    assert found(FakeStore({"data/BILLING_PERIOD=2026-13/x.parquet": b"x"})) == []


def test_a_store_that_fails_is_not_the_deliverys_fault():
    store = FakeStore({MANIFEST: manifest()})
    store.broken[MANIFEST] = fault(DENIED, "No.", location=store.location)
    with pytest.raises(CloudtallyError, match=DENIED):
        found(store)


def test_signature_changes_with_the_manifest():
    before = only(FakeStore({MANIFEST: manifest(f"s3://b/{PART}"), PART: b"x"}))
    changed = manifest(f"s3://b/{PART}") | {"note": "more"}
    after = only(FakeStore({MANIFEST: changed, PART: b"x"}))
    assert before.signature != after.signature


@pytest.mark.parametrize("partition", ["carbon_model_version", "model_version"])
def test_carbon_model_versions_are_variants(partition):
    store = FakeStore()
    for version in ("v3.0.0", "v3.0.1"):
        unit = f"{partition}={version}/usage_period=2026-03"
        store.put(f"carbon/data/{unit}/carbon-00001.parquet", version)
        store.put(
            f"carbon/metadata/{unit}/carbon-Manifest.json",
            manifest(f"s3://b/carbon/data/{unit}/carbon-00001.parquet"),
        )
    candidates = found(store, carbon.EXPORT)
    assert all(isinstance(one, Candidate) and one.may_be_empty for one in candidates)
    assert {(one.month, one.variant) for one in candidates} == {
        (MARCH, "v3.0.0"),
        (MARCH, "v3.0.1"),
    }


def test_carbon_declares_23_columns_and_7_totals():
    schema = carbon.SCHEMA
    assert (len(schema.columns), len(schema.totals)) == (23, 7)
    assert set(schema.totals) | {schema.period, *schema.accounts} <= schema.mandatory
