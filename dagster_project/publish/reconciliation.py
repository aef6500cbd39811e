"""The published tie-out of one month, as whoever signs it wants to read it.

Belongs here: reading `mart_invoice_reconciliation` from a publication. What it means is decided by
the models.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from dagster_project.errors import CloudtallyError
from dagster_project.months import Month, month_key

BRIDGE = "bridge_"
RELATION = "mart_invoice_reconciliation"
Value = str | int | Decimal | dt.date | None


@dataclass(frozen=True)
class Tie:
    """One row of the tie-out: an invoice, or the account and month that tie together."""

    values: Mapping[str, Value]

    @property
    def outcome(self) -> str:
        """The verdict, gross of tax."""
        return str(self.values["outcome"])

    @property
    def is_variance(self) -> bool:
        """Whether somebody has to look at it."""
        return self.outcome == "variance"

    @property
    def bridge(self) -> dict[str, Decimal]:
        """Lines of the bridge that are not 0, by name."""
        return {
            name.removeprefix(BRIDGE): value
            for name, value in self.values.items()
            if name.startswith(BRIDGE) and isinstance(value, Decimal) and value
        }

    def as_dict(self) -> dict[str, str | int | None]:
        """Return the row for machines: amounts as exact texts."""
        return {name: _plain(value) for name, value in self.values.items()}


def ties_of(database: Path, month: Month, provider: str | None = None) -> list[Tie]:
    """Return the tie-out of a month, variances first.

    Args:
        database: The published database.
        month: Billing month of the invoices.
        provider: Only this provider's.

    Raises:
        CloudtallyError: CT-RECONCILE-NOTHING when there is no publication, or no such row in it.
    """
    if not database.exists():
        raise _nothing("Nothing is published yet.", "Run `cloudtally run`.")
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute(
            f"select * from {RELATION} where billing_month = ?"
            " and (cast(? as varchar) is null or provider = ?)"
            " order by outcome <> 'variance', provider, invoice_issuer_name,"
            " billing_account_id, invoice_id, billing_currency",
            [month, provider, provider],
        )
        names = [column[0] for column in found.description or ()]
        ties = [Tie(dict(zip(names, row, strict=True))) for row in found.fetchall()]
        if not ties:
            known = connection.execute(
                f"select distinct billing_month, provider from {RELATION} order by all"
            ).fetchall()
            raise _unknown(month, provider, known)
    return ties


def _unknown(
    month: Month, provider: str | None, known: list[tuple[Month, str | None]]
) -> CloudtallyError:
    whose = f" of {provider}" if provider else ""
    months = sorted({found for found, _ in known})
    span = f"{month_key(months[0])} to {month_key(months[-1])}" if months else "none"
    providers = ", ".join(sorted({name for _, name in known if name})) or "none"
    return _nothing(
        f"There is nothing to reconcile{whose} in {month_key(month)}.",
        f"Published months: {span}; providers: {providers}.",
    )


def _nothing(what: str, next_step: str) -> CloudtallyError:
    return CloudtallyError("CT-RECONCILE-NOTHING", what, kept="everything.", next_step=next_step)


def _plain(value: Value) -> str | int | None:
    if isinstance(value, Decimal):
        return exact(value)
    return value.isoformat() if isinstance(value, dt.date) else value


def exact(amount: Decimal, grouped: bool = False) -> str:
    """Return an amount with all its digits and no zeros behind them."""
    text = f"{amount:,f}" if grouped else f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
