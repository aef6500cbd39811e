"""A file that is being fetched: grows as `<target>.part`, becomes the target in one step.

Belongs here: what must hold on disk at every moment, whatever kills the process. Beside the part
lies `<target>.part.json`: which object it is the beginning of, and how many bytes were synced with
which hash. Only bytes that were synced and hash as promised are kept by a later process.
"""

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dagster_project.errors import CloudtallyError
from dagster_project.files import sync_folder
from dagster_project.stores.base import DISKFULL, TARGET, ObjectInfo, fault

_SYNC_EVERY = 64 << 20
_READ_BYTES = 1 << 20
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PRIVATE = os.O_CLOEXEC | os.O_NOFOLLOW


class Part:
    """The growing file of one object; use it through `opened_part`.

    What the file system refuses becomes CT-STORE-DISKFULL (the part is removed) or
    CT-STORE-TARGET.

    Attributes:
        position: Bytes written so far.
    """

    def __init__(self, location: str, info: ObjectInfo, target: Path) -> None:
        self._location = location
        self._info = info
        self._target = target
        self._path = target.with_name(f"{target.name}.part")
        self._notes = target.with_name(f"{target.name}.part.json")
        self._handle = -1
        self._digest = hashlib.sha256()
        self._synced = 0
        self.position = 0

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes written so far."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Append bytes; from time to time they are synced."""
        with self._explained():
            left = memoryview(data)
            while left:
                left = left[os.write(self._handle, left) :]
        self._digest.update(data)
        self.position += len(data)
        if self.position - self._synced >= _SYNC_EVERY:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Sync what was written and note it, so that a later process may go on from here."""
        if self.position == self._synced:
            return
        notes = {**self._identity(), "synced": self.position, "sha256": self.sha256}
        fresh = self._notes.with_name(f"{self._notes.name}.new")
        with self._explained():
            os.fsync(self._handle)
            fresh.write_text(json.dumps(notes), encoding="utf-8")
            fresh.replace(self._notes)
        self._synced = self.position

    def restart(self) -> None:
        """Forget everything fetched so far."""
        with self._explained():
            self._notes.unlink(missing_ok=True)
            os.ftruncate(self._handle, 0)
            os.lseek(self._handle, 0, os.SEEK_SET)
        self._digest = hashlib.sha256()
        self.position = self._synced = 0

    def publish(self) -> None:
        """Sync the whole file and give it its name; a reader sees all of it or nothing."""
        with self._explained():
            os.fsync(self._handle)
            self._path.replace(self._target)
            self._notes.unlink(missing_ok=True)
            sync_folder(self._target.parent, files=False)

    def discard(self) -> None:
        """Remove the part: its bytes are of no use to anyone."""
        self._path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)
        self._notes.with_name(f"{self._notes.name}.new").unlink(missing_ok=True)

    def claim(self) -> None:
        """Open the part for this process alone and keep what an earlier one left of the object."""
        with self._explained():
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._handle = self._open_locked()
            if not self._adopt():
                self.restart()

    def release(self) -> None:
        """Close the file and with it the lock."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in _FULL:
                with suppress(OSError):
                    self.discard()
            raise self._explain(error) from None

    def _explain(self, error: OSError) -> CloudtallyError:
        if error.errno in _FULL:
            return fault(
                DISKFULL,
                f"There is no room left for {self._info.size} bytes in the target folder.",
                location=self._location,
                key=self._info.key,
                kept="Everything landed before; the unfinished file was removed.",
                next_step="Free some space and run again.",
            )
        if isinstance(error, BlockingIOError):
            what = "Another process is fetching the same file."
        else:
            name = errno.errorcode.get(error.errno or 0, type(error).__name__)
            what = f"The fetched file cannot be written ({name})."
        return fault(
            TARGET,
            what,
            location=self._location,
            key=self._info.key,
            next_step="Check the folder `home` in the configuration and run again.",
        )

    def _open_locked(self) -> int:
        while True:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | _PRIVATE, 0o644)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(handle, self._path):
                    return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)  # renamed or removed by its owner between opening and locking

    def _adopt(self) -> bool:
        """Hash the kept beginning; False when there is none that can be trusted."""
        notes = self._read_notes()
        synced = notes.get("synced")
        if {**notes, **self._identity()} != notes or not isinstance(synced, int):
            return False
        # A whole part broke off in its last check: it is fetched again.
        if not 0 < synced < self._info.size or os.fstat(self._handle).st_size < synced:
            return False
        os.ftruncate(self._handle, synced)
        while data := os.read(self._handle, _READ_BYTES):
            self._digest.update(data)
        self.position = self._synced = synced
        return self.sha256 == notes.get("sha256")

    def _read_notes(self) -> dict[str, Any]:
        with suppress(OSError, ValueError):
            notes = json.loads(self._notes.read_text(encoding="utf-8"))
            if isinstance(notes, dict):
                return notes
        return {}

    def _identity(self) -> dict[str, Any]:
        info = self._info
        return {
            "location": self._location,
            "key": info.key,
            "etag": info.etag,
            "version": info.version,
            "size": info.size,
        }


@contextmanager
def opened_part(location: str, info: ObjectInfo, target: Path) -> Iterator[Part]:
    """Claim the part of a target for the time of the block.

    Raises:
        CloudtallyError: CT-STORE-DISKFULL (the part is removed), CT-STORE-TARGET.
    """
    part = Part(location, info, target)
    try:
        part.claim()
        yield part
    finally:
        part.release()


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat(follow_symlinks=False))
    except FileNotFoundError:
        return False
