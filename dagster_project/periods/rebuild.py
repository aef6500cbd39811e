"""Builds a month again from the bytes and decisions of a moment, in a home of its own.

The proof that a kept copy is what these deliveries come to. With the code, seeds, rules and
configuration that were recorded, the hash is equal; otherwise the difference has one of them as its
reason.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import CloudtallyError
from dagster_project.files import link_or_copy
from dagster_project.history.columns import FACT
from dagster_project.history.compare import compare_files
from dagster_project.history.restatement import Restatement, restatements_of
from dagster_project.landing.delivery import MANIFEST_NAME, read_delivery
from dagster_project.ledger.state import fold
from dagster_project.ledger.store import Clock
from dagster_project.months import Month
from dagster_project.paths import Home
from dagster_project.periods.as_of import AsOf, refuse_filled
from dagster_project.pipeline import steps
from dagster_project.pipeline.build import seeds_hash
from dagster_project.pipeline.changes import workbench
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.plan import configuration_id, rules_id
from dagster_project.publish.candidate import HASH_ALGORITHM, view_statement
from dagster_project.publish.digest import content_hashes
from dagster_project.version import code_version


@dataclass(frozen=True)
class Rebuilt:
    """How a rebuilt month compares with the kept copy.

    Attributes:
        hash_rebuilt: Content hash of the rebuilt month.
        is_equal: Whether the rebuilt month is the kept one.
        reasons: What is not as it was recorded: code, seeds, rules, configuration.
        differences: What differs, by period.
    """

    home: Path
    hash_then: str
    hash_rebuilt: str
    is_equal: bool
    reasons: tuple[str, ...]
    differences: tuple[Restatement, ...]


def rebuild(context: Context, found: AsOf, folder: Path) -> Rebuilt:
    """Build everything as of a publication in a new home, and compare one month with it.

    Raises:
        CloudtallyError: CT-ASOF-TARGET when the folder holds something, CT-ASOF-BYTES when a
            landed delivery is gone or has other bytes than were landed.
    """
    refuse_filled(folder)
    home = Home(folder.resolve())
    settings = context.settings.model_copy(update={"home": home.root})
    own = replace(context, settings=settings)
    context.ledger.copy(home.ledger, until=found.event.id)
    context.report("linking the deliveries of then")
    _link_deliveries(context, own)
    steps.begin(own)
    steps.load_reference(own)
    steps.build_months(own)
    rebuilt_hash = _hash(home, found.month)
    differences = _differences(context, found, home)
    is_comparable = found.publication.get("hash_algorithm") == HASH_ALGORITHM
    return Rebuilt(
        home.root,
        found.hash_then,
        rebuilt_hash,
        rebuilt_hash == found.hash_then if is_comparable else not differences,
        tuple(_reasons(context, found.publication)),
        differences,
    )


def _link_deliveries(context: Context, own: Context) -> None:
    """Give the new home the landed bytes that counted then, each held against its hash."""
    state = fold(own.ledger.events())
    names = {source.name for source in (*own.settings.sources, *own.settings.inputs)}
    for unit, decision in sorted(state.current.items()):
        if unit.source not in names:
            continue
        place = (unit.source, unit.month, decision.delivery_id)
        source, target = context.home.landed(*place), own.home.landed(*place)
        _refuse_other_bytes(source)
        target.mkdir(parents=True)
        for path in sorted(source.iterdir()):
            link_or_copy(path, target / path.name)


def _refuse_other_bytes(folder: Path) -> None:
    if not (folder / MANIFEST_NAME).exists():
        raise _bytes_error(folder, "is gone")
    for part in read_delivery(folder).parts:
        path = folder / part.file
        if not path.exists():
            raise _bytes_error(path, "is gone")
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != part.sha256:
                raise _bytes_error(path, "has other bytes than were landed")


def _bytes_error(path: Path, what: str) -> CloudtallyError:
    return CloudtallyError(
        "CT-ASOF-BYTES",
        f"A landed file {what}.",
        where={"file": path},
        kept="what is published, and the kept copies of what was.",
        next_step="Restore landing/ from a backup.",
    )


def _hash(home: Home, month: Month) -> str:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(view_statement(FACT, home.lake / FACT / "*/part.parquet"))
        return content_hashes(connection, FACT, [month], {})[month]


def _differences(context: Context, found: AsOf, home: Home) -> tuple[Restatement, ...]:
    after = home.lake_month(FACT, found.month)
    with workbench(context.home) as connection:
        groups = [
            group
            for clock in Clock
            for group in compare_files(connection, found.file, after, clock)
        ]
    return tuple(restatements_of(groups))


def _reasons(context: Context, publication: Mapping[str, Any]) -> Sequence[str]:
    now = {
        "code": code_version(),
        "seeds": seeds_hash(),
        "rules": rules_id(context),
        "configuration": configuration_id(context),
    }
    then = {name: publication.get(name) for name in now} | {"code": publication["code_version"]}
    return [name for name in now if then[name] is not None and then[name] != now[name]]
