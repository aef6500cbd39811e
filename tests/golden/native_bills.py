"""The native bills that were worked out on paper, as the sources of one company in one month.

Beside each line may stand an odd one: the same at a price that leaves no decimal unused.
"""

import hashlib
import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from dagster_project.exports.base import ColumnKind
from dagster_project.settings import Settings, SourceConfig
from tests import cur_files
from tests.cur_files import Cur2Folder, LegacyFolder, Row, Writer, kind_of
from tests.golden import azure_pairs
from tests.golden.cur_lines import MARCH, lines
from tests.golden.gcp_billing import deliveries

CUR: dict[str, tuple[str, Writer, str]] = {
    "cur2-parquet": ("cur2", cur_files.cur2_parquet, ".snappy.parquet"),
    "cur2-csv": ("cur2", cur_files.cur2_csv, ".csv.gz"),
    "cur-gzip": ("cur", cur_files.legacy_gzip, ".csv.gz"),
    "cur-zip": ("cur", cur_files.legacy_zip, ".csv.zip"),
    "cur-parquet": ("cur", cur_files.legacy_parquet, ".snappy.parquet"),
}
ACCOUNTS = {name: str(number) * 12 for number, name in enumerate(CUR, start=1)}
INVENTORY = Path(__file__).parent / "inventory" / "2026-03.csv"


ODD = Decimal("0.12345678")
"""What odd lines cost beside the lines on paper: with as many decimals as there can be."""

_AZURE_MONEY = re.compile("cost|price|rate$", re.IGNORECASE)
_GCP_ODD = (
    deliveries.line("Z1", 1 / 3, quantity=100 / 7, sku=deliveries.CPU_FEE, project=None,
                    subscription={"instance_id": "sub-odd"}, region="europe-west4"),
    deliveries.line("Z2", 0.1234567890123456,
                    deliveries.credit(deliveries.RESOURCE, -0.0987654321098765),
                    deliveries.credit("PROMOTION", -0.0012345678901234, "Trial"),
                    quantity=7 / 9, cost_at_list=0.2345678901234567, region="europe-west4"),
    deliveries.line("Z3", -0.1111111111111111,
                    deliveries.credit(deliveries.RESOURCE, 0.0123456789012345), quantity=-1 / 3,
                    region="europe-west4"),
)  # fmt: skip
_INVENTORY_ODD = (
    '2026-03-01,odd-01,ödd,server,Example Industries,CC-100,FRA1,ops,"{""b"":1.5,""a"":""ä""}",EUR,'
    "12345.678912345,2025-01-31,37,1.1,,333.333333333,743.999999999,0.187654321,1.5,35.123456789,"
    "0.123456789,3.333333333,62.987654321,32,256,3840.5\n"
)


def write(root: Path) -> tuple[SourceConfig, ...]:
    """Write them all for March, odd lines beside them; return the sources that read them."""
    azure_pairs.write(root / "azure", MARCH, _odd_azure)
    deliveries.write(root / "gcp", (*deliveries.LINES, *_GCP_ODD))
    home = root / "home"
    other: tuple[Settings, ...] = (
        azure_pairs.settings(root / "azure", home),
        deliveries.settings(root / "gcp", home),
    )
    return (
        *write_cur(root / "aws", _odd_cur),
        *(source for settings in other for source in settings.sources),
        write_inventory(root / "inventory", _INVENTORY_ODD),
    )


def write_cur(root: Path, more: Callable[[Row], Row] | None = None) -> tuple[SourceConfig, ...]:
    """Write the same report in every layout and format, each of an account of its own."""
    for name, (export, content, suffix) in CUR.items():
        folder = (
            Cur2Folder(root / name)
            if export == "cur2"
            else LegacyFolder(root / name, keeps_all=name == "cur-zip")
        )
        paper = lines(ACCOUNTS[name])
        odd = [more(line) for line in paper if more]
        folder.deliver(MARCH, content([*paper, *odd]), suffix=suffix)
    return tuple(
        SourceConfig(name=name, provider="aws", export=export, location=(root / name).as_uri())
        for name, (export, _, _) in CUR.items()
    )


def write_inventory(folder: Path, more: str = "") -> SourceConfig:
    """Write the inventory with its manifest."""
    folder.mkdir(parents=True)
    content = INVENTORY.read_bytes() + more.encode()
    (folder / INVENTORY.name).write_bytes(content)
    part = {
        "name": INVENTORY.name,
        "rows": len(content.splitlines()) - 1,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    manifest = {"delivery_id": "march", "month": "2026-03", "files": [part]}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return SourceConfig(
        name="datacentre", provider="onprem", export="inventory", location=folder.as_uri()
    )


def _odd_azure(line: Row) -> Row:
    return {
        name: _odd(cell) if cell and _AZURE_MONEY.search(name) else cell
        for name, cell in line.items()
    }


def _odd_cur(line: Row) -> Row:
    is_amount = {name: kind_of(name) is ColumnKind.DECIMAL for name in line}
    return {
        name: _odd(cell) if cell and is_amount[name] else cell for name, cell in line.items()
    } | {"identity_line_item_id": f"odd-{line['identity_line_item_id']}"}


def _odd(figure: str) -> str:
    return f"{Decimal(figure) * ODD:f}"
