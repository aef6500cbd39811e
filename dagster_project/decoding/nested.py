"""Nested records of a Parquet file as flat columns, by the engine that types them.

A record becomes columns with dotted names, a list the JSON text of its records. Fractions inside
become texts: a reader of JSON takes a number for a double.
"""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.exports.base import ColumnKind, Schema
from dagster_project.sqltext import literal, quoted


def flattened(path: Path, schema: Schema, relation: str) -> str:
    """Return SQL for the rows of a Parquet file without nested columns."""
    columns = [
        f"{_value(item.type, expression, schema.columns.get(name))} as {quoted(name)}"
        for item in pq.read_schema(path)
        for name, expression, item in _leaves(item, item.name, quoted(item.name))
    ]
    return f"(select {', '.join(columns)} from {relation})"


def _leaves(item: pa.Field, name: str, expression: str) -> Iterator[tuple[str, str, pa.Field]]:
    """Yield dotted name, SQL and field of everything in a field that is no record."""
    if not pa.types.is_struct(item.type):
        yield name, expression, item
        return
    for child in item.type:
        inner = f"struct_extract({expression}, {literal(child.name)})"
        yield from _leaves(child, f"{name}.{child.name}", inner)


def _value(stored: pa.DataType, expression: str, kind: ColumnKind | None) -> str:
    if _is_list(stored):
        return f"cast(to_json({_exact(stored, expression)}) as varchar)"
    if kind in (ColumnKind.DECIMAL, ColumnKind.TIMESTAMP) or pa.types.is_null(stored):
        return expression
    return f"cast({expression} as varchar)"


def _exact(stored: pa.DataType, expression: str, depth: int = 0) -> str:
    """Return SQL for a value in which every fraction is its text."""
    if _is_list(stored):
        item = f"item{depth}"
        inner = _exact(stored.value_type, item, depth + 1)
        return f"list_transform({expression}, lambda {item}: {inner})"
    if pa.types.is_struct(stored):
        fields = (
            f"{quoted(child.name)} := "
            + _exact(child.type, f"struct_extract({expression}, {literal(child.name)})", depth)
            for child in stored
        )
        return f"struct_pack({', '.join(fields)})"
    if pa.types.is_floating(stored) or pa.types.is_decimal(stored):
        return f"cast({expression} as varchar)"
    return expression


def _is_list(stored: pa.DataType) -> bool:
    return bool(pa.types.is_list(stored) or pa.types.is_large_list(stored))
