"""One home for all commitments that were worked out on paper (README.md)."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from dagster_project.exports.base import focus_columns
from dagster_project.paths import Home
from dagster_project.pipeline.context import Context
from dagster_project.settings import Settings, SourceConfig
from tests.cur_files import Cur2Folder, cur2_parquet
from tests.golden.commitments import aws_lines, azure_lines, gcp_lines, spec_rows
from tests.golden.gcp_billing import deliveries
from tests.integration.estates import csv_text
from tests.pipeline_runs import built, give_reference, land

JANUARY, FEBRUARY = dt.date(2023, 1, 1), dt.date(2023, 2, 1)


@pytest.fixture(scope="package")
def warehouse(
    reference: Home, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    root = tmp_path_factory.mktemp("commitments")
    sources = (*_specified(root), *_aws(root), *_azure(root), _google(root))
    context = Context(Settings(home=root / "home", sources=sources, clock=dt.date(2023, 3, 10)))
    give_reference(reference, context.home)
    land(context)
    with built(context) as connection:
        yield connection


def _specified(root: Path) -> Iterator[SourceConfig]:
    names = [item["column_name"] for item in focus_columns() if item["v1_2"]]
    for scenario in spec_rows.FILES:
        folder = root / f"spec-{scenario}" / "2023-01"
        folder.mkdir(parents=True)
        rows = [{name: row[name] for name in names} for row in spec_rows.focus_rows(scenario)]
        (folder / "rows.csv").write_text(csv_text(rows), encoding="utf-8")
        yield SourceConfig(
            name=f"spec-{scenario}",
            provider="example",
            export="focus",
            location=folder.parent.as_uri(),
            options={"settle_seconds": 0},
        )


def _aws(root: Path) -> Iterator[SourceConfig]:
    right, wrong = (
        aws_lines.term_lines(f"31000000000{number}", wrong=bool(number)) for number in (0, 1)
    )
    kinds = [
        line | {"bill_payer_account_id": "2" * 12, "line_item_usage_account_id": "2" * 12}
        for line in aws_lines.kind_lines()
    ]
    for name, months in {
        "aws-scenarios": {1: aws_lines.scenario_lines()},
        "aws-kinds": {1: kinds},
        "aws-terms": right,
        "aws-terms-wrong": wrong,
    }.items():
        folder = Cur2Folder(root / name)
        for month, lines in months.items():
            folder.deliver(dt.date(2023, month, 1), cur2_parquet(lines))
        yield SourceConfig(name=name, provider="aws", export="cur2", location=folder.root.as_uri())


def _azure(root: Path) -> Iterator[SourceConfig]:
    for name, pair in {
        "azure-scenarios": azure_lines.scenario_pair(),
        "azure-kinds": azure_lines.kind_pair(),
    }.items():
        pair.write(root / name)
        yield SourceConfig(
            name=name,
            provider="azure",
            export="cost-details",
            actual=(root / name / "actual").as_uri(),
            amortized=(root / name / "amortized").as_uri(),
        )


def _google(root: Path) -> SourceConfig:
    deliveries.write(root / "gcp-scenarios", gcp_lines.scenario_lines(), JANUARY)
    return SourceConfig(
        name="gcp-scenarios",
        provider="gcp",
        export="billing-detailed",
        location=(root / "gcp-scenarios").as_uri(),
    )
