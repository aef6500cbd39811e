"""Google Cloud billing export, detailed and standard, for every month since it was switched on.

Unloaded from BigQuery by `queries/billing_detailed.sql`, or read from the table itself with
`location: "bigquery://project.dataset.table"`. The standard export is the detailed one without the
columns of resources.
"""

from dagster_project.exports.base import ColumnKind, DeclaredExport, Measure, Schema
from dagster_project.exports.gcp import unload
from dagster_project.exports.gcp.bigquery_table import SCHEME, open_table

_RESOURCE = ("resource.name", "resource.global_name", "subscription.instance_id")
_TEXTS = (
    "billing_account_id",
    "invoice.month",
    "invoice.publisher_type",
    "cost_type",
    "service.id",
    "service.description",
    "sku.id",
    "sku.description",
    "project.id",
    "project.number",
    "project.name",
    "project.ancestry_numbers",
    "location.location",
    "location.country",
    "location.region",
    "location.zone",
    "currency",
    # A month of a petabyte in byte-seconds has more digits than an amount can hold.
    "usage.amount",
    "usage.unit",
    "usage.pricing_unit",
    "adjustment_info.id",
    "adjustment_info.description",
    "adjustment_info.mode",
    "adjustment_info.type",
    "transaction_type",
    "seller_name",
    "price.unit",
    "consumption_model.id",
    "consumption_model.description",
)
_AMOUNTS = (
    "cost",
    "cost_at_list",
    "cost_at_effective_price_default",
    "cost_at_list_consumption_model",
    "currency_conversion_rate",
    "usage.amount_in_pricing_units",
    "price.list_price",
    "price.effective_price",
    "price.effective_price_default",
    "price.list_price_consumption_model",
    "price.tier_start_amount",
    "price.pricing_unit_quantity",
)
_LISTS = ("credits", "labels", "system_labels", "tags", "project.labels", "project.ancestors")
_MANDATORY = frozenset(
    {
        "billing_account_id",
        "invoice.month",
        "cost_type",
        "service.description",
        "sku.description",
        "usage_start_time",
        "usage_end_time",
        "cost",
        "currency",
        "credits",
    }
)


def _schema(version: str, resource: tuple[str, ...], mandatory: frozenset[str]) -> Schema:
    return Schema(
        version=version,
        columns={
            **dict.fromkeys(_TEXTS + resource, ColumnKind.TEXT),
            **dict.fromkeys(_AMOUNTS, ColumnKind.DECIMAL),
            **dict.fromkeys(_LISTS, ColumnKind.JSON),
            "usage_start_time": ColumnKind.TIMESTAMP,
            "usage_end_time": ColumnKind.TIMESTAMP,
            "export_time": ColumnKind.TIMESTAMP,
        },
        mandatory=mandatory,
        totals=("cost", "cost_at_list"),
        # The invoice's month, never that of the usage: late usage is billed with the next invoice.
        period="invoice.month",
        days="usage_start_time",
        accounts=("billing_account_id", "project.id"),
        extensible=False,
        flatten=True,
        never_null=frozenset({"cost"}),
        measures=(
            Measure("BilledCost", first_of=("cost",), nested=(("credits", "amount"),)),
            Measure("credits.amount", nested=(("credits", "amount"),)),
        ),
    )


DETAILED = _schema("detailed", _RESOURCE, _MANDATORY | {"resource.global_name"})
STANDARD = _schema("standard", (), _MANDATORY)

EXPORT = DeclaredExport(
    is_emissions=False,
    finder=unload.find,
    declared=(DETAILED, STANDARD),
    services={SCHEME: open_table},
)
