import datetime as dt

import pytest
from fakes import FakeStore, csv_gz

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import Candidate
from dagster_project.exports.generic import carbon
from dagster_project.exports.registry import export_of
from dagster_project.settings import SourceConfig

MARCH = dt.date(2026, 3, 1)
APRIL = dt.date(2026, 4, 1)


def found(objects: dict, **options) -> list:
    return list(carbon.EXPORT.find(FakeStore(objects), options))


def rows(*months: str) -> bytes:
    return csv_gz("usage_month,emissions_unit,total_location", *(f"{m},kg,1.5" for m in months))


def test_any_provider_may_have_it() -> None:
    source = SourceConfig(name="x", provider="smallcloud", export="carbon", location="file:///x")
    assert export_of(source) is carbon.EXPORT
    assert source.is_emissions


def test_the_month_stands_in_the_path_or_in_the_rows() -> None:
    candidates = found({"2026-03/a.csv.gz": rows("2026-03-01"), "b.csv.gz": rows("2026-04-01")})
    assert all(isinstance(one, Candidate) for one in candidates)
    assert sorted(one.month for one in candidates) == [MARCH, APRIL]


def test_the_grain_is_what_the_columns_can_say_in_their_order() -> None:
    assert carbon.grain_of({}) == carbon.PLACES[:4]
    stated = {"grain": ["service_name", "billing_account_id"]}
    assert carbon.grain_of(stated) == ("billing_account_id", "service_name")


@pytest.mark.parametrize("grain", [[], "region_id", ["zone"], [None], {"region_id": 1}])
def test_another_grain_is_refused(grain: object) -> None:
    with pytest.raises(CloudtallyError) as caught:
        found({"2026-03/a.csv.gz": rows("2026-03-01")}, grain=grain)
    assert caught.value.code == "CT-CONFIG-OPTION"
    assert "sub_account_id" in str(caught.value)
