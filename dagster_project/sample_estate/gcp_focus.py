"""The book as Google Cloud's FOCUS table, written out by an `EXPORT DATA` query as Parquet.

Belongs here: columns, types, run folders and manifests. Periods begin at midnight in California;
the invoice has no number in the lines.
"""

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.months import Month, month_key, next_month
from dagster_project.sample_estate.book import Edition, pacific_hour
from dagster_project.sample_estate.delivery import Estate, delivered_at, delivery_id
from dagster_project.sample_estate.focus_lines import COSTS, FOCUS_1_2, NUMBERS, TIMES, lines
from dagster_project.sample_estate.model import Account, Block
from dagster_project.sample_estate.money import as_text
from dagster_project.sample_estate.writers import iso, stamp, write_json

TABLE = "fernlight-billing.gcp_billing_immutable_01A2B3_C4D5E6_F70819_EU.gcp_billing_export_focus"
_ABSENT = {"CapacityReservationId", "CapacityReservationStatus", "InvoiceId"}
COLUMNS = (*(c for c in FOCUS_1_2 if c not in _ABSENT), "x_ExportTime", "x_Project")


def _type_of(column: str) -> Any:
    if column in NUMBERS:
        return pa.float64()
    is_moment = column in TIMES or column == "x_ExportTime"
    return pa.timestamp("us", tz="UTC") if is_moment else pa.string()


SCHEMA = pa.schema([(column, _type_of(column)) for column in COLUMNS])


def write_run(
    estate: Estate, root: Path, month: Month, edition: Edition, blocks: Iterable[Block]
) -> list[Path]:
    """Write one run of the export query with its manifest; return the data files."""
    run = delivery_id(estate.seed, "gcp-ml", month, edition)
    folder = root / f"month={month_key(month)}" / f"run={run}"
    moment = delivered_at(month, edition)
    rows = _rows(blocks, month, moment)
    half = max(100, -(-len(rows) // 2))
    files = [
        write_parquet(folder / f"part-{number:012d}.parquet", SCHEMA, rows[begin : begin + half])
        for number, begin in enumerate(range(0, len(rows), half))
    ]
    sums = {cost: _total(row[cost] for row in rows) for cost in COSTS}
    manifest = write_manifest(folder, run, TABLE, month, len(rows), sums, files, moment)
    stamp((*files, manifest), moment)
    return files


def _rows(blocks: Iterable[Block], month: Month, moment: dt.datetime) -> list[dict[str, Any]]:
    constants = {
        "BillingPeriodStart": _midnight(month),
        "BillingPeriodEnd": _midnight(next_month(month)),
        "x_ExportTime": moment - dt.timedelta(hours=3),
    }
    return [
        _plain({**line.columns, **constants, "x_Project": _project(line.item.account)})
        for block in blocks
        for line in lines(block)
    ]


def _project(account: Account) -> str:
    return json.dumps({"Id": account.sub_id, "Number": account.number, "Name": account.sub_name})


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, pacific_hour(day))


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in values.items()
    }


def _total(values: Iterable[float]) -> str:
    total = sum((Decimal(repr(value)) for value in values), Decimal(0))
    return as_text(int(total.scaleb(12)), 12)


def write_parquet(path: Path, schema: Any, rows: Sequence[dict[str, Any]]) -> Path:
    """Write rows as one Parquet file and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(list(rows), schema=schema)
    pq.write_table(table, path, compression="snappy", store_schema=False)
    return path


def write_manifest(
    folder: Path,
    run: str,
    table: str,
    month: Month,
    rows: int,
    sums: dict[str, str],
    files: Sequence[Path],
    moment: dt.datetime,
) -> Path:
    """Write the manifest that our export query leaves beside its files; return its path."""
    path = folder / "manifest.json"
    write_json(
        path,
        {
            "run_id": run,
            "table": table,
            "month": month_key(month),
            "rows": rows,
            "sums": sums,
            "files": [file.name for file in files],
            "exported_at": iso(moment),
        },
    )
    return path
