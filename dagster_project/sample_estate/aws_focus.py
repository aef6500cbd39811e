"""The book as AWS Data Exports write it: FOCUS 1.2 in Parquet, FOCUS 1.0 in packed CSV.

Belongs here: AWS columns, types, folders and manifests. The Parquet path handles millions of
lines: text is repeated as dictionary codes, amounts are computed in arrays.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.months import Month, month_key, next_month
from dagster_project.sample_estate.book import Edition
from dagster_project.sample_estate.delivery import Estate, delivered_at, delivery_id
from dagster_project.sample_estate.focus_lines import (
    FOCUS_1_0,
    FOCUS_1_2,
    NUMBERS,
    TIMES,
    Line,
    dimensions,
    has_consumption,
    is_counted,
    lines,
    text,
    unit_prices,
)
from dagster_project.sample_estate.model import Block, Item, milliseconds
from dagster_project.sample_estate.money import NANO, Ints, to_doubles
from dagster_project.sample_estate.writers import stamp, write_csv, write_json

BUCKET = "s3://fernlight-billing/exports"
EXPORT_1_2 = "fernlight-focus"
EXPORT_1_0 = "labs-focus"
_MAPS = ("SkuPriceDetails", "Tags")
_TEXT_MAP = pa.map_(pa.string(), pa.string())
_NUMBER_MAP = pa.map_(pa.string(), pa.float64())
EXTRA_1_2 = ("x_Discounts", "x_Operation", "x_ServiceCode")
EXTRA_1_0 = ("x_CostCategories", "x_Discounts", "x_Operation", "x_ServiceCode", "x_UsageType")
MAX_PART_ROWS = 1_000_000


def _type_of(column: str) -> Any:
    if column in NUMBERS:
        return pa.float64()
    if column in TIMES:
        return pa.timestamp("ms")
    if column in _MAPS:
        return _TEXT_MAP
    return _NUMBER_MAP if column == "x_Discounts" else pa.string()


SCHEMA_1_2 = pa.schema([(column, _type_of(column)) for column in (*FOCUS_1_2, *EXTRA_1_2)])


def table_1_2(block: Block) -> Any:
    """Return a block as an Arrow table of FOCUS_1_2_AWS; text is dictionary encoded.

    Lines are ordered by charge period, then resource: neighbours differ, as in a real export.
    """
    across = len(block.starts)
    codes = pa.array(np.tile(np.arange(len(block.items), dtype=np.int32), across))
    columns = {
        **_texts(block, codes),
        **_maps(block, codes),
        **_amounts(block),
        **_prices(block, codes),
        **_times(block),
    }
    names = (*FOCUS_1_2, *EXTRA_1_2)
    return pa.table([columns[name] for name in names], names=names)


def _texts(block: Block, codes: Any) -> dict[str, Any]:
    rows = [
        {
            **dimensions(item, block),
            "x_Operation": item.operation or None,
            "x_ServiceCode": item.service.code,
        }
        for item in block.items
    ]
    names = [name for name in rows[0] if name in {*FOCUS_1_2, *EXTRA_1_2}]
    return {name: repeat_text([row[name] for row in rows], codes) for name in names}


def repeat_text(values: Sequence[str | None], codes: Any) -> Any:
    """Return one text per item, repeated for its lines, as codes into the distinct texts."""
    encoded = pa.array(values, pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices.take(codes), encoded.dictionary)


def _maps(block: Block, codes: Any) -> dict[str, Any]:
    tags = [list(item.tags) or None for item in block.items]
    details = [list(item.details) or None for item in block.items]
    discounts = [[("DISCOUNT", 0.96)] if _is_discounted(item) else None for item in block.items]
    return {
        "Tags": pa.array(tags, _TEXT_MAP).take(codes),
        "SkuPriceDetails": pa.array(details, _TEXT_MAP).take(codes),
        "x_Discounts": pa.array(discounts, _NUMBER_MAP).take(codes),
    }


def _is_discounted(item: Item) -> bool:
    return item.prices.contracted < item.prices.list_price


def _amounts(block: Block) -> dict[str, Any]:
    effective = _doubles(block.effective_cost)
    quantity = np.asarray(block.quantity / 1000.0)
    used = np.array([not has_consumption(item) for item in block.items])
    counted = np.array([not is_counted(item) for item in block.items])
    return {
        "BilledCost": _doubles(block.billed_cost),
        "ContractedCost": _doubles(block.contracted_cost),
        "EffectiveCost": effective,
        "ListCost": _doubles(block.list_cost),
        "PricingCurrencyEffectiveCost": effective,
        "ConsumedQuantity": _masked(quantity, used),
        "PricingQuantity": _masked(quantity, counted),
        "CommitmentDiscountQuantity": _committed(block),
    }


def _doubles(amounts: Ints) -> Any:
    return pa.array(to_doubles(amounts).T.ravel())


def _masked(values: Any, absent: Any) -> Any:
    mask = np.broadcast_to(absent[:, None], values.shape)
    return pa.array(values.T.ravel(), pa.float64(), mask=mask.T.ravel())


def _committed(block: Block) -> Any:
    """A savings plan is a promise to spend: its quantity is money. A reservation counts hours."""
    purchase = np.array([item.category == "Purchase" for item in block.items])
    amounts = to_doubles(np.where(purchase[:, None], block.billed_cost, block.effective_cost))
    counted = [i.commitment is not None and i.commitment.category == "Usage" for i in block.items]
    quantity = np.where(np.array(counted)[:, None], block.quantity / 1000.0, amounts)
    return _masked(quantity, np.array([i.commitment is None for i in block.items]))


def _prices(block: Block, codes: Any) -> dict[str, Any]:
    rows = [unit_prices(item) for item in block.items]
    result: dict[str, Any] = {}
    for name in rows[0]:
        values = [None if row[name] is None else (row[name] or 0) / NANO for row in rows]
        result[name] = pa.array(values, pa.float64()).take(codes)
    return result


def _times(block: Block) -> dict[str, Any]:
    height = len(block.items)
    rows = block.rows
    begin, end = milliseconds(block.month), milliseconds(next_month(block.month))
    return {
        "BillingPeriodStart": moments(np.full(rows, begin, dtype=np.int64)),
        "BillingPeriodEnd": moments(np.full(rows, end, dtype=np.int64)),
        "ChargePeriodStart": moments(np.repeat(block.starts, height)),
        "ChargePeriodEnd": moments(np.repeat(block.ends, height)),
    }


def moments(values: Ints) -> Any:
    """Return milliseconds since 1970 as an Arrow array of moments."""
    return pa.array(values, pa.int64()).cast(pa.timestamp("ms"))


@dataclass
class ParquetParts:
    """Numbered Parquet files of one delivery; use as a context manager.

    Attributes:
        folder: Where the parts go.
        part_rows: Rows after which the next part begins.
        export: Name of the export, with which file names begin.
        files: Parts written so far.
    """

    folder: Path
    part_rows: int
    export: str = EXPORT_1_2
    files: list[Path] = field(default_factory=list)
    _writer: Any = None
    _rows: int = 0

    def __enter__(self) -> "ParquetParts":
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def write(self, table: Any) -> None:
        """Append a table, in a new part when the present one is full."""
        if self._writer is None:
            name = f"{self.export}-{len(self.files) + 1:05d}.snappy.parquet"
            self.files.append(self.folder / name)
            self._writer = pq.ParquetWriter(
                self.files[-1],
                table.schema,
                compression="snappy",
                store_schema=False,
                coerce_timestamps="ms",
            )
        self._writer.write_table(table)
        self._rows += table.num_rows
        if self._rows >= self.part_rows:
            self._close()

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer, self._rows = None, 0


def write_1_2(
    estate: Estate, root: Path, month: Month, edition: Edition, blocks: Iterable[Block], rows: int
) -> list[Path]:
    """Write one delivery of FOCUS_1_2_AWS, every delivery beside the others; return its files.

    Args:
        estate: The estate.
        root: Folder of the export.
        month: Billing month.
        edition: Which delivery of the month.
        blocks: Charge lines, consumed once.
        rows: About how many lines there will be; decides the size of the parts.
    """
    execution = execution_id(estate, "aws-main", month, edition)
    place = f"BILLING_PERIOD={month_key(month)}/{execution}"
    with ParquetParts(root / "data" / place, min(MAX_PART_ROWS, max(300, rows // 2))) as parts:
        for block in blocks:
            parts.write(table_1_2(block))
    columns = [(column, _type_name(column)) for column in SCHEMA_1_2.names]
    manifest = root / "metadata" / place / f"{EXPORT_1_2}-Manifest.json"
    write_manifest(manifest, EXPORT_1_2, execution, month, root, parts.files, columns)
    stamp((*parts.files, manifest), delivered_at(month, edition))
    return parts.files


def write_1_0(
    estate: Estate, root: Path, month: Month, edition: Edition, blocks: Iterable[Block]
) -> list[Path]:
    """Write one delivery of FOCUS_1_0_AWS, replacing the one before; return its files."""
    columns = (*FOCUS_1_0, *EXTRA_1_0)
    place = f"BILLING_PERIOD={month_key(month)}"
    path = root / "data" / place / f"{EXPORT_1_0}-00001.csv.gz"
    write_csv(path, columns, _rows_1_0(blocks, columns))
    execution = execution_id(estate, "aws-sandbox", month, edition)
    manifest = root / "metadata" / place / f"{EXPORT_1_0}-Manifest.json"
    names = [(column, _type_name(column)) for column in columns]
    write_manifest(manifest, EXPORT_1_0, execution, month, root, [path], names)
    stamp((path, manifest), delivered_at(month, edition))
    return [path]


def _rows_1_0(blocks: Iterable[Block], columns: Sequence[str]) -> Iterator[list[str]]:
    for block in blocks:
        for line in lines(block):
            values = {**line.columns, **_extras_1_0(line)}
            yield [text(values[column]) for column in columns]


def _extras_1_0(line: Line) -> dict[str, str | None]:
    discounts = {"DISCOUNT": 0.96} if _is_discounted(line.item) else {}
    return {
        "x_CostCategories": json.dumps({"Budget": "labs"}),
        "x_Discounts": json.dumps(discounts),
        "x_Operation": line.item.operation or None,
        "x_ServiceCode": line.item.service.code,
        "x_UsageType": line.item.meter or None,
    }


def execution_id(estate: Estate, source: str, month: Month, edition: Edition) -> str:
    """Return the id that AWS gives a delivery: its moment, then a UUID."""
    moment = f"{delivered_at(month, edition):%Y-%m-%dT%H:%M:%S.000Z}"
    return f"{moment}-{delivery_id(estate.seed, source, month, edition)}"


def _type_name(column: str) -> str:
    if column in NUMBERS:
        return "double"
    if column in TIMES:
        return "timestamp"
    if column in {*_MAPS, "x_CostCategories"}:
        return "map<string,string>"
    return "map<string,double>" if column == "x_Discounts" else "string"


def write_manifest(
    path: Path,
    export: str,
    execution: str,
    month: Month,
    root: Path,
    files: Sequence[Path],
    columns: Sequence[tuple[str, str]],
) -> None:
    """Write the manifest of a Data Export; it names files as they lie in the bucket."""
    write_json(
        path,
        {
            "name": export,
            "executionId": execution,
            "billingPeriod": month_key(month),
            "dataFiles": [
                f"{BUCKET}/{export}/{file.relative_to(root).as_posix()}" for file in files
            ],
            "columns": [{"name": name, "type": kind} for name, kind in columns],
        },
    )
