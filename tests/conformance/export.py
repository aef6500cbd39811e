"""Charges of a warehouse as the official validator reads them best: one Parquet file.

Identifiers stay texts, since it takes digits in a CSV for numbers, and moments carry UTC.
"""

from collections.abc import Collection
from pathlib import Path

import duckdb

from dagster_project.exports.base import focus_columns
from dagster_project.sqltext import literal, quoted


def export_focus(database: Path, version: str, target: Path, without: Collection[str] = ()) -> int:
    """Write the columns of a FOCUS version; return the number of charges.

    Args:
        database: A warehouse, or a published one.
        version: FOCUS version, such as 1.2.
        target: File to write.
        without: Sources that are left out.
    """
    level = f"v{version.replace('.', '_')}"
    columns = [
        f"timezone('UTC', {quoted(row['column_name'])}) as {quoted(row['column_name'])}"
        if row["kind"] == "timestamp"
        else quoted(row["column_name"])
        for row in focus_columns()
        if row[level]
    ]
    kept = " and ".join(["x_RecordKind = 'Charge'", *(f"x_SourceName <> {literal(name)}"
                                                     for name in without)])  # fmt: skip
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        (count,) = connection.execute(
            f"copy (select {', '.join(columns)} from fct_cost_and_carbon where {kept})"
            f" to {literal(str(target))} (format parquet)"
        ).fetchone() or (0,)
    return int(count)
