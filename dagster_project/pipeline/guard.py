"""A closed period doesn't change unless somebody has accepted exactly that change."""

from collections.abc import Sequence
from dataclasses import replace

from dagster_project.errors import CloudtallyError
from dagster_project.history import restatement as words
from dagster_project.history.restatement import Restatement
from dagster_project.ledger.state import Close, LedgerState, Period
from dagster_project.ledger.store import Clock, Kind
from dagster_project.months import month_key
from dagster_project.pipeline.attribution import moment_text
from dagster_project.pipeline.changes import Changes, find_changes
from dagster_project.pipeline.context import Context

MOST_NAMED = 5
_CHANGED = {
    words.CODE: "another version of code or seeds",
    words.RULES: "other rules of virtual tags",
    words.CONFIGURATION: "another configuration",
}


def guarded_changes(context: Context) -> tuple[Restatement, ...]:
    """Return what a publication of the warehouse restates, as nobody forbids it.

    Raises:
        CloudtallyError: CT-CLOSED-CHANGED when a closed period would change and nobody has
            acknowledged exactly this.
    """
    changes = find_changes(context)
    state = context.state()
    held = held_periods(state, changes)
    if held:
        _record_held(context, state, changes, held)
        raise _closed_changed(changes, held)
    return tuple(_acknowledged(state, row) for row in changes.restatements)


def held_periods(state: LedgerState, changes: Changes) -> list[Close]:
    """Return the closes that the changes would break."""
    return [
        close
        for period, digest in sorted(changes.digests.items())
        if (close := state.closes.get(period)) is not None and close.digest != digest
    ]


def _acknowledged(state: LedgerState, row: Restatement) -> Restatement:
    """Add who accepted the change of a closed period, and since when it was known."""
    close = state.closes.get(row.period)
    event = close.acknowledgement if close else None
    if event is None:
        return row
    held = state.held.get(row.period)
    was_shown = held is not None and held.payload["digest"] == event.payload["digest"]
    return replace(
        row,
        detected_at=moment_text(held.at) if held and was_shown else row.detected_at,
        acknowledged_by=event.actor,
        acknowledged_at=moment_text(event.at),
        acknowledgement=event.reason,
    )


def _record_held(
    context: Context, state: LedgerState, changes: Changes, held: Sequence[Close]
) -> None:
    """Remember what was shown: only exactly this can be acknowledged."""
    for close in held:
        digest = changes.digests[close.period]
        last = state.held.get(close.period)
        if last is None or last.at < close.at or last.payload["digest"] != digest:
            context.ledger.append(
                Kind.CHANGE_HELD,
                month=close.period.month,
                variant=close.period.clock.value,
                reason=_amounts(changes, close),
                payload={
                    "provider": close.period.provider,
                    "digest": digest,
                    "restatements": [row.as_payload() for row in changes.of(close.period)],
                },
            )


def _closed_changed(changes: Changes, held: Sequence[Close]) -> CloudtallyError:
    said = [
        f"the closed {named(close.period)} would change: {_amounts(changes, close)},"
        f" because of {_reasons(changes, close.period)}"
        for close in held[:MOST_NAMED]
    ]
    if len(held) > MOST_NAMED:
        said.append(f"and {len(held) - MOST_NAMED} more")
    what = "; ".join(said)
    return CloudtallyError(
        "CT-CLOSED-CHANGED",
        f"{what[0].upper()}{what[1:]}.",
        where={
            "provider": ", ".join(sorted({close.period.provider for close in held})),
            "month": ", ".join(sorted({month_key(close.period.month) for close in held})),
            "clock": ", ".join(sorted({close.period.clock.value for close in held})),
        },
        kept="what is published now; nothing of this build was published.",
        next_step=f"If it is right, {_commands(held)}, then run again; it accepts exactly this"
        " change. If not, restore what changed.",
    )


def named(period: Period) -> str:
    """Return a period as people call it."""
    return f"{period.clock.value} of {period.provider} {month_key(period.month)}"


def _commands(held: Sequence[Close]) -> str:
    return " and ".join(
        f"`cloudtally acknowledge --month {month_key(close.period.month)}"
        f" --provider {close.period.provider}"
        f'{" --carbon" if close.period.clock is Clock.CARBON else ""} --reason "why"`'
        for close in held[:MOST_NAMED]
    )


def _amounts(changes: Changes, close: Close) -> str:
    return "; ".join(amounts(row) for row in changes.of(close.period))


def amounts(row: Restatement) -> str:
    """Return by how much a period changes, in words."""
    if row.status == words.NO_BASELINE:
        return "by an unknown amount, since the copy of what was published is gone from kept/"
    counts = f"{row.rows_added} rows added, {row.rows_changed} changed, {row.rows_removed} removed"
    moved = [
        f"{name} {signed(value)} {unit}"
        for name, value, unit in (
            ("billed", row.billed, row.currency),
            ("effective", row.effective, row.currency),
            ("location-based", row.location_kg, "kg CO2e"),
            ("market-based", row.market_kg, "kg CO2e"),
            ("of unspecified method", row.unspecified_kg, "kg CO2e"),
        )
        if value is not None
    ]
    return ", ".join([counts, *moved])


def signed(amount: str) -> str:
    """Return an amount with its sign, as a difference is written."""
    return amount if amount.startswith("-") else f"+{amount}"


def _reasons(changes: Changes, period: Period) -> str:
    row = changes.of(period)[0]
    said = []
    for kind in (words.CHARGES, words.EMISSIONS):
        if kind in row.changed_inputs:
            said.append(_delivery_reason(row, kind))
    said += [text for word, text in _CHANGED.items() if word in row.changed_inputs]
    return " and ".join(said) or "something that left no trace in the ledger"


def _delivery_reason(row: Restatement, kind: str) -> str:
    own = words.EMISSIONS if row.clock == Clock.CARBON else words.CHARGES
    if kind != own:
        return "new deliveries of charges that share its emissions"
    before = {each[0]: each[1] for each in row.delivered_before}
    news = [
        f"delivery {delivery} of {source} (before: {before.get(source, 'none')})"
        for source, delivery in row.delivered_after
        if before.get(source) != delivery
    ]
    return ", ".join(news) or "a delivery that is gone"
