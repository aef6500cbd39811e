"""Publications replace each other in one step, and go when nobody can have them open."""

import datetime as dt
import json
import os
from pathlib import Path

import pytest

from dagster_project.errors import CloudtallyError
from dagster_project.ledger.store import Kind
from dagster_project.pipeline.context import Context
from dagster_project.publish.candidate import CandidateFolder
from dagster_project.publish.swap import KEPT_HOURS, KEPT_VERSIONS, publish
from dagster_project.settings import Settings


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(Settings(home=tmp_path / "home"))


def candidate(context: Context, name: str, *, verdict: bool | None = True) -> CandidateFolder:
    folder = context.home.publications / name
    (folder / "fct_cost_and_carbon/billing_month=2026-06-01").mkdir(parents=True)
    part = folder / "fct_cost_and_carbon/billing_month=2026-06-01/part.parquet"
    part.write_text(f"rows of {name}")
    months = {"2026-06-01": {"hash": f"1:{name}"}}
    (folder / "manifest.json").write_text(json.dumps({"fact_months": months}))
    if verdict is not None:
        (folder / "checks.json").write_text(json.dumps({"passed": verdict}))
    return CandidateFolder(folder)


def age(folder: Path, hours: int) -> None:
    then = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours)).timestamp()
    os.utime(folder, (then, then))


def test_a_checked_candidate_becomes_the_publication(context: Context) -> None:
    ready = candidate(context, "1")
    publish(context, ready)
    assert context.home.published.is_symlink()
    assert context.home.published.resolve() == ready.folder.resolve()
    assert [event.kind for event in context.ledger.events()] == [Kind.PUBLISHED]
    [kept] = (context.home.kept / "fct_cost_and_carbon/2026-06-01").iterdir()
    assert kept.name == "1-1.parquet"
    assert kept.samefile(ready.folder / "fct_cost_and_carbon/billing_month=2026-06-01/part.parquet")


@pytest.mark.parametrize("verdict", [None, False])
def test_what_was_not_checked_or_broke_a_promise_stays_out(
    context: Context, verdict: bool | None
) -> None:
    publish(context, candidate(context, "1"))
    with pytest.raises(CloudtallyError) as caught:
        publish(context, candidate(context, "2", verdict=verdict))
    assert caught.value.code == "CT-PUBLISH-UNCHECKED"
    assert context.home.published.resolve().name == "1"


def test_a_folder_in_the_place_of_the_link_is_not_touched(context: Context) -> None:
    context.home.published.mkdir(parents=True)
    (context.home.published / "mine.txt").write_text("kept")
    with pytest.raises(CloudtallyError) as caught:
        publish(context, candidate(context, "1"))
    assert caught.value.code == "CT-PUBLISH-NOT-A-LINK"
    assert (context.home.published / "mine.txt").read_text() == "kept"


def test_a_version_stays_for_a_day_after_it_was_replaced_however_old_it_is(
    context: Context,
) -> None:
    publish(context, candidate(context, "0"))
    age(context.home.publications / "0", 10 * KEPT_HOURS)
    for number in range(1, KEPT_VERSIONS + 2):
        publish(context, candidate(context, str(number)))
    assert (context.home.publications / "0").exists()

    age(context.home.publications / "0", KEPT_HOURS + 1)
    age(context.home.publications / "1", KEPT_HOURS - 1)
    publish(context, candidate(context, str(KEPT_VERSIONS + 2)))
    assert not (context.home.publications / "0").exists()
    assert (context.home.publications / "1").exists()


def test_the_publication_itself_never_goes(context: Context) -> None:
    publish(context, candidate(context, "0"))
    for number in range(1, 2 * KEPT_VERSIONS):
        age(candidate(context, f"blocked-{number}", verdict=False).folder, 2 * KEPT_HOURS)
    publish(context, candidate(context, "00"))
    assert context.home.published.resolve().name == "00"
    assert (context.home.published / "manifest.json").exists()
