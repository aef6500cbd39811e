"""What is said about a delivery that can't be used, and about a disk that can't take one.

Belongs here: sentences that more than one module needs. What was kept is said by whoever knows
it: the step that tried to accept the delivery.
"""

import errno
from collections import Counter
from collections.abc import Collection, Sequence
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


def absent_amount(column: str, row: int, file: str) -> CloudtallyError:
    """Return the error for a record in a line whose amount says nothing."""
    return CloudtallyError(
        "CT-DECODE-ABSENT",
        f"A record of {printable(column)} states no amount, so what its line costs is unknown.",
        where={"file": printable(file), "column": printable(column), "data row": row},
        next_step="Have the month exported again; no amount is read as 0.",
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
    """Refuse columns of one name.

    Raises:
        CloudtallyError: CT-DECODE-DUPLICATE-COLUMN.
    """
    doubled = {name for name, count in Counter(names).items() if count > 1}
    if doubled:
        raise _doubled([name for name in names if name in doubled], file)


def refuse_case_twins(names: Collection[str], apart: tuple[str, ...], file: str) -> None:
    """Refuse columns that SQL can't tell apart, for their names differ in case only.

    Args:
        names: The file's columns.
        apart: Beginnings of names that people choose, such as tags: these are told apart later.
        file: The provider's name of the file.

    Raises:
        CloudtallyError: CT-DECODE-DUPLICATE-COLUMN.
    """
    counts = Counter(name.lower() for name in names)
    doubled = [
        name
        for name in names
        if counts[name.lower()] > 1 and not (apart and name.startswith(apart))
    ]
    if doubled:
        raise _doubled([name for name in names if counts[name.lower()] > 1], file)


def _doubled(names: Sequence[str], file: str) -> CloudtallyError:
    return CloudtallyError(
        "CT-DECODE-DUPLICATE-COLUMN",
        f"Columns appear twice: {printable(', '.join(sorted(names)[:_SHOWN_NAMES]))}.",
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
