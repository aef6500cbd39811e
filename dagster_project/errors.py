"""The one error a user sees: what is wrong, where, what was kept, what to do next.

Belongs here: the error type. Does not: any decision about when to raise it. Every code has a line
in `docs/errors.md`; a test holds the two together.
"""

from collections.abc import Mapping


class CloudtallyError(Exception):
    """A problem that the user can understand and act on.

    Args:
        code: Stable code, `CT-<room>-<word>`, searchable in `docs/errors.md`.
        what: One sentence that says what is wrong.
        where: Coordinates such as file, row, column, source, month.
        kept: What remains valid, so that nobody wonders what was lost.
        next_step: What to do now.
    """

    def __init__(
        self,
        code: str,
        what: str,
        *,
        where: Mapping[str, object] | None = None,
        kept: str = "",
        next_step: str = "",
    ) -> None:
        self.code = code
        self.what = what
        self.where = {key: str(value) for key, value in (where or {}).items() if value is not None}
        self.kept = kept
        self.next_step = next_step
        super().__init__(str(self))

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling: Dagster may carry an error between processes."""
        return (_rebuild, (self.code, self.what, self.where, self.kept, self.next_step))

    def __str__(self) -> str:
        place = ", ".join(f"{key}: {value}" for key, value in self.where.items())
        parts = [f"[{self.code}] {self.what}"]
        if place:
            parts.append(f"Where: {place}.")
        if self.kept:
            parts.append(f"Kept: {self.kept}")
        if self.next_step:
            parts.append(f"Next: {self.next_step}")
        return " ".join(parts)

    def as_dict(self) -> dict[str, object]:
        """Return the error as plain data for `--json`, the ledger and check metadata."""
        return {
            "code": self.code,
            "what": self.what,
            "where": self.where,
            "kept": self.kept,
            "next_step": self.next_step,
        }


def _rebuild(
    code: str, what: str, where: Mapping[str, object], kept: str, next_step: str
) -> CloudtallyError:
    return CloudtallyError(code, what, where=where, kept=kept, next_step=next_step)


def install_advice(extra: str = "") -> str:
    """Return how to install what a part needs: from this checkout, never by a name on an index."""
    target = f".[{extra}]" if extra else "."
    return f"In the folder of this checkout: pip install --editable '{target}'"
