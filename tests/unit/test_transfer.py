"""Downloading over a store that fails on purpose: nothing is lost, nothing half is published."""

import errno
import fcntl
import hashlib
import io
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.errors import CloudtallyError
from dagster_project.stores import ObjectInfo, RetryPolicy, download_all, read_bytes
from dagster_project.stores import part as part_module
from dagster_project.stores import transfer as transfer_module
from dagster_project.stores.base import fault

KIB = 1024
BODY = random.Random(7).randbytes(300 * KIB)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    def policy(self, **changes: object) -> RetryPolicy:
        settings = {"attempts": 4, "sleep": self.sleep, "clock": lambda: self.now, **changes}
        return RetryPolicy(chance=lambda: 0.5, **settings)  # type: ignore[arg-type]


class Breaking(io.RawIOBase):
    """A stream that hands out some bytes and then breaks."""

    def __init__(self, data: bytes, error: Exception | None) -> None:
        super().__init__()
        self._data = io.BytesIO(data)
        self._error = error

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._data.read(size)
        if not data and self._error is not None:
            raise self._error
        return data


class FaultyStore:
    """Objects in memory; `faults` are used up one per opening.

    A fault is (bytes handed out, code) — code None means that the stream ends there as if whole.
    """

    location = "s3://fake/root"

    def __init__(self, **objects: bytes) -> None:
        self.objects = objects
        self.faults: list[tuple[int, str | None]] = []
        self.opened: list[tuple[str, int]] = []
        self.on_open: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        for key in sorted(self.objects):
            if key.startswith(prefix):
                yield self.stat(key)

    def stat(self, key: str) -> ObjectInfo:
        if key not in self.objects:
            raise self.error("CT-STORE-NOTFOUND", key)
        data = self.objects[key]
        return ObjectInfo(key, len(data), hashlib.md5(data).hexdigest())

    def error(self, code: str, key: str = "k") -> CloudtallyError:
        return fault(code, "On purpose.", location=self.location, key=key)

    @contextmanager
    def open(self, info: ObjectInfo, offset: int = 0) -> Iterator[BinaryIO]:
        with self._lock:
            self.opened.append((info.key, offset))
            limit, code = self.faults.pop(0) if self.faults else (1 << 40, None)
        self.on_open()
        if self.stat(info.key).etag != info.etag:
            raise self.error("CT-STORE-CHANGED", info.key)
        if limit == 0 and code:
            raise self.error(code, info.key)
        data = self.objects[info.key][offset : offset + limit]
        yield Breaking(data, self.error(code, info.key) if code else None)  # type: ignore[misc]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer_module, "_CHUNK_BYTES", 10 * KIB)
    monkeypatch.setattr(part_module, "_SYNC_EVERY", 64 * KIB)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> FaultyStore:
    return FaultyStore(k=BODY)


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def fetch(store: FaultyStore, target: Path, clock: Clock, **changes: object) -> str:
    done = download_all(store, [(store.stat("k"), target)], retry=clock.policy(**changes))
    assert done[0].size == target.stat().st_size == len(store.objects["k"])
    assert done[0].sha256 == hashlib.sha256(target.read_bytes()).hexdigest()
    assert target.read_bytes() == store.objects["k"]
    return done[0].sha256


def failure(store: FaultyStore, target: Path, clock: Clock, **changes: object) -> CloudtallyError:
    with pytest.raises(CloudtallyError) as caught:
        fetch(store, target, clock, **changes)
    assert not target.exists()
    return caught.value


def test_many_objects_in_the_order_of_the_jobs(tmp_path: Path) -> None:
    store = FaultyStore(**{f"k{n}": BODY[: n * 17_000] for n in range(12)})
    jobs = [(info, tmp_path / "deep" / f"{info.key}.bin") for info in store.list()]
    seen: list[int] = []
    done = download_all(store, jobs, workers=3, progress=seen.append)
    assert [item.info for item in done] == [info for info, _ in jobs]
    assert all(item.path.read_bytes() == store.objects[item.info.key] for item in done)
    assert all(item.sha256 == hashlib.sha256(item.path.read_bytes()).hexdigest() for item in done)
    assert sum(seen) == sum(len(data) for data in store.objects.values())
    assert left_in(tmp_path / "deep") == {f"k{n}.bin" for n in range(12)}


