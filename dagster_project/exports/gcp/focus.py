"""Google Cloud FOCUS export, unloaded from BigQuery by `queries/focus.sql`."""

from dagster_project.exports.base import DeclaredExport, focus_schema
from dagster_project.exports.gcp import unload

# The linked table of the native export (Preview) lacks these columns, mandatory in FOCUS.
_GAPS = frozenset({"BillingAccountName", "InvoiceIssuerName", "ServiceCategory"})

EXPORT = DeclaredExport(
    is_emissions=False,
    finder=unload.find,
    declared=(focus_schema("1.2", gaps=_GAPS), focus_schema("1.0", gaps=_GAPS)),
)
