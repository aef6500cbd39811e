import pytest
from fakes import FakeStore

from dagster_project.errors import CloudtallyError
from dagster_project.exports.aws import focus
from dagster_project.exports.base import Listing, focus_columns, match_schema, sortable_time
from dagster_project.exports.registry import export_of
from dagster_project.settings import EXPORT_KINDS, PAIRED_KINDS, SourceConfig


@pytest.mark.parametrize(
    ("provider", "export"),
    [(provider, kind) for provider, kinds in EXPORT_KINDS.items() for kind in kinds]
    + [("oracle", "focus")],
)
def test_every_configurable_export_has_a_module(provider, export):
    places = ("actual", "amortized") if export in PAIRED_KINDS else ("location",)
    source = SourceConfig(name="s", provider=provider, export=export, **dict.fromkeys(places, "x"))
    found = export_of(source)
    assert found.is_emissions == source.is_emissions
    for schema in found.schemas():
        assert schema.mandatory <= set(schema.columns)
        named = {*schema.totals, *schema.accounts} | {schema.period, schema.days} - {None}
        assert named <= set(schema.columns)


def test_only_an_export_with_an_api_can_ask_it(tmp_path):
    assert focus.EXPORT.open(str(tmp_path), {}).location == str(tmp_path)
    with pytest.raises(CloudtallyError, match="CT-CONFIG-OPTION"):
        focus.EXPORT.open("api:", {})


def test_focus_columns_are_complete():
    counts = {
        level: sum(bool(row[level]) for row in focus_columns())
        for level in ("v1_0", "v1_2", "v1_4")
    }
    assert counts == {"v1_0": 43, "v1_2": 57, "v1_4": 65}


def test_missing_mandatory_columns_are_named():
    with pytest.raises(CloudtallyError, match="BilledCost") as caught:
        match_schema(["Tags"], focus.EXPORT.schemas())
    assert caught.value.code == "CT-DECODE-MISSING-COLUMN"


@pytest.mark.parametrize(
    "name",
    ["s3://bucket/prefix/run/a.csv", "run/a.csv", "https://account/container/run/a.csv?sig=x"],
)
def test_names_resolve_by_their_tail(name):
    listing = Listing(FakeStore({"run/a.csv": "a"}).list())
    assert listing.resolve(name).key == "run/a.csv"


@pytest.mark.parametrize("name", ["../a.csv", "s3://b/run/../../a.csv"])
def test_names_that_climb_are_refused(name):
    listing = Listing(FakeStore({"a.csv": "a", "run/m": "m"}).list())
    with pytest.raises(CloudtallyError, match="CT-LAND-HOSTILE-KEY"):
        listing.beside(listing.objects["run/m"], name)


def test_moments_sort_by_time():
    texts = ["2026-03-01T23:00:00-05:00", "2026-03-02T03:00:00.5Z", "2026-03-02T03:00:00Z"]
    assert sorted(texts, key=sortable_time) == [texts[2], texts[1], texts[0]]
