"""Deliveries in Azure Blob Storage."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, BinaryIO

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
)
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient, ContainerClient, ExponentialRetry

from dagster_project.errors import CloudtallyError
from dagster_project.stores.base import (
    DENIED,
    NOTFOUND,
    SCHEME,
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

CONNECTION_STRING = "AZURE_STORAGE_CONNECTION_STRING"
_PIECE_BYTES = 8 << 20
_SDK_ERRORS = (AzureError, OSError)


class AzureStore:
    """A container and a prefix.

    Options: `account_url` (`https://<account>.blob.core.windows.net`). The identity is the default
    Azure credential; the environment's connection string serves instead when no account is
    configured or when it is for that account.
    """

    def __init__(self, location: str, options: Options) -> None:
        refuse_credentials(location, "The location")
        self._account_url = str(options.get("account_url") or "").rstrip("/")
        refuse_credentials(self._account_url, "The option account_url")
        self.location = location
        self._container_name, self._root = split_location(location)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the blobs whose name begins with `prefix`, ordered by key."""
        container = self._container
        try:
            blobs = container.list_blobs(
                name_starts_with=self._root + prefix or None, include=["metadata"]
            )
            for blob in blobs:
                yield from self._listed(blob)
        except _SDK_ERRORS as error:
            raise self._explain(error) from None

    def stat(self, key: str) -> ObjectInfo:
        """Look at one blob."""
        check_key(key, self.location)
        blob = self._container.get_blob_client(self._root + key)
        try:
            return _info(key, blob.get_blob_properties())
        except _SDK_ERRORS as error:
            raise self._explain(error, key) from None

    @contextmanager
    def open(self, info: ObjectInfo, offset: int = 0) -> Iterator[BinaryIO]:
        """Read the listed blob, each piece on the condition that its tag is still the same."""
        check_key(info.key, self.location)
        blob = self._container.get_blob_client(self._root + info.key)
        if offset >= info.size and self.stat(info.key).etag != info.etag:
            raise fault_of_change(location=self.location, key=info.key)

        def fetch(start: int, length: int) -> bytes:
            try:
                answer = blob.download_blob(
                    offset=start,
                    length=length,
                    etag=f'"{info.etag}"',
                    match_condition=MatchConditions.IfNotModified,
                    # The SDK would unpack what is stored with Content-Encoding: gzip.
                    decompress=False,
                    retry_total=0,
                )
                data = bytes(answer.readall())
            except _SDK_ERRORS as error:
                raise self._explain(error, info.key) from None
            if len(data) != length:
                raise fault_of_line("short answer", location=self.location, key=info.key)
            return data

        with buffered(RangePuller(fetch, offset, info.size, _PIECE_BYTES)) as stream:
            yield stream

    def _listed(self, blob: Any) -> Iterator[ObjectInfo]:
        key = str(blob.name).removeprefix(self._root)
        # An account with folders lists each folder as an empty blob of its own.
        is_folder = str((blob.metadata or {}).get("hdi_isfolder", "")).lower() == "true"
        if key and not is_folder and not (key.endswith("/") and blob.size == 0):
            yield _info(key, blob)

    @cached_property
    def _container(self) -> ContainerClient:
        try:
            return self._service().get_container_client(self._container_name)
        except _SDK_ERRORS as error:
            raise self._explain(error) from None
        except ValueError:
            raise self._incomplete("The storage account's address is not usable.") from None

    def _service(self) -> BlobServiceClient:
        settings: dict[str, Any] = {
            "retry_policy": ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=4),
            "max_single_get_size": _PIECE_BYTES,
            "max_chunk_get_size": _PIECE_BYTES,
            "connection_timeout": 20,
            "read_timeout": 60,
        }
        text = os.environ.get(CONNECTION_STRING)
        if text:
            service = BlobServiceClient.from_connection_string(text, **settings)
            if self._account_url in ("", service.url.partition("?")[0].rstrip("/")):
                return service
        if not self._account_url:
            raise self._incomplete("No storage account is configured.")
        return BlobServiceClient(self._account_url, credential=DefaultAzureCredential(), **settings)

    def _incomplete(self, what: str) -> CloudtallyError:
        return fault(
            SCHEME,
            what,
            location=self.location,
            next_step="Set the option account_url to https://<account>.blob.core.windows.net, "
            f"or the environment variable {CONNECTION_STRING}.",
        )

    def _explain(self, error: Exception, key: str | None = None) -> CloudtallyError:
        if isinstance(error, HttpResponseError) and error.status_code:
            word = getattr(error, "error_code", None) or ""
            word = str(getattr(word, "value", word))
            if word == "InvalidResourceName":
                return fault(
                    NOTFOUND,
                    "Azure cannot hold such a container or blob.",
                    location=self.location,
                    key=key,
                )
            return fault_of_status(error.status_code, word, location=self.location, key=key)
        if isinstance(error, ClientAuthenticationError):
            return fault(
                DENIED,
                "No usable Azure credentials were found.",
                location=self.location,
                key=key,
                next_step="Sign in (az login, managed or workload identity) and run again.",
            )
        return fault_of_line(type(error).__name__, location=self.location, key=key)


def _info(key: str, blob: Any) -> ObjectInfo:
    return ObjectInfo(key, int(blob.size), str(blob.etag).strip('"'), None, blob.last_modified)
