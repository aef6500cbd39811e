"""Where in a file of rules we are, and the errors that say so."""

from dataclasses import dataclass
from enum import StrEnum

from dagster_project.errors import CloudtallyError

_KEPT = "Nothing was built; what is published stays as it is."


class Family(StrEnum):
    """Beginnings of the codes of one kind of file."""

    RULES = "CT-RULES-"
    CHARGEBACK = "CT-CHARGEBACK-"


@dataclass(frozen=True)
class Place:
    """Where in a file we are; every error carries it."""

    family: Family
    file: str
    help_page: str
    target: str | None = None
    rule: str | None = None

    def error(
        self, code: str, what: str, next_step: str = "", line: int | None = None
    ) -> CloudtallyError:
        """Return an error of this file's family."""
        where = {"file": self.file, "target": self.target, "rule": self.rule, "line": line}
        return CloudtallyError(
            f"{self.family}{code}",
            what,
            where=where,
            kept=_KEPT,
            next_step=next_step or f"{self.help_page} lists what may stand here.",
        )
