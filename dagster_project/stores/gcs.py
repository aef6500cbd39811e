"""Deliveries in Google Cloud Storage."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, BinaryIO

from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.retry import DEFAULT_RETRY
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from dagster_project.errors import CloudtallyError
from dagster_project.stores.base import (
    DENIED,
    ObjectInfo,
    Options,
    check_key,
    fault,
    fault_of_change,
    fault_of_line,
    fault_of_status,
    refuse_credentials,
    split_location,
)
from dagster_project.stores.readers import RangePuller, buffered

_FIELDS = "items(name,size,etag,generation,updated),nextPageToken"
_PIECE_BYTES = 8 << 20
_SDK_ERRORS = (
    DataCorruption,
    GoogleAPICallError,
    GoogleAuthError,
    HTTPError,  # what a raw download raises when the line breaks
    InvalidResponse,
    OSError,
    RequestException,
    RetryError,
)
_ASK_AGAIN = DEFAULT_RETRY.with_timeout(30.0)
_TIMEOUT = (20, 60)


class GcsStore:
    """A bucket and a prefix; the version of an object is its generation.

    Options: `user_project` (billed for requests where the bucket's owner wants that). Credentials
    are the application default ones; STORAGE_EMULATOR_HOST is honoured.
    """

    def __init__(self, location: str, options: Options) -> None:
        refuse_credentials(location, "The location")
        self.location = location
        self._bucket_name, self._root = split_location(location)
        self._user_project = options.get("user_project")

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects whose key begins with `prefix`, ordered by key."""
        bucket = self._bucket
        try:
            blobs = bucket.list_blobs(
                prefix=self._root + prefix or None,
                fields=_FIELDS,
                timeout=_TIMEOUT,
                retry=_ASK_AGAIN,
            )
            for blob in blobs:
                key = str(blob.name).removeprefix(self._root)
                if key and not (key.endswith("/") and blob.size == 0):
                    yield _info(key, blob)
        except _SDK_ERRORS as error:
            raise self._explain(error) from None

    def stat(self, key: str) -> ObjectInfo:
        """Look at one object."""
        check_key(key, self.location)
        blob = self._bucket.blob(self._root + key)
        try:
            blob.reload(timeout=_TIMEOUT, retry=_ASK_AGAIN)
        except _SDK_ERRORS as error:
            raise self._explain(error, key) from None
        return _info(key, blob)

    @contextmanager
    def open(self, info: ObjectInfo, offset: int = 0) -> Iterator[BinaryIO]:
        """Read the listed object, each piece on the condition that its generation is the same."""
        check_key(info.key, self.location)
        if offset >= info.size:
            self._require(info, self.stat(info.key).version)
        blob = self._bucket.blob(self._root + info.key)

        def fetch(start: int, length: int) -> bytes:
            try:
                data = blob.download_as_bytes(
                    start=start,
                    end=start + length - 1,
                    # Otherwise what is stored with Content-Encoding: gzip arrives unpacked.
                    raw_download=True,
                    if_generation_match=None if info.version is None else int(info.version),
                    checksum=None,
                    timeout=_TIMEOUT,
                    retry=None,
                )
            except _SDK_ERRORS as error:
                raise self._explain(error, info.key) from None
            # Not every emulator honours the condition, or says which generation it sent.
            self._require(info, str(blob.generation or self.stat(info.key).version))
            if len(data) != length:
                raise fault_of_line("short answer", location=self.location, key=info.key)
            return bytes(data)

        with buffered(RangePuller(fetch, offset, info.size, _PIECE_BYTES)) as stream:
            yield stream

    @cached_property
    def _bucket(self) -> Any:
        # Otherwise the SDK asks for the bucket itself, in the background, for the sake of traces; a
        # reader of objects need not have that right.
        os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
        try:
            # Reading needs no project, but without one the client refuses some credentials.
            client = storage.Client(project=self._user_project or "none")
        except _SDK_ERRORS as error:
            raise self._explain(error) from None
        return client.bucket(self._bucket_name, user_project=self._user_project)

    def _require(self, info: ObjectInfo, version: str | None) -> None:
        if version != info.version:
            raise fault_of_change(location=self.location, key=info.key)

    def _explain(self, error: Exception, key: str | None = None) -> CloudtallyError:
        if isinstance(error, RetryError) and isinstance(error.cause, Exception):
            return self._explain(error.cause, key)
        status = _status_of(error)
        if status is not None:
            return fault_of_status(status, "", location=self.location, key=key)
        if isinstance(error, GoogleAuthError) and not isinstance(error, TransportError):
            return fault(
                DENIED,
                "No usable Google credentials were found.",
                location=self.location,
                key=key,
                next_step="Sign in (application default credentials) and run again.",
            )
        return fault_of_line(type(error).__name__, location=self.location, key=key)


def _status_of(error: Exception) -> int | None:
    if isinstance(error, GoogleAPICallError) and error.code is not None:
        return int(error.code)
    if isinstance(error, InvalidResponse):
        return int(getattr(error.response, "status_code", 500))
    return None


def _info(key: str, blob: Any) -> ObjectInfo:
    version = None if blob.generation is None else str(blob.generation)
    return ObjectInfo(key, int(blob.size or 0), str(blob.etag).strip('"'), version, blob.updated)
