"""AWS FOCUS 1.0 and 1.2 (tables FOCUS_1_0_AWS and FOCUS_1_2_AWS)."""

from collections.abc import Iterator, Mapping
from typing import Any

from dagster_project.exports.aws import data_exports
from dagster_project.exports.base import DeclaredExport, Found, focus_schema
from dagster_project.stores.base import ObjectStore


def find(store: ObjectStore, options: Mapping[str, Any]) -> Iterator[Found]:
    """Yield every refresh of every billing month."""
    yield from data_exports.find(store, period="BILLING_PERIOD")


EXPORT = DeclaredExport(
    is_emissions=False,
    finder=find,
    declared=(focus_schema("1.2"), focus_schema("1.0")),
)
