"""Google's billing export as it should not arrive: refused, or accepted and marked."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.landing.delivery import read_delivery
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.extract import Outcome, Status, extract
from dagster_project.settings import SourceConfig
from tests.golden import deliveries as company
from tests.golden.gcp_billing import deliveries
from tests.golden.gcp_billing.test_gcp_billing import avro

PART = "part-000000000000.parquet"
MANIFEST = "manifest-000000000000.json"


def landed(root: Path, **more: Any) -> tuple[Context, Outcome]:
    context = Context(deliveries.settings(root, root.parent / "home", **more))
    (outcome,) = extract(context, context.settings.sources[0])
    return context, outcome


def written(root: Path, table: pa.Table) -> Path:
    folder = deliveries.write(root)
    pq.write_table(table, folder / PART)
    return folder


def code(outcome: Outcome) -> str:
    assert outcome.status is Status.QUARANTINED
    assert outcome.error is not None
    return outcome.error.code


def test_credits_are_missing(tmp_path: Path) -> None:
    root = tmp_path / "exports"
    written(root, deliveries.table(deliveries.LINES).drop_columns(["credits"]))
    _, outcome = landed(root)
    assert code(outcome) == "CT-DECODE-MISSING-COLUMN"
    assert "credits" in str(outcome.error)


def as_texts(replaced: str = "") -> pa.Table:
    table = deliveries.table(deliveries.LINES)
    texts = [replaced or repr(value) for value in table["cost"].to_pylist()]
    return table.set_column(table.schema.get_field_index("cost"), "cost", pa.array(texts))


def test_cost_as_text_is_a_number_all_the_same(tmp_path: Path) -> None:
    root = tmp_path / "exports"
    written(root, as_texts())
    assert landed(root)[1].status is Status.ACCEPTED


def test_cost_with_a_comma_is_none(tmp_path: Path) -> None:
    root = tmp_path / "exports"
    written(root, as_texts("1,5"))
    assert code(landed(root)[1]) == "CT-DECODE-NUMBER"


def test_a_line_without_cost(tmp_path: Path) -> None:
    root = tmp_path / "exports"
    rows = [{**deliveries.LINES[0], "cost": None, "credits": []}]
    folder = written(root, deliveries.table(rows))
    (folder / MANIFEST).write_text(deliveries.manifest([{**rows[0], "cost": 0}]))
    assert code(landed(root)[1]) == "CT-DECODE-ABSENT"


@pytest.mark.parametrize("kind", ["PROMOTION", "COMMITTED_USAGE_DISCOUNT", "FREE_TIER"])
def test_a_credit_without_an_amount_may_be_missing_money(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "exports"
    rows = [deliveries.line("A1", 5.0, deliveries.credit(kind, -1.0))]
    folder = deliveries.write(root, rows)
    unknown = [rows[0] | {"credits": [rows[0]["credits"][0] | {"amount": None}]}]
    pq.write_table(deliveries.table(unknown), folder / PART)
    _, outcome = landed(root)
    assert code(outcome) == "CT-DECODE-ABSENT"
    for word in ("credits.amount", "data row: 1", PART, "2026-03"):
        assert word in str(outcome.error)


@pytest.mark.parametrize("name", ["cost", "credits.amount", "BilledCost"])
def test_a_sum_of_the_manifest_differs(tmp_path: Path, name: str) -> None:
    root = tmp_path / "exports"
    folder = deliveries.write(root)
    sums = deliveries.sums(deliveries.LINES) | {name: "1.00"}
    (folder / MANIFEST).write_text(deliveries.manifest(deliveries.LINES, sums=sums))
    _, outcome = landed(root)
    assert code(outcome) == "CT-LAND-COUNT"
    assert name in str(outcome.error)


def test_without_a_manifest_it_waits_for_two_listings_and_is_marked(tmp_path: Path) -> None:
    root = tmp_path / "exports"
    (deliveries.write(root) / MANIFEST).unlink()
    context, outcome = landed(root, options={"settle_seconds": 0})
    assert outcome.status is Status.ACCEPTED
    source = context.settings.sources[0].name
    folder = context.home.landed(source, company.JANUARY, "-").parent.parent
    (found,) = folder.rglob("delivery.json")
    assert read_delivery(found.parent).unmanifested


def test_avro_that_breaks_off(tmp_path: Path) -> None:
    root = tmp_path / "exports"
    folder = deliveries.write(root)
    (folder / PART).unlink()
    (folder / "part-0.avro").write_bytes(avro()[:-200])
    assert code(landed(root)[1]) == "CT-LAND-TRUNCATED"


def test_lines_of_another_invoice_month(tmp_path: Path) -> None:
    """Usage may be of another month, the invoice may not."""
    root = tmp_path / "exports"
    rows = [*deliveries.LINES, deliveries.line("A1", 1.0, invoice="202604")]
    folder = written(root, deliveries.table(rows))
    (folder / MANIFEST).write_text(deliveries.manifest(rows))
    assert code(landed(root)[1]) == "CT-DECODE-PERIOD"


@pytest.mark.parametrize("is_authoritative", [False, True])
def test_a_focus_export_of_the_same_project_and_month(
    tmp_path: Path, is_authoritative: bool
) -> None:
    company.write(tmp_path / "company")
    known = company.settings(tmp_path / "company", tmp_path / "home")
    focus = next(source for source in known.sources if source.name == "gcp")
    root = tmp_path / "exports"
    rows = [deliveries.line("A1", 1.0, project="project-1", invoice="202601", start="01-05T00",
                            end="01-06T00")]  # fmt: skip
    deliveries.write(root, rows, company.JANUARY)
    billing = SourceConfig(
        name="gcp-billing",
        provider="gcp",
        export="billing-detailed",
        location=root.as_uri(),
        authoritative=is_authoritative,
    )
    settings = known.model_copy(update={"sources": (focus, billing)})
    context = Context(settings)
    assert [outcome.status for outcome in extract(context, focus)] == [Status.ACCEPTED]

    (outcome,) = extract(context, billing)

    if is_authoritative:
        assert outcome.status is Status.ACCEPTED
    else:
        assert code(outcome) == "CT-LAND-OVERLAP"


def test_the_standard_export_has_no_resources(tmp_path: Path) -> None:
    root = tmp_path / "exports"
    table = deliveries.table(deliveries.LINES).drop_columns(["resource", "subscription"])
    written(root, table)
    context, outcome = landed(root)
    assert outcome.status is Status.ACCEPTED
    (found,) = context.home.root.rglob("delivery.json")
    assert read_delivery(found.parent).schema_version == "standard"
