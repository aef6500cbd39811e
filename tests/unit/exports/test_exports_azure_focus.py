import datetime as dt

import pytest
from fakes import FakeStore

from dagster_project.exports.azure import focus
from dagster_project.exports.base import Candidate, Unreadable, match_schema

MARCH = dt.date(2026, 3, 1)
BY_NAME = "costs/focus-daily/20260301-20260331/0b6e-1"
BY_RANGE = "costs/20260301-20260331/focus-daily/202604020310/0b6e-1"


def manifest(folder: str, *parts: str, **changes) -> dict:
    blobs = [{"blobName": f"{folder}/{part}", "byteCount": 4, "dataRowCount": 10} for part in parts]
    document = {
        "manifestVersion": "2024-04-01",
        "blobCount": len(blobs),
        "byteCount": 4 * len(blobs),
        "dataRowCount": 10 * len(blobs),
        "exportConfig": {
            "exportName": "focus-daily",
            "type": "FocusCost",
            "dataVersion": "1.0r2",
        },
        "deliveryConfig": {"fileFormat": "Csv"},
        "runInfo": {
            "runId": "0b6e-1",
            "submittedTime": "2026-04-02T03:10:11.1234567Z",
            "startDate": "2026-03-01T00:00:00",
            "endDate": "2026-03-31T00:00:00",
        },
        "blobs": blobs,
    }
    for key, value in changes.items():
        place, _, name = key.rpartition("__")
        (document[place] if place else document)[name] = value
    return document


def run(folder: str, *parts: str, **changes) -> dict:
    return {
        f"{folder}/manifest.json": manifest(folder, *parts, **changes),
        **dict.fromkeys((f"{folder}/{part}" for part in parts), b"data"),
    }


def found(objects: dict, **options) -> list:
    return list(focus.EXPORT.find(FakeStore(objects), options))


def only(objects: dict, **options):
    (one,) = found(objects, **options)
    return one


@pytest.mark.parametrize("folder", [BY_NAME, BY_RANGE])
def test_both_path_orders(folder):
    one = only(run(folder, "part_0_0001.csv.gz", "part_1_0001.csv.gz"))
    assert isinstance(one, Candidate)
    assert (one.month, one.native_id, one.rows, one.version) == (MARCH, "0b6e-1", 20, "1.0r2")
    assert one.order == "2026-04-02T03:10:11.123456+00:00"
    assert [(part.rows, part.bytes) for part in one.parts] == [(10, 4), (10, 4)]
    assert one.missing == ()


def test_container_path_that_a_copy_lost():
    objects = {
        key.replace("costs/focus-daily/", "azure/landing/"): value
        for key, value in run(BY_NAME, "part_0_0001.csv.gz").items()
    }
    assert only(objects).missing == ()


def test_month_to_date_may_end_inside_the_month():
    one = only(run(BY_NAME, "p.csv", runInfo__endDate="2026-03-12T00:00:00Z"))
    assert one.month == MARCH


def test_end_may_be_midnight_after_the_month():
    one = only(run(BY_NAME, "p.csv", runInfo__endDate="2026-04-01T00:00:00Z"))
    assert one.month == MARCH


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-01T00:00:00", "2026-04-30T00:00:00"),
        ("2026-03-05T00:00:00", "2026-03-31T00:00:00"),
        ("2026-03-01T00:00:00", "2026-04-01T23:00:00"),
        ("2026-03-01T00:00:00", "2026-02-01T00:00:00"),
    ],
)
def test_other_ranges_are_no_month(start, end):
    one = only(run(BY_NAME, "p.csv", runInfo__startDate=start, runInfo__endDate=end))
    assert (one.month, one.error.code) == (MARCH, "CT-LAND-MANIFEST")
    assert "one calendar month" in str(one.error)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"blobCount": 2}, "states 2 blobs and lists 1"),
        ({"blobCount": None}, "states None blobs"),
        ({"blobs": "x"}, "no list of blobs"),
        ({"blobs": [{"blobName": "a"}, {"blobName": "a"}]}, "twice"),
        ({"runInfo": {}}, "no runInfo.runId"),
        ({"runInfo__submittedTime": "yesterday"}, "submittedTime"),
        ({"runInfo__endDate": None}, "no endDate"),
    ],
)
def test_manifest_that_contradicts_itself(changes, reason):
    one = only(run(BY_NAME, "p.csv", **changes))
    assert (one.month, one.error.code) == (MARCH, "CT-LAND-MANIFEST")
    assert reason in str(one.error)


