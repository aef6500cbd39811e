"""The book as plain FOCUS files of those who have no export service: data centre, SaaS vendor.

Belongs here: two folder layouts and their CSV dialects.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from dagster_project.months import Month, month_key
from dagster_project.sample_estate.book import FINAL
from dagster_project.sample_estate.delivery import Estate, delivered_at, delivery_id
from dagster_project.sample_estate.focus_lines import FOCUS_1_2, lines, text
from dagster_project.sample_estate.model import Block
from dagster_project.sample_estate.writers import sha256, stamp, write_csv, write_json

_NOT_IN_HOUSE = ("CapacityReservation", "CommitmentDiscount", "Invoice")
ONPREM_COLUMNS = tuple(
    column
    for column in FOCUS_1_2
    if not column.startswith(_NOT_IN_HOUSE) or column == "InvoiceIssuerName"
)
SNOWPEAK_COLUMNS = FOCUS_1_2


def write_onprem(estate: Estate, root: Path, month: Month, blocks: Iterable[Block]) -> list[Path]:
    """Write `YYYY-MM/charges.csv` with a manifest; return the data file."""
    folder = root / month_key(month)
    path = folder / "charges.csv"
    count = write_csv(path, ONPREM_COLUMNS, _rows(blocks, ONPREM_COLUMNS))
    write_manifest(
        path, delivery_id(estate.seed, "onprem", month, FINAL), month, count,
        delivered_at(month, FINAL),
    )  # fmt: skip
    return [path]


def write_manifest(path: Path, identity: str, month: Month, rows: int, moment: dt.datetime) -> None:
    """Write the manifest of a plain folder beside the one file that makes a delivery."""
    manifest = path.with_name("manifest.json")
    files = [{"name": path.name, "rows": rows, "sha256": sha256(path)}]
    write_json(manifest, {"delivery_id": identity, "month": month_key(month), "files": files})
    stamp((path, manifest), moment)


def write_snowpeak(root: Path, month: Month, blocks: Iterable[Block]) -> list[Path]:
    """Write `BILLING_PERIOD=YYYY-MM/snowpeak-focus.csv.gz`, without a manifest; return it."""
    path = root / f"BILLING_PERIOD={month_key(month)}" / "snowpeak-focus.csv.gz"
    write_csv(path, SNOWPEAK_COLUMNS, _rows(blocks, SNOWPEAK_COLUMNS))
    stamp((path,), delivered_at(month, FINAL))
    return [path]


def _rows(blocks: Iterable[Block], columns: Sequence[str]) -> Iterator[list[str]]:
    for block in blocks:
        for line in lines(block):
            yield [text(line.columns[column]) for column in columns]
