"""Deliveries in Amazon S3 and in stores that speak its protocol."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, BinaryIO

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ChecksumError,
    ClientError,
    ConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

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
from dagster_project.stores.readers import buffered

_SDK_ERRORS = (BotoCoreError, ClientError, HTTPError, OSError)
_LINE_ERRORS = (
    ChecksumError,
    ConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    ResponseParserError,
)
_NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
# S3 answers these with a status that means something else everywhere else.
_STATUS_OF_WORD = {
    "NoSuchVersion": 412,
    "RequestTimeout": 408,
    "SlowDown": 503,
    "Throttling": 503,
    "ThrottlingException": 503,
    "RequestLimitExceeded": 503,
    "ExpiredToken": 403,
}
_CONNECTIONS = 32


class S3Store:
    """A bucket and a prefix.

    Options: `endpoint_url`, `region`, `profile`, `addressing_style` (`path` by default when an
    endpoint is given). Credentials come from the default chain only.
    """

    def __init__(self, location: str, options: Options) -> None:
        refuse_credentials(location, "The location")
        endpoint = options.get("endpoint_url")
        refuse_credentials(str(endpoint or ""), "The option endpoint_url")
        self.location = location
        self._bucket, self._root = split_location(location)
        self._options = dict(options)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects whose key begins with `prefix`, ordered by key."""
        try:
            pages = self._asking.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._root + prefix
            )
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield from self._listed(entry)
        except _SDK_ERRORS as error:
            raise self._explain(error) from None

    def stat(self, key: str) -> ObjectInfo:
        """Look at one object; its version is known when the bucket keeps versions."""
        check_key(key, self.location)
        try:
            head = self._asking.head_object(Bucket=self._bucket, Key=self._root + key)
        except _SDK_ERRORS as error:
            raise self._explain(error, key) from None
        return ObjectInfo(
            key,
            int(head["ContentLength"]),
            _bare(head["ETag"]),
            _version(head),
            head.get("LastModified"),
        )

    @contextmanager
    def open(self, info: ObjectInfo, offset: int = 0) -> Iterator[BinaryIO]:
        """Read the listed version, or the listed tag where no version is known."""
        check_key(info.key, self.location)
        body = self._get(info, offset)
        if body is None:
            with buffered(lambda _: b"") as stream:
                yield stream
            return

        def pull(wanted: int) -> bytes:
            try:
                return bytes(body.read(wanted))
            except _SDK_ERRORS as error:
                raise self._explain(error, info.key) from None

        with buffered(pull, body.close) as stream:
            yield stream

    def _get(self, info: ObjectInfo, offset: int) -> Any:
        """Ask for the bytes from `offset`; None when there are none left to ask for."""
        if 0 < info.size <= offset:
            self._require(info, self.stat(info.key).etag, info.size)
            return None
        request = {"Bucket": self._bucket, "Key": self._root + info.key}
        if info.version is not None:
            request["VersionId"] = info.version
        else:
            request["IfMatch"] = f'"{info.etag}"'
        if offset:
            request["Range"] = f"bytes={offset}-"
        else:
            # Only for a whole object: some stores send the whole's checksum with a range too.
            request["ChecksumMode"] = "ENABLED"
        try:
            answer = self._reading.get_object(**request)
        except _SDK_ERRORS as error:
            raise self._explain(error, info.key) from None
        # Not every store that speaks S3 honours If-Match and Range on a read.
        self._require(info, _bare(answer["ETag"]), offset + int(answer["ContentLength"]))
        return answer["Body"]

    def _require(self, info: ObjectInfo, etag: str, size: int) -> None:
        if etag != info.etag or size != info.size:
            raise fault_of_change(location=self.location, key=info.key)

    def _listed(self, entry: dict[str, Any]) -> Iterator[ObjectInfo]:
        key = str(entry["Key"]).removeprefix(self._root)
        size = int(entry["Size"])
        if key and not (key.endswith("/") and size == 0):  # what consoles write for a folder
            yield ObjectInfo(key, size, _bare(entry["ETag"]), None, entry.get("LastModified"))

    @cached_property
    def _asking(self) -> Any:
        return self._client({"mode": "standard", "total_max_attempts": 5})

    @cached_property
    def _reading(self) -> Any:
        """The client for bytes: the download loop retries, and resumes where it stopped."""
        return self._client({"mode": "standard", "total_max_attempts": 1})

    def _client(self, retries: dict[str, Any]) -> Any:
        endpoint = self._options.get("endpoint_url")
        style = self._options.get("addressing_style", "path" if endpoint else "auto")
        config = Config(
            retries=retries,
            s3={"addressing_style": style},
            max_pool_connections=_CONNECTIONS,
            response_checksum_validation="when_required",
            connect_timeout=20,
            read_timeout=60,
        )
        region = self._options.get("region")
        try:
            session = boto3.session.Session(profile_name=self._options.get("profile"))
            if endpoint and not (region or session.region_name):
                region = "us-east-1"  # a store of one's own has no region, its signature has
            return session.client("s3", region_name=region, endpoint_url=endpoint, config=config)
        except BotoCoreError as error:
            raise self._explain(error) from None
        except ValueError:
            raise fault(
                SCHEME, "The option endpoint_url is not an address.", location=self.location
            ) from None

    def _explain(self, error: Exception, key: str | None = None) -> CloudtallyError:
        if isinstance(error, ClientError):
            return self._explain_answer(error, key)
        if isinstance(error, _NO_CREDENTIALS):
            return fault(
                DENIED,
                "No usable AWS credentials were found.",
                location=self.location,
                key=key,
                next_step="Sign in (environment, profile or role of the machine) and run again.",
            )
        if isinstance(error, ParamValidationError):
            return fault(
                NOTFOUND, "S3 cannot hold such a bucket or key.", location=self.location, key=key
            )
        name = type(error).__name__
        if isinstance(error, BotoCoreError) and not isinstance(error, _LINE_ERRORS):
            what = f"The AWS configuration or credentials could not be used ({name})."
            return fault(DENIED, what, location=self.location, key=key)
        return fault_of_line(name, location=self.location, key=key)

    def _explain_answer(self, error: ClientError, key: str | None) -> CloudtallyError:
        word = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
        return fault_of_status(
            _STATUS_OF_WORD.get(word, status), word, location=self.location, key=key
        )


def _bare(etag: str) -> str:
    return etag.strip('"')


def _version(head: dict[str, Any]) -> str | None:
    version = head.get("VersionId")
    return None if version in (None, "null") else str(version)
