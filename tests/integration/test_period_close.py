"""A closed month through the whole pipeline: one cent, and the proof of what was said before."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from dagster_project.ledger.store import Clock, Kind
from dagster_project.paths import Home
from dagster_project.periods.as_of import as_of
from dagster_project.periods.close import close_periods
from dagster_project.periods.rebuild import rebuild
from dagster_project.pipeline import steps
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.plan import make_plan
from dagster_project.publish.candidate import build_candidate
from dagster_project.publish.checks import VERDICT
from dagster_project.publish.swap import publish
from dagster_project.sample_estate import write_estate
from dagster_project.settings import load_settings
from expectations.engine import run_suites
from expectations.suites import suites_for
from tests.integration import homes
from tests.integration.homes import JULY, JUNE, Place, Row
from tests.pipeline_runs import give_reference, land

PROMISED = {"fct_restatement", "dim_billing_period", "mart_spend_carbon_monthly"}
CENT = Decimal("0.01")


def a_cent_dearer(rows: list[Row]) -> list[Row]:
    row = next(row for row in rows if row["ChargeCategory"] == "Usage")
    row["BilledCost"] = str(Decimal(row["BilledCost"]) + CENT)
    return rows


def show(context: Context) -> None:
    """Build the marts and publish them, held to the promises that this is about."""
    steps.build_marts(context)
    candidate = build_candidate(context, make_plan(context))
    results = run_suites(
        candidate.database,
        suites_for(PROMISED),
        docs_dir=context.home.data_docs,
        months=[JUNE, JULY],
    )
    assert [broken.name for result in results for broken in result.blocking] == []
    (candidate.folder / VERDICT).write_text(json.dumps({"passed": True}))
    publish(context, candidate)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, reference: Home) -> Place:
    """A data centre's June and July, published; June's cost is closed."""
    place = Place(tmp_path_factory.mktemp("closing") / "estate")
    write_estate(place.estate, rows=300, months=[JUNE, JULY], only=["onprem"])
    text = place.config.read_text()
    place.config.write_text(text.partition("inputs:")[0])  # a data centre sends no invoices
    give_reference(reference, place.home)
    context = Context(load_settings(place.config))
    land(context)
    steps.build_months(context)
    show(context)
    close_periods(context, JUNE, Clock.COST, None, "the first of its kind")
    return place


@pytest.mark.slow
def test_one_cent_in_a_closed_month(place: Place, tmp_path: Path) -> None:
    context = Context(load_settings(place.config))
    first = context.ledger.events()[-1]
    hashes = place.hashes()
    homes.restate_onprem(place, JUNE, a_cent_dearer, "a-cent")
    for _ in range(2):
        stopped = place.cloudtally("run")
        assert stopped.code == 1, stopped.text
        assert "[CT-CLOSED-CHANGED] The closed cost of onprem 2026-06 would change" in stopped.text
        assert "1 changed, 0 removed, billed +0.01 USD, effective +0 USD" in stopped.text
        assert "Traceback" not in stopped.text
        assert place.hashes() == hashes
    assert len(place.events("change_held")) == 1

    accepted = place.cloudtally("acknowledge", "--month", "2026-06", "--reason", "read wrongly")
    assert accepted.code == 0, accepted.text
    show(context)
    assert place.query(
        "select StateBefore, Cause, RowsAdded, RowsChanged, RowsRemoved, BilledCostDifference,"
        " EffectiveCostDifference, AcknowledgementReason from fct_restatement"
        " where Clock = 'cost' and PeriodMonth = date '2026-06-01'"
    ) == [("closed", "price", 0, 1, 0, CENT, 0, "read wrongly")]
    assert place.query(
        "select distinct cost_state from mart_spend_carbon_monthly order by all"
    ) == [("provisional",), ("restated",)]
    assert len(place.events("restated")) == 1
    assert not make_plan(context).has_work

    then = as_of(context, first.at, JUNE)
    moved = {(t.measure, t.difference) for t in then.totals if t.difference != "0"}
    assert moved == {("BilledCost", "0.01")}

    proof = rebuild(context, then, tmp_path / "proof")
    assert (proof.hash_rebuilt, proof.is_equal) == (then.hash_then, True)
    assert (proof.reasons, proof.differences) == ((), ())
    assert [e.kind for e in Context(load_settings(place.config)).ledger.events()].count(
        Kind.PUBLISHED
    ) == 2
