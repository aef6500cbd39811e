"""Makes a checked candidate the publication, in one step.

`published` is a symlink; replacing it by rename shows new readers everything at once, and a reader
that has the old version open keeps its files. Old versions stay for a while.
"""

import datetime as dt
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster_project.errors import CloudtallyError
from dagster_project.files import link_or_copy, sync_folder
from dagster_project.history.columns import FACT
from dagster_project.ledger.store import Entry, Kind
from dagster_project.months import parse_month
from dagster_project.paths import Home
from dagster_project.pipeline.context import Context
from dagster_project.publish.candidate import (
    CandidateFolder,
    drop_candidate,
    standing_closes,
)
from dagster_project.publish.checks import has_passed

KEPT_VERSIONS = 5
KEPT_HOURS = 24


def publish(context: Context, candidate: CandidateFolder) -> None:
    """Show the candidate to readers.

    Raises:
        CloudtallyError: CT-PUBLISH-UNCHECKED when it wasn't checked or broke a promise,
            CT-PUBLISH-OUTDATED when a period was closed or opened since it was built.
    """
    if not has_passed(candidate):
        raise CloudtallyError(
            "CT-PUBLISH-UNCHECKED",
            "The candidate has not passed its checks, so it is not published.",
            where={"publication": candidate.publication_id},
            kept="what is published now.",
            next_step="See data_docs/index.html for the promise that is broken.",
        )
    manifest = candidate.manifest()
    if manifest.get("closes", []) != standing_closes(context.state()):
        raise CloudtallyError(
            "CT-PUBLISH-OUTDATED",
            "A period was closed, reopened or acknowledged after the candidate had been built.",
            where={"publication": candidate.publication_id},
            kept="what is published now.",
            next_step="Run again: the candidate is built anew.",
        )
    _keep_fact(context.home, candidate, manifest["fact_months"])
    before = context.home.published.resolve()
    _point(context.home, candidate.folder)
    if before.exists() and before != candidate.folder.resolve():
        os.utime(before)  # its time as an old version begins now
    # Together: a run killed before finds the same restatements again, one killed after none.
    context.ledger.append_together([Entry(Kind.PUBLISHED, payload=manifest), *_restated(manifest)])
    drop_candidate(context.home)
    _clean_up(context.home, candidate.folder)


def _keep_fact(home: Home, candidate: CandidateFolder, months: dict[str, dict[str, str]]) -> None:
    """Keep every published fact month by its hash: an unchanged month is the same file."""
    for month, item in months.items():
        target = home.kept_month(FACT, parse_month(month), item["hash"])
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            source = candidate.folder / FACT / f"billing_month={month}" / "part.parquet"
            link_or_copy(source, target)


def _restated(manifest: Mapping[str, Any]) -> list[Entry]:
    return [
        Entry(
            Kind.RESTATED,
            month=parse_month(row["month"]),
            variant=row["clock"],
            reason=row["cause"],
            payload={**row, "publication": manifest["publication_id"]},
        )
        for row in manifest.get("restatements", [])
    ]


def _point(home: Home, folder: Path) -> None:
    if home.published.exists() and not home.published.is_symlink():
        raise CloudtallyError(
            "CT-PUBLISH-NOT-A-LINK",
            "`published` is a folder of its own; it must be a link that can be swapped.",
            where={"path": home.published},
            kept="everything.",
            next_step="Move that folder away, then run again.",
        )
    link = home.root / ".published.next"
    link.unlink(missing_ok=True)
    link.symlink_to(Path(home.publications.name) / folder.name)
    link.replace(home.published)
    sync_folder(home.root, files=False)


def _clean_up(home: Home, current: Path) -> None:
    """Remove publications that no reader should still have open: replaced long ago."""
    oldest = dt.datetime.now(dt.UTC) - dt.timedelta(hours=KEPT_HOURS)
    folders = sorted(path for path in home.publications.iterdir() if path.is_dir())
    for folder in folders[:-KEPT_VERSIONS]:
        replaced = dt.datetime.fromtimestamp(folder.stat().st_mtime, dt.UTC)
        if folder != current and replaced < oldest:
            shutil.rmtree(folder)
