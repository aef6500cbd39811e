"""What `backfill` shows: the plan, how far it is, how it ended."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from dagster_project.cli.screen import Counter, Screen
from dagster_project.months import month_key

_MOST_SHOWN = 20


@dataclass
class Pace:
    """How far a backfill is and how long the rest takes.

    Attributes:
        months: Months to build.
        expected: Seconds that all of it should take by this home's history; None without one.
        began: When it began, monotonic seconds.
        done: Months that are published.
    """

    months: int
    expected: float | None
    began: float
    done: int = 0

    def finish(self, months: int) -> None:
        """Note that months are published."""
        self.done += months

    def left(self) -> float | None:
        """Return the seconds still to go: by what was done so far, before that by the history."""
        elapsed = time.monotonic() - self.began
        if self.done:
            return elapsed / self.done * (self.months - self.done)
        return None if self.expected is None else max(self.expected - elapsed, 0.0)

    def steps_of(self, title: str, months: int, bar: Counter) -> Callable[[int, int], None]:
        """Return what moves a batch's bar when a step begins."""

        def on_step(step: int, steps: int) -> None:
            text = f"{title} ({months} months), step {step} of {steps}{_and_left(self.left())}"
            bar.at(text, step - 1, steps)

        return on_step


def show_plan(screen: Screen, plan: Any) -> None:
    """Print what a backfill would do."""
    screen.document(plan_document(plan))
    if screen.as_json:
        return
    screen.console.print(_table(plan))
    for line in _sentences(plan):
        screen.say(line)


def plan_document(plan: Any) -> dict[str, Any]:
    """Return the plan as plain data."""
    return {
        "units": [_unit_document(unit) for unit in plan.units],
        "deliveries": sum(unit.deliveries for unit in plan.to_do),
        "requests": sum(unit.requests for unit in plan.to_do),
        "bytes": sum(unit.bytes for unit in plan.to_do),
        "batches": [[month_key(month) for month in batch] for batch in plan.batches],
        "expected_seconds": None if plan.seconds is None else round(plan.seconds),
        "estimated_from": plan.basis,
    }


def show_batch(
    screen: Screen, title: str, months: Sequence[Any], launched: Any, pace: Pace
) -> None:
    """Say how a batch ended and how much is left."""
    span = _span(months)
    if launched.succeeded:
        left = _and_left(pace.left() if pace.done < pace.months else None)
        screen.say(f"{title} published ({span}): {pace.done} of {pace.months} months{left}")
        return
    screen.say(f"{title} failed ({span}):")
    for sentence in (*launched.failures, *launched.broken):
        screen.console.print(f"[red]{escape(sentence)}[/red]", soft_wrap=True)


def show_end(screen: Screen, settings: Any, plan: Any, done: Sequence[tuple[Any, Any]]) -> None:
    """Say what was done, what is left and what needs somebody."""
    published = [months for months, launched in done if launched.succeeded]
    failed = [launched for _, launched in done if not launched.succeeded]
    held_back = [o for _, launched in done for o in launched.outcomes if not o.is_well]
    known = {(outcome.source, outcome.month) for outcome in held_back}
    at_fault = [unit for unit in plan.at_fault if (unit.source, unit.month) not in known]
    left = plan.batches[len(published) :]
    problems = [sentence for one in failed for sentence in (*one.failures, *one.broken)]
    screen.document(
        {
            "outcome": "failed" if failed else "published" if published else "nothing to do",
            "plan": plan_document(plan),
            "published": [[month_key(month) for month in months] for months in published],
            "left": [[month_key(month) for month in months] for months in left],
            "problems": [*problems, *map(_outcome_line, held_back), *map(_unit_line, at_fault)],
        }
    )
    screen.problems(held_back)
    for unit in at_fault[:_MOST_SHOWN]:
        screen.say(_unit_line(unit))
    count = sum(len(months) for months in published)
    if not done:
        screen.say("Nothing to do: the months of this range are published as they arrived.")
    elif failed:
        screen.say(
            f"Stopped: {count} months are published, {len(plan.months) - count} are not "
            f"({_span([month for months in left for month in months])}); readers keep what they "
            "had. When the cause is gone, the same command does the rest."
        )
    else:
        screen.say(f"Backfilled {count} months:")
        screen.say(f"  {settings.layout.published / 'cloudtally.duckdb'}")


