"""One month of published spend as a double-entry journal.

Expense is debited with effective cost by cost center, the provider is credited with billed cost,
and what is billed and not yet effective, or the other way about, goes through prepaid commitments:
so debit equals credit in every currency, before rounding and after.
"""

import calendar
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import duckdb

from dagster_project.books.accounts import CONDITIONS, Account, Chart, Side
from dagster_project.books.rounding import from_minor, minor_digits, rounded_together, to_units
from dagster_project.errors import CloudtallyError
from dagster_project.months import Month, month_key

View = Literal["restated", "current-period"]
Amounts = dict["Key", int]

_ENTRIES = ("spend", "moved_out", "moved_in", "accrual", "reversal")
_DESCRIPTIONS = {
    "spend": "Cloud spend of {month}",
    "moved_out": "Later change of {month}, posted in another month",
    "moved_in": "Later change of {month}",
    "accrual": "Accrued: days of {month} that are not billed yet (estimate)",
    "reversal": "Reversal of the accrual of {month}",
}


@dataclass(frozen=True)
class Line:
    """One line of the journal; debit or credit is filled, never both.

    Attributes:
        posting_date: Last day of the month; for a reversal the first day of the next one.
        billing_month: The month whose spend it is.
        entry: `spend`, `moved_out`, `moved_in`, `accrual`, `reversal`.
        side: `expense`, `payable`, `prepaid`, `accrued` or `rounding`.
    """

    journal_month: str
    line: int
    posting_date: dt.date
    billing_month: str
    entry: str
    side: str
    ledger_account: str
    ledger_account_name: str
    cost_center: str
    provider: str
    billing_account_id: str
    billing_currency: str
    debit: Decimal | None
    credit: Decimal | None
    description: str


@dataclass(frozen=True)
class Journal:
    """A month's lines, and what a reader must know beside them.

    Attributes:
        states: State of the month's cost by provider.
        not_estimated: Accounts whose missing days can't be estimated, where accruals are asked for.
    """

    month: Month
    view: View
    lines: tuple[Line, ...]
    states: Mapping[str, str]
    not_estimated: tuple[str, ...]

    def totals(self) -> dict[str, tuple[Decimal, Decimal]]:
        """Return debit and credit by currency."""
        sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
        for line in self.lines:
            sums[line.billing_currency][0] += line.debit or 0
            sums[line.billing_currency][1] += line.credit or 0
        return {currency: (debit, credit) for currency, (debit, credit) in sorted(sums.items())}


@dataclass(frozen=True, order=True)
class Key:
    """What lines of the journal are told apart by."""

    currency: str
    posting_date: dt.date
    billing_month: Month
    entry: int
    side: str
    account: str
    name: str
    cost_center: str
    provider: str
    billing_account: str


COLUMNS = tuple(field.name for field in fields(Line))


def read_journal(
    database: Path, month: Month, chart: Chart, view: View, with_accruals: bool
) -> Journal:
    """Make the journal of a published month.

    Raises:
        CloudtallyError: CT-JOURNAL-NOTHING when nothing is published, CT-JOURNAL-MONTH when the
            month isn't.
    """
    with _opened(database) as connection:
        states = _states(connection, month)
        amounts = _spend(connection, month, chart, view)
        accruals = _rows(connection, _ACCRUALS, month) if with_accruals else []
    for row in accruals:
        _add_accrual(amounts, row, chart)
    return Journal(
        month,
        view,
        tuple(_lines(month, amounts, chart)),
        states,
        tuple(sorted({_account_of(row) for row in accruals if row["accrual_cost"] is None})),
    )


def _opened(database: Path) -> duckdb.DuckDBPyConnection:
    if not database.exists():
        raise CloudtallyError(
            "CT-JOURNAL-NOTHING",
            "Nothing is published yet, so there is nothing to post.",
            where={"expected": database},
            kept="nothing was written.",
            next_step="Run `cloudtally run`.",
        )
    return duckdb.connect(str(database), read_only=True)


def _states(connection: duckdb.DuckDBPyConnection, month: Month) -> dict[str, str]:
    try:
        found = connection.execute(
            "select distinct provider, cost_state from mart_spend_restated where billing_month = ?"
            " order by all",
            [month],
        ).fetchall()
    except duckdb.CatalogException:
        raise CloudtallyError(
            "CT-JOURNAL-NOTHING",
            "What is published was built before there were journals.",
            kept="nothing was written.",
            next_step="Run `cloudtally run`; it publishes anew.",
        ) from None
    if not found:
        known = connection.execute(
            "select min(billing_month), max(billing_month) from mart_spend_restated"
        ).fetchone()
        first, last = known or (None, None)
        span = f"{month_key(first)} to {month_key(last)}" if first and last else "no month"
        raise CloudtallyError(
            "CT-JOURNAL-MONTH",
            f"{month_key(month)} is not published, so it can't be posted.",
            where={"published": span},
            kept="nothing was written.",
            next_step="Choose a published month; `cloudtally status` tells why this one isn't.",
        )
    return dict(found)


