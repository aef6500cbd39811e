"""Accepting a change of a closed period: exactly the one that was shown, and no other."""

from dagster_project.errors import CloudtallyError
from dagster_project.history.restatement import Restatement
from dagster_project.ledger.state import Close, LedgerState, Period
from dagster_project.ledger.store import Clock, Entry, Kind
from dagster_project.months import Month, month_key
from dagster_project.periods.close import standing
from dagster_project.pipeline.changes import Changes, find_changes
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.guard import held_periods, named
from dagster_project.pipeline.lock import home_lock


def acknowledge_changes(
    context: Context, month: Month, clock: Clock, provider: str | None, reason: str
) -> list[tuple[Period, list[Restatement]]]:
    """Accept what the last run held back of a closed period; the next run publishes it.

    Raises:
        CloudtallyError: CT-CLOSE-NOT-CLOSED, CT-ACKNOWLEDGE-NOTHING when no change is held back,
            CT-ACKNOWLEDGE-UNSEEN when it isn't the one that was shown.
    """
    with home_lock(context.home.lock):
        state = context.state()
        wanted = set(standing(state, month, clock, provider))
        changes = find_changes(context)
        held = [close for close in held_periods(state, changes) if close.period in wanted]
        if not held:
            raise CloudtallyError(
                "CT-ACKNOWLEDGE-NOTHING",
                f"No change of the closed {clock.value} of {provider or 'any provider'}"
                f" {month_key(month)} is held back.",
                kept="everything; nothing was recorded.",
                next_step="`cloudtally run` finds changes and says what they are.",
            )
        for close in held:
            _refuse_unseen(state, changes, close)
        context.ledger.append_together(
            [
                Entry(
                    Kind.ACKNOWLEDGED,
                    month=month,
                    variant=clock.value,
                    reason=reason,
                    payload={
                        "provider": close.period.provider,
                        "digest": changes.digests[close.period],
                        "before": close.digest,
                    },
                )
                for close in held
            ]
        )
    return [(close.period, changes.of(close.period)) for close in held]


def _refuse_unseen(state: LedgerState, changes: Changes, close: Close) -> None:
    shown = state.held.get(close.period)
    if shown is None or shown.payload["digest"] != changes.digests[close.period]:
        raise CloudtallyError(
            "CT-ACKNOWLEDGE-UNSEEN",
            f"What would change in the {named(close.period)} isn't what was shown.",
            kept="everything; nothing was recorded.",
            next_step="Run `cloudtally run` again, read what it says, then acknowledge.",
        )
