"""Google Cloud FOCUS export, unloaded from BigQuery by `queries/focus.sql`."""

from dagster_project.exports.base import DeclaredExport, focus_schema
from dagster_project.exports.gcp import unload

# The linked table of the native export (Preview) lacks these columns, mandatory in FOCUS.
_GAPS = frozenset({"BillingAccountName", "InvoiceIssuerName", "ServiceCategory"})
# A JSON unload leaves out what is null in every row: ChargeClass in a month without corrections.
_MAY_BE_NULL = frozenset({"ChargeClass", "ChargeDescription", "PricingQuantity", "PricingUnit"})

EXPORT = DeclaredExport(
    is_emissions=False,
    finder=unload.find,
    declared=tuple(focus_schema(version, gaps=_GAPS | _MAY_BE_NULL) for version in ("1.2", "1.0")),
)
