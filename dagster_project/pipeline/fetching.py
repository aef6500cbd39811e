"""Fetches deliveries of several units at once, while whoever decides takes them one by one.

Belongs here: how many at a time, and when a source is given up. Only `landing/` is written here;
decoding, judging and the ledger stay with the one thread that asks.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import Candidate
from dagster_project.landing.delivery import Delivery
from dagster_project.months import Month
from dagster_project.stores.base import TRANSIENT

UNITS_AT_A_TIME = 4
"""Deliveries fetched at a time from one source, each by several connections."""

LOST_AFTER = UNITS_AT_A_TIME
"""Deliveries in a row that the line failed, all patience used up, before the rest is left."""

Fetch = Callable[[Candidate, threading.Event], Delivery]

_Key = tuple[Month, str, str]


class Fetching:
    """Deliveries of one source that are on their way."""

    def __init__(self, fetch: Fetch, pool: ThreadPoolExecutor, stop: threading.Event) -> None:
        self._fetch = fetch
        self._pool = pool
        self._stop = stop
        self._coming: dict[_Key, Future[Delivery]] = {}
        self._lock = threading.Lock()
        self._failed_in_a_row = 0
        self._left: CloudtallyError | None = None

    def begin(self, candidates: Iterable[Candidate]) -> None:
        """Begin to fetch; the order given is the order of beginning."""
        for candidate in candidates:
            self._coming[_key(candidate)] = self._pool.submit(self._one, candidate)

    def take(self, candidate: Candidate) -> Delivery:
        """Wait for a delivery; one that wasn't begun is fetched now.

        Raises:
            CloudtallyError: whatever kept it from being archived.
            OSError: the home can't be written or read.
        """
        coming = self._coming.pop(_key(candidate), None)
        return coming.result() if coming is not None else self._one(candidate)

    def _one(self, candidate: Candidate) -> Delivery:
        if self._left is not None:
            raise self._left
        try:
            delivery = self._fetch(candidate, self._stop)
        except CloudtallyError as error:
            if error.code in TRANSIENT:
                self._note_failure(error)
            raise
        with self._lock:
            self._failed_in_a_row = 0
        return delivery

    def _note_failure(self, error: CloudtallyError) -> None:
        with self._lock:
            self._failed_in_a_row += 1
            if self._failed_in_a_row >= LOST_AFTER and self._left is None:
                self._left = _left(error)


def _key(candidate: Candidate) -> _Key:
    """Return what tells a delivery from others: one file of two months is two deliveries."""
    return candidate.month, candidate.variant, candidate.signature


@contextmanager
def fetching(fetch: Fetch) -> Iterator[Fetching]:
    """Fetch in threads that end with the block; what is half fetched is resumed another time."""
    stop = threading.Event()
    pool = ThreadPoolExecutor(UNITS_AT_A_TIME, thread_name_prefix="unit")
    try:
        yield Fetching(fetch, pool, stop)
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _left(error: CloudtallyError) -> CloudtallyError:
    """Return what is said of deliveries that weren't tried because the line failed the others."""
    return CloudtallyError(
        error.code,
        f"Not tried: the source failed {LOST_AFTER} deliveries in a row. {error.what}",
        where={name: value for name, value in error.where.items() if name == "location"},
        kept="what was fetched before.",
        next_step="Run again when the source can be reached; only what is missing is fetched.",
    )
