"""AWS Cost and Usage Report 2.0 (table COST_AND_USAGE_REPORT of Data Exports)."""

from collections.abc import Iterator, Mapping
from typing import Any

from dagster_project.exports.aws import data_exports
from dagster_project.exports.aws.cur_columns import cur2_schema
from dagster_project.exports.base import DeclaredExport, Found
from dagster_project.stores.base import ObjectStore


def find(store: ObjectStore, options: Mapping[str, Any]) -> Iterator[Found]:
    """Yield every refresh of every billing month."""
    yield from data_exports.find(store, period="BILLING_PERIOD")


EXPORT = DeclaredExport(is_emissions=False, finder=find, declared=(cur2_schema(),))