def test_nothing_to_do_and_empty_object(tmp_path: Path, clock: Clock) -> None:
    assert download_all(FaultyStore(), []) == []
    fetch(FaultyStore(k=b""), tmp_path / "t", clock)
    assert left_in(tmp_path) == {"t"}


@pytest.mark.parametrize("code", ["CT-STORE-NETWORK", "CT-STORE-THROTTLED"])
def test_a_broken_stream_goes_on_where_it_stopped(
    store: FaultyStore, tmp_path: Path, clock: Clock, code: str
) -> None:
    store.faults = [(100 * KIB, code), (0, code), (50 * KIB, code)]
    fetch(store, tmp_path / "t", clock)
    assert store.opened == [("k", 0), ("k", 100 * KIB), ("k", 100 * KIB), ("k", 150 * KIB)]
    assert left_in(tmp_path) == {"t"}


def test_a_stream_that_ends_early_is_a_broken_one(
    store: FaultyStore, tmp_path: Path, clock: Clock
) -> None:
    store.faults = [(100 * KIB, None)]
    fetch(store, tmp_path / "t", clock)
    assert store.opened[1] == ("k", 100 * KIB)


def test_waits_grow_are_bounded_and_end(store: FaultyStore, tmp_path: Path, clock: Clock) -> None:
    store.faults = [(0, "CT-STORE-THROTTLED")] * 99
    error = failure(store, tmp_path / "t", clock, attempts=8, first_wait=1.0, longest_wait=10.0)
    assert error.code == "CT-STORE-THROTTLED"
    assert clock.sleeps == [0.75 * step for step in (1, 2, 4, 8, 10, 10, 10)]


def test_patience_ends_by_the_clock(store: FaultyStore, tmp_path: Path, clock: Clock) -> None:
    store.faults = [(0, "CT-STORE-NETWORK")] * 999
    failure(store, tmp_path / "t", clock, attempts=900, patience=60.0)
    assert 60 <= clock.now < 60 + 30


def test_jitter_stays_within_half_a_step() -> None:
    for chance, expected in ((0.0, 2.0), (0.999999, 4.0)):
        policy = RetryPolicy(first_wait=1.0, chance=lambda value=chance: value)
        assert policy.wait_before(4) == pytest.approx(expected, rel=1e-5)


def test_progress_renews_patience(store: FaultyStore, tmp_path: Path, clock: Clock) -> None:
    store.faults = [(10 * KIB, "CT-STORE-NETWORK")] * 25
    fetch(store, tmp_path / "t", clock, attempts=2)


@pytest.mark.parametrize("code", ["CT-STORE-DENIED", "CT-STORE-NOTFOUND", "CT-STORE-OUTSIDE"])
def test_what_will_not_pass_is_not_tried_again(
    store: FaultyStore, tmp_path: Path, clock: Clock, code: str
) -> None:
    store.faults = [(0, code)]
    assert failure(store, tmp_path / "t", clock).code == code
    assert (len(store.opened), clock.sleeps) == (1, [])


def test_a_later_call_goes_on_from_the_part(
    store: FaultyStore, tmp_path: Path, clock: Clock
) -> None:
    store.faults = [(100 * KIB, "CT-STORE-DENIED")]
    failure(store, tmp_path / "t", clock)
    assert left_in(tmp_path) == {"t.part", "t.part.json"}
    store.opened.clear()
    seen: list[int] = []
    download_all(store, [(store.stat("k"), tmp_path / "t")], progress=seen.append)
    assert store.opened == [("k", 100 * KIB)]
    assert (tmp_path / "t").read_bytes() == BODY
    assert (seen[0], sum(seen)) == (100 * KIB, len(BODY))
    assert left_in(tmp_path) == {"t"}


def make_part(store: FaultyStore, tmp_path: Path) -> None:
    store.faults = [(100 * KIB, "CT-STORE-DENIED")]
    failure(store, tmp_path / "t", Clock())
    store.opened.clear()


