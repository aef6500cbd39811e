"""Control totals by a reader that shares nothing with the warehouse.

DuckDB decodes and models; `readers.py` reads for this sum. Two readers that agree to the last digit
are the first leg of every tie-out. A double counts as the decimal of its shortest text, as
everywhere else in the project.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from dagster_project.exports.base import ColumnKind, Measure, Schema
from dagster_project.landing.amounts import as_text, day_text, first_amount, sum_exactly
from dagster_project.landing.delivery import ControlTotals, Delivery
from dagster_project.landing.nets import NetTally
from dagster_project.landing.problems import absent_amount, changed_type, refuse_case_twins
from dagster_project.landing.readers import (
    batches,
    columns_of,
    explained,
    is_parquet,
    parquet_schema,
)
from dagster_project.landing.twins import TwinTally
from dagster_project.months import Month

ACCOUNT_SEPARATOR = " / "
"""Between the ids that name an account together: Azure's ids hold slashes themselves."""


@dataclass
class Tally:
    """Running totals over the parts of one delivery.

    Attributes:
        only: Month whose rows count; all rows when absent.
        among: Accounts whose rows count; all rows when absent.
    """

    schema: Schema
    only: Month | None = None
    among: frozenset[str] | None = None
    rows: int = 0
    sums: dict[str, Decimal] = field(default_factory=dict)
    days: set[str] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)
    twins: TwinTally = field(default_factory=TwinTally)
    nets: NetTally = field(default_factory=NetTally)

    def needed(self, schema: Schema) -> frozenset[str]:
        """Columns that have to be read for the totals, as a file spells them."""
        days = (schema.days,) if schema.days else ()
        period = (schema.period,) if self.only and schema.period else ()
        measured = (column for measure in schema.measures for column in measure.columns)
        twins = schema.twins.columns if schema.twins else ()
        nets = (*schema.nets, *schema.nets.values())
        return frozenset(
            (*schema.totals, *measured, *days, *period, *schema.accounts, *twins, *nets)
        )

    def add(
        self,
        batch: pa.RecordBatch,
        schema: Schema,
        first_row: int,
        file: str,
        constants: Mapping[str, str],
    ) -> None:
        """Add one batch of rows; of a shared file, those of one month."""
        if self.only is not None:
            period = as_text(batch.column(schema.period))
            batch = batch.filter(pc.starts_with(period, f"{self.only:%Y-%m}"))
        if self.among is not None:
            named = _accounts(batch, schema, constants)
            batch = batch.filter(pc.is_in(named, value_set=pa.array(self.among, pa.string())))
        self.rows += batch.num_rows
        names = set(batch.schema.names)
        for total, column in zip(self.schema.totals, schema.totals, strict=True):
            if column in names:
                amount = sum_exactly(batch.column(column), column, first_row, file)
                self.sums[total] = self.sums.get(total, Decimal(0)) + amount
        for measure in schema.measures:
            if measure.constants.items() <= constants.items():
                amount = _measured(batch, measure, first_row, file)
                self.sums[measure.name] = self.sums.get(measure.name, Decimal(0)) + amount
        if schema.days in names:
            self.days |= {day for day in _days(batch.column(schema.days)) if day}
        self.nets.add(batch, schema.nets)
        if schema.twins:
            self.twins.add(batch, schema.twins, first_row, file, constants)
        joined = pc.unique(_accounts(batch, schema, constants)).to_pylist()
        self.accounts |= {name for name in joined if name.strip(" /")}

    def totals(self) -> ControlTotals:
        """Return what was added up."""
        return ControlTotals(
            rows=self.rows,
            sums={name: format(amount, "f") for name, amount in sorted(self.sums.items())},
            days=tuple(sorted(self.days)),
            accounts=tuple(sorted(self.accounts)),
            twins=self.twins.totals(),
            nets=self.nets.totals(),
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
            CT-DECODE-DUPLICATE-COLUMN with the file, CT-DECODE-TYPE with file and column,
            CT-DECODE-NUMBER and CT-DECODE-ABSENT with file, column and row when an amount is no
            number, or none where one must be.
    """
    flatten = tally.schema.flatten
    rows, before = 0, tally.rows
    with explained(name):
        columns = columns_of(path, name, flatten=flatten)
        refuse_case_twins(columns, tally.schema.prefixes, name)
        schema = tally.schema.spelled(columns)
        needed = tally.needed(schema)
        if columns and is_parquet(name):
            _refuse_types(parquet_schema(path, name, flatten=flatten), schema, needed, name)
        for batch in batches(path, name, needed, flatten=flatten):
            with localcontext() as context:
                context.prec = 80
                tally.add(batch, schema, rows, name, constants)
            rows += batch.num_rows
    return PartShape(tally.rows - before, columns)


def billed_by(
    folder: Path, delivery: Delivery, schema: Schema, accounts: frozenset[str]
) -> Decimal | None:
    """Return what some accounts of a landed delivery were billed; None where nothing is billed."""
    tally = Tally(schema, only=delivery.month if delivery.shared else None, among=accounts)
    for part in delivery.parts:
        shape_and_add(folder / part.file, part.name, tally, part.constants)
    return tally.sums.get("BilledCost")


def _refuse_types(stored: pa.Schema, schema: Schema, needed: frozenset[str], file: str) -> None:
    """Refuse stored types that can't be added up, before a sum of nonsense says something else."""
    for item in stored:
        kind = schema.columns.get(item.name)
        if item.name in needed and kind and not _can_mean(item.type, kind):
            raise changed_type(item.name, str(item.type), kind, file)


def _can_mean(stored: pa.DataType, kind: ColumnKind) -> bool:
    if pa.types.is_dictionary(stored):
        stored = stored.value_type
    is_text = pa.types.is_string(stored) or pa.types.is_large_string(stored)
    if is_text or pa.types.is_null(stored):
        return True
    if kind is ColumnKind.JSON:
        return bool(pa.types.is_nested(stored))
    if kind in (ColumnKind.TIMESTAMP, ColumnKind.DAY, ColumnKind.MONTH):
        return bool(pa.types.is_timestamp(stored) or pa.types.is_date(stored))
    if kind is ColumnKind.DECIMAL and (pa.types.is_floating(stored) or pa.types.is_decimal(stored)):
        return True
    return bool(pa.types.is_integer(stored))


def _accounts(batch: pa.RecordBatch, schema: Schema, constants: Mapping[str, str]) -> pa.Array:
    """Return the account of every row; empty texts where neither file nor part names one."""
    names = set(batch.schema.names)
    present = [column for column in schema.accounts if column in names or column in constants]
    if not present:
        return pa.array([""] * batch.num_rows, pa.string())
    columns = [_names(batch, column, constants.get(column, "")) for column in present]
    return pc.binary_join_element_wise(*columns, ACCOUNT_SEPARATOR)


def _names(batch: pa.RecordBatch, column: str, otherwise: str) -> pa.Array:
    """Return a column's texts, and a part's constant where there is none."""
    if column not in batch.schema.names:
        return pa.array([otherwise] * batch.num_rows, pa.string())
    return pc.fill_null(as_text(batch.column(column)), otherwise)


def _days(column: pa.Array) -> list[str | None]:
    first_ten = pc.utf8_slice_codeunits(as_text(column), 0, 10)
    days: list[str | None] = day_text(pc.unique(first_ten)).to_pylist()
    return days


def _measured(batch: pa.RecordBatch, measure: Measure, first_row: int, file: str) -> Decimal:
    """Add a measure line by line: the first column with a value, and every nested amount."""
    names = set(batch.schema.names)
    total = Decimal(0)
    if names & set(measure.first_of):
        total += sum_exactly(
            first_amount(batch, measure.first_of), measure.first_of[0], first_row, file
        )
    for column, item in measure.nested:
        if column in names:
            amounts, rows = _nested(batch.column(column), item)
            name = f"{column}.{item}"
            if amounts.null_count:
                first = amounts.is_null().to_pylist().index(True)
                raise absent_amount(name, first_row + rows[first].as_py() + 1, file)
            total += sum_exactly(amounts, name, first_row, file)
    return total


def _nested(column: pa.Array, item: str) -> tuple[pa.Array, pa.Array]:
    """Return one field of all records in lists of records, and the row that each stands in.

    The lists are stored as such or as JSON text; a record without the field has it as null.
    """
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        records = pc.list_flatten(column)
        known = pa.types.is_struct(records.type) and records.type.get_field_index(item) >= 0
        values = pc.struct_field(records, item) if known else pa.nulls(len(records), pa.string())
        return values, pc.list_parent_indices(column)
    found = [
        (record.get(item) if isinstance(record, dict) else None, row)
        for row, text in enumerate(column.to_pylist())
        for record in (json.loads(text, parse_float=str, parse_int=str) if text else None) or ()
    ]
    values = pa.array([None if value is None else str(value) for value, _ in found], pa.string())
    return values, pa.array([row for _, row in found], pa.int64())
