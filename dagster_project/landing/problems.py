"""What is said about a delivery that can't be used, and about a disk that can't take one.

Belongs here: sentences that more than one module needs. What was kept is said by whoever knows
it: the step that tried to accept the delivery.
"""

import errno
from collections.abc import Sequence
from pathlib import Path

from dagster_project.errors import CloudtallyError
from dagster_project.stores.base import DISKFULL, TARGET, printable

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_SHOWN_NAMES = 20


def damaged(name: str, error: Exception) -> CloudtallyError:
    """Return the error for bytes that are not a whole file of their format."""
    first_line = (str(error).splitlines() or [""])[0].rstrip(".")
    return CloudtallyError(
        "CT-LAND-TRUNCATED",
        f"A file is damaged or cut off: {printable(first_line) or type(error).__name__}.",
        where={"file": printable(name)},
        next_step="Have the provider deliver the file again.",
    )


def not_a_number(text: str, column: str, row: int, file: str) -> CloudtallyError:
    """Return the error for an amount that is no decimal of at most 20 digits before the point."""
    return CloudtallyError(
        "CT-DECODE-NUMBER",
        f"{printable(text)[:60]!r} is not an amount that can be kept exactly.",
        where={"file": printable(file), "column": column, "data row": row},
        next_step="Have the file exported with plain decimals: no thousands separator, no NaN.",
    )


def changed_type(column: str, found: str, declared: str, file: str) -> CloudtallyError:
    """Return the error for a column whose stored type can't mean what is declared."""
    return CloudtallyError(
        "CT-DECODE-TYPE",
        f"A column changed its type: {printable(column)} is {found}, declared as {declared}.",
        where={"file": printable(file), "column": printable(column)},
        next_step="Check what the provider changed; then extend the declared schema.",
    )


def refuse_doubled(names: Sequence[str], file: str) -> None:
    """Refuse columns that SQL can't tell apart.

    Raises:
        CloudtallyError: CT-DECODE-DUPLICATE-COLUMN.
    """
    lower = [name.lower() for name in names]
    if len(set(lower)) == len(lower):
        return
    seen: set[str] = set()
    again = {name for name in lower if name in seen or seen.add(name)}  # type: ignore[func-returns-value]
    doubled = sorted(name for name in names if name.lower() in again)
    raise CloudtallyError(
        "CT-DECODE-DUPLICATE-COLUMN",
        f"Columns appear twice: {printable(', '.join(doubled[:_SHOWN_NAMES]))}.",
        where={"file": printable(file)},
        next_step="Export the file again with each column once, whatever its case.",
    )


def disk_error(error: OSError, home: Path) -> CloudtallyError:
    """Return the error for a home that can't be written or read; the delivery isn't at fault."""
    if error.errno in _FULL:
        code, what = DISKFULL, "There is no room left on the disk of the home folder."
        next_step = "Free some space and run again."
    else:
        name = errno.errorcode.get(error.errno or 0, type(error).__name__)
        code, what = TARGET, f"A file of the home folder can't be used ({name})."
        next_step = "Check the folder `home` in the configuration and run again."
    return CloudtallyError(
        code,
        what,
        where={"home": home, "file": error.filename},
        kept="nothing was recorded; what was accepted before stays current.",
        next_step=next_step,
    )
