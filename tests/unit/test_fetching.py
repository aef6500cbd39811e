"""Several deliveries on their way at once: order, bounds, and a source that is out of reach."""

import threading
import time

import pytest

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import Candidate
from dagster_project.months import add_months, parse_month
from dagster_project.pipeline.fetching import LOST_AFTER, UNITS_AT_A_TIME, fetching

JANUARY = parse_month("2026-01")


def candidate(number: int) -> Candidate:
    return Candidate(add_months(JANUARY, number), str(number), str(number), ())


CANDIDATES = [candidate(number) for number in range(12)]


def test_several_are_fetched_at_a_time_and_never_more_than_the_bound() -> None:
    present, most = 0, 0
    lock = threading.Lock()
    together = threading.Barrier(UNITS_AT_A_TIME, timeout=20)

    def fetch(found: Candidate, _stop: threading.Event) -> str:
        nonlocal present, most
        with lock:
            present += 1
            most = max(most, present)
        together.wait()
        with lock:
            present -= 1
        return found.native_id

    with fetching(fetch) as coming:  # type: ignore[arg-type]
        coming.begin(CANDIDATES)
        assert [coming.take(found) for found in CANDIDATES] == [str(n) for n in range(12)]
    assert most == UNITS_AT_A_TIME


def test_one_that_was_not_begun_is_fetched_when_it_is_wanted() -> None:
    with fetching(lambda found, _stop: found.native_id) as coming:  # type: ignore[arg-type,return-value]
        assert coming.take(CANDIDATES[3]) == "3"


def test_one_bad_delivery_stops_no_other() -> None:
    def fetch(found: Candidate, _stop: threading.Event) -> str:
        if found.native_id == "1":
            raise CloudtallyError("CT-LAND-COUNT", "Wrong.")
        return found.native_id

    with fetching(fetch) as coming:  # type: ignore[arg-type]
        coming.begin(CANDIDATES)
        with pytest.raises(CloudtallyError, match="CT-LAND-COUNT"):
            coming.take(CANDIDATES[1])
        assert [coming.take(found) for found in CANDIDATES[2:]] == [str(n) for n in range(2, 12)]


@pytest.mark.parametrize(
    ("code", "is_left"), [("CT-STORE-NETWORK", True), ("CT-LAND-COUNT", False)]
)
def test_a_source_that_is_out_of_reach_is_not_tried_for_every_month(
    code: str, is_left: bool
) -> None:
    tried: list[str] = []

    def fetch(found: Candidate, _stop: threading.Event) -> str:
        tried.append(found.native_id)
        raise CloudtallyError(code, "Out of reach.", where={"location": "s3://b"})

    errors = []
    with fetching(fetch) as coming:  # type: ignore[arg-type]
        for found in CANDIDATES:
            with pytest.raises(CloudtallyError) as caught:
                coming.take(found)
            errors.append(caught.value)
    assert len(tried) == (LOST_AFTER if is_left else len(CANDIDATES))
    assert {error.code for error in errors} == {code}
    assert ("Not tried" in errors[-1].what) is is_left


def test_a_delivery_that_came_lets_the_next_failures_be_tried() -> None:
    def fetch(found: Candidate, _stop: threading.Event) -> str:
        if int(found.native_id) % 2:
            raise CloudtallyError("CT-STORE-NETWORK", "Out of reach.")
        return found.native_id

    came = 0
    with fetching(fetch) as coming:  # type: ignore[arg-type]
        for found in CANDIDATES:
            try:
                came += bool(coming.take(found))
            except CloudtallyError as error:
                assert "Not tried" not in error.what
    assert came == len(CANDIDATES) // 2


def test_leaving_the_block_tells_those_on_their_way_to_stop() -> None:
    stopped: list[str] = []

    def fetch(found: Candidate, stop: threading.Event) -> str:
        if stop.wait(20):
            stopped.append(found.native_id)
        return found.native_id

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), fetching(fetch) as coming:  # type: ignore[arg-type]
        coming.begin(CANDIDATES)
        raise KeyboardInterrupt
    assert time.monotonic() - began < 10
    assert len(stopped) <= UNITS_AT_A_TIME


def test_two_months_of_one_file_are_two_deliveries() -> None:
    september, october = (Candidate(add_months(JANUARY, n), "file", "same", ()) for n in (8, 9))

    with fetching(lambda found, _stop: found.month) as coming:  # type: ignore[arg-type,return-value]
        coming.begin([october, september])
        assert coming.take(september) == september.month
        assert coming.take(october) == october.month
