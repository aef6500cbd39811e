"""What was published of a month at a moment, held against what is published now."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import CloudtallyError
from dagster_project.files import link_or_copy
from dagster_project.history.columns import COSTS, FACT, KILOGRAMS, SCOPES, counted_rows
from dagster_project.history.digest import exact_sum, plain
from dagster_project.ledger.store import Clock, Event, Kind
from dagster_project.months import Month, month_key
from dagster_project.periods.published import kept_file, published_months
from dagster_project.pipeline.changes import workbench
from dagster_project.pipeline.context import Context
from dagster_project.publish.candidate import DATABASE, MANIFEST, view_statement
from dagster_project.sqltext import literal

KG = "kg"
MONEY = ("rows", *COSTS)
CARBON = (*KILOGRAMS, *SCOPES)


@dataclass(frozen=True)
class Total:
    """One measure of one provider, then and now; None: not there, or no line has a value.

    Attributes:
        unit: Billing currency of costs and rows of charges; `kg` of reported carbon.
    """

    provider: str
    unit: str
    measure: str
    then: str | None
    now: str | None

    @property
    def difference(self) -> str | None:
        """Now less then; what is absent counts as nothing, if the other side has a value."""
        if self.then is None and self.now is None:
            return None
        new, old = (Decimal(each or 0) for each in (self.now, self.then))
        return plain(exact_sum([new, old.copy_negate()]))


@dataclass(frozen=True)
class AsOf:
    """What was published of a month, and what became of it.

    Attributes:
        event: The publication that readers saw then, as the ledger recorded it.
        file: The kept copy of the month.
        hash_now: Content hash of the month as it is published now.
    """

    month: Month
    event: Event
    file: Path
    hash_then: str
    hash_now: str | None
    totals: tuple[Total, ...]

    @property
    def publication(self) -> Mapping[str, Any]:
        """The manifest of that publication."""
        return self.event.payload


def moment_of(text: str) -> dt.datetime:
    """Read a day, which means its end, or a moment; both are UTC where no zone is given.

    Raises:
        CloudtallyError: CT-ASOF-DATE when it is neither.
    """
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise CloudtallyError(
            "CT-ASOF-DATE",
            f"{text!r} is no date and no moment.",
            next_step="Write it as 2026-04-10 or 2026-04-10T12:00.",
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    is_day = "T" not in text and " " not in text and ":" not in text
    return moment + dt.timedelta(days=1, microseconds=-1) if is_day else moment


def as_of(context: Context, moment: dt.datetime, month: Month) -> AsOf:
    """Return what readers saw of a month at a moment.

    Raises:
        CloudtallyError: CT-ASOF-NOTHING when it wasn't published by then, CT-ASOF-LOST when the
            kept copy is gone.
    """
    published = [event for event in context.ledger.events() if event.kind is Kind.PUBLISHED]
    seen = [event for event in published if event.at <= moment]
    if not seen or month not in published_months(seen[-1].payload):
        raise _nothing(published, moment, month)
    then, now = seen[-1].payload, published[-1].payload
    file = kept_file(context.home, then, month)
    latest = [kept_file(context.home, now, month)] if month in published_months(now) else []
    with workbench(context.home) as connection:
        totals = tuple(_totals(connection, [file], latest))
    key = month.isoformat()
    return AsOf(
        month,
        seen[-1],
        file,
        then["fact_months"][key]["hash"],
        now["fact_months"].get(key, {}).get("hash"),
        totals,
    )


def write_copy(found: AsOf, folder: Path) -> Path:
    """Put the month as it was published then into a folder, with a DuckDB file to read it by.

    Raises:
        CloudtallyError: CT-ASOF-TARGET when the folder holds something.
    """
    refuse_filled(folder)
    part = folder / FACT / f"billing_month={found.month.isoformat()}" / "part.parquet"
    part.parent.mkdir(parents=True)
    link_or_copy(found.file, part)
    database = folder / DATABASE
    with duckdb.connect(str(database)) as connection:
        connection.execute(view_statement(FACT, folder.resolve() / FACT / "*/part.parquet"))
    text = json.dumps(dict(found.publication), indent=1, sort_keys=True)
    (folder / MANIFEST).write_text(text + "\n")
    return database


def refuse_filled(folder: Path) -> None:
    """Refuse a folder that holds something: nothing of it is overwritten.

    Raises:
        CloudtallyError: CT-ASOF-TARGET.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CloudtallyError(
            "CT-ASOF-TARGET",
            "The folder to write to isn't empty.",
            where={"folder": folder},
            kept="everything in it.",
            next_step="Name a folder that doesn't exist yet.",
        )


def _nothing(published: Sequence[Event], moment: dt.datetime, month: Month) -> CloudtallyError:
    first = next((e.at for e in published if month in published_months(e.payload)), None)
    hint = f"It was first published at {first:%Y-%m-%dT%H:%M:%S}Z." if first else "It never was."
    return CloudtallyError(
        "CT-ASOF-NOTHING",
        f"{month_key(month)} wasn't published by {moment:%Y-%m-%dT%H:%M:%S}.",
        kept="everything.",
        next_step=hint,
    )


def _totals(
    connection: duckdb.DuckDBPyConnection, then: Sequence[Path], now: Sequence[Path]
) -> Iterator[Total]:
    before, after = _sums(connection, then), _sums(connection, now)
    for key in sorted(before.keys() | after.keys()):
        provider, unit = key
        for measure in CARBON if unit == KG else MONEY:
            old = before.get(key, {}).get(measure)
            new = after.get(key, {}).get(measure)
            if old is not None or new is not None:
                yield Total(provider, unit, measure, old, new)


def _sums(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path]
) -> dict[tuple[str, str], dict[str, str | None]]:
    """Return charges by provider and currency, and carbon by provider, with or without a charge."""
    if not files:
        return {}
    source = f"read_parquet([{', '.join(map(literal, files))}], hive_partitioning = false)"
    costs = ", ".join(f"sum({name})" for name in COSTS)
    kilograms = ", ".join(f"sum({name})" for name in CARBON)
    rows = connection.execute(
        f"select x_Provider, BillingCurrency, count(*), {costs} from {source}"
        f" where {counted_rows(Clock.COST)} group by all"
    ).fetchall()
    rows_of_carbon = connection.execute(
        f"select x_Provider, {kilograms} from {source} group by all"
    ).fetchall()
    charges = {
        (provider, currency): dict(zip(MONEY, [str(count), *map(plain, amounts)], strict=True))
        for provider, currency, count, *amounts in rows
    }
    carbon = {
        (provider, KG): dict(zip(CARBON, map(plain, amounts), strict=True))
        for provider, *amounts in rows_of_carbon
    }
    return {**charges, **carbon}
