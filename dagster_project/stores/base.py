"""The one interface to places that hold deliveries, and what may be said about them in an error.

Belongs here: the interface, the rules for keys and locations, the codes. Does not: any provider's
SDK (each in a module of its own, imported only when a location needs it) and no downloading
(`transfer.py`).
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from dagster_project.errors import CloudtallyError

NOTFOUND = "CT-STORE-NOTFOUND"
DENIED = "CT-STORE-DENIED"
THROTTLED = "CT-STORE-THROTTLED"
CHANGED = "CT-STORE-CHANGED"
NETWORK = "CT-STORE-NETWORK"
DISKFULL = "CT-STORE-DISKFULL"
OUTSIDE = "CT-STORE-OUTSIDE"
SCHEME = "CT-STORE-SCHEME"
EXTRA = "CT-STORE-EXTRA"
TARGET = "CT-STORE-TARGET"
TOOLARGE = "CT-STORE-TOOLARGE"

TRANSIENT = frozenset({THROTTLED, NETWORK})
"""Codes of problems that may pass by themselves."""

Options = Mapping[str, Any]

_LONGEST_SHOWN = 200
_SECRET = re.compile(
    r"(?i)\b(sig|signature|x-amz-signature|x-amz-credential|x-amz-security-token"
    r"|x-goog-signature|x-goog-credential|accountkey|sharedaccesssignature|awsaccesskeyid"
    r"|access_token|token|password|secret)=[^&;\s]+"
)
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/@\s]*@")
_CODE_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One stored object, as a listing saw it.

    Attributes:
        key: Relative to the location's root, `/` between the parts, verbatim as the provider
            wrote it. Hostile: never build a local path from it.
        size: Bytes as stored (before any decompression).
        etag: Opaque tag of the content, without quotes.
        version: Version id or generation, where the store has one.
        modified: Last modification (UTC), where the store knows it.
    """

    key: str
    size: int
    etag: str
    version: str | None = None
    modified: dt.datetime | None = None


class ObjectStore(Protocol):
    """A place that holds deliveries; only ever read."""

    @property
    def location(self) -> str:
        """The location as configured; never carries a credential."""
        ...

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield every object whose key begins with `prefix`, ordered by key.

        Raises:
            CloudtallyError: CT-STORE-NOTFOUND, -DENIED, -THROTTLED, -NETWORK, -OUTSIDE.
        """
        ...

    def stat(self, key: str) -> ObjectInfo:
        """Look at one object.

        Raises:
            CloudtallyError: as `list`.
        """
        ...

    def open(self, info: ObjectInfo, offset: int = 0) -> AbstractContextManager[BinaryIO]:
        """Read the bytes of exactly the listed object, from `offset` on.

        Nothing is retried here: `transfer.py` resumes where a stream broke.

        Raises:
            CloudtallyError: CT-STORE-CHANGED when the object is no longer the listed one, at
                opening or while reading; otherwise as `list`.
        """
        ...


def printable(text: str) -> str:
    """Return hostile text fit for a terminal and a log: escaped, shortened, without secrets."""
    text = _USERINFO.sub(r"\1***@", _SECRET.sub(r"\1=***", text))
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    if len(shown) <= _LONGEST_SHOWN:
        return shown
    return f"{shown[:_LONGEST_SHOWN]}... ({len(text)} characters)"


def fault(
    code: str,
    what: str,
    *,
    location: str,
    key: str | None = None,
    kept: str = "Nothing that was landed before was touched.",
    next_step: str = "",
) -> CloudtallyError:
    """Build a store error that names the location and the key, and no secret."""
    where = {"location": printable(location), "key": None if key is None else printable(key)}
    return CloudtallyError(code, what, where=where, kept=kept, next_step=next_step)


def check_key(key: str, location: str) -> str:
    """Return the key when it can be joined to the location's root without leaving it.

    A cloud store would take `..` literally, but a proxy or client library on the way may not.

    Raises:
        CloudtallyError: CT-STORE-OUTSIDE.
    """
    parts = re.split(r"[/\\]", key)
    unusable = not key or "\0" in key or any("\ud800" <= char <= "\udfff" for char in key)
    if unusable or ".." in parts or "." in parts:
        raise fault(
            OUTSIDE,
            "A key does not name an object below the configured location.",
            location=location,
            key=key,
            next_step="Check the manifest or listing that named it; point the source's location "
            "at a folder that holds all of its files.",
        )
    return key


def split_location(location: str) -> tuple[str, str]:
    """Split `scheme://container/prefix` into the container and a root that ends in `/` or is "".

    Not a URL: `?` and `#` are ordinary characters of a key. One trailing slash means nothing, so
    that `s3://bucket/export` never matches `export-2/`.

    Raises:
        CloudtallyError: CT-STORE-SCHEME.
    """
    container, _, prefix = location.partition("://")[2].partition("/")
    if not re.fullmatch(r"[A-Za-z0-9$][A-Za-z0-9$._-]*", container):
        raise fault(
            SCHEME,
            "The location does not name a bucket or container.",
            location=location,
            next_step="Write it as scheme://bucket/prefix, without account, key or token.",
        )
    prefix = prefix.removesuffix("/")
    if prefix:
        check_key(prefix.strip("/"), location)
    return container, f"{prefix}/" if prefix else ""


def refuse_credentials(text: str, what: str) -> None:
    """Stop when a configured address carries a credential; it is never echoed.

    Raises:
        CloudtallyError: CT-STORE-SCHEME.
    """
    if _SECRET.search(text) or _USERINFO.search(text):
        raise fault(
            SCHEME,
            f"{what} carries a credential.",
            location=text,
            next_step="Remove it; credentials come from the provider's own default chain "
            "(environment, profile or workload identity).",
        )


def fault_of_status(
    status: int, word: str, *, location: str, key: str | None = None
) -> CloudtallyError:
    """Translate an HTTP status and the provider's error word.

    The provider's sentence is left out: it repeats addresses, which may be signed.
    """
    code, what, next_step = _meaning_of(status)
    said = f"HTTP {status} {word}" if _CODE_WORD.fullmatch(word) else f"HTTP {status}"
    return fault(code, f"{what} ({said}).", location=location, key=key, next_step=next_step)


def fault_of_change(*, location: str, key: str) -> CloudtallyError:
    """Say that the listed version of an object is gone."""
    return fault(
        CHANGED,
        "The object is no longer the one that was listed.",
        location=location,
        key=key,
        next_step="Run again when the writer has finished: the new version will be listed.",
    )


def fault_of_line(how: str, *, location: str, key: str | None = None) -> CloudtallyError:
    """Say that the connection failed or broke off; `how` is the name of the SDK's exception."""
    return fault(
        NETWORK,
        f"The connection failed or broke off ({how}).",
        location=location,
        key=key,
        next_step="Run again; what was fetched is kept.",
    )


def _meaning_of(status: int) -> tuple[str, str, str]:
    if status == 404:
        return NOTFOUND, "There is no such object or container", "Check the location."
    if status in (412, 416):
        return (
            CHANGED,
            "The object is no longer the one that was listed",
            "Run again: the new version will be listed.",
        )
    if status in (429, 503):
        return THROTTLED, "The store asks for fewer requests", "Run again later."
    if status == 408 or status >= 500 or status < 300:
        return NETWORK, "The store could not answer", "Run again; what was fetched is kept."
    return (
        DENIED,
        "The store refused the request",
        "Check that the credentials in use may list and read this location.",
    )