def test_a_part_of_another_version_is_not_used(
    store: FaultyStore, tmp_path: Path, clock: Clock
) -> None:
    make_part(store, tmp_path)
    store.objects["k"] = BODY[::-1]
    fetch(store, tmp_path / "t", clock)
    assert store.opened == [("k", 0)]


def flip_a_byte(part: Path) -> None:
    data = bytearray(part.read_bytes())
    data[50 * KIB] ^= 1
    part.write_bytes(data)


def zeros_after_power_loss(part: Path) -> None:
    part.write_bytes(bytes(part.stat().st_size))


def cut(part: Path) -> None:
    os.truncate(part, 5)


def lose_notes(part: Path) -> None:
    part.with_name("t.part.json").unlink()


def garble_notes(part: Path) -> None:
    part.with_name("t.part.json").write_bytes(b'{"synced": \xff')


def odd_notes(part: Path) -> None:
    part.with_name("t.part.json").write_text("[1, 2]")


@pytest.mark.parametrize(
    "harm", [flip_a_byte, zeros_after_power_loss, cut, lose_notes, garble_notes, odd_notes]
)
def test_a_part_that_cannot_be_trusted_is_fetched_anew(
    store: FaultyStore, tmp_path: Path, clock: Clock, harm: Callable[[Path], None]
) -> None:
    make_part(store, tmp_path)
    harm(tmp_path / "t.part")
    fetch(store, tmp_path / "t", clock)
    assert store.opened == [("k", 0)]


def test_unsynced_bytes_after_the_last_checkpoint_are_cut(
    store: FaultyStore, tmp_path: Path, clock: Clock
) -> None:
    make_part(store, tmp_path)
    with (tmp_path / "t.part").open("ab") as stream:
        stream.write(b"torn")
    fetch(store, tmp_path / "t", clock)
    assert store.opened == [("k", 100 * KIB)]


def test_object_that_changes_meanwhile(store: FaultyStore, tmp_path: Path, clock: Clock) -> None:
    store.faults = [(100 * KIB, "CT-STORE-NETWORK")]

    def change_after_first() -> None:
        if len(store.opened) == 2:
            store.objects["k"] = BODY[::-1]

    store.on_open = change_after_first
    assert failure(store, tmp_path / "t", clock).code == "CT-STORE-CHANGED"
    assert left_in(tmp_path) == set()


def test_a_killed_process_is_continued_by_the_next(
    store: FaultyStore, tmp_path: Path, clock: Clock
) -> None:
    child = os.fork()
    if child == 0:  # killed in the middle of a write, as by the kernel or an operator
        written = 0

        def kill(count: int) -> None:
            nonlocal written
            written += count
            if written >= 190 * KIB:
                os.kill(os.getpid(), signal.SIGKILL)

        download_all(store, [(store.stat("k"), tmp_path / "t")], progress=kill)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert left_in(tmp_path) == {"t.part", "t.part.json"}
    fetch(store, tmp_path / "t", clock)
    assert store.opened == [("k", 140 * KIB)]  # the last multiple of a chunk that was synced


def test_more_bytes_than_listed(store: FaultyStore, tmp_path: Path) -> None:
    info = store.stat("k")
    listed = ObjectInfo(info.key, info.size - 1, info.etag)
    with pytest.raises(CloudtallyError) as caught:
        download_all(store, [(listed, tmp_path / "t")])
    assert caught.value.code == "CT-STORE-CHANGED"
    assert left_in(tmp_path) == set()


def test_a_check_that_fails_at_the_end_starts_anew_and_ends(
    store: FaultyStore, tmp_path: Path, clock: Clock
) -> None:
    store.faults = [(len(BODY), "CT-STORE-NETWORK")]
    seen: list[int] = []
    download_all(
        store, [(store.stat("k"), tmp_path / "t")], progress=seen.append, retry=clock.policy()
    )
    assert store.opened == [("k", 0), ("k", 0)]
    assert sum(seen) == len(BODY)
    store.faults = [(len(BODY), "CT-STORE-NETWORK")] * 99
    assert failure(store, tmp_path / "u", clock).code == "CT-STORE-NETWORK"
    assert len(store.opened) < 12


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_leaves_nothing_half(
    store: FaultyStore, tmp_path: Path, clock: Clock, monkeypatch, number: int
) -> None:
    real, written = os.write, []

    def full(handle: int, data: bytes) -> int:
        if sum(written) > 150 * KIB:
            raise OSError(number, os.strerror(number))
        written.append(real(handle, data[:7_000]))
        return written[-1]

    monkeypatch.setattr(part_module.os, "write", full)
    error = failure(store, tmp_path / "t", clock)
    assert error.code == "CT-STORE-DISKFULL"
    assert (left_in(tmp_path), clock.sleeps) == (set(), [])


