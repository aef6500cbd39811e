"""Deliveries in a folder of this machine."""

import datetime as dt
import errno
import os
import stat as modes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from dagster_project.errors import CloudtallyError
from dagster_project.stores.base import (
    DENIED,
    NETWORK,
    NOTFOUND,
    OUTSIDE,
    SCHEME,
    ObjectInfo,
    Options,
    check_key,
    fault,
    fault_of_change,
)
from dagster_project.stores.readers import buffered

_MEANINGS = {
    errno.ENOENT: (NOTFOUND, "There is no such file or folder."),
    errno.ENOTDIR: (NOTFOUND, "There is no such file or folder."),
    errno.ENAMETOOLONG: (NOTFOUND, "No file can have so long a name."),
    errno.ELOOP: (OUTSIDE, "A symbolic link leads round in a circle."),
    errno.EACCES: (DENIED, "This user may not read the file or folder."),
    errno.EPERM: (DENIED, "This user may not read the file or folder."),
}


class LocalStore:
    """A folder; the tag of a file is its size, modification time and inode.

    Links inside the folder are followed, links that lead out of it are refused.
    """

    def __init__(self, location: str, options: Options) -> None:
        self.location = location
        self._root = Path(os.path.realpath(_folder_of(location)))

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the regular files whose key begins with `prefix`, ordered by key."""
        if not self._root.is_dir():
            raise fault(NOTFOUND, "The folder does not exist.", location=self.location)
        folder = prefix.rpartition("/")[0]
        if folder and not self._inside(folder).is_dir():
            return
        yield from self._walk(folder, prefix, ())

    def stat(self, key: str) -> ObjectInfo:
        """Look at one file."""
        path = self._inside(key)
        try:
            return _info_of(key, path.stat())
        except OSError as error:
            raise self._explain(error, key) from None

    @contextmanager
    def open(self, info: ObjectInfo, offset: int = 0) -> Iterator[BinaryIO]:
        """Read the listed file; a file replaced or rewritten meanwhile is CT-STORE-CHANGED."""
        path = self._inside(info.key)
        try:
            # O_NONBLOCK: a named pipe put in place of the file would block for ever.
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
        except OSError as error:
            raise self._explain(error, info.key) from None
        try:
            self._require_same(info, os.fstat(handle))
            os.lseek(handle, min(offset, info.size), os.SEEK_SET)
            puller = _Puller(self, info, path, handle, min(offset, info.size))
            with buffered(puller) as stream:
                yield stream
        finally:
            os.close(handle)

    def _walk(self, folder: str, prefix: str, above: tuple[str, ...]) -> Iterator[ObjectInfo]:
        real = os.path.realpath(self._root / folder)
        if real in above:
            return
        try:
            names = _names_in(self._root / folder)
        except OSError as error:
            raise self._explain(error, folder) from None
        for name in names:
            key = f"{folder}/{name}" if folder else name
            if not key.startswith(prefix):
                continue
            if name.endswith("/"):
                self._inside(key)
                yield from self._walk(key.removesuffix("/"), prefix, (*above, real))
            else:
                yield from self._file(key)

    def _file(self, key: str) -> Iterator[ObjectInfo]:
        path = self._inside(key)
        try:
            status = path.stat()
        except FileNotFoundError:
            return  # removed since its folder was read, or a link to nothing
        except OSError as error:
            raise self._explain(error, key) from None
        if modes.S_ISREG(status.st_mode):
            yield _info_of(key, status)

    def _inside(self, key: str) -> Path:
        check_key(key, self.location)
        if key.startswith("/"):
            raise self._outside(key)
        try:
            real = Path(os.path.realpath(self._root / key))
        except OSError as error:
            raise self._explain(error, key) from None
        if not real.is_relative_to(self._root):
            raise self._outside(key)
        return real

    def _outside(self, key: str) -> CloudtallyError:
        return fault(
            OUTSIDE,
            "A file or link leads out of the configured folder.",
            location=self.location,
            key=key,
            next_step="Point the location at the folder that really holds the files.",
        )

    def _require_same(self, info: ObjectInfo, status: os.stat_result) -> None:
        if not modes.S_ISREG(status.st_mode) or _tag_of(status) != info.etag:
            raise self._changed(info.key)

    def _changed(self, key: str) -> CloudtallyError:
        return fault_of_change(location=self.location, key=key)

    def _explain(self, error: OSError, key: str) -> CloudtallyError:
        unknown = NETWORK, f"The file system failed ({errno.errorcode.get(error.errno or 0, '?')})."
        code, what = _MEANINGS.get(error.errno or 0, unknown)
        return fault(code, what, location=self.location, key=key)


class _Puller:
    """Read one open file and prove at its end that it is still the listed one."""

    def __init__(
        self, store: LocalStore, info: ObjectInfo, path: Path, handle: int, position: int
    ) -> None:
        self._store = store
        self._info = info
        self._path = path
        self._handle = handle
        self._position = position

    def __call__(self, wanted: int) -> bytes:
        try:
            data = os.read(self._handle, wanted)
        except OSError as error:
            raise self._store._explain(error, self._info.key) from None
        self._position += len(data)
        if not data or self._position >= self._info.size:
            self._prove()
        return data

    def _prove(self) -> None:
        self._store._require_same(self._info, os.fstat(self._handle))
        try:
            self._store._require_same(self._info, self._path.stat())
        except OSError:
            raise self._store._changed(self._info.key) from None


def _names_in(folder: Path) -> Sequence[str]:
    """Return names in the order of their keys (`a-b` before `a/`), folders with a slash."""
    with os.scandir(folder) as entries:
        return sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries)


def _folder_of(location: str) -> Path:
    path = location
    if location.startswith("file:"):
        path = unquote(location.removeprefix("file://").removeprefix("localhost"))
    usable = path.startswith("/") or not location.startswith("file:")
    if not location or "\0" in path or not usable:
        raise fault(
            SCHEME,
            "The location is not a local folder.",
            location=location,
            next_step="Write file:///folder or a plain path.",
        )
    return Path(path).expanduser()


def _tag_of(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"


def _info_of(key: str, status: os.stat_result) -> ObjectInfo:
    modified = dt.datetime.fromtimestamp(status.st_mtime, tz=dt.UTC)
    return ObjectInfo(key, status.st_size, _tag_of(status), None, modified)
