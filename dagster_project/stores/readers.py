"""Byte streams over the ways in which the SDKs hand out bytes.

Belongs here: turning "give me some bytes" into a file object. Does not: error translation, which
the callables passed in have already done.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BUFFER_BYTES = 1 << 18


class PullReader(io.RawIOBase):
    """A raw stream over one response: `pull(n)` returns at most n bytes, none at the end."""

    def __init__(self, pull: Callable[[int], bytes]) -> None:
        super().__init__()
        self._pull = pull

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill the buffer with what the store hands out next."""
        with memoryview(buffer).cast("B") as view:
            data = self._pull(len(view))
            view[: len(data)] = data
            return len(data)

    def readall(self) -> bytes:
        """Return everything that is left; the inherited way asks for 8 KiB at a time."""
        return b"".join(iter(lambda: self._pull(_BUFFER_BYTES), b""))


class RangePuller:
    """Serve a byte range in pieces, each by a request of its own.

    Args:
        fetch: `fetch(offset, length)` returns exactly those bytes, or fails.
        offset: First byte.
        size: Size of the object, bytes.
        piece: Bytes per request.
    """

    def __init__(
        self, fetch: Callable[[int, int], bytes], offset: int, size: int, piece: int = 8 << 20
    ) -> None:
        self._fetch = fetch
        self._offset = offset
        self._size = size
        self._piece = piece
        self._held = memoryview(b"")

    def __call__(self, wanted: int) -> bytes:
        """Return at most `wanted` bytes, none at the end."""
        if not self._held:
            length = min(self._piece, self._size - self._offset)
            if length <= 0:
                return b""
            self._held = memoryview(self._fetch(self._offset, length))
            self._offset += length
        data = bytes(self._held[:wanted])
        self._held = self._held[wanted:]
        return data


@contextmanager
def buffered(
    pull: Callable[[int], bytes], close: Callable[[], object] | None = None
) -> Iterator[BinaryIO]:
    """Wrap a puller as a buffered binary file and close what lies under it at the end."""
    try:
        with io.BufferedReader(PullReader(pull), _BUFFER_BYTES) as stream:
            yield stream
    finally:
        if close is not None:
            close()
