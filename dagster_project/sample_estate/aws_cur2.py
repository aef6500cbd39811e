"""The book as AWS Data Exports write CUR 2.0: daily or hourly, with resources, in Parquet.

Belongs here: columns and types of COST_AND_USAGE_REPORT, and arrays for millions of lines.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dagster_project.months import Month, month_key, next_month
from dagster_project.sample_estate.aws_focus import (
    MAX_PART_ROWS,
    ParquetParts,
    execution_id,
    moments,
    repeat_text,
    write_manifest,
)
from dagster_project.sample_estate.book import Edition, Plan
from dagster_project.sample_estate.cur_lines import (
    COVERED,
    DISCOUNTED,
    RESERVATION_FEE,
    Bill,
    CurBlock,
    discount_of,
    is_discounted,
    is_public,
    item_texts,
    product_map,
)
from dagster_project.sample_estate.delivery import Estate, Tally, delivered_at
from dagster_project.sample_estate.model import Block, Item, milliseconds
from dagster_project.sample_estate.money import Floats, Ints, to_doubles
from dagster_project.sample_estate.writers import stamp

EXPORT = "fernlight-cur2"
_TEXT_MAP = pa.map_(pa.string(), pa.string())
_NUMBER_MAP = pa.map_(pa.string(), pa.float64())
_DOUBLES = frozenset(
    (
        "discount_bundled_discount", "discount_total_discount", "line_item_blended_cost",
        "line_item_net_unblended_cost", "line_item_normalization_factor",
        "line_item_normalized_usage_amount", "line_item_unblended_cost", "line_item_usage_amount",
        "pricing_public_on_demand_cost", "reservation_amortized_upfront_cost_for_usage",
        "reservation_amortized_upfront_fee_for_billing_period", "reservation_effective_cost",
        "reservation_net_amortized_upfront_cost_for_usage",
        "reservation_net_amortized_upfront_fee_for_billing_period",
        "reservation_net_effective_cost", "reservation_net_recurring_fee_for_usage",
        "reservation_net_unused_amortized_upfront_fee_for_billing_period",
        "reservation_net_unused_recurring_fee", "reservation_net_upfront_value",
        "reservation_recurring_fee_for_usage",
        "reservation_unused_amortized_upfront_fee_for_billing_period",
        "reservation_unused_normalized_unit_quantity", "reservation_unused_quantity",
        "reservation_unused_recurring_fee", "reservation_upfront_value",
        "savings_plan_amortized_upfront_commitment_for_billing_period",
        "savings_plan_net_amortized_upfront_commitment_for_billing_period",
        "savings_plan_net_recurring_commitment_for_billing_period",
        "savings_plan_net_savings_plan_effective_cost",
        "savings_plan_recurring_commitment_for_billing_period",
        "savings_plan_savings_plan_effective_cost", "savings_plan_savings_plan_rate",
        "savings_plan_total_commitment_to_date", "savings_plan_used_commitment",
    )
)  # fmt: skip
_MOMENTS = frozenset(
    (
        "bill_billing_period_end_date", "bill_billing_period_start_date",
        "line_item_usage_end_date", "line_item_usage_start_date",
    )
)  # fmt: skip
_MAPS = {
    "cost_category": _TEXT_MAP,
    "discount": _NUMBER_MAP,
    "product": _TEXT_MAP,
    "resource_tags": _TEXT_MAP,
}
COLUMNS: tuple[str, ...] = (
    "bill_bill_type", "bill_billing_entity", "bill_billing_period_end_date",
    "bill_billing_period_start_date", "bill_invoice_id", "bill_invoicing_entity",
    "bill_payer_account_id", "bill_payer_account_name", "cost_category", "discount",
    "discount_bundled_discount", "discount_total_discount", "identity_line_item_id",
    "identity_time_interval", "line_item_availability_zone", "line_item_blended_cost",
    "line_item_blended_rate", "line_item_currency_code", "line_item_legal_entity",
    "line_item_line_item_description", "line_item_line_item_type", "line_item_net_unblended_cost",
    "line_item_net_unblended_rate", "line_item_normalization_factor",
    "line_item_normalized_usage_amount", "line_item_operation", "line_item_product_code",
    "line_item_resource_id", "line_item_tax_type", "line_item_unblended_cost",
    "line_item_unblended_rate", "line_item_usage_account_id", "line_item_usage_account_name",
    "line_item_usage_amount", "line_item_usage_end_date", "line_item_usage_start_date",
    "line_item_usage_type", "pricing_currency", "pricing_lease_contract_length",
    "pricing_offering_class", "pricing_public_on_demand_cost", "pricing_public_on_demand_rate",
    "pricing_purchase_option", "pricing_rate_code", "pricing_rate_id", "pricing_term",
    "pricing_unit", "product", "product_comment", "product_fee_code", "product_fee_description",
    "product_from_location", "product_from_location_type", "product_from_region_code",
    "product_instance_family", "product_instance_type", "product_instancesku", "product_location",
    "product_location_type", "product_operation", "product_pricing_unit",
    "product_product_family", "product_region_code", "product_servicecode", "product_sku",
    "product_to_location", "product_to_location_type", "product_to_region_code",
    "product_usagetype", "reservation_amortized_upfront_cost_for_usage",
    "reservation_amortized_upfront_fee_for_billing_period", "reservation_availability_zone",
    "reservation_effective_cost", "reservation_end_time", "reservation_modification_status",
    "reservation_net_amortized_upfront_cost_for_usage",
    "reservation_net_amortized_upfront_fee_for_billing_period", "reservation_net_effective_cost",
    "reservation_net_recurring_fee_for_usage",
    "reservation_net_unused_amortized_upfront_fee_for_billing_period",
    "reservation_net_unused_recurring_fee", "reservation_net_upfront_value",
    "reservation_normalized_units_per_reservation", "reservation_number_of_reservations",
    "reservation_recurring_fee_for_usage", "reservation_reservation_a_r_n",
    "reservation_start_time", "reservation_subscription_id",
    "reservation_total_reserved_normalized_units", "reservation_total_reserved_units",
    "reservation_units_per_reservation",
    "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_unused_normalized_unit_quantity", "reservation_unused_quantity",
    "reservation_unused_recurring_fee", "reservation_upfront_value", "resource_tags",
    "savings_plan_amortized_upfront_commitment_for_billing_period", "savings_plan_end_time",
    "savings_plan_instance_type_family",
    "savings_plan_net_amortized_upfront_commitment_for_billing_period",
    "savings_plan_net_recurring_commitment_for_billing_period",
    "savings_plan_net_savings_plan_effective_cost", "savings_plan_offering_type",
    "savings_plan_payment_option", "savings_plan_purchase_term",
    "savings_plan_recurring_commitment_for_billing_period", "savings_plan_region",
    "savings_plan_savings_plan_a_r_n", "savings_plan_savings_plan_effective_cost",
    "savings_plan_savings_plan_rate", "savings_plan_start_time",
    "savings_plan_total_commitment_to_date", "savings_plan_used_commitment",
)  # fmt: skip


def _type_of(column: str) -> Any:
    if column in _DOUBLES:
        return pa.float64()
    if column in _MOMENTS:
        return pa.timestamp("ms")
    return _MAPS.get(column, pa.string())


SCHEMA = pa.schema([(column, _type_of(column)) for column in COLUMNS])


def write_cur2(
    plan: Plan,
    estate: Estate,
    root: Path,
    month: Month,
    edition: Edition,
    blocks: Iterable[Block],
    rows: int,
) -> Tally:
    """Write one delivery of CUR 2.0, every delivery beside the others; return its lines.

    Args:
        plan: What the bill is about.
        estate: The estate.
        root: Folder of the export.
        month: Billing month.
        edition: Which delivery of the month.
        blocks: Charge lines of the book, consumed once.
        rows: About how many lines there will be; decides the size of the parts.
    """
    execution = execution_id(estate, "aws-main", month, edition)
    place = f"BILLING_PERIOD={month_key(month)}/{execution}"
    size = min(MAX_PART_ROWS, max(300, rows // 2))
    bill = Bill(plan, month)
    with ParquetParts(root / "data" / place, size, EXPORT) as parts:
        for lines in bill.lines(blocks):
            parts.write(cur_table(lines))
    manifest = root / "metadata" / place / f"{EXPORT}-Manifest.json"
    columns = [(column, _type_name(column)) for column in COLUMNS]
    write_manifest(manifest, EXPORT, execution, month, root, parts.files, columns)
    stamp((*parts.files, manifest), delivered_at(month, edition))
    return bill.tally


def _type_name(column: str) -> str:
    if column in _DOUBLES:
        return "double"
    if column in _MOMENTS:
        return "timestamp"
    if column in _MAPS:
        return "map<string,double>" if column == "discount" else "map<string,string>"
    return "string"


def cur_table(lines: CurBlock) -> Any:
    """Return lines as an Arrow table, ordered by period, then item; text is dictionary encoded."""
    book = lines.book
    across = len(book.starts)
    codes = pa.array(np.tile(np.arange(len(book.items), dtype=np.int32), across))
    columns = {
        **_texts(lines, codes),
        **_times(lines),
        **_amounts(lines),
        **_plan_amounts(lines),
        **_reservation_amounts(lines),
        **_maps(lines, codes),
    }
    present = [_column(columns, name, book.rows) for name in COLUMNS]
    return pa.table(present, names=list(COLUMNS))


def _column(columns: dict[str, Any], name: str, rows: int) -> Any:
    found = columns.get(name)
    return pa.nulls(rows, _type_of(name)) if found is None else found


def _texts(lines: CurBlock, codes: Any) -> dict[str, Any]:
    pairs = zip(lines.book.items, lines.kinds, strict=True)
    rows = [item_texts(item, kind, lines) for item, kind in pairs]
    return {name: repeat_text([row[name] for row in rows], codes) for name in rows[0]}


def _times(lines: CurBlock) -> dict[str, Any]:
    book = lines.book
    height, rows = len(book.items), book.rows
    begin, end = milliseconds(book.month), milliseconds(next_month(book.month))
    spans = [f"{_iso(a)}/{_iso(b)}" for a, b in zip(book.starts, book.ends, strict=True)]
    period = pa.array(np.repeat(np.arange(len(spans), dtype=np.int32), height))
    return {
        "bill_billing_period_start_date": moments(np.full(rows, begin, dtype=np.int64)),
        "bill_billing_period_end_date": moments(np.full(rows, end, dtype=np.int64)),
        "line_item_usage_start_date": moments(np.repeat(book.starts, height)),
        "line_item_usage_end_date": moments(np.repeat(book.ends, height)),
        "identity_time_interval": repeat_text(spans, period),
    }


def _iso(moment: Any) -> str:
    return f"{np.datetime64(int(moment), 'ms').astype('datetime64[s]')}Z"


def _amounts(lines: CurBlock) -> dict[str, Any]:
    book = lines.book
    unblended, net = to_doubles(lines.unblended), to_doubles(lines.net)
    pairs = list(zip(book.items, lines.kinds, strict=True))
    public = np.array([is_public(item, kind) for item, kind in pairs])
    reduced = np.array([is_discounted(item, kind) for item, kind in pairs])
    counted = np.array([item.category in {"Usage", "Purchase"} for item, _kind in pairs])
    return {
        "line_item_unblended_cost": _flat(unblended),
        "line_item_blended_cost": _flat(unblended),
        "line_item_net_unblended_cost": _flat(net),
        "line_item_usage_amount": _flat(np.asarray(book.quantity / 1000.0), counted),
        "pricing_public_on_demand_cost": _flat(to_doubles(book.list_cost), public),
        "discount_total_discount": _flat(to_doubles(discount_of(lines)), reduced),
        "discount": _discounts(to_doubles(discount_of(lines)), reduced),
    }


def _flat(values: Floats, present: Any = None) -> Any:
    if present is None:
        return pa.array(values.T.ravel())
    mask = np.broadcast_to(~present[:, None], values.shape)
    return pa.array(values.T.ravel(), pa.float64(), mask=mask.T.ravel())


def _discounts(values: Floats, reduced: Any) -> Any:
    """Return a map per line, built without a Python object for each."""
    present = np.broadcast_to(reduced[:, None], values.shape).T.ravel()
    ends = np.concatenate(([0], np.cumsum(present))).astype(np.int32)
    absent = np.concatenate((~present, [False]))
    amounts = pa.array(values.T.ravel()[present])
    keys = pa.array(np.full(len(amounts), "edp_discount"), pa.string())
    return pa.MapArray.from_arrays(pa.array(ends, pa.int32(), mask=absent), keys, amounts)


def _plan_amounts(lines: CurBlock) -> dict[str, Any]:
    """Return what a savings plan costs and covers, for the lines that say so."""
    if lines.covered_cost is not None and COVERED in lines.kinds:
        covered = _flat(to_doubles(lines.covered_cost))
        return {
            "savings_plan_savings_plan_effective_cost": covered,
            "savings_plan_net_savings_plan_effective_cost": covered,
            "savings_plan_savings_plan_rate": _rates(lines),
        }
    if lines.commitment is None or lines.unused is None:
        return {}
    recurring = _flat(to_doubles(lines.unblended))
    amortized = _flat(to_doubles(lines.commitment - lines.unblended))
    return {
        "savings_plan_total_commitment_to_date": _flat(to_doubles(lines.commitment)),
        "savings_plan_used_commitment": _flat(_exact(lines.commitment - lines.unused)),
        "savings_plan_recurring_commitment_for_billing_period": recurring,
        "savings_plan_net_recurring_commitment_for_billing_period": recurring,
        "savings_plan_amortized_upfront_commitment_for_billing_period": amortized,
        "savings_plan_net_amortized_upfront_commitment_for_billing_period": amortized,
    }


def _reservation_amounts(lines: CurBlock) -> dict[str, Any]:
    """Return what reserved usage costs, and what a fee paid for nothing."""
    if lines.covered_cost is not None and DISCOUNTED in lines.kinds:
        covered = _flat(to_doubles(lines.covered_cost))
        nothing = _flat(np.zeros(lines.covered_cost.shape))
        return {
            "reservation_effective_cost": covered,
            "reservation_net_effective_cost": covered,
            "reservation_recurring_fee_for_usage": covered,
            "reservation_net_recurring_fee_for_usage": covered,
            "reservation_amortized_upfront_cost_for_usage": nothing,
            "reservation_net_amortized_upfront_cost_for_usage": nothing,
        }
    if lines.unused is None or lines.pledge is None or RESERVATION_FEE not in lines.kinds:
        return {}
    unused, nothing = _flat(to_doubles(lines.unused)), _flat(np.zeros(lines.unused.shape))
    hour = lines.pledge.covered[0].prices.effective * 1000
    return {
        "reservation_unused_recurring_fee": unused,
        "reservation_net_unused_recurring_fee": unused,
        "reservation_unused_amortized_upfront_fee_for_billing_period": nothing,
        "reservation_net_unused_amortized_upfront_fee_for_billing_period": nothing,
        "reservation_amortized_upfront_fee_for_billing_period": nothing,
        "reservation_net_amortized_upfront_fee_for_billing_period": nothing,
        "reservation_upfront_value": nothing,
        "reservation_unused_quantity": _flat(np.asarray(lines.unused / hour)),
    }


def _exact(amounts: Ints) -> Floats:
    """Return amounts that aren't settled as the doubles of their texts."""
    texts = [[f"{int(value)}e-12" for value in row] for row in amounts]
    return np.array(texts).astype(np.float64)


def _rates(lines: CurBlock) -> Any:
    rates = [item.prices.effective / 1e9 for item in lines.book.items]
    return pa.array(np.tile(np.array(rates), len(lines.book.starts)))


def _maps(lines: CurBlock, codes: Any) -> dict[str, Any]:
    items = lines.book.items
    products = [list(product_map(item).items()) for item in items]
    return {
        "product": pa.array(products, _TEXT_MAP).take(codes),
        "resource_tags": pa.array([_tags(item) for item in items], _TEXT_MAP).take(codes),
    }


def _tags(item: Item) -> list[tuple[str, str]] | None:
    """Return tags under the keys of CUR 2.0: prefixed, lower case, words apart by underscores."""
    return [(_prefixed(key), value) for key, value in item.tags] or None


def _prefixed(key: str) -> str:
    return tag_key(key) if key.startswith("aws:") else f"user_{tag_key(key)}"


def tag_key(key: str) -> str:
    """Return a tag key as Athena could name a column after it."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key)
    return re.sub(r"[^a-z0-9]+", "_", apart.lower()).strip("_")
