"""The published files of a month, by the hash under which they are kept."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dagster_project.errors import CloudtallyError
from dagster_project.history.columns import FACT
from dagster_project.ledger.store import Clock
from dagster_project.months import Month, month_key, parse_month
from dagster_project.paths import Home


def published_months(publication: Mapping[str, Any]) -> list[Month]:
    """Return the months that a publication holds, oldest first."""
    return sorted(parse_month(text) for text in publication.get("fact_months", {}))


def kept_file(home: Home, publication: Mapping[str, Any], month: Month) -> Path:
    """Return the kept copy of a month as a publication showed it.

    Raises:
        CloudtallyError: CT-ASOF-LOST when it isn't there any more.
    """
    content_hash = publication["fact_months"][month.isoformat()]["hash"]
    path = home.kept_month(FACT, month, content_hash)
    if not path.exists():
        raise CloudtallyError(
            "CT-ASOF-LOST",
            f"The copy of {month_key(month)} that was published is gone.",
            where={"file": path, "publication": publication.get("publication_id")},
            kept="the ledger and the landed deliveries it was built from.",
            next_step="Restore kept/ from a backup.",
        )
    return path


def files_of(
    home: Home, publication: Mapping[str, Any], clock: Clock, month: Month
) -> Sequence[Path]:
    """Return the files that can hold rows of a period: carbon is shared over later bills too."""
    months = [month] if clock is Clock.COST else published_months(publication)
    return [kept_file(home, publication, each) for each in months]
