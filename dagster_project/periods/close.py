"""Closing and reopening a period: one clock of a provider's month.

A close stores everything by which it can be told later whether the period moved, and why.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from dagster_project.errors import CloudtallyError
from dagster_project.history.digest import DIGEST_ALGORITHM, Contents, add_digests, period_contents
from dagster_project.ledger.state import LedgerState, Period
from dagster_project.ledger.store import Clock, Entry, Kind
from dagster_project.months import Month, month_key, month_of
from dagster_project.periods.counted import Counted, counted_bills
from dagster_project.periods.fx import rates_of
from dagster_project.periods.published import files_of, published_months
from dagster_project.periods.tie_out import TieOut, tie_out
from dagster_project.pipeline.changes import is_published_file, workbench
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.guard import named
from dagster_project.pipeline.late_lines import COUNTED
from dagster_project.pipeline.lock import home_lock
from dagster_project.pipeline.plan import make_plan
from dagster_project.version import code_version

DATABASE = "cloudtally.duckdb"
NO_FACTORS = {
    Clock.COST: "no factor shapes what was charged",
    Clock.CARBON: "no line of the month has an estimate",
}


@dataclass(frozen=True)
class Closed:
    """A period that was closed just now.

    Attributes:
        counted: On the carbon clock, the lines that share the month from now on.
    """

    period: Period
    contents: Contents
    tie_out: TieOut | None
    override: str | None
    counted: Counted | None = None


def close_periods(
    context: Context, month: Month, clock: Clock, provider: str | None, override: str | None
) -> list[Closed]:
    """Close one clock of a month, for one provider or for all that have anything in it.

    All of them are closed, or none.

    Raises:
        CloudtallyError: CT-CLOSE-OPEN, CT-CLOSE-UNPUBLISHED, CT-CLOSE-DIRTY, CT-CLOSE-NOTHING,
            CT-CLOSE-ALREADY or CT-CLOSE-NOT-READY.
    """
    with home_lock(context.home.lock):
        state = context.state()
        published = _closable(context, state, clock, month)
        with workbench(context.home) as connection:
            files = files_of(context.home, published, clock, month)
            contents = period_contents(connection, files, clock, month)
            counted = counted_bills(connection, files, month) if clock is Clock.CARBON else None
        wanted = _wanted(state, clock, month, provider, contents)
        tied = _tied_out(context, clock, month, wanted, override)
        _refuse_pending(context, state, clock, month, provider, contents)
        rates = (
            rates_of(context, state, context.home.published / DATABASE, month)
            if clock is Clock.COST
            else []
        )
        closed = [
            Closed(
                Period(clock, each, month),
                contents[each],
                tied.get(each),
                override,
                None if counted is None else counted.get(each, {}),
            )
            for each in wanted
        ]
        whole = add_digests([found.digest for found in contents.values()])
        context.ledger.append_together(
            [_entry(context, published, each, whole, rates) for each in closed]
        )
    return closed


def reopen_periods(
    context: Context, month: Month, clock: Clock, provider: str | None, reason: str
) -> list[Period]:
    """Let a closed clock run again, for one provider or for all that are closed.

    Raises:
        CloudtallyError: CT-CLOSE-NOT-CLOSED when none is closed.
    """
    with home_lock(context.home.lock):
        state = context.state()
        periods = standing(state, month, clock, provider)
        context.ledger.append_together(
            [
                Entry(
                    Kind.REOPENED,
                    month=month,
                    variant=clock.value,
                    reason=reason,
                    payload={"provider": each.provider, "digest": state.closes[each].digest},
                )
                for each in periods
            ]
        )
    return periods


def standing(state: LedgerState, month: Month, clock: Clock, provider: str | None) -> list[Period]:
    """Return the closed periods that are meant.

    Raises:
        CloudtallyError: CT-CLOSE-NOT-CLOSED when there is none.
    """
    periods = [
        period
        for period in sorted(state.closes)
        if (period.clock, period.month) == (clock, month) and provider in (None, period.provider)
    ]
    if not periods:
        raise CloudtallyError(
            "CT-CLOSE-NOT-CLOSED",
            f"The {clock.value} of {provider or 'every provider'} {month_key(month)} isn't closed.",
            kept="everything; nothing was recorded.",
            next_step="`cloudtally status` shows the state of every period.",
        )
    return periods


def _closable(
    context: Context, state: LedgerState, clock: Clock, month: Month
) -> Mapping[str, Any]:
    """Return the publication to close a month on."""
    if month >= month_of(context.settings.today):
        raise _refusal("CT-CLOSE-OPEN", month, "isn't over", "Close it when the month has ended.")
    published = state.published or {}
    if month not in published_months(published) or not (context.home.published / DATABASE).exists():
        raise _refusal(
            "CT-CLOSE-UNPUBLISHED", month, "isn't published", "Run `cloudtally run` first."
        )
    plan = make_plan(context)
    shaping = [month] if clock is Clock.COST else list(plan.months)
    moved = [
        each
        for each in shaping
        if each in plan.dirty or not is_published_file(context.home, state, each)
    ]
    if moved:
        names = ", ".join(month_key(each) for each in moved)
        raise _refusal(
            "CT-CLOSE-DIRTY",
            month,
            f"can't be closed while something waits to be built or published: {names}",
            "Run `cloudtally run`, look at what it publishes, then close.",
        )
    return published


def _refusal(code: str, month: Month, what: str, next_step: str) -> CloudtallyError:
    return CloudtallyError(
        code,
        f"{month_key(month)} {what}.",
        kept="everything; nothing was closed.",
        next_step=next_step,
    )


def _wanted(
    state: LedgerState,
    clock: Clock,
    month: Month,
    provider: str | None,
    contents: Mapping[str, Contents],
) -> list[str]:
    candidates = [provider] if provider else sorted(contents)
    known = [each for each in candidates if each in contents]
    if not known:
        who = f"{provider} has" if provider else "No provider has"
        has = "charges" if clock is Clock.COST else "reported carbon"
        raise CloudtallyError(
            "CT-CLOSE-NOTHING",
            f"{who} no {has} in {month_key(month)}."
            if provider
            else f"{who} {has} in {month_key(month)}.",
            kept="everything; nothing was closed.",
            next_step=f"In that month: {', '.join(sorted(contents)) or 'none'}.",
        )
    wanted = [each for each in known if Period(clock, each, month) not in state.closes]
    if not wanted:
        raise CloudtallyError(
            "CT-CLOSE-ALREADY",
            f"The {clock.value} of {', '.join(known)} {month_key(month)} is closed already.",
            kept="the close that stands.",
            next_step="To close it anew, `cloudtally reopen` it first.",
        )
    return wanted


def _tied_out(
    context: Context, clock: Clock, month: Month, providers: Iterable[str], override: str | None
) -> dict[str, TieOut]:
    """Return how providers tie out; without an override, all of them have to."""
    if clock is Clock.CARBON:
        return {}
    database = context.home.published / DATABASE
    found = {provider: tie_out(database, provider, month) for provider in providers}
    problems = [f"{each}: {item.problem}" for each, item in found.items() if item.problem]
    if problems and override is None:
        raise CloudtallyError(
            "CT-CLOSE-NOT-READY",
            f"{month_key(month)} doesn't tie out: {'; '.join(problems)}.",
            kept="everything; nothing was closed.",
            next_step="Look at `cloudtally reconcile`; close with --provider what is ready, or"
            ' with --override "why".',
        )
    return found


def _refuse_pending(
    context: Context,
    state: LedgerState,
    clock: Clock,
    month: Month,
    provider: str | None,
    contents: Mapping[str, Contents],
) -> None:
    """Refuse to close the carbon of all providers while that of one hasn't arrived."""
    if clock is Clock.COST or provider is not None:
        return
    reporting = {source.provider for source in context.settings.sources if source.is_emissions}
    billed = {row[0] for row in _billed_in(context, month)}
    missing = sorted((reporting & billed) - contents.keys())
    if missing:
        raise CloudtallyError(
            "CT-CLOSE-NOT-READY",
            f"The carbon of {month_key(month)} hasn't arrived from: {', '.join(missing)}.",
            kept="everything; nothing was closed.",
            next_step="Close with --provider what is there.",
        )


