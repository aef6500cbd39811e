"""Exchange rates: which are locked by closed months, and which are missing.

Belongs here: what must be known before a publication converts. Converting is the models' work.
"""

from collections.abc import Iterable
from decimal import Decimal

import duckdb

from dagster_project.errors import CloudtallyError
from dagster_project.ledger.state import LedgerState
from dagster_project.ledger.store import Clock
from dagster_project.months import Month, month_key, month_of
from dagster_project.pipeline.context import Context

INPUT = "fx-rates"
NO_CURRENCY = "XXX"
"""ISO 4217's word for none: rows that hold emissions and no money."""

Rate = tuple[Month, str, str, Decimal]

_NEEDED = f"""
    select distinct billing_month, billing_currency
    from int_spend_carbon__monthly
    where billing_currency not in (?, '{NO_CURRENCY}') and billing_month < ?
    order by billing_month, billing_currency
"""
_KNOWN = """
    select cast(strptime(month, '%Y-%m') as date), from_currency
    from inputs.fx_rates where to_currency = ?
    union
    select month, from_currency from ledger.locked_rates where to_currency = ?
"""


def locked_rates(state: LedgerState) -> list[Rate]:
    """Return the rates of months whose cost is closed: of each pair the one that was closed first.

    Providers close a month one after the other; the later ones are held to the same rates.
    """
    rates: dict[tuple[Month, str, str], Decimal] = {}
    closes = sorted(
        (close for close in state.closes.values() if close.period.clock is Clock.COST),
        key=lambda close: (close.at, close.period),
    )
    for close in closes:
        for source, target, rate in close.facts.get("fx", ()):
            rates.setdefault((close.period.month, source, target), Decimal(rate))
    return [(*key, rate) for key, rate in sorted(rates.items())]


def is_configured(context: Context) -> bool:
    """Tell whether somebody supplies rates."""
    return any(source.export == INPUT for source in context.settings.inputs)


def check_rates(context: Context) -> None:
    """Make sure that every amount of a month that is over can be converted.

    Where nobody supplies rates nothing is converted, and nothing is missing.

    Raises:
        CloudtallyError: CT-FX-MISSING with months and pairs.
    """
    if not is_configured(context):
        return
    target = context.settings.reporting_currency
    connection = duckdb.connect(str(context.home.database), read_only=True)
    try:
        needed = connection.execute(_NEEDED, [target, month_of(context.settings.today)]).fetchall()
        known = set(connection.execute(_KNOWN, [target, target]).fetchall())
    finally:
        connection.close()
    missing = [pair for pair in needed if pair not in known]
    if missing:
        raise _missing(context, missing)


def _missing(context: Context, missing: Iterable[tuple[Month, str]]) -> CloudtallyError:
    months: dict[str, list[str]] = {}
    for month, currency in missing:
        months.setdefault(currency, []).append(month_key(month))
    target = context.settings.reporting_currency
    pairs = "; ".join(
        f"{currency} to {target} for {', '.join(found)}" for currency, found in months.items()
    )
    source = next(one for one in context.settings.inputs if one.export == INPUT)
    return CloudtallyError(
        "CT-FX-MISSING",
        f"Exchange rates are missing: {pairs}.",
        where={"input": source.location},
        kept="what is published; the months are built, and nothing is converted at another rate.",
        next_step=f"Add these months to the file (to_currency {target}), then run again.",
    )
