"""Digest and sums of a period, which any engine can work out again from the Parquet files.

The text of a row is `name=value|` for each column that isn't NULL, by name in the order of
Unicode: decimals without zeros at the end, timestamps as `2026-03-01T00:00:00.000000`, days as
`2026-03-01`, booleans as `true` and `false`; `%` and `|` inside a value as `%25` and `%7C`. The
digest of a period is its number of rows, and the sums of the first and of the second 64 bits of
each row's SHA-256, in hexadecimal. So neither the order of rows and files nor a new column without
values moves it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.history.columns import (
    COSTS,
    KILOGRAMS,
    SCOPES,
    columns_of,
    counted_rows,
    month_column,
)
from dagster_project.ledger.store import Clock
from dagster_project.months import Month
from dagster_project.sqltext import literal, quoted

_EXACT = Context(prec=100)
DIGEST_ALGORITHM = "rows and sums of sha256, version 1"


@dataclass(frozen=True)
class Contents:
    """What a period of one provider holds.

    Attributes:
        sums: Totals as text: of cost columns by currency, or of kg columns under `kg`.
        versions: Versions of the provider's carbon model.
        factor_sets: Sets of factors that its estimates were made with.
    """

    digest: str
    rows: int
    sums: dict[str, dict[str, str | None]]
    versions: tuple[str, ...] = ()
    factor_sets: tuple[str, ...] = ()


def period_contents(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], clock: Clock, month: Month
) -> dict[str, Contents]:
    """Return the contents of a period by provider, from files of the fact's months."""
    if not files:
        return {}
    source = f"read_parquet([{', '.join(map(literal, files))}], hive_partitioning = false,"
    source += " union_by_name = true)"
    types = {
        name: kind
        for name, kind, *_ in connection.execute(f"describe select * from {source}").fetchall()
    }
    rows = (
        f"(select * from {source} where {counted_rows(clock)}"
        f" and {month_column(clock)} = date {literal(month)})"
    )
    sums = _cost_sums(connection, rows) if clock is Clock.COST else _kg_sums(connection, rows)
    found = connection.execute(_digest_query(types, rows, clock)).fetchall()
    is_carbon = clock is Clock.CARBON
    versions = _distinct(connection, rows, "x_CarbonModelVersion") if is_carbon else {}
    factor_sets = _distinct(connection, rows, "x_FactorSetId") if is_carbon else {}
    return {
        provider: Contents(
            f"{count}:{_hex(first)}:{_hex(second)}",
            count,
            sums[provider],
            versions.get(provider, ()),
            factor_sets.get(provider, ()),
        )
        for provider, count, first, second in found
    }


def add_digests(digests: Sequence[str]) -> str:
    """Return the digest of all rows together."""
    parts = [digest.split(":") for digest in digests]
    rows, first, second = (
        sum(int(part[place], base) for part in parts) for place, base in ((0, 10), (1, 16), (2, 16))
    )
    return f"{rows}:{_hex(first)}:{_hex(second)}"


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """Add amounts of 38 digits without rounding: Python's own sum keeps 28."""
    total = Decimal(0)
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total


def plain(amount: Any) -> str | None:
    """Return an exact amount as text without zeros at the end; NULL stays NULL."""
    if amount is None:
        return None
    text = format(amount, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def _digest_query(types: dict[str, str], rows: str, clock: Clock) -> str:
    names = sorted({"x_ChargeKey", *columns_of(clock, types)})
    pieces = ", ".join(_piece(name, types[name]) for name in names)
    return f"""
        with hashed as (
            select x_Provider as provider, sha256(concat({pieces})) as row_hash from {rows}
        )
        select
            provider,
            count(*),
            sum(cast(cast('0x' || substr(row_hash, 1, 16) as ubigint) as hugeint)),
            sum(cast(cast('0x' || substr(row_hash, 17, 16) as ubigint) as hugeint))
        from hashed group by provider
    """


def _piece(name: str, kind: str) -> str:
    column = quoted(name)
    if kind.startswith("DECIMAL") and not kind.endswith(",0)"):
        text = f"rtrim(rtrim(cast({column} as varchar), '0'), '.')"
    elif kind == "TIMESTAMP":
        text = f"strftime({column}, '%Y-%m-%dT%H:%M:%S.%f')"
    elif kind == "VARCHAR":
        text = f"replace(replace({column}, '%', '%25'), '|', '%7C')"
    else:
        text = f"cast({column} as varchar)"
    # concat leaves NULL out; || makes the whole piece NULL where the value is
    return f"{literal(name + '=')} || {text} || '|'"


def _cost_sums(
    connection: duckdb.DuckDBPyConnection, rows: str
) -> dict[str, dict[str, dict[str, str | None]]]:
    sums: dict[str, dict[str, dict[str, str | None]]] = {}
    totals = ", ".join(f"sum({name})" for name in COSTS)
    query = f"select x_Provider, BillingCurrency, {totals} from {rows} group by all order by all"
    for provider, currency, *amounts in connection.execute(query).fetchall():
        by_currency = sums.setdefault(provider, {})
        by_currency[currency] = dict(zip(COSTS, map(plain, amounts), strict=True))
    return sums


def _kg_sums(
    connection: duckdb.DuckDBPyConnection, rows: str
) -> dict[str, dict[str, dict[str, str | None]]]:
    names = (*KILOGRAMS, *SCOPES)
    totals = ", ".join(f"sum({name})" for name in names)
    query = f"select x_Provider, {totals} from {rows} group by x_Provider order by x_Provider"
    return {
        provider: {"kg": dict(zip(names, map(plain, amounts), strict=True))}
        for provider, *amounts in connection.execute(query).fetchall()
    }


def _distinct(
    connection: duckdb.DuckDBPyConnection, rows: str, column: str
) -> dict[str, tuple[str, ...]]:
    query = (
        f"select x_Provider, list_sort(list(distinct {column})"
        f" filter ({column} is not null)) from {rows} group by x_Provider"
    )
    return {
        provider: tuple(found or ()) for provider, found in connection.execute(query).fetchall()
    }


def _hex(number: int) -> str:
    return f"{int(number):x}"