def test_disk_that_is_full_only_at_the_sync(
    store: FaultyStore, tmp_path: Path, clock: Clock, monkeypatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(part_module.os, "fsync", full)
    assert failure(store, tmp_path / "t", clock).code == "CT-STORE-DISKFULL"
    assert left_in(tmp_path) == set()


def test_short_writes_are_completed(
    store: FaultyStore, tmp_path: Path, clock: Clock, monkeypatch
) -> None:
    real = os.write
    monkeypatch.setattr(part_module.os, "write", lambda h, data: real(h, data[:999]))
    fetch(store, tmp_path / "t", clock)


def test_target_that_cannot_be_written(store: FaultyStore, tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_bytes(b"")
    for target in (tmp_path / "file" / "t", tmp_path / ("n" * 300)):
        with pytest.raises(CloudtallyError) as caught:
            fetch(store, target, clock)
        assert caught.value.code == "CT-STORE-TARGET"


def test_a_part_replaced_by_a_link_is_not_followed(
    store: FaultyStore, tmp_path: Path, clock: Clock
) -> None:
    (tmp_path / "victim").write_bytes(b"keep me")
    (tmp_path / "t.part").symlink_to(tmp_path / "victim")
    assert failure(store, tmp_path / "t", clock).code == "CT-STORE-TARGET"
    assert (tmp_path / "victim").read_bytes() == b"keep me"


def test_two_processes_never_write_the_same_part(
    store: FaultyStore, tmp_path: Path, clock: Clock
) -> None:
    with (tmp_path / "t.part").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        error = failure(store, tmp_path / "t", clock)
    assert error.code == "CT-STORE-TARGET"
    assert "Another process" in str(error)
    fetch(store, tmp_path / "t", clock)


def test_two_objects_never_become_the_same_file(tmp_path: Path) -> None:
    store = FaultyStore(a=b"1", b=b"2")
    with pytest.raises(CloudtallyError) as caught:
        download_all(store, [(info, tmp_path / "same") for info in store.list()])
    assert caught.value.code == "CT-STORE-TARGET"
    assert left_in(tmp_path) == set()


def test_existing_target_is_replaced_only_when_the_new_one_is_whole(
    store: FaultyStore, tmp_path: Path, clock: Clock
) -> None:
    target = tmp_path / "t"
    target.write_bytes(b"old")
    store.faults = [(100 * KIB, "CT-STORE-DENIED")]
    with pytest.raises(CloudtallyError):
        fetch(store, target, clock)
    assert target.read_bytes() == b"old"
    fetch(store, target, clock)


def test_hostile_keys_never_choose_the_target(tmp_path: Path) -> None:
    hostile = ["../../evil", "/etc/passwd", "a\\..\\b", "\x1b[2J", "n" * 9000]
    store = FaultyStore()
    store.objects = {key: key.encode() for key in hostile}
    inside = tmp_path / "in"
    jobs = [(store.stat(key), inside / f"{n}.bin") for n, key in enumerate(hostile)]
    download_all(store, jobs)
    assert left_in(tmp_path) == {"in"}
    assert left_in(inside) == {f"{n}.bin" for n in range(len(hostile))}


def test_one_failure_stops_the_others_and_keeps_what_is_whole(tmp_path: Path) -> None:
    store = FaultyStore(**{f"k{n:02}": BODY for n in range(40)})
    store.faults = [(1 << 40, None), (1 << 40, None), (0, "CT-STORE-DENIED")]
    jobs = [(info, tmp_path / info.key) for info in store.list()]
    with pytest.raises(CloudtallyError) as caught:
        download_all(store, jobs, workers=2)
    assert caught.value.code == "CT-STORE-DENIED"
    assert 3 <= len(store.opened) < 40
    for path in tmp_path.iterdir():
        assert ".part" in path.name or path.read_bytes() == BODY
    opened = len(store.opened)
    assert len(download_all(store, jobs)) == 40
    assert len(store.opened) <= opened + 40


def test_waiting_workers_wake_when_the_work_is_given_up(tmp_path: Path) -> None:
    store = FaultyStore(a=BODY, b=BODY)
    gate = threading.Barrier(2, timeout=10)
    store.on_open = gate.wait  # both are open before either fails
    store.faults = [(0, "CT-STORE-THROTTLED"), (0, "CT-STORE-DENIED")]
    jobs = [(info, tmp_path / info.key) for info in store.list()]
    done = threading.Event()

    def run() -> None:
        with pytest.raises(CloudtallyError):
            download_all(
                store, jobs, workers=2, retry=RetryPolicy(first_wait=1000, longest_wait=1000)
            )
        done.set()

    threading.Thread(target=run, daemon=True).start()
    assert done.wait(10)


def test_failure_of_the_progress_bar_is_not_mistaken_for_the_disk(
    store: FaultyStore, tmp_path: Path
) -> None:
    def broken(_: int) -> None:
        raise BrokenPipeError("terminal gone")

    with pytest.raises(BrokenPipeError):
        download_all(store, [(store.stat("k"), tmp_path / "t")], progress=broken)


def test_everything_is_synced_before_it_gets_its_name(
    store: FaultyStore, tmp_path: Path, clock: Clock, monkeypatch
) -> None:
    events: list[str] = []
    real_sync, real_replace = os.fsync, Path.replace

    def sync(handle: int) -> None:
        events.append(f"sync {Path(f'/proc/self/fd/{handle}').readlink().name}")
        real_sync(handle)

    def replace(path: Path, target: Path) -> Path:
        events.append(f"rename {path.name}")
        return real_replace(path, target)

    monkeypatch.setattr(part_module.os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", replace)
    fetch(store, tmp_path / "t", clock)
    assert events[-3:] == ["sync t.part", "rename t.part", f"sync {tmp_path.name}"]


def test_read_bytes_tries_again_and_follows_a_new_version(store: FaultyStore, clock: Clock) -> None:
    store.faults = [(5, "CT-STORE-NETWORK"), (5, None), (0, "CT-STORE-CHANGED")]
    assert read_bytes(store, "k", retry=clock.policy()) == BODY
    assert len(clock.sleeps) == 3


@pytest.mark.parametrize("code", ["CT-STORE-DENIED", "CT-STORE-OUTSIDE"])
def test_read_bytes_gives_up_at_once(store: FaultyStore, clock: Clock, code: str) -> None:
    store.faults = [(0, code)]
    with pytest.raises(CloudtallyError) as caught:
        read_bytes(store, "k", retry=clock.policy())
    assert (caught.value.code, clock.sleeps) == (code, [])


def test_read_bytes_refuses_what_is_too_large(store: FaultyStore) -> None:
    with pytest.raises(CloudtallyError) as caught:
        read_bytes(store, "k", limit=len(BODY) - 1)
    assert caught.value.code == "CT-STORE-TOOLARGE"
    assert store.opened == []
    assert read_bytes(store, "k", limit=len(BODY)) == BODY


@settings(max_examples=40, deadline=None)
@given(
    size=st.integers(0, 60 * KIB),
    faults=st.lists(
        st.tuples(
            st.integers(0, 70 * KIB),
            st.sampled_from(["CT-STORE-NETWORK", "CT-STORE-THROTTLED", "CT-STORE-DENIED", None]),
        ),
        max_size=8,
    ),
)
def test_whatever_breaks_the_file_is_whole_or_absent(
    tmp_path_factory, size: int, faults: list[tuple[int, str | None]]
) -> None:
    target = tmp_path_factory.mktemp("any") / "t"
    store = FaultyStore(k=BODY[:size])
    store.faults = list(faults)
    for _ in range(len(faults) + 1):
        try:
            fetch(store, target, Clock(), attempts=2)
            break
        except CloudtallyError:
            assert not target.exists()
    assert target.read_bytes() == BODY[:size]
    assert left_in(target.parent) == {"t"}
