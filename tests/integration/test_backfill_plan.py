"""What a backfill says before it begins: units, weights, batches, closed periods, and why not."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from dagster_project.errors import CloudtallyError
from dagster_project.ledger.state import Period
from dagster_project.ledger.store import Clock, Kind
from dagster_project.months import Month, month_key, month_range
from dagster_project.pipeline import backfill as backfilling
from dagster_project.pipeline import extract as extracting
from dagster_project.pipeline.backfill import (
    BackfillPlan,
    PlannedUnit,
    State,
    estimate,
    plan_backfill,
)
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.extract import extract
from dagster_project.pipeline.plan import Plan
from dagster_project.pipeline.timings import Step, Timing
from tests.integration.estates import ACCOUNTS, AwsFolder, House, parquet, put, rows

JANUARY, FEBRUARY, MARCH, APRIL, MAY, JUNE = (dt.date(2026, month, 1) for month in range(1, 7))
TODAY = dt.date(2026, 6, 2)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "home")


@pytest.fixture
def aws(house: House, tmp_path: Path) -> AwsFolder:
    """A source `main` that offers January, March, April and May; February failed to come."""
    folder = AwsFolder(tmp_path / "bucket")
    for month in (JANUARY, MARCH, APRIL, MAY):
        folder.deliver(parquet(rows(month)), month=month)
    house.add("main", folder.root)
    return folder


def plan(
    house: House, first: Month = JANUARY, last: Month = JUNE, batch: int = 2, *sources: str
) -> BackfillPlan:
    return plan_backfill(context_of(house), first, last, sources, batch)


def context_of(house: House) -> Context:
    context = house.context()
    return dataclasses.replace(
        context, settings=context.settings.model_copy(update={"clock": TODAY}), listed={}
    )


def states(found: BackfillPlan, source: str = "main") -> dict[str, str]:
    return {month_key(unit.month): unit.state for unit in found.units if unit.source == source}


def unit_of(found: BackfillPlan, month: Month, source: str = "main") -> PlannedUnit:
    [unit] = [unit for unit in found.units if (unit.source, unit.month) == (source, month)]
    return unit


def test_every_month_of_the_range_says_what_is_with_it(house: House, aws: AwsFolder) -> None:
    found = plan(house, dt.date(2025, 12, 1))
    assert states(found) == {
        "2026-06": State.NOT_DUE,
        "2026-05": State.NEW,
        "2026-04": State.NEW,
        "2026-03": State.NEW,
        "2026-02": State.MISSING,
        "2026-01": State.NEW,
        "2025-12": State.NOT_OFFERED,
    }
    assert [unit.month for unit in found.at_fault] == [FEBRUARY]
    assert [unit.month for unit in found.units] == sorted(
        month_range(dt.date(2025, 12, 1), JUNE), reverse=True
    )


def test_units_are_weighed_by_what_is_still_to_be_fetched(house: House, aws: AwsFolder) -> None:
    size = aws.part(month=MAY).stat().st_size
    unit = unit_of(plan(house), MAY)
    assert (unit.deliveries, unit.requests, unit.bytes) == (1, 1, size)
    extract(house.context(), house.sources["main"], [MAY])
    assert unit_of(plan(house), MAY).state is State.DONE


def test_batches_are_newest_first_and_hold_no_more_than_asked(house: House, aws: AwsFolder) -> None:
    assert plan(house, batch=3).batches == ((MAY, APRIL, MARCH), (JANUARY,))
    assert plan(house, batch=36).batches == ((MAY, APRIL, MARCH, JANUARY),)


def test_what_arrived_and_was_never_built_is_built_by_the_next_one(
    house: House, aws: AwsFolder
) -> None:
    extract(house.context(), house.sources["main"])
    found = plan(house)
    assert found.to_do == ()
    assert found.batches == ((MAY, APRIL), (MARCH, JANUARY))


def test_planning_writes_nothing(house: House, aws: AwsFolder) -> None:
    plan(house)
    assert not house.home.exists()
    extract(house.context(), house.sources["main"], [MAY])
    before = {path: path.stat().st_mtime_ns for path in house.home.rglob("*") if path.is_file()}
    events = house.events
    plan(house)
    after = {path: path.stat().st_mtime_ns for path in house.home.rglob("*") if path.is_file()}
    kept = {path for path in before if "ledger.sqlite" not in path.name}
    assert {path: after[path] for path in kept} == {path: before[path] for path in kept}
    assert house.events == events


def test_a_source_is_asked_once_for_plan_and_work(
    house: House, aws: AwsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = extracting.open_source
    monkeypatch.setattr(
        extracting, "open_source", lambda source: opened.append(source.name) or real(source)
    )
    context = context_of(house)
    plan_backfill(context, JANUARY, JUNE)
    extract(context, house.sources["main"], [MAY])
    extract(context, house.sources["main"], [APRIL])
    assert opened == ["main"]


def test_only_the_sources_named_are_looked_at(house: House, aws: AwsFolder, tmp_path: Path) -> None:
    house.add("other", tmp_path / "nowhere")
    assert {unit.source for unit in plan(house, JANUARY, JUNE, 2, "main").units} == {"main"}
    with pytest.raises(CloudtallyError, match="CT-CONFIG-SOURCE"):
        plan(house, JANUARY, JUNE, 2, "nobody")


def test_a_source_out_of_reach_stops_no_other(house: House, aws: AwsFolder, tmp_path: Path) -> None:
    house.add("other", tmp_path / "nowhere")
    found = plan(house)
    assert set(states(found, "other").values()) == {State.UNREADABLE}
    assert unit_of(found, MAY).state is State.NEW


@pytest.mark.parametrize(
    ("provider", "month", "state"),
    [
        ("azure", dt.date(2025, 5, 1), State.IMPOSSIBLE),
        ("azure", dt.date(2025, 6, 1), State.NOT_OFFERED),
        ("azure", dt.date(2026, 4, 1), State.MISSING),
        ("azure", dt.date(2026, 5, 1), State.NOT_DUE),
        ("aws", dt.date(2021, 12, 1), State.IMPOSSIBLE),
        ("aws", dt.date(2022, 1, 1), State.NOT_OFFERED),
        ("gcp", dt.date(2021, 12, 1), State.NOT_OFFERED),
    ],
)
def test_what_cannot_exist_is_told_apart_from_what_failed_to_come(
    provider: str, month: Month, state: State, house: House, tmp_path: Path
) -> None:
    root = tmp_path / "carbon"
    root.mkdir()
    if provider == "azure":  # the window's oldest month is away from what the folder begins with
        put(root / "2026-03" / "manifest.json", "{")
    house.add("main", root, provider=provider, export="carbon")
    unit = unit_of(plan(house, month, month), month)
    assert unit.state is state, unit.reason
    assert (unit in plan(house, month, month).at_fault) is (state is State.MISSING)
    assert unit.reason


# ---------------------------------------------------------------- closed periods


def close(house: House, clock: Clock, month: Month, provider: str = "aws") -> None:
    house.context().ledger.append(
        Kind.CLOSED,
        month=month,
        variant=clock,
        reason="signed",
        payload={"provider": provider, "digest": "d"},
    )


def test_a_closed_month_that_would_change_comes_last(house: House, aws: AwsFolder) -> None:
    close(house, Clock.COST, APRIL)
    found = plan(house)
    assert found.batches == ((MAY, MARCH), (JANUARY,), (APRIL,))
    [unit] = found.closed
    assert unit.closed == Period(Clock.COST, "aws", APRIL)


@pytest.mark.parametrize(("clock", "provider"), [(Clock.CARBON, "aws"), (Clock.COST, "gcp")])
def test_another_clock_and_another_provider_are_not_touched(
    clock: Clock, provider: str, house: House, aws: AwsFolder
) -> None:
    close(house, clock, APRIL, provider)
    assert plan(house).closed == ()


def test_a_change_that_was_not_fetched_is_unknown(house: House, aws: AwsFolder) -> None:
    extract(house.context(), house.sources["main"])
    close(house, Clock.COST, MARCH)
    aws.deliver(parquet(rows(MARCH, days=5)), month=MARCH)
    unit = unit_of(plan(house), MARCH)
    assert (unit.state, unit.closed is not None) == (State.RESTATED, True)
    assert unit.change is not None
    assert (unit.change.rows, unit.change.sums) == (None, None)


def test_a_change_that_landed_is_told_to_the_digit(house: House, aws: AwsFolder) -> None:
    extract(house.context(), house.sources["main"])
    close(house, Clock.COST, MARCH)
    aws.deliver(parquet(rows(MARCH, days=3)), month=MARCH)
    extract(house.context(), house.sources["main"])  # quarantined: shorter than the one before
    context = dataclasses.replace(context_of(house), accept_shrink="the fourth was a test")
    unit = unit_of(plan_backfill(context, JANUARY, JUNE), MARCH)
    assert unit.change is not None
    assert unit.change.rows == -len(ACCOUNTS)
    assert unit.change.sums is not None
    assert unit.change.sums["BilledCost"] == Decimal("-1.25") * len(ACCOUNTS)
    assert (unit.requests, unit.bytes) == (0, 0)


def test_a_shorter_delivery_is_held_back_and_said_so(house: House, aws: AwsFolder) -> None:
    extract(house.context(), house.sources["main"])
    aws.deliver(parquet(rows(MARCH, days=3)), month=MARCH)
    extract(house.context(), house.sources["main"])
    unit = unit_of(plan(house), MARCH)
    assert unit.state is State.HELD_BACK
    assert "CT-LAND-SHRINK" in unit.reason
    assert unit in plan(house).at_fault


# ---------------------------------------------------------------- how long it will take

NEW = [PlannedUnit("main", "aws", month, State.NEW, bytes=100) for month in (MAY, APRIL, MARCH)]
PUBLISH = [Timing(step, 2.0, 9) for step in (Step.MARTS, Step.CANDIDATE, Step.PROMISES)]


@pytest.mark.parametrize(
    ("timings", "seconds"),
    [
        ([], None),
        (PUBLISH, None),
        ([Timing(Step.ARRIVE, 4.0, 2, "main", 200), *PUBLISH], None),
        # 3 x 2 s to arrive; 2 batches of 6 s; builds 10 s and 1 s a month over 3 months
        (
            [
                Timing(Step.ARRIVE, 4.0, 2, "main", 200),
                Timing(Step.BUILD, 11.0, 1),
                Timing(Step.BUILD, 16.0, 6),
                *PUBLISH,
            ],
            6 + 12 + 20 + 3,
        ),
        # a delivery ten times as large takes ten times as long; one build is scaled by months
        (
            [
                Timing(Step.ARRIVE, 4.0, 20, "main", 200),
                Timing(Step.BUILD, 12.0, 4),
                *PUBLISH,
            ],
            3 * 0.2 * 10 + 12 + 9,
        ),
        # another source's pace where this one has none
        ([Timing(Step.ARRIVE, 5.0, 1, "else", 100), Timing(Step.BUILD, 3.0, 1), *PUBLISH], 36),
    ],
)
def test_expected_seconds(timings: Sequence[Timing], seconds: float | None) -> None:
    found, basis = estimate(timings, NEW, [(MAY, APRIL), (MARCH,)])
    assert found == (None if seconds is None else pytest.approx(seconds))
    assert ("no history" in basis) is (seconds is None)


def test_nothing_to_do_takes_no_time() -> None:
    done = [PlannedUnit("main", "aws", MAY, State.DONE)]
    assert estimate([], done, [])[0] == 0


@pytest.mark.parametrize("is_published", [False, True])
def test_what_a_killed_command_built_and_did_not_publish_is_published(
    house: House, aws: AwsFolder, monkeypatch: pytest.MonkeyPatch, is_published: bool
) -> None:
    """Found by 30 kills in 36 months: the last one fell between the build and the publication."""
    extract(context_of(house), house.sources["main"])
    built = Plan(
        dict.fromkeys((JANUARY, MARCH, APRIL, MAY), ""), (), (), "", is_published=is_published
    )
    monkeypatch.setattr(backfilling, "make_plan", lambda _: built)
    assert plan(house).batches == (() if is_published else ((MAY,),))
    assert plan(house, JANUARY, FEBRUARY).batches == (() if is_published else ((JANUARY,),))
    assert plan(house, FEBRUARY, FEBRUARY).batches == ()