def test_wrong_export_is_named():
    one = only(run(BY_NAME, "p.csv", exportConfig__type="ActualCost"))
    assert one.error.code == "CT-LAND-WRONG-EXPORT"
    assert "this is an ActualCost export; create a FocusCost export" in str(one.error)


def test_other_exports_beside_a_focus_export_are_no_problem():
    other = "costs/actual/20260301-20260331/77"
    objects = run(BY_NAME, "p.csv") | run(other, "p.csv", exportConfig__type="ActualCost")
    assert only(objects).native_id == "0b6e-1"


def test_two_exports_are_not_chosen_between():
    other = "costs/other/20260301-20260331/77"
    objects = run(BY_NAME, "p.csv") | run(other, "p.csv", exportConfig__exportName="other")
    assert only(objects).error.code == "CT-LAND-TWO-EXPORTS"
    assert only(objects, export_name="OTHER").parts[0].name.startswith(other)


def test_missing_blob_is_named():
    objects = run(BY_NAME, "part_0_0001.csv.gz")
    del objects[f"{BY_NAME}/part_0_0001.csv.gz"]
    assert only(objects).missing == (f"{BY_NAME}/part_0_0001.csv.gz",)


def test_files_without_any_run_of_the_month_are_reported():
    one = only({f"{BY_NAME}/p.csv": b"x"})
    assert isinstance(one, Unreadable)
    assert (one.month, one.error.code) == (MARCH, "CT-LAND-NO-MANIFEST")


def test_run_in_progress_is_no_problem_beside_a_finished_one():
    objects = run(BY_NAME, "p.csv") | {f"{BY_NAME[:-1]}2/p.csv": b"x"}
    assert only(objects).native_id == "0b6e-1"


def test_broken_manifest_outside_any_range_counts_for_the_month_it_was_written():
    assert only({"costs/manifest.json": "{"}).month == dt.date(2026, 4, 1)


def test_stated_version_is_taken_at_its_word():
    columns = sorted(focus.EXPORT.declared[2].columns)
    assert match_schema(columns, focus.EXPORT.declared, "1.0").version == "1.0"
    assert match_schema(columns, focus.EXPORT.declared).version == "1.0r2"
    assert match_schema(columns, focus.EXPORT.declared, "9").version == "1.0r2"


# Columns of Microsoft's dataset metadata, without its own x_ columns.
COMMON = """BilledCost BillingAccountId BillingAccountName BillingAccountType BillingCurrency
BillingPeriodEnd BillingPeriodStart ChargeCategory ChargeClass ChargeDescription ChargeFrequency
ChargePeriodEnd ChargePeriodStart CommitmentDiscountCategory CommitmentDiscountId
CommitmentDiscountName CommitmentDiscountStatus CommitmentDiscountType ConsumedQuantity
ConsumedUnit ContractedCost ContractedUnitPrice EffectiveCost InvoiceIssuerName ListCost
ListUnitPrice PricingCategory PricingQuantity PricingUnit ProviderName PublisherName RegionId
RegionName ResourceId ResourceName ResourceType ServiceCategory ServiceName SkuId SkuPriceId
SubAccountId SubAccountName SubAccountType Tags""".split()  # noqa: SIM905
ONLY_12 = """CapacityReservationId CapacityReservationStatus CommitmentDiscountQuantity
CommitmentDiscountUnit InvoiceId PricingCurrency ServiceSubcategory SkuMeter
SkuPriceDetails""".split()  # noqa: SIM905


@pytest.mark.parametrize(
    ("columns", "version"), [(COMMON, "1.0r2"), (COMMON + ONLY_12, "1.2-preview")]
)
def test_what_microsoft_delivers_is_declared(columns, version):
    schema = match_schema(columns, focus.EXPORT.declared)
    assert schema.version == version
    assert set(columns) <= set(schema.columns)
