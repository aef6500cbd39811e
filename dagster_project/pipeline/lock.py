"""One run at a time on a home.

Dagster's pool keeps one instance's runs apart; this lock also keeps apart what Dagster can't see:
two command lines, or a command line beside a daemon. Processes that a run starts inherit it
(`held_locks`), so that a home whose run was killed stays locked until they have ended too.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster_project.errors import CloudtallyError

_held: dict[Path, int] = {}


@contextmanager
def home_lock(path: Path) -> Iterator[None]:
    """Hold the home's lock; inside the process that holds it, entering again is free.

    Raises:
        CloudtallyError: CT-HOME-LOCKED when another process works on this home.
    """
    path = path.resolve()
    if path in _held:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _acquire(descriptor, path)
        _held[path] = descriptor
        try:
            yield
        finally:
            del _held[path]
    finally:
        os.close(descriptor)


def held_locks() -> tuple[int, ...]:
    """Return the descriptors of the locks that this process holds, for those it starts."""
    return tuple(_held.values())


def _acquire(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        raise CloudtallyError(
            "CT-HOME-LOCKED",
            "Another run works on this home.",
            where={"home": path.parent, "process": holder or None},
            kept="everything; nothing was started.",
            next_step="Wait until it has finished, then run again.",
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
