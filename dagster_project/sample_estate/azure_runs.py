"""Runs of Azure Cost Management exports: part files and the manifest that names them.

Belongs here: what every type of export has alike. Columns are the business of each.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.months import Month, next_month
from dagster_project.sample_estate.book import Edition
from dagster_project.sample_estate.delivery import delivered_at
from dagster_project.sample_estate.writers import iso, stamp, write_csv, write_json

ENROLLMENT = "86115370"
_SCOPE = f"/providers/Microsoft.Billing/billingAccounts/{ENROLLMENT}"


@dataclass(frozen=True)
class RunningExport:
    """A configured export.

    Attributes:
        kind: Type of data, as the manifest states it.
        folder: Root folder in the container.
    """

    name: str
    kind: str
    folder: str
    data_version: str
    api_version: str


def write_run(
    export: RunningExport,
    root: Path,
    folder: Path,
    month: Month,
    edition: Edition,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
) -> list[Path]:
    """Write one run, in two parts unless it is small; return the data files.

    Args:
        export: The export that ran.
        root: The container's folder of exports.
        folder: The run's own folder, named by its id.
        month: Billing month.
        edition: Which delivery of the month.
        columns: Header of every part.
        rows: All lines.
    """
    size = max(100, -(-len(rows) // 2))
    parts: list[tuple[Path, int]] = []
    for number, begin in enumerate(range(0, len(rows), size)):
        path = folder / f"part_{number}_0001.csv.gz"
        parts.append((path, write_csv(path, columns, rows[begin : begin + size])))
    manifest = folder / "manifest.json"
    write_json(manifest, _manifest(export, root, folder.name, month, edition, parts))
    files = [path for path, _count in parts]
    stamp((*files, manifest), delivered_at(month, edition))
    return files


def _manifest(
    export: RunningExport,
    root: Path,
    run: str,
    month: Month,
    edition: Edition,
    parts: Sequence[tuple[Path, int]],
) -> dict[str, Any]:
    last = next_month(month) - dt.timedelta(days=1)
    blobs = [
        {
            "blobName": f"{export.folder}/{path.relative_to(root).as_posix()}",
            "byteCount": path.stat().st_size,
            "dataRowCount": count,
        }
        for path, count in parts
    ]
    return {
        "manifestVersion": "2024-04-01",
        "byteCount": sum(path.stat().st_size for path, _count in parts),
        "blobCount": len(blobs),
        "dataRowCount": sum(count for _path, count in parts),
        "exportConfig": {
            "exportName": export.name,
            "resourceId": f"{_SCOPE}/providers/Microsoft.CostManagement/exports/{export.name}",
            "dataVersion": export.data_version,
            "apiVersion": export.api_version,
            "type": export.kind,
            "timeFrame": "Custom" if edition.final else "MonthToDate",
            "granularity": "Daily",
        },
        "deliveryConfig": {
            "partitionData": True,
            "dataOverwriteBehavior": "CreateNewReport",
            "fileFormat": "Csv",
            "compressionMode": "gzip",
            "containerUri": "costs",
            "rootFolderPath": export.folder,
        },
        "runInfo": {
            "executionType": "Scheduled",
            "submittedTime": iso(delivered_at(month, edition)),
            "runId": run,
            "startDate": iso(dt.datetime.combine(month, dt.time())),
            "endDate": iso(dt.datetime.combine(last, dt.time())),
        },
        "blobs": blobs,
    }
