"""Content hashes: equal contents give equal hashes, whatever the order of rows and files.

Row count, and the order-free sum of row hashes over all columns but delivery ids and moments of
arrival, so that an identical re-delivery is no change and two homes that were given the same
deliveries agree. The hash is the engine's: it is labelled with its version.

A table of history tells how a home came to its contents, in which order and when. Two homes that
agree on all contents may have come there by different ways, so such a table has no hash.
"""

from collections.abc import Iterable, Mapping

import duckdb

from dagster_project.months import Month

HISTORY_TABLES = ("fct_restatement", "mart_spend_booked", "mart_carbon_restatement")
LINEAGE = ("x_DeliveryId", "x_CarbonDeliveryId", "delivery_id", "arrived_at", "data_as_of")


def content_hashes(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    months: Iterable[Month],
    known: Mapping[Month, str],
) -> dict[Month, str]:
    """Return the hash of every month of a table; months that are known aren't read again."""
    return {
        month: known.get(month)
        or _hash(connection, table, f"x_BillingMonth = date '{month.isoformat()}'")
        for month in months
    }


def table_hash(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """Return the hash of a whole table."""
    return _hash(connection, table, "true")


def _hash(connection: duckdb.DuckDBPyConnection, table: str, condition: str) -> str:
    names = [row[0] for row in connection.execute(f"describe {table}").fetchall()]
    columns = ", ".join(f'"{name}"' for name in names if name not in LINEAGE)
    rows, total = connection.execute(
        f"select count(*), coalesce(sum(cast(hash(row({columns})) as hugeint)), 0)"
        f" from {table} where {condition}"
    ).fetchone() or (0, 0)
    return f"{rows}:{total:x}"
