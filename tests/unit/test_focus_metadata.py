"""Schema and recency of FOCUS datasets: made of contents and of the ledger's moments, no clock."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.ledger.store import Kind
from dagster_project.months import ALL_MONTHS
from dagster_project.pipeline.context import Context
from dagster_project.publish import focus_metadata
from dagster_project.publish.focus_metadata import DATASETS, write_focus_metadata
from dagster_project.settings import InputConfig, Settings, SourceConfig

BUILT = dt.datetime(2026, 5, 2, 6, 0, 0, 123, tzinfo=dt.UTC)
LATER = BUILT + dt.timedelta(days=1)
MARCH, APRIL = dt.date(2026, 3, 1), dt.date(2026, 4, 1)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "published.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create table dq_result (check_id varchar, billing_month date, column_name varchar,"
            " measured decimal(38, 18), detail varchar);"
            "insert into dq_result values"
            " ('focus_invoice_detail_incomplete_rows', '2026-03-01', 'PaymentTerms', 2,"
            " 'left out'),"
            " ('control_total_equals_fact', null, null, 0, 'no gap')"
        )
        for dataset in DATASETS:
            connection.execute(
                f"create table {dataset.relation} (BilledCost decimal(38, 18), Tags varchar,"
                " BillingPeriodStart timestamp)"
            )
    return path


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """Two months of charges and an input that were accepted; another input is quarantined."""
    settings = Settings(
        home=tmp_path / "home",
        clock=dt.date(2026, 5, 2),
        sources=(SourceConfig(name="main", provider="aws", export="focus", location="file:///x"),),
        inputs=tuple(
            InputConfig(
                name=f"inputs.{kind}", provider="inputs", export=kind, location="file:///x.csv"
            )
            for kind in ("invoices", "billing-periods")
        ),
    )
    context = Context(settings)
    for source, month, kind in (
        ("main", MARCH, Kind.ACCEPTED),
        ("main", APRIL, Kind.ACCEPTED),
        ("inputs.invoices", ALL_MONTHS, Kind.ACCEPTED),
        ("inputs.billing-periods", ALL_MONTHS, Kind.QUARANTINED),
    ):
        context.ledger.append(
            kind,
            source=source,
            month=month,
            delivery_id="d",
            payload={"rows": 1, "error": {"code": "CT-X", "what": "bad"}},
        )
    return context


def written(
    context: Context, folder: Path, database: Path, built_at: dt.datetime = BUILT
) -> dict[str, bytes]:
    folder.mkdir()
    write_focus_metadata(context, folder, database, built_at)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.json")
    }


def read(files: dict[str, bytes], name: str) -> Any:
    return json.loads(files[name])


def test_every_dataset_has_both_files(context: Context, tmp_path: Path, database: Path) -> None:
    files = written(context, tmp_path / "one", database)
    assert set(files) == {
        f"{dataset.relation}/{name}.json" for dataset in DATASETS for name in ("schema", "recency")
    }
    ids = {read(files, f"{d.relation}/schema.json")["Schema"][0]["SchemaId"] for d in DATASETS}
    assert len(ids) == len(DATASETS)  # the same columns of another dataset are another schema


def test_a_schema_says_what_the_columns_are(
    context: Context, tmp_path: Path, database: Path
) -> None:
    document = read(written(context, tmp_path / "one", database), "focus_v1_4/schema.json")
    (schema,) = document["Schema"]
    assert document["DataGenerator"] == {"DataGenerator": "Cloudtally"}
    assert schema["FocusVersion"] == "1.4"
    assert schema["CreationDate"] == "2026-05-02T06:00:00Z"
    assert schema["DatasetInstanceId"] == document["DatasetInstance"][0]["DatasetInstanceId"]
    assert schema["ColumnDefinition"] == [
        {
            "ColumnName": "BilledCost",
            "DataType": "DECIMAL",
            "NumericPrecision": 38,
            "NumberScale": 18,
        },
        {
            "ColumnName": "Tags",
            "DataType": "STRING",
            "StringEncoding": "UTF-8",
            "ProviderTagPrefixes": ["aws:"],
        },
        {"ColumnName": "BillingPeriodStart", "DataType": "DATETIME"},
    ]


def test_charges_are_complete_by_month(context: Context, tmp_path: Path, database: Path) -> None:
    files = written(context, tmp_path / "one", database)
    (recency,) = read(files, "focus_v1_2/recency.json")["Recency"]
    assert [
        (row["TimeSectorStart"], row["TimeSectorEnd"], row["TimeSectorComplete"])
        for row in recency["TimeSectors"]
    ] == [
        ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", True),
        ("2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z", False),  # until the 15th of May
    ]
    accepted = [event.at for event in context.ledger.events() if event.source == "main"]
    assert [row["TimeSectorLastUpdated"] for row in recency["TimeSectors"]] == [
        f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in accepted
    ]
    assert recency["DatasetInstanceLastUpdated"] == f"{max(accepted):%Y-%m-%dT%H:%M:%SZ}"
    assert recency["RecencyLastUpdated"] == "2026-05-02T06:00:00Z"
    assert "DatasetInstanceComplete" not in recency


def test_other_datasets_are_complete_as_a_whole_and_list_their_gaps(
    context: Context, tmp_path: Path, database: Path
) -> None:
    files = written(context, tmp_path / "one", database)
    complete = {
        dataset.relation: read(files, f"{dataset.relation}/recency.json")["Recency"][0][
            "DatasetInstanceComplete"
        ]
        for dataset in DATASETS
        if dataset.input
    }
    assert complete == {
        "focus_v1_4_billing_period": False,
        "focus_v1_4_contract_commitment": False,
        "focus_v1_4_invoice_detail": True,
    }
    gaps = read(files, "focus_v1_4_invoice_detail/recency.json")["x_Gaps"]
    assert gaps == [
        {
            "Check": "focus_invoice_detail_incomplete_rows",
            "BillingMonth": "2026-03-01",
            "ColumnName": "PaymentTerms",
            "Count": "2",
            "Detail": "left out",
        }
    ]
    assert read(files, "focus_v1_4_billing_period/recency.json")["x_Gaps"] == []


def test_the_same_again_is_the_same_but_for_the_time_of_building(
    context: Context, tmp_path: Path, database: Path
) -> None:
    assert written(context, tmp_path / "one", database) == written(
        context, tmp_path / "two", database
    )
    created = write_focus_metadata(context, tmp_path / "one", database, BUILT)
    context.ledger.append(Kind.PUBLISHED, payload={"focus_schemas": created})
    later = written(context, tmp_path / "three", database, LATER)
    first = written(context, tmp_path / "four", database)
    changed = {name for name in later if later[name] != first[name]}
    assert {name for name in changed if name.endswith("schema.json")} == set()
    assert {
        name: later[name].replace(b"2026-05-03T06:00:00Z", b"2026-05-02T06:00:00Z")
        for name in later
    } == first


def test_a_changed_column_is_a_new_schema_with_a_new_date(
    context: Context, tmp_path: Path, database: Path
) -> None:
    before = written(context, tmp_path / "one", database)
    created = write_focus_metadata(context, tmp_path / "one", database, BUILT)
    context.ledger.append(Kind.PUBLISHED, payload={"focus_schemas": created})
    with duckdb.connect(str(database)) as connection:
        connection.execute("alter table focus_v1_4 alter Tags type timestamp using null")
    after = written(context, tmp_path / "two", database, LATER)
    (old,) = read(before, "focus_v1_4/schema.json")["Schema"]
    (new,) = read(after, "focus_v1_4/schema.json")["Schema"]
    assert new["SchemaId"] != old["SchemaId"]
    assert (old["CreationDate"], new["CreationDate"]) == (
        "2026-05-02T06:00:00Z",
        "2026-05-03T06:00:00Z",
    )
    assert after["focus_v1_2/schema.json"] == before["focus_v1_2/schema.json"]
    assert read(after, "focus_v1_4/recency.json")["x_SchemaId"] == new["SchemaId"]


def test_a_type_that_the_standard_has_no_word_for_is_noticed() -> None:
    with pytest.raises(KeyError):
        focus_metadata._definition("BilledCost", "DOUBLE", [])
