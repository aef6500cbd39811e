import datetime as dt

import pytest
from fakes import MODIFIED, FakeStore

from dagster_project.exports.base import match_schema
from dagster_project.exports.gcp import carbon, focus

MARCH = dt.date(2026, 3, 1)
RUN = "focus/month=2026-03/run=r1"


def manifest(**changes) -> dict:
    document = {
        "run_id": "r1",
        "table": "p.d.t",
        "month": "2026-03",
        "rows": 7,
        "sums": {"BilledCost": "12.340000000"},
        "files": ["part-0.parquet", "part-1.parquet"],
        "exported_at": "2026-04-02T05:00:00Z",
    }
    document |= changes
    return {key: value for key, value in document.items() if value is not None}


def run(document: dict | None, folder: str = RUN, name: str = "manifest.json") -> dict:
    objects: dict = {f"{folder}/part-{number}.parquet": b"data" for number in (0, 1)}
    return objects | ({f"{folder}/{name}": document} if document else {})


def found(objects: dict) -> list:
    return list(focus.EXPORT.find(FakeStore(objects), {}))


def only(objects: dict):
    (one,) = found(objects)
    return one


def test_manifest_with_names():
    one = only(run(manifest()))
    assert (one.month, one.native_id, one.rows) == (MARCH, "r1", 7)
    assert one.order == "2026-04-02T05:00:00.000000+00:00"
    assert one.sums == {"BilledCost": "12.340000000"}
    assert [part.info.key for part in one.parts] == [
        f"{RUN}/part-0.parquet",
        f"{RUN}/part-1.parquet",
    ]


def test_manifest_as_bigquery_writes_it():
    sums = [{"name": "BilledCost", "total": "12.34"}, {"name": "ListCost"}]
    objects = run(manifest(files=None, rows="7", sums=sums), name="manifest-000000000000.json")
    objects[f"{RUN}/manifest-000000000001.json"] = b""
    one = only(objects)
    assert (one.rows, one.sums, len(one.parts)) == (7, {"BilledCost": "12.34"}, 2)


@pytest.mark.parametrize("pattern", ["part-*.parquet", f"gs://bucket/{RUN}/part-*"])
def test_pattern_means_all_data_files_of_the_folder(pattern):
    one = only(run(manifest(files=[pattern])))
    assert len(one.parts) == 2
    assert one.missing == ()


def test_pattern_without_files_is_missing_unless_there_are_no_rows():
    assert only(run(manifest(files=["other-*"]))).missing == ("other-*",)
    assert only(run(manifest(files=["other-*"], rows=0))).parts == ()


def test_missing_file_is_named():
    assert only(run(manifest(files=["part-9.parquet"]))).missing == ("part-9.parquet",)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"run_id": None}, "no run_id"),
        ({"month": "2026-02"}, "not the month of its folder"),
        ({"rows": None}, "number of rows"),
        ({"rows": True}, "number of rows"),
        ({"rows": "-1"}, "number of rows"),
        ({"exported_at": None}, "no moment"),
        ({"sums": {"BilledCost": 1.5}}, "not the text of a number"),
        ({"sums": {"BilledCost": "NaN"}}, "not the text of a number"),
        ({"sums": "x"}, "not readable"),
        ({"files": "x"}, "no list of names"),
        ({"files": ["a", "a"]}, "twice"),
    ],
)
def test_manifest_that_cannot_be_used(changes, reason):
    one = only(run(manifest(**changes)))
    assert (one.month, one.error.code) == (MARCH, "CT-LAND-MANIFEST")
    assert reason in str(one.error)


def test_two_manifests_in_a_run_are_refused():
    objects = run(manifest()) | {f"{RUN}/manifest-2.json": manifest()}
    assert only(objects).error.code == "CT-LAND-TWO-MANIFESTS"


def test_folder_without_manifest_is_a_candidate_without_one():
    one = only(run(None))
    assert (one.native_id, one.is_manifested, one.order) == (
        "",
        False,
        MODIFIED.isoformat(timespec="microseconds"),
    )
    assert len(one.parts) == 2


def test_unfinished_run_beside_a_finished_one_is_left_alone():
    objects = run(manifest()) | run(None, folder="focus/month=2026-03/run=r2")
    assert only(objects).native_id == "r1"


def test_every_format_of_export_data_is_found():
    names = ["a.avro", "b.json", "c.json.gz", "d.jsonl", "e.jsonl.gz", "f.parquet", "g.txt"]
    one = only({f"{RUN}/{name}": b"x" for name in names})
    assert [part.name.rpartition("/")[2] for part in one.parts] == names[:-1]


# Columns of a real table of the native export, without its own x_ columns.
NATIVE = """AvailabilityZone BilledCost BillingAccountId BillingCurrency BillingPeriodStart
BillingPeriodEnd ChargeCategory ChargeClass ChargeDescription ChargePeriodStart ChargePeriodEnd
ConsumedQuantity ConsumedUnit ContractedCost ContractedUnitPrice ListCost ListUnitPrice
PricingCategory PricingQuantity PricingUnit ProviderName PublisherName RegionId RegionName
ResourceId ResourceName ServiceName SkuId SkuPriceId SubAccountId SubAccountName EffectiveCost
PricingCurrency PricingCurrencyContractedUnitPrice PricingCurrencyEffectiveCost
PricingCurrencyListUnitPrice BillingAccountType Tags""".split()  # noqa: SIM905


def test_native_export_is_version_1_2():
    schema = match_schema(NATIVE, focus.EXPORT.declared)
    assert schema.version == "1.2"
    assert set(NATIVE) <= set(schema.columns)


def test_carbon_is_nested_and_named_with_dots():
    schema = carbon.SCHEMA
    assert schema.flatten
    assert len(schema.totals) == 6
    assert {"carbon_offsets_kgCO2e", *schema.totals} <= set(schema.columns)
    assert "carbon_offsets_kgCO2e" not in schema.mandatory
