"""Columns of a batch as exact amounts and as days.

Belongs here: what one cell means to the independent reader. What is added up is in `totals.py`.
"""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

import pyarrow as pa
import pyarrow.compute as pc

from dagster_project.landing.problems import not_a_number

SCALE = Decimal("1e-18")

# Two amounts of 20 digits overflow 128 bits, and pyarrow wraps around without a word.
_WIDE = pa.decimal256(76, 38)
_LIMIT = Decimal("1e20")
_ABSENT = pa.array(["", "NULL"])
_NUMBER = re.compile(r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,5})?$")


def as_text(column: pa.Array) -> pa.Array:
    """Return a column as texts."""
    return column if pa.types.is_string(column.type) else pc.cast(column, pa.string())


def day_text(column: pa.Array) -> pa.Array:
    """Return days as ISO texts; a day that is written month first is turned round."""
    text = as_text(column)
    month_first = pc.extract_regex(text, r"^(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})$")
    parts = [pc.struct_field(month_first, name) for name in ("y", "m", "d")]
    padded = [pc.utf8_lpad(part, 2, "0") for part in parts]
    turned = pc.binary_join_element_wise(*padded, "-")
    return pc.coalesce(turned, pc.utf8_slice_codeunits(text, 0, 10))


def first_amount(batch: pa.RecordBatch, columns: Sequence[str]) -> pa.Array:
    """Return, line by line, the amount of the first of the columns that has a value."""
    names = set(batch.schema.names)
    return pc.coalesce(*(_as_amount_text(batch.column(name)) for name in columns if name in names))


def as_numbers(column: pa.Array) -> pa.Array:
    """Return amounts as doubles, good for asking whether one is 0; none where they aren't read."""
    try:
        return pc.cast(_as_amount_text(column), pa.float64())
    except pa.ArrowException:
        return pa.nulls(len(column), pa.float64())


def _as_amount_text(column: pa.Array) -> pa.Array:
    """Return amounts as text with absent ones null, so that the next column can stand in."""
    text = pc.utf8_trim_whitespace(as_text(column))
    return pc.if_else(pc.is_in(text, value_set=_ABSENT), pa.scalar(None, pa.string()), text)


def sum_exactly(column: pa.Array, name: str, first_row: int, file: str) -> Decimal:
    """Return the exact sum of a column, each value rounded to 18 decimals.

    Raises:
        CloudtallyError: CT-DECODE-NUMBER with the row of the first value that is no amount.
    """
    try:
        amounts = pc.cast(pc.utf8_trim_whitespace(as_text(column)), _WIDE)
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
    for offset, text in enumerate(as_text(column).to_pylist()):
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
