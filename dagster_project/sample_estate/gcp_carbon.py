"""Emissions as Google's Carbon Footprint table states them: kg by project, service and place.

Belongs here: the nested columns in three file formats (Parquet, Avro, JSON lines), as an
`EXPORT DATA` query may write them; model version steps between months.
"""

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa

from dagster_project.months import Month, month_key, next_month
from dagster_project.sample_estate.company_gcp import BILLING_ACCOUNT
from dagster_project.sample_estate.emissions import Emission
from dagster_project.sample_estate.gcp_focus import write_manifest, write_parquet
from dagster_project.sample_estate.model import Item
from dagster_project.sample_estate.money import as_decimal, as_text
from dagster_project.sample_estate.writers import open_gzip_text, stable_id, stamp

TABLE = "fernlight-billing.carbon.carbon_footprint"
RESOLUTION = 100
_REAL = pa.float64()
_TEXT = pa.string()
_BY_METHOD = pa.struct([("location_based", _REAL), ("market_based", _REAL)])
_TOTAL = pa.struct([("location_based", _REAL), ("market_based", _REAL), ("after_offsets", _REAL)])
SCHEMA = pa.schema(
    [
        ("usage_month", pa.date32()),
        ("billing_account_id", _TEXT),
        ("project", pa.struct([("number", _TEXT), ("id", _TEXT)])),
        ("service", pa.struct([("id", _TEXT), ("description", _TEXT)])),
        ("location", pa.struct([("location", _TEXT), ("region", _TEXT)])),
        ("carbon_model_version", pa.int64()),
        (
            "carbon_footprint_kgCO2e",
            pa.struct([("scope1", _REAL), ("scope2", _BY_METHOD), ("scope3", _REAL)]),
        ),
        ("carbon_footprint_total_kgCO2e", _TOTAL),
        ("carbon_offsets_kgCO2e", _REAL),
    ]
)
FORMATS = ("parquet", "json", "avro")


def grain(item: Item) -> tuple[str, ...]:
    """Return project, service and zone or region."""
    region = item.region.region_id if item.region else "global"
    return (item.account.sub_id, item.service.code, item.zone or region)


def write_run(
    root: Path,
    month: Month,
    emissions: Sequence[Emission],
    *,
    file_format: str,
    model: int,
    backfill: bool = True,
) -> int:
    """Write one run for a usage month; return its rows.

    Args:
        root: Folder of the export.
        month: Usage month.
        emissions: One row each; the last one's project was deleted, so that its id is missing.
        file_format: `parquet`, `json` (lines, packed) or `avro`.
        model: Google's model version.
        backfill: The current run; False is an earlier one with a defect.
    """
    run = stable_id("gcp-carbon", month, backfill)
    folder = root / f"month={month_key(month)}" / f"run={run}"
    folder.mkdir(parents=True, exist_ok=True)
    last = len(emissions) - 1
    rows = [_row(emission, model, row == last) for row, emission in enumerate(emissions)]
    file = _WRITERS[file_format](folder, rows)
    after = next_month(month)
    moment = dt.datetime(after.year, after.month, 15 if not backfill else 17, 9, 20, 5)
    sums = {
        "carbon_footprint_total_kgCO2e.location_based": _sum([e.location for e in emissions]),
        "carbon_footprint_total_kgCO2e.market_based": _sum([e.market for e in emissions]),
    }
    manifest = write_manifest(folder, run, TABLE, month, len(rows), sums, [file], moment)
    stamp((file, manifest), moment)
    return len(rows)


def _sum(values: Sequence[int]) -> str:
    return as_text(sum(values), 9)


def _row(emission: Emission, model: int, deleted: bool) -> dict[str, Any]:
    account = emission.account
    region = emission.region.region_id if emission.region else "global"
    return {
        "usage_month": emission.month,
        "billing_account_id": BILLING_ACCOUNT,
        "project": {"number": account.number, "id": None if deleted else account.sub_id},
        "service": {"id": emission.service.code, "description": emission.service.name},
        "location": {"location": emission.zone or region, "region": region},
        "carbon_model_version": model,
        "carbon_footprint_kgCO2e": {
            "scope1": _kg(emission.scope1),
            "scope2": {
                "location_based": _kg(emission.scope2_location),
                "market_based": _kg(emission.scope2_market),
            },
            "scope3": _kg(emission.scope3_location),
        },
        "carbon_footprint_total_kgCO2e": {
            "location_based": _kg(emission.location),
            "market_based": _kg(emission.market),
            "after_offsets": None,
        },
        "carbon_offsets_kgCO2e": None,
    }


def _kg(amount: int) -> float:
    return float(as_decimal(amount, 9))


def _parquet(folder: Path, rows: Sequence[dict[str, Any]]) -> Path:
    return write_parquet(folder / "part-000000000000.parquet", SCHEMA, rows)


def _json_lines(folder: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path = folder / "part-000000000000.json.gz"
    with open_gzip_text(path) as text:
        for row in rows:
            plain = {**row, "usage_month": row["usage_month"].isoformat()}
            plain["carbon_model_version"] = str(row["carbon_model_version"])
            text.write(json.dumps(_without_nulls(plain)) + "\n")
    return path


def _without_nulls(values: dict[str, Any]) -> dict[str, Any]:
    """BigQuery leaves null fields out of JSON and writes 64-bit integers as text."""
    return {
        name: _without_nulls(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if value is not None
    }


def _avro(folder: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path = folder / "part-000000000000.avro"
    with path.open("wb") as file:
        fastavro.writer(file, _AVRO_SCHEMA, rows, codec="deflate", sync_marker=b"fernlight-carbon")
    return path


def _optional(kind: Any) -> list[Any]:
    return ["null", kind]


def _record(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": key, "type": _optional(kind)} for key, kind in fields.items()],
    }


_AVRO_METHODS = {"location_based": "double", "market_based": "double"}
_AVRO_SCHEMA = fastavro.parse_schema(
    _record(
        "Root",
        {
            "usage_month": {"type": "int", "logicalType": "date"},
            "billing_account_id": "string",
            "project": _record("Project", {"number": "string", "id": "string"}),
            "service": _record("Service", {"id": "string", "description": "string"}),
            "location": _record("Location", {"location": "string", "region": "string"}),
            "carbon_model_version": "long",
            "carbon_footprint_kgCO2e": _record(
                "Footprint",
                {
                    "scope1": "double",
                    "scope2": _record("Scope2", _AVRO_METHODS),
                    "scope3": "double",
                },
            ),
            "carbon_footprint_total_kgCO2e": _record(
                "Total", {**_AVRO_METHODS, "after_offsets": "double"}
            ),
            "carbon_offsets_kgCO2e": "double",
        },
    )
)
_WRITERS = {"parquet": _parquet, "json": _json_lines, "avro": _avro}
