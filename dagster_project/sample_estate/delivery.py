"""When and under which name the fictional providers deliver, and which months they restate.

Belongs here: dates and ids of deliveries, derived from month and seed only.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dagster_project.months import Month, next_month
from dagster_project.sample_estate.book import FINAL, Edition
from dagster_project.sample_estate.writers import stable_id


@dataclass
class Tally:
    """Lines of a native export as they were written, and as facts should come of them."""

    source: int = 0
    facts: int = 0


@dataclass(frozen=True, slots=True)
class Estate:
    """What every projection needs to know.

    Attributes:
        out: Folder of the estate.
        seed: Chooses names and noise.
        months: Billing months, oldest first.
        progress: Called with the number of current charge lines just written.
        native: Whether bills come in the providers' own formats, where there is one.
    """

    out: Path
    seed: int
    months: Sequence[Month]
    progress: Callable[[int], None] = field(default=lambda _count: None)
    native: bool = False

    @property
    def several(self) -> bool:
        """Whether there is a month before the newest."""
        return len(self.months) > 1

    def is_open(self, month: Month) -> bool:
        """Whether the month is the newest: not invoiced, its carbon not calculated."""
        return self.several and month == self.months[-1]

    def is_first(self, month: Month) -> bool:
        """Whether the company began with this month."""
        return month == self.months[0]

    def editions(self, month: Month, *, always: bool = False) -> tuple[Edition, ...]:
        """Return the deliveries of a month, the current one last.

        Every second month was delivered before with less: whole but without late lines, fees
        and tax. The newest month was delivered before up to its 18th day.
        """
        final = Edition(invoiced=not self.is_open(month))
        if self.is_open(month):
            return (Edition(final=False, until_day=18, invoiced=False), final)
        if self.months.index(month) % 2 == 1:
            return (Edition(final=False, invoiced=False), final)
        if always:
            return (Edition(final=False, until_day=15, invoiced=False), final)
        return (final,)


def delivered_at(month: Month, edition: Edition) -> dt.datetime:
    """Return when an edition of a month was written, in UTC."""
    if edition.until_day < FINAL.until_day:
        return dt.datetime(month.year, month.month, edition.until_day + 1, 4, 17, 31)
    after = next_month(month)
    return dt.datetime(after.year, after.month, 8 if edition.final else 2, 5, 42, 7)


def delivery_id(seed: int, source: str, month: Month, edition: Edition) -> str:
    """Return the id a provider would give the delivery."""
    return stable_id(seed, source, month, edition.final, edition.until_day)