def _billed_in(context: Context, month: Month) -> list[tuple[str]]:
    with duckdb.connect(str(context.home.published / DATABASE), read_only=True) as connection:
        return connection.execute(
            "select distinct provider from dim_billing_period where billing_month = ?", [month]
        ).fetchall()


def _entry(
    context: Context,
    published: Mapping[str, Any],
    closed: Closed,
    whole: str,
    rates: Sequence[Sequence[str]],
) -> Entry:
    period, contents = closed.period, closed.contents
    month = period.month.isoformat()
    return Entry(
        Kind.CLOSED,
        month=period.month,
        variant=period.clock.value,
        reason=closed.override or "",
        payload={
            "provider": period.provider,
            "digest": contents.digest,
            "digest_of_all_providers": whole,
            "digest_algorithm": DIGEST_ALGORITHM,
            "content_hash": published["fact_months"][month]["hash"]
            if month in published["fact_months"]
            else None,
            "hash_algorithm": published.get("hash_algorithm"),
            "publication": published.get("publication_id"),
            "rows": contents.rows,
            "sums": contents.sums,
            "carbon_model_versions": list(contents.versions),
            "deliveries": _deliveries(context, published, period),
            "code_version": published.get("code_version", code_version()),
            "seeds": published.get("seeds"),
            "rules": published.get("rules"),
            "configuration": published.get("configuration"),
            "factor_sets": list(contents.factor_sets),
            "factor_sets_reason": None if contents.factor_sets else NO_FACTORS[period.clock],
            "fx": [list(rate) for rate in rates],
            "tie_out": closed.tie_out.as_payload() if closed.tie_out else None,
            "override": closed.override,
            **({} if closed.counted is None else {COUNTED: closed.counted}),
        },
    )


def _deliveries(
    context: Context, published: Mapping[str, Any], period: Period
) -> list[Sequence[str]]:
    sources = {
        source.name
        for source in context.settings.sources
        if source.provider == period.provider
        and source.is_emissions is (period.clock is Clock.CARBON)
    }
    return [
        delivery
        for delivery in published.get("deliveries", [])
        if delivery[0] in sources and delivery[1] == period.month.isoformat()
    ]


def summary(closed: Closed) -> str:
    """Return a close as one line for people."""
    sums = [
        f"{name} {amount} {'kg' if unit == 'kg' else unit}"
        for unit, totals in closed.contents.sums.items()
        for name, amount in totals.items()
        if amount is not None and name in _SHOWN
    ]
    how = f", overridden: {closed.override}" if closed.override else ""
    return f"closed the {named(closed.period)}: {closed.contents.rows} rows, {', '.join(sums)}{how}"


_SHOWN = (
    "BilledCost", "EffectiveCost", "x_CarbonLocationKg", "x_CarbonMarketKg",
    "x_CarbonUnspecifiedKg",
)  # fmt: skip
