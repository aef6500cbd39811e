"""Many months at once, and what goes wrong among them: the others arrive all the same."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_project.errors import CloudtallyError
from dagster_project.ledger.store import Kind
from dagster_project.months import Month
from dagster_project.pipeline import extract as extracting
from dagster_project.pipeline.extract import Status
from dagster_project.pipeline.fetching import LOST_AFTER
from dagster_project.pipeline.timings import Step, read_timings
from dagster_project.stores import retry as store_retry
from tests.integration.estates import AwsFolder, FaultyStore, House, parquet, rows

MONTHS = tuple(dt.date(2025, month, 1) for month in range(1, 13))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "home")


@pytest.fixture
def aws(house: House, tmp_path: Path) -> AwsFolder:
    """A source `main` with a year of deliveries, none of them fetched yet."""
    folder = AwsFolder(tmp_path / "bucket")
    for month in MONTHS:
        folder.deliver(parquet(rows(month)), month=month)
    house.add("main", folder.root)
    return folder


def accepted(house: House) -> Counter[Month | None]:
    return Counter(event.month for event in house.events if event.kind is Kind.ACCEPTED)


def test_the_newest_month_is_decided_first(house: House, aws: AwsFolder) -> None:
    house.extract()
    decided = [event.month for event in house.events if event.kind is Kind.ACCEPTED]
    assert decided == sorted(MONTHS, reverse=True)


def test_what_arrived_is_timed_for_the_next_plan(house: House, aws: AwsFolder) -> None:
    house.extract()
    [timing] = read_timings(house.context().home.timings)
    assert (timing.step, timing.source, timing.units) == (Step.ARRIVE, "main", len(MONTHS))
    assert timing.bytes == sum(aws.part(month=month).stat().st_size for month in MONTHS)
    house.extract()
    assert len(read_timings(house.context().home.timings)) == 1


def test_a_shorter_delivery_among_many_is_held_back_alone(house: House, aws: AwsFolder) -> None:
    house.extract()
    for month in MONTHS:
        aws.deliver(parquet(rows(month, days=3 if month == MONTHS[5] else 5)), month=month)
    outcomes = house.extract()
    assert {m for m, o in outcomes.items() if o.status is Status.QUARANTINED} == {MONTHS[5]}
    assert accepted(house) == {month: 1 if month == MONTHS[5] else 2 for month in MONTHS}


def test_one_month_that_two_sources_hold_is_counted_once(
    house: House, aws: AwsFolder, tmp_path: Path
) -> None:
    other = AwsFolder(tmp_path / "other")
    other.deliver(parquet(rows(MONTHS[5])), month=MONTHS[5])
    other.deliver(parquet(rows(MONTHS[6], accounts=["333333333333"])), month=MONTHS[6])
    house.add("second", other.root)
    house.extract()
    outcomes = house.extract("second")
    assert outcomes[MONTHS[5]].status is Status.QUARANTINED
    assert outcomes[MONTHS[5]].error is not None
    assert outcomes[MONTHS[5]].error.code == "CT-LAND-OVERLAP"
    assert outcomes[MONTHS[6]].status is Status.ACCEPTED


@pytest.fixture
def broken_after(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """The line to every store breaks for good after so many data files; impatient retries."""
    left = {"files": 0}
    real = extracting.open_source
    stores: list[FaultyStore] = []

    def before_open(info: object) -> None:
        left["files"] -= 1
        if left["files"] < 0:
            raise CloudtallyError("CT-STORE-NETWORK", "The line is down.")

    def opened(source: object) -> FaultyStore:
        stores.append(FaultyStore(real(source)))  # type: ignore[arg-type]
        stores[-1].before_open = before_open
        return stores[-1]

    monkeypatch.setattr(extracting, "open_source", opened)
    monkeypatch.setattr(store_retry.RetryPolicy, "wait_before", lambda *_: 0.0)
    yield left
    assert stores


def test_a_source_lost_in_the_middle_is_taken_up_where_it_was(
    house: House, aws: AwsFolder, broken_after: dict[str, int]
) -> None:
    broken_after["files"] = 5
    outcomes = house.extract()
    came = {month for month, outcome in outcomes.items() if outcome.status is Status.ACCEPTED}
    failed = [outcome for outcome in outcomes.values() if outcome.status is Status.FAILED]
    assert len(came) == 5
    assert len(failed) == len(MONTHS) - 5
    sentences = [str(outcome.error) for outcome in failed]
    assert all("CT-STORE-NETWORK" in sentence for sentence in sentences)
    assert sum("Not tried" in sentence for sentence in sentences) >= len(failed) - 2 * LOST_AFTER

    broken_after["files"] = len(MONTHS)
    outcomes = house.extract()
    again = {month for month, outcome in outcomes.items() if outcome.status is Status.ACCEPTED}
    assert again == set(MONTHS) - came
    assert accepted(house) == dict.fromkeys(MONTHS, 1)
    assert broken_after["files"] == 5, "nothing is fetched twice"
    assert house.staged() == set()
