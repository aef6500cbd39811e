"""Emissions as the AWS CARBON_EMISSIONS table states them: tonnes by account, region and product.

Belongs here: 23 columns, Hive folders by model version and month, manifests. Two model versions
stand side by side for the first months; a month without data is an empty file.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from dagster_project.months import Month, month_key, next_month
from dagster_project.sample_estate.aws_focus import BUCKET
from dagster_project.sample_estate.company_aws import PAYER, PROD, S3, SYDNEY
from dagster_project.sample_estate.emissions import GRAM, Emission, emission_of
from dagster_project.sample_estate.gcp_focus import write_parquet
from dagster_project.sample_estate.model import Item, on_demand
from dagster_project.sample_estate.money import pico
from dagster_project.sample_estate.writers import iso, stable_id, stamp, write_json

EXPORT = "fernlight-carbon"
OLD_MODEL, MODEL = "v3.0.0", "v3.0.1"
RESOLUTION = GRAM
_UNIT = "MTCO2e"
_VALUES = (
    "total_mbm_emissions",
    "total_lbm_emissions",
    "total_scope_1_emissions",
    "total_scope_2_lbm_emissions",
    "total_scope_2_mbm_emissions",
    "total_scope_3_lbm_emissions",
    "total_scope_3_mbm_emissions",
)
_MOMENT = pa.timestamp("ms")
SCHEMA = pa.schema(
    [
        ("last_refresh_timestamp", _MOMENT),
        ("location", pa.string()),
        ("model_version", pa.string()),
        ("payer_account_id", pa.string()),
        ("product_code", pa.string()),
        ("region_code", pa.string()),
        *(
            pair
            for value in _VALUES
            for pair in ((f"{value}_value", pa.float64()), (f"{value}_unit", pa.string()))
        ),
        ("usage_account_id", pa.string()),
        ("usage_period_end", _MOMENT),
        ("usage_period_start", _MOMENT),
    ]
)
_BUCKETS = frozenset({"AmazonEC2", "AmazonS3", "AmazonCloudFront"})


def grain(item: Item) -> tuple[str, ...]:
    """Return account, region and product: AWS states nothing finer."""
    region = item.region.region_id if item.region else "global"
    return (item.account.sub_id, region, item.service.bucket)


def forgotten_region(month: Month) -> Emission:
    """Return emissions of a region without a cost line: free-tier replicas nobody knows of."""
    item = Item(
        "aws/s3/sydney", PROD, S3, SYDNEY, "replica", "TimedStorage", "GB-Months", on_demand(0)
    )
    return emission_of(item, pico("83.1"), month, "both", RESOLUTION)


def write_month(root: Path, month: Month, emissions: Sequence[Emission], old_model: str) -> int:
    """Write one usage month.

    Args:
        root: Folder of the export.
        month: Usage month.
        emissions: By the current model.
        old_model: `full` writes the older model's file too, `empty` writes it without rows,
            `none` leaves it out.

    Returns:
        Rows of the current model.
    """
    _write(root, MODEL, month, emissions, _refreshed(month))
    if old_model != "none":
        scaled = [e.scaled(931, RESOLUTION) for e in emissions] if old_model == "full" else []
        _write(root, OLD_MODEL, month, scaled, _refreshed(month) - dt.timedelta(days=2))
    return len(emissions)


def _refreshed(month: Month) -> dt.datetime:
    after = next_month(month)
    return dt.datetime(after.year, after.month, 18, 3, 11, 45)


def _write(
    root: Path, model: str, month: Month, emissions: Sequence[Emission], moment: dt.datetime
) -> None:
    place = f"carbon_model_version={model}/usage_period={month_key(month)}"
    path = root / "data" / place / f"{EXPORT}-00001.snappy.parquet"
    write_parquet(path, SCHEMA, [_row(emission, model, moment) for emission in emissions])
    manifest = root / "metadata" / place / f"{EXPORT}-Manifest.json"
    write_json(
        manifest,
        {
            "name": EXPORT,
            "executionId": f"{iso(moment)}-{stable_id(model, month)}",
            "usagePeriod": month_key(month),
            "dataFiles": [f"{BUCKET}/{EXPORT}/{path.relative_to(root).as_posix()}"],
            "columns": [{"name": name, "type": _type_name(name)} for name in SCHEMA.names],
        },
    )
    stamp((path, manifest), moment)


def _type_name(column: str) -> str:
    if column.endswith("_value"):
        return "double"
    return "timestamp" if SCHEMA.field(column).type == _MOMENT else "string"


def _row(emission: Emission, model: str, moment: dt.datetime) -> dict[str, Any]:
    amounts = (
        emission.market,
        emission.location,
        emission.scope1,
        emission.scope2_location,
        emission.scope2_market,
        emission.scope3_location,
        emission.scope3_market,
    )
    row: dict[str, Any] = {}
    for name, amount in zip(_VALUES, amounts, strict=True):
        row[f"{name}_value"] = amount // GRAM / 10**6
        row[f"{name}_unit"] = _UNIT
    bucket = emission.service.bucket
    region = emission.region
    return {
        **row,
        "last_refresh_timestamp": moment,
        "location": region.name if region else "Global",
        "model_version": model,
        "payer_account_id": PAYER,
        "product_code": bucket if bucket in _BUCKETS else "Other",
        "region_code": region.region_id if region else "global",
        "usage_account_id": emission.account.sub_id,
        "usage_period_start": dt.datetime.combine(emission.month, dt.time()),
        "usage_period_end": dt.datetime.combine(next_month(emission.month), dt.time()),
    }
