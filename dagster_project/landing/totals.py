"""Control totals by a reader that shares nothing with the warehouse.

DuckDB decodes and models; `readers.py` reads for this sum. Two readers that agree to the last digit
are the first leg of every tie-out. A double counts as the decimal of its shortest text, as
everywhere else in the project.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from dagster_project.exports.base import ColumnKind, Measure, Schema
from dagster_project.landing.delivery import ControlTotals
from dagster_project.landing.problems import changed_type, not_a_number
from dagster_project.landing.readers import (
    batches,
    columns_of,
    explained,
    is_parquet,
    parquet_schema,
)
from dagster_project.months import Month

SCALE = Decimal("1e-18")
ACCOUNT_SEPARATOR = " / "
"""Between the ids that name an account together: Azure's ids hold slashes themselves."""

# Two amounts of 20 digits overflow 128 bits, and pyarrow wraps around without a word.
_WIDE = pa.decimal256(76, 38)
_LIMIT = Decimal("1e20")
_ABSENT = pa.array(["", "NULL"])
_NUMBER = re.compile(r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,5})?$")


@dataclass
class Tally:
    """Running totals over the parts of one delivery."""

    schema: Schema
    only: Month | None = None
    rows: int = 0
    sums: dict[str, Decimal] = field(default_factory=dict)
    days: set[str] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)

    @property
    def needed(self) -> frozenset[str]:
        """Columns that have to be read for the totals."""
        days = (self.schema.days,) if self.schema.days else ()
        period = (self.schema.period,) if self.only and self.schema.period else ()
        measured = (column for measure in self.schema.measures for column in measure.columns)
        return frozenset((*self.schema.totals, *measured, *days, *period, *self.schema.accounts))

    def add(
        self, batch: pa.RecordBatch, first_row: int, file: str, constants: Mapping[str, str]
    ) -> None:
        """Add one batch of rows; of a shared file, those of one month."""
        if self.only is not None:
            period = _as_text(batch.column(self.schema.period))
            batch = batch.filter(pc.starts_with(period, f"{self.only:%Y-%m}"))
        self.rows += batch.num_rows
        names = set(batch.schema.names)
        for column in self.schema.totals:
            if column in names:
                amount = _sum(batch.column(column), column, first_row, file)
                self.sums[column] = self.sums.get(column, Decimal(0)) + amount
        for measure in self.schema.measures:
            if measure.constants.items() <= constants.items():
                amount = _measured(batch, measure, first_row, file)
                self.sums[measure.name] = self.sums.get(measure.name, Decimal(0)) + amount
        if self.schema.days in names:
            self.days |= {day[:10] for day in _texts(batch.column(self.schema.days)) if day}
        present = [column for column in self.schema.accounts if column in names]
        if present:
            columns = [pc.fill_null(_as_text(batch.column(name)), "") for name in present]
            joined = pc.binary_join_element_wise(*columns, ACCOUNT_SEPARATOR)
            self.accounts |= {name for name in pc.unique(joined).to_pylist() if name.strip(" /")}

    def totals(self) -> ControlTotals:
        """Return what was added up."""
        return ControlTotals(
            rows=self.rows,
            sums={name: format(amount, "f") for name, amount in sorted(self.sums.items())},
            days=tuple(sorted(self.days)),
            accounts=tuple(sorted(self.accounts)),
        )


@dataclass(frozen=True)
class PartShape:
    """Rows and columns of one part, as the independent reader sees them."""

    rows: int
    columns: Mapping[str, str]


def shape_and_add(path: Path, name: str, tally: Tally, constants: Mapping[str, str]) -> PartShape:
    """Read one part completely and add it to the tally.

    Raises:
        CloudtallyError: CT-LAND-TRUNCATED when the bytes end early or aren't the format,
            CT-DECODE-TYPE with file and column, CT-DECODE-NUMBER with file, column and row when an
            amount is no number.
    """
    flatten = tally.schema.flatten
    rows, before = 0, tally.rows
    with explained(name):
        columns = columns_of(path, name, flatten=flatten)
        if columns and is_parquet(name):
            _refuse_types(parquet_schema(path, name, flatten=flatten), tally, name)
        for batch in batches(path, name, tally.needed, flatten=flatten):
            with localcontext() as context:
                context.prec = 80
                tally.add(batch, rows, name, constants)
            rows += batch.num_rows
    return PartShape(tally.rows - before, columns)


