"""Compares a delivery with the one before it: a shorter file can't eat a month.

A lower cost total alone only warns: credits and refunds do that. Fewer days, missing accounts or
far fewer rows are a partial export until somebody says otherwise.
"""

from dataclasses import dataclass

from dagster_project.errors import CloudtallyError
from dagster_project.landing.delivery import Delivery
from dagster_project.months import month_key

FEWER_ROWS_SHARE = 0.5
"""A delivery with fewer than this share of the rows before it is taken for partial (2026-11)."""


@dataclass(frozen=True)
class Loss:
    """One way in which a delivery holds less than the one before it."""

    what: str


def losses(new: Delivery, old: Delivery) -> list[Loss]:
    """List what the old delivery had and the new one lacks."""
    found = []
    days = sorted(set(old.totals.days) - set(new.totals.days))
    accounts = sorted(set(old.totals.accounts) - set(new.totals.accounts))
    if days:
        found.append(Loss(f"{len(days)} days fewer (first: {days[0]})"))
    if accounts:
        found.append(Loss(f"{len(accounts)} accounts missing (first: {accounts[0]})"))
    if old.totals.rows and not new.totals.rows:
        found.append(Loss(f"no rows; there were {old.totals.rows}"))
    elif new.totals.rows < old.totals.rows * FEWER_ROWS_SHARE:
        found.append(Loss(f"{new.totals.rows} rows; there were {old.totals.rows}"))
    return found


def refuse_shrink(new: Delivery, old: Delivery) -> None:
    """Refuse a delivery that holds less than the one before it.

    Raises:
        CloudtallyError: CT-LAND-SHRINK lists every loss.
    """
    found = losses(new, old)
    if not found:
        return
    raise CloudtallyError(
        "CT-LAND-SHRINK",
        f"The delivery holds less than the one before it: {'; '.join(loss.what for loss in found)}.",
        where={
            "source": new.source,
            "month": month_key(new.month),
            "delivery": new.delivery_id,
            "before": old.delivery_id,
        },
        kept="the delivery before it stays current.",
        next_step='If the loss is right: cloudtally run --accept-shrink "why".',
    )
