"""Compares a delivery with the one before it: a shorter file can't eat a month.

A lower cost total alone only warns: credits and refunds do that. Fewer days, missing accounts or
far fewer rows are a partial export until somebody says otherwise.
"""

from decimal import Decimal

from dagster_project.errors import CloudtallyError
from dagster_project.landing.delivery import Delivery

SHRINK = "CT-LAND-SHRINK"
NO_ROWS = "CT-LAND-NO-ROWS"
ACCEPT_SHRINK = 'If the loss is right: cloudtally run --accept-shrink "why".'
FEWER_ROWS_SHARE = 0.5
"""A delivery with fewer than this share of the rows before it is taken for partial (2026-11)."""


def losses(new: Delivery, old: Delivery) -> list[str]:
    """List what the old delivery had and the new one lacks."""
    found = []
    days = sorted(set(old.totals.days) - set(new.totals.days))
    if days:
        found.append(f"{_counted(days, 'day')} fewer (first: {days[0]})")
    found += _missing_accounts(new, old)
    if old.totals.rows and not new.totals.rows:
        found.append(f"no rows; there were {old.totals.rows}")
    elif new.totals.rows < old.totals.rows * FEWER_ROWS_SHARE:
        found.append(f"{new.totals.rows} rows; there were {old.totals.rows}")
    return found


def oddities(new: Delivery, old: Delivery | None) -> list[str]:
    """List what somebody should know about a delivery although it is accepted."""
    found = []
    if new.unknown_columns:
        found.append(f"unknown columns: {', '.join(new.unknown_columns)}")
    if new.uneven_columns:
        found.append(f"columns that only some files have: {', '.join(new.uneven_columns)}")
    found += [f"no column {name}: {meaning}" for name, meaning in new.absent_columns.items()]
    if old is None:
        return found
    columns, before = _columns(new), _columns(old)
    gone = sorted(set(before) - set(columns))
    changed = sorted(name for name in columns if before.get(name, columns[name]) != columns[name])
    if gone and columns:
        found.append(f"columns gone since the delivery before: {', '.join(gone)}")
    if changed:
        found.append(f"columns stored as another type than before: {', '.join(changed)}")
    for column, total in old.totals.sums.items():
        now = new.totals.sums.get(column, "0")
        if Decimal(now) < Decimal(total):
            found.append(f"{column} fell from {_short(total)} to {_short(now)}")
    return found


def refuse_shrink(new: Delivery, old: Delivery) -> None:
    """Refuse a delivery that holds less than the one before it.

    Raises:
        CloudtallyError: CT-LAND-SHRINK lists every loss.
    """
    found = losses(new, old)
    if found:
        raise CloudtallyError(
            SHRINK,
            f"The delivery holds less than the one before it: {'; '.join(found)}.",
            where={"delivery": new.delivery_id, "before": old.delivery_id},
            next_step=ACCEPT_SHRINK,
        )


def refuse_lost_accounts(new: Delivery, older: Delivery) -> None:
    """Refuse a newer version of a month, kept beside an older one, that lacks accounts of it.

    The newest version that has rows counts alone: what it leaves out would be gone. Providers write
    empty files for what they haven't computed; these outrank nothing and are no loss.

    Raises:
        CloudtallyError: CT-LAND-SHRINK names the accounts.
    """
    found = lost_accounts(new, older)
    if found:
        raise CloudtallyError(
            SHRINK,
            f"The newer version of the month holds less than the older one: {found[0]}.",
            where={"delivery": new.delivery_id, "older": older.delivery_id},
            next_step=ACCEPT_SHRINK,
        )


def lost_accounts(new: Delivery, older: Delivery) -> list[str]:
    """List accounts that an older version has and a newer one lacks."""
    return _missing_accounts(new, older) if new.totals.rows else []


def refuse_no_rows(delivery: Delivery) -> None:
    """Refuse a month that begins with a header and no rows: an export that exports nothing.

    Raises:
        CloudtallyError: CT-LAND-NO-ROWS.
    """
    if not delivery.totals.rows:
        raise CloudtallyError(
            NO_ROWS,
            "The delivery has columns and no rows, and no manifest says that this is right.",
            where={"delivery": delivery.delivery_id, "file": delivery.parts[0].name},
            next_step=ACCEPT_SHRINK,
        )


def _missing_accounts(new: Delivery, old: Delivery) -> list[str]:
    accounts = sorted(set(old.totals.accounts) - set(new.totals.accounts))
    return [f"{_counted(accounts, 'account')} missing (first: {accounts[0]})"] if accounts else []


def _columns(delivery: Delivery) -> dict[str, str]:
    return {name: kind for part in delivery.parts for name, kind in part.columns.items()}


def _counted(items: list[str], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def _short(total: str) -> str:
    """Return an exact total without the zeros at its end."""
    return total.rstrip("0").rstrip(".") if "." in total else total