def _refuse_types(stored: pa.Schema, tally: Tally, file: str) -> None:
    """Refuse stored types that can't be added up, before a sum of nonsense says something else."""
    for item in stored:
        kind = tally.schema.columns.get(item.name)
        if item.name in tally.needed and kind and not _can_mean(item.type, kind):
            raise changed_type(item.name, str(item.type), kind, file)


def _can_mean(stored: pa.DataType, kind: ColumnKind) -> bool:
    if pa.types.is_dictionary(stored):
        stored = stored.value_type
    is_text = pa.types.is_string(stored) or pa.types.is_large_string(stored)
    if is_text or pa.types.is_null(stored):
        return True
    if kind is ColumnKind.JSON:
        return bool(pa.types.is_nested(stored))
    if kind is ColumnKind.TIMESTAMP:
        return bool(pa.types.is_timestamp(stored) or pa.types.is_date(stored))
    if kind is ColumnKind.DECIMAL and (pa.types.is_floating(stored) or pa.types.is_decimal(stored)):
        return True
    return bool(pa.types.is_integer(stored))


def _as_text(column: pa.Array) -> pa.Array:
    return column if pa.types.is_string(column.type) else pc.cast(column, pa.string())


def _texts(column: pa.Array) -> list[str | None]:
    first_ten = pc.utf8_slice_codeunits(_as_text(column), 0, 10)
    values: list[str | None] = pc.unique(first_ten).to_pylist()
    return values


def _measured(batch: pa.RecordBatch, measure: Measure, first_row: int, file: str) -> Decimal:
    """Add a measure line by line: the first column with a value, and every nested amount."""
    names = set(batch.schema.names)
    present = [_as_amount_text(batch.column(name)) for name in measure.first_of if name in names]
    total = Decimal(0)
    if present:
        total += _sum(pc.coalesce(*present), measure.first_of[0], first_row, file)
    for column, item in measure.nested:
        if column in names:
            amounts = _nested(batch.column(column), item)
            total += _sum(amounts, f"{column}.{item}", first_row, file)
    return total


def _as_amount_text(column: pa.Array) -> pa.Array:
    """Return amounts as text with absent ones null, so that the next column can stand in."""
    text = pc.utf8_trim_whitespace(_as_text(column))
    return pc.if_else(pc.is_in(text, value_set=_ABSENT), pa.scalar(None, pa.string()), text)


def _nested(column: pa.Array, item: str) -> pa.Array:
    """Return one field of all records in lists of records, stored as such or as JSON text."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return pc.struct_field(pc.list_flatten(column), item)
    records = (
        record
        for text in column.to_pylist()
        if text
        for record in json.loads(text, parse_float=str, parse_int=str)
    )
    return pa.array([record.get(item) for record in records], pa.string())


def _sum(column: pa.Array, name: str, first_row: int, file: str) -> Decimal:
    try:
        amounts = pc.cast(pc.utf8_trim_whitespace(_as_text(column)), _WIDE)
    except pa.ArrowException:
        return _sum_slowly(column, name, first_row, file)
    amounts = pc.round(amounts, ndigits=18, round_mode="half_towards_infinity")
    extremes = pc.min_max(amounts).as_py().values()
    if any(value is not None and abs(value) >= _LIMIT for value in extremes):
        return _sum_slowly(column, name, first_row, file)
    return (pc.sum(amounts).as_py() or Decimal(0)).quantize(SCALE)


def _sum_slowly(column: pa.Array, name: str, first_row: int, file: str) -> Decimal:
    """Add values one by one: more than 18 decimals are rounded, no number is an error."""
    total = Decimal(0)
    for offset, text in enumerate(_as_text(column).to_pylist()):
        if text is not None:
            total += _amount(text.strip(), name, first_row + offset + 1, file)
    return total


def _amount(text: str, name: str, row: int, file: str) -> Decimal:
    # Decimal() itself would also take 1_000 and digits of other scripts.
    if _NUMBER.match(text):
        value = Decimal(text)
        rounded = value.quantize(SCALE, rounding=ROUND_HALF_UP) if value.adjusted() < 20 else value
        if not value or abs(rounded) < _LIMIT:
            return rounded
    raise not_a_number(text, name, row, file)
