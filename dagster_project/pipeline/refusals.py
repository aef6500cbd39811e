"""What is said about a delivery that isn't accepted: where it belongs, and what was kept.

Belongs here: sentences made of facts. Whether a delivery is refused is decided elsewhere.
"""

from collections.abc import Mapping
from pathlib import Path

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import Found, Unreadable
from dagster_project.landing.archive import landed_before, staging_folder
from dagster_project.ledger.state import Decision, LedgerState, Unit
from dagster_project.months import ALL_MONTHS, month_key
from dagster_project.pipeline.context import Context

_COORDINATES = ("source", "month", "version", "manifest", "file", "column", "data row")


def place_of(unit: Unit) -> dict[str, str | None]:
    """Return a unit as coordinates of an error."""
    return {
        "source": unit.source,
        "month": None if unit.month == ALL_MONTHS else month_key(unit.month),
        "version": unit.variant or None,
    }


def located(
    error: CloudtallyError, place: Mapping[str, str | None], kept: str = ""
) -> CloudtallyError:
    """Return an error that also says to which source and month it belongs, and what was kept."""
    return CloudtallyError(
        error.code,
        error.what,
        where=_ordered({**place, **error.where}),
        kept=kept or error.kept,
        next_step=error.next_step,
    )


def recorded(decision: Decision) -> CloudtallyError:
    """Return the error of a refusal as the ledger holds it."""
    raw = decision.payload["error"]
    return CloudtallyError(
        raw["code"],
        raw["what"],
        where=_ordered(raw["where"]),
        kept=raw["kept"],
        next_step=raw["next_step"],
    )


def _ordered(where: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return coordinates from the widest to the closest; the ledger doesn't keep their order."""
    return {name: where[name] for name in sorted(where, key=_rank)}


def _rank(name: str) -> tuple[int, str]:
    return (_COORDINATES.index(name) if name in _COORDINATES else len(_COORDINATES), name)


def kept(context: Context, state: LedgerState, unit: Unit, found: Found) -> str:
    """Say where a refused delivery's bytes are and what is current instead."""
    current = state.current.get(unit)
    if current is None:
        what = "input" if unit.month == ALL_MONTHS else "month"
        before = f"no delivery of this {what} was accepted before"
    else:
        before = (
            f"delivery {current.delivery_id} ({current.payload.get('rows')} rows) stays current"
        )
    return f"{_bytes_kept(context, unit, found)}; {before}."


def _bytes_kept(context: Context, unit: Unit, found: Found) -> str:
    landed = landed_before(context.home, unit.source, unit.month, found.signature)
    folder = landed[1] if landed else staged(context, unit, found)
    if folder is None or not folder.is_dir():
        return "nothing of this delivery was fetched"
    return f"this delivery's files are in {folder.relative_to(context.home.root)}"


def staged(context: Context, unit: Unit, found: Found) -> Path | None:
    """Return the folder in which a delivery is put together; None when nothing can be fetched."""
    if isinstance(found, Unreadable):
        return None
    return staging_folder(context.home, unit.source, found)
