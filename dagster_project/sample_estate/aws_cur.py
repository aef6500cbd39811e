"""The book as the legacy Cost and Usage Report: packed CSV with names like `lineItem/UsageType`.

Belongs here: its spelling, folders and manifest. A report has the columns that it needs: a product
attribute, a discount or a tag that no line of the month has isn't there.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from dagster_project.months import Month, month_key, next_month
from dagster_project.sample_estate.aws_cur2 import cur_table
from dagster_project.sample_estate.book import Edition, Plan
from dagster_project.sample_estate.cur_lines import Bill, CurBlock
from dagster_project.sample_estate.delivery import Estate, Tally, delivered_at, delivery_id
from dagster_project.sample_estate.model import Block
from dagster_project.sample_estate.money import as_text
from dagster_project.sample_estate.writers import stamp, write_csv, write_json

REPORT = "labs-cur"
BUCKET = "fernlight-billing"
PREFIX = "reports"
_ALWAYS = {
    "identity/LineItemId": "identity_line_item_id",
    "identity/TimeInterval": "identity_time_interval",
    "bill/InvoiceId": "bill_invoice_id",
    "bill/InvoicingEntity": "bill_invoicing_entity",
    "bill/BillingEntity": "bill_billing_entity",
    "bill/BillType": "bill_bill_type",
    "bill/PayerAccountId": "bill_payer_account_id",
    "bill/BillingPeriodStartDate": "bill_billing_period_start_date",
    "bill/BillingPeriodEndDate": "bill_billing_period_end_date",
    "lineItem/UsageAccountId": "line_item_usage_account_id",
    "lineItem/LineItemType": "line_item_line_item_type",
    "lineItem/UsageStartDate": "line_item_usage_start_date",
    "lineItem/UsageEndDate": "line_item_usage_end_date",
    "lineItem/ProductCode": "line_item_product_code",
    "lineItem/UsageType": "line_item_usage_type",
    "lineItem/Operation": "line_item_operation",
    "lineItem/AvailabilityZone": "line_item_availability_zone",
    "lineItem/ResourceId": "line_item_resource_id",
    "lineItem/UsageAmount": "line_item_usage_amount",
    "lineItem/CurrencyCode": "line_item_currency_code",
    "lineItem/UnblendedRate": "line_item_unblended_rate",
    "lineItem/UnblendedCost": "line_item_unblended_cost",
    "lineItem/BlendedRate": "line_item_blended_rate",
    "lineItem/BlendedCost": "line_item_blended_cost",
    "lineItem/LineItemDescription": "line_item_line_item_description",
    "lineItem/TaxType": "line_item_tax_type",
    "lineItem/LegalEntity": "line_item_legal_entity",
}
_WHERE_USED = {
    "lineItem/NetUnblendedRate": "line_item_net_unblended_rate",
    "lineItem/NetUnblendedCost": "line_item_net_unblended_cost",
    "discount/EdpDiscount": "discount_total_discount",
    "discount/TotalDiscount": "discount_total_discount",
    "product/ProductName": "product_name",
    "product/instanceFamily": "product_instance_family",
    "product/instanceType": "product_instance_type",
    "product/location": "product_location",
    "product/locationType": "product_location_type",
    "product/memory": "memory",
    "product/operatingSystem": "operating_system",
    "product/operation": "product_operation",
    "product/productFamily": "product_product_family",
    "product/region": "region",
    "product/regionCode": "product_region_code",
    "product/servicecode": "product_servicecode",
    "product/sku": "product_sku",
    "product/storageClass": "storage_class",
    "product/storageMedia": "storage_media",
    "product/usagetype": "product_usagetype",
    "product/vcpu": "vcpu",
    "pricing/RateCode": "pricing_rate_code",
    "pricing/currency": "pricing_currency",
    "pricing/publicOnDemandCost": "pricing_public_on_demand_cost",
    "pricing/publicOnDemandRate": "pricing_public_on_demand_rate",
    "pricing/term": "pricing_term",
    "pricing/unit": "pricing_unit",
}
_TAG = "resourceTags/user:"

Row = dict[str, Any]


def write_cur(
    plan: Plan, estate: Estate, root: Path, month: Month, edition: Edition, blocks: Iterable[Block]
) -> Tally:
    """Write one delivery of the report, replacing the one before; return its lines."""
    bill = Bill(plan, month)
    rows = [row for lines in bill.lines(blocks) for row in _rows(lines)]
    columns = _columns(rows)
    folder = root / _period(month)
    path = folder / f"{REPORT}-00001.csv.gz"
    write_csv(path, list(columns), ([_cell(row.get(name)) for name in columns] for row in rows))
    manifest = folder / f"{REPORT}-Manifest.json"
    write_json(manifest, _manifest(estate, root, month, edition, path, columns))
    stamp((path, manifest), delivered_at(month, edition))
    return bill.tally


def _period(month: Month) -> str:
    return f"{month:%Y%m%d}-{next_month(month):%Y%m%d}"


def _rows(lines: CurBlock) -> Iterator[Row]:
    items = lines.book.items
    for number, line in enumerate(cur_table(lines).to_pylist()):
        known = {**line, **dict(line["product"])}
        row = {name: known.get(source) for name, source in (_ALWAYS | _WHERE_USED).items()}
        tags = items[number % len(items)].tags
        yield row | {f"{_TAG}{key}": value for key, value in tags}


def _columns(rows: list[Row]) -> tuple[str, ...]:
    used = {name for row in rows for name, value in row.items() if value is not None}
    tags = sorted(name for name in used if name.startswith(_TAG))
    return (*_ALWAYS, *(name for name in _WHERE_USED if name in used), *tags)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return as_text(int(Decimal(repr(value)).scaleb(12)))
    return str(value) if isinstance(value, str) else f"{value:%Y-%m-%dT%H:%M:%SZ}"


def _manifest(
    estate: Estate,
    root: Path,
    month: Month,
    edition: Edition,
    path: Path,
    columns: tuple[str, ...],
) -> Row:
    place = f"{PREFIX}/{REPORT}/{path.relative_to(root).as_posix()}"
    return {
        "assemblyId": delivery_id(estate.seed, "aws-sandbox", month, edition),
        "account": "012345678901",
        "columns": [_declared(name) for name in columns],
        "charset": "UTF-8",
        "compression": "GZIP",
        "contentType": "text/csv",
        "reportId": delivery_id(estate.seed, REPORT, month, edition),
        "reportName": REPORT,
        "billingPeriod": {
            "start": f"{month_key(month).replace('-', '')}01T000000.000Z",
            "end": f"{month_key(next_month(month)).replace('-', '')}01T000000.000Z",
        },
        "bucket": BUCKET,
        "reportKeys": [place],
        "additionalArtifactKeys": [],
    }


def _declared(name: str) -> dict[str, str]:
    category, _, rest = name.partition("/")
    return {"category": category, "name": rest, "type": _type_of(name)}


def _type_of(name: str) -> str:
    source = (_ALWAYS | _WHERE_USED).get(name, "")
    if name.endswith("Date"):
        return "DateTime"
    if name == "identity/TimeInterval":
        return "Interval"
    is_number = source.endswith(("_cost", "_amount", "_discount"))
    return "OptionalBigDecimal" if is_number else "OptionalString"
