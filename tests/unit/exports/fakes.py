"""A store in memory."""

import datetime as dt
import gzip
import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from dagster_project.errors import CloudtallyError
from dagster_project.stores.base import CHANGED, NOTFOUND, ObjectInfo, fault

MODIFIED = dt.datetime(2026, 4, 2, 6, 0, tzinfo=dt.UTC)


class FakeStore:
    location = "fake://estate"

    def __init__(self, objects: dict[str, bytes | str | dict] | None = None) -> None:
        self.data: dict[str, bytes] = {}
        self.modified: dict[str, dt.datetime | None] = {}
        self.broken: dict[str, CloudtallyError] = {}
        for key, content in (objects or {}).items():
            self.put(key, content)

    def put(self, key: str, content: bytes | str | dict, modified: dt.datetime = MODIFIED) -> None:
        if isinstance(content, dict):
            content = json.dumps(content)
        if isinstance(content, str):
            content = content.encode()
        self.data[key] = content
        self.modified[key] = modified

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        yield from (self.stat(key) for key in sorted(self.data) if key.startswith(prefix))

    def stat(self, key: str) -> ObjectInfo:
        if key not in self.data:
            raise fault(NOTFOUND, "There is no such object.", location=self.location, key=key)
        data = self.data[key]
        etag = hashlib.md5(data).hexdigest()
        return ObjectInfo(key, len(data), etag, None, self.modified[key])

    @contextmanager
    def open(self, info: ObjectInfo, offset: int = 0) -> Iterator[BinaryIO]:
        if info.key in self.broken:
            raise self.broken[info.key]
        if self.stat(info.key).etag != info.etag:
            raise fault(CHANGED, "Changed.", location=self.location, key=info.key)
        yield io.BytesIO(self.data[info.key][offset:])


def csv_gz(*lines: str) -> bytes:
    return gzip.compress("".join(f"{line}\r\n" for line in lines).encode())
