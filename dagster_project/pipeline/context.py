"""What every step of a run needs: settings, ledger, and somewhere to report progress."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dagster_project.exports.base import Found
from dagster_project.ledger.state import LedgerState, fold
from dagster_project.ledger.store import Ledger
from dagster_project.months import Month
from dagster_project.paths import Home
from dagster_project.settings import Settings, SourceConfig
from dagster_project.stores import ObjectStore

Report = Callable[[str], None]


def _silent(_: str) -> None:
    return None


@dataclass(frozen=True)
class Context:
    """One run's surroundings.

    Attributes:
        report: Receives one readable line per thing that happened.
        accept_shrink: Reason for which deliveries are accepted that hold less, or by which costs or
            accounts would be lost.
        listed: What sources offered when they were asked first, by name; None asks every time.
    """

    settings: Settings
    report: Report = field(default=_silent)
    accept_shrink: str | None = None
    listed: dict[str, tuple[ObjectStore, list[Found]]] | None = None

    @property
    def home(self) -> Home:
        """Folders of this home."""
        return self.settings.layout

    @property
    def ledger(self) -> Ledger:
        """The record of decisions."""
        return Ledger(self.home.ledger)

    def decoded(self, source: SourceConfig, month: Month, delivery_id: str) -> Path:
        """Return the folder of a decoded delivery."""
        return self.home.decoded_delivery(source.room, source.kind, source.name, month, delivery_id)

    def state(self) -> LedgerState:
        """Return what the ledger says now."""
        return fold(self.ledger.events())
