"""Fetch many objects at once, whole or not at all.

Belongs here: parallelism, trying again, resuming, proving the size. Does not: where bytes come
from (`base.ObjectStore`) or how a half-fetched file looks on disk (`part.py`).
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from dagster_project.errors import CloudtallyError
from dagster_project.stores.base import (
    CHANGED,
    DISKFULL,
    TARGET,
    TOOLARGE,
    TRANSIENT,
    ObjectInfo,
    ObjectStore,
    fault,
    fault_of_change,
    fault_of_line,
)
from dagster_project.stores.part import Part, opened_part
from dagster_project.stores.retry import Patience, RetryPolicy

Job = tuple[ObjectInfo, Path]
Progress = Callable[[int], None]

_CHUNK_BYTES = 1 << 20
_PART_IS_LOST = frozenset({CHANGED, DISKFULL, TARGET})
_DEFAULT_POLICY = RetryPolicy()


@dataclass(frozen=True, slots=True)
class Downloaded:
    """One object, complete and synced on disk.

    Attributes:
        info: The listed object.
        path: Where it lies now.
        sha256: Hex digest of its bytes as stored.
        size: Bytes, equal to the listed size.
    """

    info: ObjectInfo
    path: Path
    sha256: str
    size: int


def download_all(
    store: ObjectStore,
    jobs: Sequence[Job],
    *,
    workers: int = 4,
    progress: Progress | None = None,
    retry: RetryPolicy = _DEFAULT_POLICY,
    stop: threading.Event | None = None,
) -> list[Downloaded]:
    """Fetch every object to its target, in parallel; targets appear by rename, synced.

    After a failure the targets that are complete stay, unfinished ones stay as `<target>.part`
    and are resumed by a later call while the object is unchanged.

    Args:
        store: Where the objects are.
        jobs: Objects and the files they become. The caller chooses the files; keys are not used.
        workers: Objects fetched at the same time.
        progress: Called with bytes gained (negative: bytes that had to be given up), one call at
            a time.
        retry: How often and when to try again.
        stop: Gives the work up when somebody sets it; targets that are complete stay.

    Returns:
        One entry per job, in the order of the jobs.

    Raises:
        CloudtallyError: The first failure: CT-STORE-CHANGED, -DENIED, -NOTFOUND, -THROTTLED and
            -NETWORK (after retries), -DISKFULL, -TARGET, -OUTSIDE.
    """
    _require_own_targets(store, jobs)
    given_up = stop or threading.Event()
    fetch = _Fetch(store, retry, progress or (lambda _: None), given_up)
    pool = ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="fetch")
    try:
        futures = [pool.submit(fetch.one, info, target) for info, target in jobs]
        wait(futures, return_when=FIRST_EXCEPTION)
        _raise_first(futures)
        return [future.result() for future in futures]
    finally:
        fetch.stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def read_bytes(
    store: ObjectStore,
    key: str,
    limit: int = 64 << 20,
    *,
    retry: RetryPolicy = _DEFAULT_POLICY,
) -> bytes:
    """Read a small object, such as a manifest, whole.

    Args:
        store: Where the object is.
        key: Its key.
        limit: Most bytes to accept.
        retry: How often and when to try again.

    Raises:
        CloudtallyError: CT-STORE-TOOLARGE, or as `download_all`.
    """
    patience = Patience(retry)
    while True:
        try:
            return _read_once(store, key, limit)
        except CloudtallyError as error:
            # Looked at anew each time, so a version that changed in between is no failure yet.
            patience.wait_or_raise(error, TRANSIENT | {CHANGED})


def _read_once(store: ObjectStore, key: str, limit: int) -> bytes:
    info = store.stat(key)
    if info.size > limit:
        raise fault(
            TOOLARGE,
            f"The object has {info.size} bytes, but at most {limit} make sense here.",
            location=store.location,
            key=key,
            next_step="Check that the location holds exports and nothing else.",
        )
    with store.open(info) as stream:
        data = stream.read(info.size + 1)
    if len(data) > info.size:
        raise fault_of_change(location=store.location, key=key)
    if len(data) < info.size:
        raise fault_of_line("short answer", location=store.location, key=key)
    return data


class _StoppedError(Exception):
    """Another object failed, or all was given up; this one was left at its last checkpoint."""


@dataclass
class _Fetch:
    """What the workers of one `download_all` share."""

    store: ObjectStore
    retry: RetryPolicy
    progress: Progress
    given_up: threading.Event
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def one(self, info: ObjectInfo, target: Path) -> Downloaded:
        """Fetch one object to its target."""
        with opened_part(self.store.location, info, target) as part:
            self._gained(part.position)
            try:
                self._fill(part, info)
            except CloudtallyError as error:
                if error.code == CHANGED:
                    part.discard()
                raise
            part.publish()
            return Downloaded(info, target, part.sha256, part.position)

    def _fill(self, part: Part, info: ObjectInfo) -> None:
        """Try until the part is whole, going on from where the last try ended."""
        patience = Patience(self.retry, self.stop)
        furthest = part.position
        while True:
            try:
                self._stream(part, info)
                return
            except CloudtallyError as error:
                if part.position > furthest:
                    furthest = part.position
                    patience.progressed()
                if part.position >= info.size:
                    self._restart(part)
                if error.code not in _PART_IS_LOST:
                    part.checkpoint()
                patience.wait_or_raise(error)

    def _stream(self, part: Part, info: ObjectInfo) -> None:
        try:
            with self.store.open(info, part.position) as stream:
                while data := stream.read(_CHUNK_BYTES):
                    self._append(part, info, data)
        except _StoppedError:
            part.checkpoint()
            raise
        if part.position < info.size:
            raise fault_of_line("short answer", location=self.store.location, key=info.key)

    def _append(self, part: Part, info: ObjectInfo, data: bytes) -> None:
        if self.stop.is_set() or self.given_up.is_set():
            raise _StoppedError
        if part.position + len(data) > info.size:
            raise fault_of_change(location=self.store.location, key=info.key)
        part.write(data)
        self._gained(len(data))

    def _restart(self, part: Part) -> None:
        """A part that is whole and yet failed its last check holds no byte to be trusted."""
        self._gained(-part.position)
        part.restart()

    def _gained(self, count: int) -> None:
        if count:
            with self.lock:
                self.progress(count)


def _raise_first(futures: Sequence["Future[Downloaded]"]) -> None:
    """Raise the failure that stopped the work, in the order of the jobs."""
    for future in futures:
        if future.done() and (error := future.exception()) is not None:
            raise error


def _require_own_targets(store: ObjectStore, jobs: Sequence[Job]) -> None:
    seen: set[Path] = set()
    for info, target in jobs:
        path = target.absolute()
        if path in seen:
            raise fault(
                TARGET,
                "Two objects would become the same file.",
                location=store.location,
                key=info.key,
                next_step="Give every object a file of its own.",
            )
        seen.add(path)
