"""Columns of the Cost and Usage Report, in the two spellings in which AWS writes them.

CUR 2.0 and the Parquet files of the legacy report spell `line_item_unblended_cost`, the CSV files
of the legacy report `lineItem/UnblendedCost`. A legacy report only has the columns that a month
uses. Columns of one service (`product_...`) and of people's own (tags, cost categories) have no
end: they go by their prefix.
"""

from collections.abc import Iterable, Mapping

from dagster_project.exports.base import ColumnKind, Measure, Schema

_COLUMNS = {
    ColumnKind.TEXT: (
        "identity_line_item_id",
        "identity_time_interval",
        "bill_invoice_id",
        "bill_invoicing_entity",
        "bill_billing_entity",
        "bill_bill_type",
        "bill_payer_account_id",
        "bill_payer_account_name",
        "line_item_usage_account_id",
        "line_item_usage_account_name",
        "line_item_line_item_type",
        "line_item_product_code",
        "line_item_usage_type",
        "line_item_operation",
        "line_item_availability_zone",
        "line_item_resource_id",
        "line_item_currency_code",
        "line_item_line_item_description",
        "line_item_tax_type",
        "line_item_legal_entity",
        "line_item_iam_principal",
        "pricing_currency",
        "pricing_lease_contract_length",
        "pricing_offering_class",
        "pricing_purchase_option",
        "pricing_rate_code",
        "pricing_rate_id",
        "pricing_term",
        "pricing_unit",
        "reservation_availability_zone",
        "reservation_end_time",
        "reservation_modification_status",
        "reservation_reservation_a_r_n",
        "reservation_start_time",
        "reservation_subscription_id",
        "savings_plan_end_time",
        "savings_plan_instance_type_family",
        "savings_plan_offering_type",
        "savings_plan_payment_option",
        "savings_plan_purchase_term",
        "savings_plan_region",
        "savings_plan_savings_plan_a_r_n",
        "savings_plan_start_time",
        "split_line_item_parent_resource_id",
        "capacity_reservation_capacity_reservation_arn",
        "capacity_reservation_capacity_reservation_status",
        "capacity_reservation_capacity_reservation_type",
    ),
    ColumnKind.TIMESTAMP: (
        "bill_billing_period_start_date",
        "bill_billing_period_end_date",
        "line_item_usage_start_date",
        "line_item_usage_end_date",
    ),
    ColumnKind.DECIMAL: (
        "line_item_usage_amount",
        "line_item_unblended_cost",
        "line_item_net_unblended_cost",
        "pricing_public_on_demand_cost",
        "reservation_effective_cost",
        "reservation_net_effective_cost",
        "reservation_net_unused_amortized_upfront_fee_for_billing_period",
        "reservation_net_unused_recurring_fee",
        "reservation_unused_amortized_upfront_fee_for_billing_period",
        "reservation_unused_recurring_fee",
        "savings_plan_amortized_upfront_commitment_for_billing_period",
        "savings_plan_net_amortized_upfront_commitment_for_billing_period",
        "savings_plan_net_recurring_commitment_for_billing_period",
        "savings_plan_net_savings_plan_effective_cost",
        "savings_plan_recurring_commitment_for_billing_period",
        "savings_plan_savings_plan_effective_cost",
        "savings_plan_total_commitment_to_date",
        "savings_plan_used_commitment",
        "split_line_item_net_split_cost",
        "split_line_item_net_unused_cost",
        "split_line_item_split_cost",
        "split_line_item_unused_cost",
    ),
    ColumnKind.RATE: (
        "line_item_normalization_factor",
        "line_item_normalized_usage_amount",
        "line_item_unblended_rate",
        "line_item_net_unblended_rate",
        "line_item_blended_rate",
        "line_item_blended_cost",
        "pricing_public_on_demand_rate",
        "reservation_amortized_upfront_cost_for_usage",
        "reservation_amortized_upfront_fee_for_billing_period",
        "reservation_net_amortized_upfront_cost_for_usage",
        "reservation_net_amortized_upfront_fee_for_billing_period",
        "reservation_net_recurring_fee_for_usage",
        "reservation_net_upfront_value",
        "reservation_normalized_units_per_reservation",
        "reservation_number_of_reservations",
        "reservation_recurring_fee_for_usage",
        "reservation_total_reserved_normalized_units",
        "reservation_total_reserved_units",
        "reservation_units_per_reservation",
        "reservation_unused_normalized_unit_quantity",
        "reservation_unused_quantity",
        "reservation_upfront_value",
        "savings_plan_savings_plan_rate",
        "split_line_item_actual_usage",
        "split_line_item_public_on_demand_split_cost",
        "split_line_item_public_on_demand_unused_cost",
        "split_line_item_reserved_usage",
        "split_line_item_split_usage",
        "split_line_item_split_usage_ratio",
    ),
}
_MAPS = ("cost_category", "discount", "product", "resource_tags", "tags")

