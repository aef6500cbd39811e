"""Finds the one file that an input is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from dagster_project.exports.base import (
    ALL_HISTORY,
    Candidate,
    Found,
    History,
    Part,
    Schema,
    modified_order,
)
from dagster_project.inputs.declared import schemas_of
from dagster_project.months import ALL_MONTHS
from dagster_project.settings import InputConfig
from dagster_project.stores import open_store
from dagster_project.stores.base import ObjectStore


@dataclass
class InputFile:
    """An input as the steps after configuration see an export: a store, deliveries, schemas."""

    kind: str
    name: str
    is_emissions: bool = False
    is_internal: bool = False
    names_own_accounts: bool = False
    history: History = ALL_HISTORY

    def open(self, location: str, options: Mapping[str, Any]) -> ObjectStore:
        """Return the store of the folder that holds the file."""
        return open_store(location.rpartition("/")[0], options)

    def find(self, store: ObjectStore, options: Mapping[str, Any]) -> Iterable[Found]:
        """Yield the file as it is now: its whole content is one delivery."""
        info = store.stat(self.name)
        yield Candidate(
            month=ALL_MONTHS,
            native_id="",
            order=modified_order([info]),
            parts=(Part(name=self.name, info=info),),
            quiet_since=info.modified,
        )

    def schemas(self) -> Sequence[Schema]:
        """Return the declared versions."""
        return schemas_of(self.kind)


def input_file(source: InputConfig) -> InputFile:
    """Return what reads a configured input."""
    name = source.location.rpartition("/")[2]
    # A `file://` address is percent-encoded; a key is not.
    return InputFile(source.export, unquote(name) if source.location.startswith("file:") else name)
