"""Whether a provider's month ties out, as the published reconciliation says."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.months import Month

MART = "mart_invoice_reconciliation"
UNREADY = ("variance", "pending")
NAMED = 3


@dataclass(frozen=True)
class TieOut:
    """What the reconciliation says of one provider and month.

    Attributes:
        outcomes: Number of invoices by outcome; empty when nothing was reconciled.
        problem: Why the month can't be closed on it; None when it can.
    """

    outcomes: dict[str, int]
    problem: str | None

    def as_payload(self) -> dict[str, Any]:
        """Return it as a close records it."""
        return {"outcomes": self.outcomes, "problem": self.problem}


def tie_out(database: Path, provider: str, month: Month) -> TieOut:
    """Read how a provider's invoices of a month compare with the fact."""
    with duckdb.connect(str(database), read_only=True) as connection:
        if not _has_mart(connection):
            return TieOut({}, f"{MART} isn't published, so nothing says that it ties out")
        rows = connection.execute(
            "select outcome, invoice_id, billing_account_id, cast(unexplained as varchar),"
            f" billing_currency from {MART} where provider = ? and billing_month = ?"
            " order by all",
            [provider, month],
        ).fetchall()
    outcomes: dict[str, int] = {}
    for outcome, *_ in rows:
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    return TieOut(outcomes, _problem(rows))


def _has_mart(connection: duckdb.DuckDBPyConnection) -> bool:
    found = connection.execute(
        "select 1 from information_schema.tables where table_name = ?", [MART]
    ).fetchone()
    return found is not None


def _problem(rows: Sequence[tuple[Any, ...]]) -> str | None:
    if not rows:
        return "nothing of it was held against an invoice"
    unready = [row for row in rows if row[0] in UNREADY]
    if not unready:
        return None
    said = [_sentence(*row) for row in unready[:NAMED]]
    more = f" and {len(unready) - NAMED} more" if len(unready) > NAMED else ""
    return ", ".join(said) + more


def _sentence(
    outcome: str, invoice: str | None, account: str | None, unexplained: str | None, currency: str
) -> str:
    what = f"invoice {invoice}" if invoice else f"account {account}"
    if outcome == "pending":
        return f"{what} is pending"
    return f"{what} has a variance of {unexplained} {currency}"