_MANDATORY = (
    "bill_payer_account_id",
    "bill_billing_period_start_date",
    "identity_line_item_id",
    "identity_time_interval",
    "line_item_currency_code",
    "line_item_line_item_type",
    "line_item_product_code",
    "line_item_unblended_cost",
    "line_item_usage_account_id",
    "line_item_usage_start_date",
)

_NETS = {
    "line_item_net_unblended_cost": "line_item_unblended_cost",
    "reservation_net_effective_cost": "reservation_effective_cost",
    "savings_plan_net_savings_plan_effective_cost": "savings_plan_savings_plan_effective_cost",
}
"""What AWS bills after discounts; the columns only exist in a month that has some."""

_WITHOUT_RESOURCES = (
    "the export was set up without resource ids; ResourceId stays NULL, and lines of one resource "
    "can't be told from those of another"
)

_SECTIONS = {
    "identity": "identity",
    "bill": "bill",
    "line_item": "lineItem",
    "pricing": "pricing",
    "reservation": "reservation",
    "savings_plan": "savingsPlan",
    "split_line_item": "splitLineItem",
    "capacity_reservation": "capacityReservation",
}
_SPELLED_OTHERWISE = {
    "pricing_currency": "pricing/currency",
    "pricing_public_on_demand_cost": "pricing/publicOnDemandCost",
    "pricing_public_on_demand_rate": "pricing/publicOnDemandRate",
    "pricing_term": "pricing/term",
    "pricing_unit": "pricing/unit",
    "reservation_reservation_a_r_n": "reservation/ReservationARN",
    "savings_plan_savings_plan_a_r_n": "savingsPlan/SavingsPlanARN",
}

PREFIXES = ("product_", "discount_", "resource_tags_", "cost_category_", "tags_")
SLASH_PREFIXES = ("product/", "discount/", "resourceTags/", "costCategory/", "tags/")


def columns() -> dict[str, ColumnKind]:
    """Return every column by its name, with its kind."""
    return {name: kind for kind, names in _COLUMNS.items() for name in names}


def with_slash(name: str) -> str:
    """Return how CSV files of the legacy report spell a column."""
    if name in _SPELLED_OTHERWISE:
        return _SPELLED_OTHERWISE[name]
    section = max((word for word in _SECTIONS if name.startswith(f"{word}_")), key=len)
    words = name.removeprefix(f"{section}_").split("_")
    return f"{_SECTIONS[section]}/{''.join(word.capitalize() for word in words)}"


def cur2_schema() -> Schema:
    """Declare CUR 2.0: one table, maps for what has no end."""
    return _schema("2.0", {name: name for name in columns()}, PREFIXES, maps=_MAPS)


def legacy_schemas() -> tuple[Schema, ...]:
    """Declare the legacy report as its CSV and as its Parquet files spell it."""
    slashes = {name: with_slash(name) for name in columns()}
    return (
        _schema("1.0 (CSV)", slashes, SLASH_PREFIXES),
        _schema("1.0 (Parquet)", {name: name for name in columns()}, PREFIXES),
    )


def _schema(
    version: str, spelled: Mapping[str, str], prefixes: tuple[str, ...], maps: Iterable[str] = ()
) -> Schema:
    cash = (spelled["line_item_net_unblended_cost"], spelled["line_item_unblended_cost"])
    kinds = {spelled[name]: kind for name, kind in columns().items()}
    return Schema(
        version=version,
        columns=kinds | dict.fromkeys(maps, ColumnKind.JSON),
        mandatory=frozenset(spelled[name] for name in _MANDATORY),
        never_null=frozenset({spelled["line_item_unblended_cost"]}),
        totals=cash,
        period=spelled["bill_billing_period_start_date"],
        days=spelled["line_item_usage_start_date"],
        accounts=(spelled["bill_payer_account_id"], spelled["line_item_usage_account_id"]),
        extensible=False,
        prefixes=prefixes,
        measures=(Measure("BilledCost", first_of=cash),),
        nets={spelled[net]: spelled[gross] for net, gross in _NETS.items()},
        noted={spelled["line_item_resource_id"]: _WITHOUT_RESOURCES},
    )