def _table(plan: Any) -> Table:
    """Return one row per source: how many months are in which state, and what is to be fetched."""
    table = Table(title="Backfill, source by source")
    for column in ("source", "months", "deliveries", "requests", "bytes"):
        table.add_column(column, justify="left" if column in ("source", "months") else "right")
    for source in dict.fromkeys(unit.source for unit in plan.units):
        units = [unit for unit in plan.units if unit.source == source]
        states = dict.fromkeys(unit.state for unit in units)
        counts = (f"{len([u for u in units if u.state is state])} {state}" for state in states)
        new = [unit for unit in plan.to_do if unit.source == source]
        table.add_row(
            escape(source),
            ", ".join(counts),
            str(sum(unit.deliveries for unit in new)),
            str(sum(unit.requests for unit in new)),
            decimal(sum(unit.bytes for unit in new)),
        )
    return table


def _sentences(plan: Any) -> Iterator[str]:
    new = plan.to_do
    yield (
        f"{len(new)} units to land: {sum(unit.deliveries for unit in new)} deliveries, "
        f"{decimal(sum(unit.bytes for unit in new))} in {sum(unit.requests for unit in new)} "
        "requests, beside the listings that this plan took."
    )
    for number, months in enumerate(plan.batches, start=1):
        yield f"Batch {number}: {len(months)} months, {_span(months)}."
    if plan.batches:
        yield "Months that share a usage month's carbon with these are built with them."
    for unit in plan.closed:
        yield (
            f"Changes a closed period: {unit.closed.clock} of {unit.provider} "
            f"{month_key(unit.month)}, by source {unit.source}: {_change(unit.change)}"
        )
    expected = "unknown" if plan.seconds is None else f"about {_duration(plan.seconds)}"
    yield f"Expected time: {expected} ({plan.basis})."
    others = [unit for unit in plan.units if unit.reason]
    yield from _grouped(others)[:_MOST_SHOWN]
    if not plan.batches:
        yield "Nothing to do: what is there is built and published."
    yield "Nothing was written."


def _grouped(units: Sequence[Any]) -> list[str]:
    """Return one line for the months of a source that share a state and a reason."""
    groups: dict[tuple[str, str, str], list[Any]] = {}
    for unit in units:
        groups.setdefault((unit.source, unit.state, unit.reason), []).append(unit.month)
    return [
        f"{source} {_span(months)} {state}: {reason}"
        for (source, state, reason), months in groups.items()
    ]


def _unit_document(unit: Any) -> dict[str, Any]:
    closed = None
    if unit.closed is not None:
        closed = {
            "clock": str(unit.closed.clock),
            "rows": unit.change.rows,
            "sums": unit.change.sums and {k: _plain(v) for k, v in unit.change.sums.items()},
        }
    return {
        "source": unit.source,
        "provider": unit.provider,
        "month": month_key(unit.month),
        "variant": unit.variant,
        "state": str(unit.state),
        "deliveries": unit.deliveries,
        "requests": unit.requests,
        "bytes": unit.bytes,
        "reason": unit.reason,
        "closed": closed,
    }


def _change(change: Any) -> str:
    if change.rows is None and change.sums is None:
        return "by how much is unknown until it is fetched"
    rows = "rows unknown until fetched" if change.rows is None else f"{change.rows:+d} rows"
    sums = [f"{name} {_plain(value)}" for name, value in (change.sums or {}).items() if value]
    amounts = ", ".join(sums) if sums else "no total moves"
    return f"{rows}, {'amounts unknown until fetched' if change.sums is None else amounts}"


def _plain(value: Decimal) -> str:
    text = f"{value:+f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _outcome_line(outcome: Any) -> str:
    return str(outcome.error)


def _unit_line(unit: Any) -> str:
    return f"{unit.source} {month_key(unit.month)} {unit.state}: {unit.reason}"


def _span(months: Sequence[Any]) -> str:
    if not months:
        return "no months"
    first, last = month_key(max(months)), month_key(min(months))
    return first if first == last else f"{first} back to {last}"


def _and_left(seconds: float | None) -> str:
    return "" if seconds is None else f", about {_duration(seconds)} left"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
