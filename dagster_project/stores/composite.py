"""Several places as one: each under a name of its own, as a folder of one store.

Belongs here: which store a key belongs to. A key in an error is as that store knows it, and so is
the location.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import BinaryIO

from dagster_project.stores.base import NOTFOUND, ObjectInfo, ObjectStore, fault


def together(stores: Mapping[str, ObjectStore]) -> ObjectStore:
    """Return one store for several places by name; a place without a name stands alone."""
    alone = stores.get("")
    return alone if alone is not None else CompositeStore(stores)


class CompositeStore:
    """Stores whose keys begin with the name of the store and a slash."""

    def __init__(self, stores: Mapping[str, ObjectStore]) -> None:
        self._stores = dict(sorted(stores.items()))
        self.location = ", ".join(
            f"{name}: {store.location}" for name, store in self._stores.items()
        )

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects of every store whose key begins with `prefix`, ordered by key."""
        for name, store in self._stores.items():
            root = f"{name}/"
            if prefix.startswith(root) or root.startswith(prefix):
                for info in store.list(prefix[len(root) :]):
                    yield replace(info, key=root + info.key)

    def stat(self, key: str) -> ObjectInfo:
        """Look at one object."""
        name, store, rest = self._of(key)
        return replace(store.stat(rest), key=f"{name}/{rest}")

    def open(self, info: ObjectInfo, offset: int = 0) -> AbstractContextManager[BinaryIO]:
        """Read the listed object."""
        _, store, rest = self._of(info.key)
        return store.open(replace(info, key=rest), offset)

    def _of(self, key: str) -> tuple[str, ObjectStore, str]:
        name, _, rest = key.partition("/")
        if name not in self._stores:
            raise fault(
                NOTFOUND, "No configured place has such a key.", location=self.location, key=key
            )
        return name, self._stores[name], rest