_GROUPED = (
    "select billing_month, {columns}, billing_currency, sum(billed_cost) as billed_cost,"
    " sum(effective_cost) as effective_cost from {relation} where {month} = ? group by all"
    " order by all"
)
_ACCRUALS = (
    "select posting_month, billing_month, entry, provider, billing_account_id, billing_currency,"
    " 'Usage' as charge_category, accrual_cost from mart_accrual where billing_month = ?"
    " order by all"
)


def _spend(
    connection: duckdb.DuckDBPyConnection, month: Month, chart: Chart, view: View
) -> Amounts:
    relation, posted = (
        ("mart_spend_restated", "billing_month")
        if view == "restated"
        else ("mart_spend_booked", "posting_month")
    )
    entry = "'spend' as entry" if view == "restated" else "entry"
    columns = ", ".join(entry if name == "entry" else name for name in CONDITIONS)
    query = _GROUPED.format(columns=columns, relation=relation, month=posted)
    amounts: Amounts = defaultdict(int)
    for row in _rows(connection, query, month):
        billed, effective = to_units(row["billed_cost"]), to_units(row["effective_cost"])
        date = _last_day(month)
        amounts[_key(row, date, "expense", chart)] += effective
        amounts[_key(row, date, "payable", chart)] -= billed
        amounts[_key(row, date, "prepaid", chart)] += billed - effective
    return amounts


def _add_accrual(amounts: Amounts, row: Mapping[str, Any], chart: Chart) -> None:
    if row["accrual_cost"] is None:
        return
    posting: Month = row["posting_month"]
    date = _last_day(posting) if row["entry"] == "accrual" else posting
    amounts[_key(row, date, "expense", chart)] += to_units(row["accrual_cost"])
    amounts[_key(row, date, "accrued", chart)] -= to_units(row["accrual_cost"])


def _key(row: Mapping[str, Any], date: dt.date, side: Side, chart: Chart) -> Key:
    """Return what a row's amount is posted under: only expense has a cost center."""
    account = chart.account(side, row)
    owes = side in ("payable", "accrued")
    return Key(
        currency=row["billing_currency"],
        posting_date=date,
        billing_month=row["billing_month"],
        entry=_ENTRIES.index(row["entry"]),
        side=side,
        account=account.account,
        name=account.name,
        cost_center=(row.get("cost_center") or "") if side == "expense" else "",
        provider=row["provider"],
        billing_account=(row["billing_account_id"] or "") if owes else "",
    )


def _lines(month: Month, amounts: Amounts, chart: Chart) -> Iterator[Line]:
    number = 0
    for currency in sorted({key.currency for key in amounts}):
        digits = minor_digits(currency)
        rounded = _rounded({k: v for k, v in amounts.items() if k.currency == currency}, digits)
        for key, units in sorted([*rounded.items(), *_balancing(rounded, chart.rounding)]):
            if units:
                number += 1
                yield _line(month, number, key, from_minor(abs(units), digits), units > 0)


def _rounded(amounts: Amounts, digits: int) -> Amounts:
    """Round every side of every posting by itself, so that each comes to its own rounded sum."""
    sides: dict[tuple[dt.date, Month, int, str], list[Key]] = defaultdict(list)
    for key in sorted(amounts):
        sides[key.posting_date, key.billing_month, key.entry, key.side].append(key)
    rounded: Amounts = {}
    for keys in sides.values():
        whole = rounded_together([amounts[key] for key in keys], digits)
        rounded.update(zip(keys, whole, strict=True))
    return rounded


def _balancing(rounded: Amounts, account: Account) -> Iterable[tuple[Key, int]]:
    """Return the minor units by which the rounded sides of a posting miss each other."""
    missed: dict[tuple[str, dt.date, Month, int], int] = defaultdict(int)
    for key, units in rounded.items():
        missed[key.currency, key.posting_date, key.billing_month, key.entry] -= units
    return [
        (Key(*posting, "rounding", account.account, account.name, "", "", ""), units)
        for posting, units in missed.items()
    ]


def _line(month: Month, number: int, key: Key, amount: Decimal, is_debit: bool) -> Line:
    entry = _ENTRIES[key.entry]
    billing_month = month_key(key.billing_month)
    return Line(
        journal_month=month_key(month),
        line=number,
        posting_date=key.posting_date,
        billing_month=billing_month,
        entry=entry,
        side=key.side,
        ledger_account=key.account,
        ledger_account_name=key.name,
        cost_center=key.cost_center,
        provider=key.provider,
        billing_account_id=key.billing_account,
        billing_currency=key.currency,
        debit=amount if is_debit else None,
        credit=None if is_debit else amount,
        description=_DESCRIPTIONS[entry].format(month=billing_month),
    )


def _rows(connection: duckdb.DuckDBPyConnection, query: str, month: Month) -> list[dict[str, Any]]:
    found = connection.execute(query, [month])
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _account_of(row: Mapping[str, Any]) -> str:
    return f"{row['provider']} {row['billing_account_id']} {row['billing_currency']}"


def _last_day(month: Month) -> dt.date:
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])
