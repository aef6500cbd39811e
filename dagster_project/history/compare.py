"""What differs between two versions of a month's file, summed up by period.

A line is the same line when its charge key and currency are: a line that changes its currency is
one that went and one that came. Amounts are exact; nothing here judges a difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from dagster_project.history.columns import (
    DELIVERED_TAGS,
    KILOGRAMS,
    PRICES,
    QUANTITIES,
    VIRTUAL_TAGS,
    columns_of,
    counted_rows,
    month_column,
)
from dagster_project.ledger.store import Clock
from dagster_project.months import Month
from dagster_project.sqltext import literal, quoted

_MEASURES = ("BilledCost", "EffectiveCost", *KILOGRAMS)


@dataclass(frozen=True)
class Group:
    """Lines of one period that changed in the same way, at one service and account.

    Attributes:
        currency: Billing currency; None on the carbon clock.
        change: `added`, `changed` or `removed`.
        nature: What kind of change it is, as far as the lines themselves tell.
        amounts: New less old, by column of the fact; None where neither side has a value.
    """

    clock: Clock
    provider: str
    month: Month
    currency: str | None
    change: str
    nature: str
    service: str | None
    account: str | None
    rows: int
    amounts: dict[str, Decimal | None]


def compare_files(
    connection: duckdb.DuckDBPyConnection, before: Path, after: Path, clock: Clock
) -> list[Group]:
    """Return what one clock sees change between two files of one billing month."""
    known_before, known_after = (_types(connection, path) for path in (before, after))
    types = {**known_before, **known_after}
    old = _side(before, known_before, types, clock)
    new = _side(after, known_after, types, clock)
    rows = connection.execute(_query(old, new, clock)).fetchall()
    return [
        Group(
            clock,
            provider,
            month,
            currency if clock is Clock.COST else None,
            change,
            nature,
            service,
            account,
            count,
            dict(zip(_MEASURES, amounts, strict=True)),
        )
        for provider, month, currency, change, nature, service, account, count, *amounts in rows
    ]


def periods_in(
    connection: duckdb.DuckDBPyConnection, path: Path, clock: Clock
) -> set[tuple[str, Month]]:
    """Return the providers and months that a clock has rows of in a file."""
    rows = connection.execute(
        f"select distinct x_Provider, {month_column(clock)}"
        f" from {_file(path)} where {counted_rows(clock)}"
    ).fetchall()
    return {(provider, month) for provider, month in rows}


def _types(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    rows = connection.execute(f"describe select * from {_file(path)}").fetchall()
    return {row[0]: row[1] for row in rows}


def _file(path: Path) -> str:
    return f"read_parquet({literal(path)}, hive_partitioning = false)"


def _side(path: Path, known: dict[str, str], types: dict[str, str], clock: Clock) -> str:
    """Return a query over one file: keys, measures, and a hash of each kind of column.

    A column that only the other file has is NULL here, so a new column without values is no change.
    """

    def value(name: str) -> str:
        return f"cast({quoted(name) if name in known else 'null'} as {types[name]})"

    def hashed(names: Sequence[str]) -> str:
        present = [value(name) for name in names if name in types]
        return f"hash(row({', '.join(present)}))" if present else "0"

    watched = columns_of(clock, types)
    tags = (*DELIVERED_TAGS, *VIRTUAL_TAGS)
    rest = [name for name in watched if name not in (*PRICES, *QUANTITIES, *tags)]
    measures = ", ".join(f"{value(name)} as {quoted(name)}" for name in _MEASURES)
    return f"""
        select
            x_ChargeKey as charge_key,
            coalesce(BillingCurrency, 'XXX') as currency,
            x_Provider as provider,
            {month_column(clock)} as period_month,
            ServiceName as service,
            coalesce(SubAccountId, BillingAccountId) as account,
            ChargeCategory as category,
            ChargeClass as class,
            x_CarbonModelVersion as model_version,
            {hashed(watched)} as all_columns,
            {hashed(QUANTITIES)} as quantities,
            {hashed(PRICES)} as prices,
            {hashed(DELIVERED_TAGS)} as delivered_tags,
            {hashed(VIRTUAL_TAGS)} as virtual_tags,
            {hashed(KILOGRAMS)} as kilograms,
            {hashed(rest)} as rest,
            {measures}
        from {_file(path)}
        where {counted_rows(clock)}
    """


_COST_NATURE = """
    case
        when before.charge_key is null and after.category = 'Credit' then 'credit'
        when before.charge_key is null
            and (after.class = 'Correction' or after.category = 'Adjustment') then 'correction'
        when before.charge_key is null and after.category = 'Usage' then 'late_usage'
        when before.charge_key is null then 'late_charge'
        when after.charge_key is null then 'withdrawn'
        when before.quantities <> after.quantities then 'late_usage'
        when before.prices <> after.prices then 'price'
        when before.rest <> after.rest then 're_export'
        when before.delivered_tags <> after.delivered_tags then 'tag'
        else 'rules'
    end
"""
_CARBON_NATURE = """
    case
        when before.model_version is distinct from after.model_version
            and before.charge_key is not null and after.charge_key is not null
            then 'carbon_method'
        when before.charge_key is null then 'late_usage'
        when after.charge_key is null then 'withdrawn'
        when before.kilograms <> after.kilograms then 'correction'
        else 'carbon_factor'
    end
"""


def _query(before: str, after: str, clock: Clock) -> str:
    nature = _COST_NATURE if clock is Clock.COST else _CARBON_NATURE
    differences = ", ".join(_difference(name) for name in _MEASURES)
    return f"""
        with before as ({before}),
        after as ({after})
        select
            coalesce(after.provider, before.provider),
            coalesce(after.period_month, before.period_month),
            coalesce(after.currency, before.currency),
            case
                when before.charge_key is null then 'added'
                when after.charge_key is null then 'removed'
                else 'changed'
            end,
            {nature},
            coalesce(after.service, before.service),
            coalesce(after.account, before.account),
            count(*),
            {differences}
        from before
        full join after
            on before.charge_key = after.charge_key and before.currency = after.currency
        where before.all_columns is distinct from after.all_columns
        group by all
        order by all
    """


def _difference(name: str) -> str:
    """Return SQL for new less old; NULL where no line has a value on either side."""
    old, new = f"before.{quoted(name)}", f"after.{quoted(name)}"
    return (
        f"case when count({old}) + count({new}) > 0"
        f" then coalesce(sum({new}), 0) - coalesce(sum({old}), 0) end"
    )
