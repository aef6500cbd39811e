"""Azure FocusCost exports."""

from collections.abc import Iterator, Mapping
from typing import Any

from dagster_project.exports.azure.cost_exports import (
    ExportType,
    one_export_a_month,
    runs_of,
    without_manifest,
)
from dagster_project.exports.base import DeclaredExport, Found, Listing, focus_schema
from dagster_project.stores.base import ObjectStore

FOCUS_COST = ExportType("FocusCost", "Cost and usage details (FOCUS)")


def find(store: ObjectStore, options: Mapping[str, Any]) -> Iterator[Found]:
    """Yield every run of every billing month.

    Option `export_name` picks one export where a location holds several.
    """
    listing = Listing(store.list())
    runs = runs_of(store, listing, FOCUS_COST, options)
    yield from (run.found for run in one_export_a_month(runs, FOCUS_COST))
    yield from without_manifest(listing, {run.found.month for run in runs})


# Microsoft delivers these two since 1.0, FOCUS defines them since 1.2.
_AHEAD = frozenset({"BillingAccountType", "SubAccountType"})

EXPORT = DeclaredExport(
    is_emissions=False,
    finder=find,
    declared=(
        focus_schema("1.2", name="1.2-preview"),
        focus_schema("1.0", name="1.0r2", extras=_AHEAD),
        focus_schema("1.0", extras=_AHEAD),
    ),
)
