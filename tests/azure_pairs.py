"""Pairs of Azure cost details as Cost Management writes them: runs with a manifest."""

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

TYPES = {"actual": "ActualCost", "amortized": "AmortizedCost"}
Line = Mapping[str, Any]


def csv_bytes(lines: Sequence[Line], columns: Sequence[str] | None = None) -> bytes:
    """Return lines as CSV with the byte order mark that Azure puts first."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns or lines[0]), restval="")
    writer.writeheader()
    writer.writerows(lines)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def parquet_bytes(lines: Sequence[Line], types: Mapping[str, pa.DataType]) -> bytes:
    """Return lines as Parquet; what has no type of its own is text."""
    columns = {
        name: pa.array([line[name] or None for line in lines], types.get(name, pa.string()))
        for name in lines[0]
    }
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def write_run(
    root: Path,
    dataset: str,
    content: bytes,
    rows: int,
    *,
    days: tuple[str, str] = ("2026-01-01", "2026-01-31"),
    run: str = "run-1",
    submitted: str = "2026-02-02T03:00:00Z",
    suffix: str = ".csv",
    kind: str = "",
    export: str = "",
) -> Path:
    """Write one run of one of the two exports and return its folder."""
    packed = gzip.compress(content, mtime=0) if suffix.endswith(".gz") else content
    period = "-".join(day.replace("-", "") for day in days)
    export = export or f"{dataset}-cost"
    folder = root / export / period / run
    folder.mkdir(parents=True, exist_ok=True)
    name = f"part_0_0001{suffix}"
    (folder / name).write_bytes(packed)
    blob = {
        "blobName": f"costs/{export}/{period}/{run}/{name}",
        "byteCount": len(packed),
        "dataRowCount": rows,
    }
    manifest = {
        "blobCount": 1,
        "dataRowCount": rows,
        "exportConfig": {
            "exportName": export,
            "type": kind or TYPES[dataset],
            "dataVersion": "2023-05-01",
        },
        "runInfo": {
            "runId": f"{dataset}-{run}",
            "submittedTime": submitted,
            "startDate": f"{days[0]}T00:00:00",
            "endDate": f"{days[1]}T00:00:00",
        },
        "blobs": [blob],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder
