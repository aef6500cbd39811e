"""Writes the report that needs nothing but a browser: one HTML file beside the published marts.

Belongs here: where the page goes and that it appears whole. What it shows and how is in
`report_assets/`.
"""

import os
from pathlib import Path

from dagster_project.publish.report_assets.data import read_report_data
from dagster_project.publish.report_assets.page import render_page

PAGE_NAME = "index.html"


def write_report(database: Path, out_dir: Path) -> Path:
    """Write the report of a published DuckDB file and return the page's path.

    The database is opened read-only. The page is self-contained (no network) and replaced in one
    step; the same data gives the same bytes.

    Args:
        database: The published DuckDB file with the marts (`published/cloudtally.duckdb`).
        out_dir: Folder for `index.html`; made when absent.

    Raises:
        CloudtallyError: CT-REPORT-DATABASE when the database can't be opened or lacks a mart.
    """
    page = render_page(read_report_data(database))
    out_dir.mkdir(parents=True, exist_ok=True)
    target = out_dir / PAGE_NAME
    unfinished = out_dir / f".{PAGE_NAME}.{os.getpid()}.tmp"
    try:
        unfinished.write_text(page, encoding="utf-8", newline="\n")
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return target
