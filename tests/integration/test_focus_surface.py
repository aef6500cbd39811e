"""The FOCUS datasets of a publication: with invoices and billing periods, and without."""

import csv
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from dagster_project.publish.focus_metadata import DATASETS
from dagster_project.sample_estate import write_estate
from tests.integration.homes import JULY, JUNE, Place

OTHERS = tuple(dataset.relation for dataset in DATASETS if dataset.input)
PERIOD_COLUMNS = (
    "InvoiceIssuerName",
    "BillingPeriodStatus",
    "BillingPeriodStart",
    "BillingPeriodEnd",
    "BillingPeriodCreated",
    "BillingPeriodLastUpdated",
)
JUNE_TO_JULY = ("2026-06-01", "2026-07-01", "2026-06-01", "2026-07-09")
PERIODS = (
    ("Fernlight AB", "Closed", *JUNE_TO_JULY),
    ("Snowpeak Computing GmbH", "open", *JUNE_TO_JULY),
    ("Somebody", "provisional", *JUNE_TO_JULY),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """An estate of two months; its configuration names invoices and rates, as it is written."""
    folder = tmp_path_factory.mktemp("surface") / "estate"
    write_estate(folder, rows=1_500, months=[JUNE, JULY], only=["onprem", "aws-sandbox"])
    yield Place(folder)


def metadata(place: Place, name: str) -> dict[str, Any]:
    return {
        dataset.relation: json.loads(
            (place.home.published / dataset.relation / f"{name}.json").read_text(encoding="utf-8")
        )
        for dataset in DATASETS
    }


def without_moments(place: Place) -> dict[str, str]:
    return {
        f"{dataset.relation}/{name}": re.sub(
            r'"(RecencyLastUpdated|DatasetInstanceLastUpdated)": "[^"]+"',
            r'"\1": ""',
            (place.home.published / dataset.relation / name).read_text(encoding="utf-8"),
        )
        for dataset in DATASETS
        for name in ("schema.json", "recency.json")
    }


def gaps(place: Place) -> set[tuple[str, str, str | None]]:
    return {
        (check, str(month)[:7] if month else "", column)
        for check, month, column in place.query(
            "select check_id, billing_month, column_name from dq_result"
            " where check_id like 'focus_%'"
        )
    }


@pytest.mark.slow
def test_the_surface_with_and_without_inputs(place: Place) -> None:
    _with_invoices_only(place)
    first = without_moments(place)
    _with_billing_periods(place)
    _the_same_again(place)
    _without_any(place)
    _back_to_invoices(place, first)


def _with_invoices_only(place: Place) -> None:
    ran = place.cloudtally("run")
    assert ran.code == 0, ran.text
    with (place.estate / "inputs/invoices.csv").open(newline="", encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if line["InvoiceDetailId"]]
    assert lines
    assert set(
        place.query("select InvoiceDetailId, BilledCost from focus_v1_4_invoice_detail")
    ) == {(line["InvoiceDetailId"], Decimal(line["BilledCost"])) for line in lines}
    # The sandbox's invoice of June is issued; the data centre writes no invoices, July is open.
    assert place.query(
        "select InvoiceIssuerName, BillingPeriodStart::date::varchar, BillingPeriodStatus"
        " from focus_v1_4_billing_period order by all"
    ) == [("Amazon Web Services EMEA SARL", "2026-06-01", "Closed")]
    assert gaps(place) == {
        ("focus_billing_period_no_source", "", None),
        ("focus_billing_period_status_from_invoices", "2026-06", "BillingPeriodStatus"),
        ("focus_billing_period_status_not_stated", "2026-06", "BillingPeriodStatus"),
        ("focus_billing_period_status_not_stated", "2026-07", "BillingPeriodStatus"),
        ("focus_contract_commitment_no_source", "", None),
    }
    _is_empty_and_typed(place, "focus_v1_4_contract_commitment", 30)
    _views_are_the_standard(place)


def _views_are_the_standard(place: Place) -> None:
    charges = place.query("select count(*) from fct_cost_and_carbon where x_RecordKind = 'Charge'")
    schemas = metadata(place, "schema")
    for view, columns in (("focus_v1_2", 57), ("focus_v1_4", 65)):
        names = [row[0] for row in place.query(f"describe {view}")]
        assert len(names) == columns
        assert names == sorted(names)
        assert not [name for name in names if name.startswith("x_")]
        assert place.query(f"select count(*) from {view}") == charges
        (schema,) = schemas[view]["Schema"]
        assert [column["ColumnName"] for column in schema["ColumnDefinition"]] == names
    recency = metadata(place, "recency")["focus_v1_4"]
    months = [sector["TimeSectorStart"][:7] for sector in recency["Recency"][0]["TimeSectors"]]
    assert months == ["2026-06", "2026-07"]


def _is_empty_and_typed(place: Place, relation: str, columns: int) -> None:
    path = place.home.published / relation / f"{relation}.parquet"
    table = duckdb.sql(f"select * from read_parquet('{path}')")
    assert len(table.columns) == columns
    assert set(map(str, table.types)) <= {"VARCHAR", "DECIMAL(38,18)", "TIMESTAMP"}
    assert table.fetchall() == []


def _with_billing_periods(place: Place) -> None:
    lines = "\n".join(",".join(row) for row in (PERIOD_COLUMNS, *PERIODS))
    (place.estate / "inputs/billing-periods.csv").write_text(lines + "\n")
    text = place.config.read_text()
    place.config.write_text(text + "  billing-periods: ./inputs/billing-periods.csv\n")
    before = place.parts()
    ran = place.cloudtally("run")
    assert ran.code == 0, ran.text
    assert place.parts() == before  # no month was built again
    assert place.query(
        "select InvoiceIssuerName, BillingPeriodStatus from focus_v1_4_billing_period order by all"
    ) == [
        ("Amazon Web Services EMEA SARL", "Closed"),
        ("Fernlight AB", "Closed"),
        ("Snowpeak Computing GmbH", "Open"),
    ]
    listed = gaps(place)
    assert ("focus_billing_period_no_source", "", None) not in listed
    assert ("focus_billing_period_incomplete_rows", "2026-06", "BillingPeriodStatus") in listed
    recency = metadata(place, "recency")["focus_v1_4_billing_period"]
    assert recency["Recency"][0]["DatasetInstanceComplete"] is True
    assert {(gap["Check"], (gap["BillingMonth"] or "")[:7], gap["ColumnName"])
            for gap in recency["x_Gaps"]} == {
        gap for gap in listed if gap[0].startswith("focus_billing_period")
    }  # fmt: skip


def _the_same_again(place: Place) -> None:
    before = place.hashes()
    files = without_moments(place)
    # Another publication of the same: readers' link is lost, nothing else changed.
    place.home.published.unlink()
    ran = place.cloudtally("run")
    assert ran.code == 0, ran.text
    assert place.hashes() == before
    assert without_moments(place) == files


def _without_any(place: Place) -> None:
    text = place.config.read_text()
    place.config.write_text(text[: text.index("inputs:")])
    ran = place.cloudtally("run")
    assert ran.code == 0, ran.text
    for relation, columns in zip(OTHERS, (6, 30, 22), strict=True):
        _is_empty_and_typed(place, relation, columns)
    assert {check for check, _, _ in gaps(place)} == {
        "focus_billing_period_no_source",
        "focus_billing_period_status_not_stated",
        "focus_contract_commitment_no_source",
        "focus_invoice_detail_no_source",
    }
    place.config.write_text(text.replace("  billing-periods: ./inputs/billing-periods.csv\n", ""))


def _back_to_invoices(place: Place, first: dict[str, str]) -> None:
    ran = place.cloudtally("run")
    assert ran.code == 0, ran.text
    assert without_moments(place) == first
