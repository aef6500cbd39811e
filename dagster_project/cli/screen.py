"""What a command shows: sentences and tables for people, one JSON document for machines."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from dagster_project.errors import CloudtallyError
from dagster_project.months import ALL_MONTHS, month_key

STATE_STYLES = {
    "arrived": "green",
    "pending": "cyan",
    "missing": "yellow",
    "quarantined": "red",
}


class Counter:
    """A progress bar: call it with an increment, or set it to a position."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def __call__(self, increment: int) -> None:
        """Advance by an increment."""
        self._progress.advance(self._task, increment)

    def set(self, step: int, steps: int) -> None:
        """Say that a step begins."""
        self._progress.update(
            self._task, description=f"step {step} of {steps}", completed=step - 1, total=steps
        )

    def at(self, what: str, done: int, total: int) -> None:
        """Say what is being done, and how much of it is."""
        self._progress.update(self._task, description=escape(what), completed=done, total=total)


class Screen:
    """Output of one command."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console(stderr=as_json, highlight=False)

    def say(self, line: str) -> None:
        """Print one line."""
        self.console.print(escape(line), soft_wrap=True)

    def tell(self, line: str) -> None:
        """Print one line for people; machines have the document."""
        if not self.as_json:
            self.say(line)

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Show that something is going on."""
        with self.console.status(escape(what)):
            yield

    @contextmanager
    def counting(self, what: str, total: int | None) -> Iterator[Counter]:
        """Show a progress bar; without a total, that something is going on."""
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console, transient=True) as progress:
            yield Counter(progress, progress.add_task(escape(what), total=total))

    def document(self, content: Any) -> None:
        """Print the JSON document, if that is what was asked for."""
        if self.as_json:
            print(json.dumps(content, indent=1, default=str))

    def error(self, error: CloudtallyError) -> None:
        """Print an error."""
        self.document({"error": error.as_dict()})
        self.console.print(f"[red]{escape(str(error))}[/red]", soft_wrap=True)

    def problems(self, outcomes: Sequence[Any]) -> None:
        """Print what somebody has to look at."""
        for outcome in outcomes:
            has_month = outcome.month and outcome.month != ALL_MONTHS
            month = month_key(outcome.month) if has_month else "all months"
            text = f"{outcome.source} {month} {outcome.status}: {outcome.error}"
            self.console.print(f"[yellow]{escape(text)}[/yellow]", soft_wrap=True)

    def nothing_to_do(self, settings: Any, survey: Any) -> None:
        """Say that a run found nothing."""
        self.document(
            {"outcome": "nothing to do", "problems": [str(o.error) for o in survey.problems]}
        )
        months = survey.plan.months
        span = f"{month_key(min(months))} to {month_key(max(months))}" if months else "no months"
        self.say(f"Nothing to do: {len(months)} months ({span}) are published as they arrived.")
        self.problems(survey.problems)

    def nothing_arrived(self, settings: Any, survey: Any) -> None:
        """Say that there is nothing that could be built."""
        what = "No delivery has arrived" if settings.sources else "No source is configured"
        problems = [str(outcome.error) for outcome in survey.problems]
        self.document({"outcome": "nothing to do", "problems": problems})
        self.say(f"{what}: nothing to build. Configuration: {settings.config_path}")
        self.problems(survey.problems)

    def report(self, page: Path) -> None:
        """Say where the report is."""
        self.document({"report": page.as_uri()})
        self.say(page.as_uri())

    def run_summary(self, settings: Any, launched: Any, survey: Any) -> None:
        """Print how a run ended and where to look."""
        known = {(outcome.source, outcome.month, outcome.variant) for outcome in survey.problems}
        held_back = [
            *survey.problems,
            *(o for o in launched.unread if (o.source, o.month, o.variant) not in known),
        ]
        problems = [*launched.failures, *launched.broken]
        self.document(
            {
                "outcome": "published" if launched.succeeded else "failed",
                "problems": [*problems, *(str(o.error) for o in held_back)],
                "published": str(settings.layout.published),
            }
        )
        for problem in problems:
            self.console.print(f"[red]{escape(problem)}[/red]", soft_wrap=True)
        self.problems(held_back)
        if launched.succeeded:
            self.say(f"Published {len(survey.plan.months)} months:")
            self.say(f"  {settings.layout.published / 'cloudtally.duckdb'}")
            self.say(f"  {settings.layout.published / 'report' / 'index.html'}")
        else:
            self.say("Nothing was published; readers still see what was there before.")
        if launched.broken:
            self.say(f"  broken promises: {settings.layout.data_docs / 'index.html'}")

    def calendar(self, settings: Any, rows: Sequence[Any], state: Any) -> None:
        """Print the calendar of expected against arrived."""
        self.document([vars(row) for row in rows])
        if self.as_json:
            return
        months = sorted({row.month for row in rows})[-12:]
        table = Table(title="Deliveries, expected against arrived")
        table.add_column("source")
        for month in months:
            table.add_column(month_key(month))
        by_source: dict[str, dict[Any, Any]] = {}
        for row in rows:
            by_source.setdefault(row.source_name, {})[row.month] = row
        for source, found in by_source.items():
            cells = [_cell(found.get(month)) for month in months]
            table.add_row(escape(source), *cells)
        self.console.print(table)
        for row in rows:
            if row.state in ("quarantined", "missing"):
                self.say(f"{row.source_name} {month_key(row.month)} {row.state}: {row.reason}")
        if state.published:
            self.say(f"Published: {state.published['publication_id']}")

    def restatements(self, rows: Sequence[Any]) -> None:
        """Print what changed after it had been published."""
        if self.as_json:
            return
        if not rows:
            self.say("Nothing that was published has changed.")
            return
        table = Table(title="What changed after it had been published")
        for name in ("found", "period", "was", "lines", "difference", "cause", "acknowledged"):
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*map(escape, _restatement_cells(row)))
        self.console.print(table)

    def as_of(self, found: Any, copy: Path | None, rebuilt: Any) -> None:
        """Print what was published of a month then, and what differs now."""
        self.document(
            {
                "month": month_key(found.month),
                "publication": found.publication["publication_id"],
                "published_at": found.event.at.isoformat(),
                "hash_then": found.hash_then,
                "hash_now": found.hash_now,
                "file": str(found.file),
                "totals": [
                    {**vars(total), "difference": total.difference} for total in found.totals
                ],
                "copy": str(copy) if copy else None,
                "rebuilt": _rebuilt_document(rebuilt) if rebuilt else None,
            }
        )
        if self.as_json:
            return
        table = Table(
            title=f"{month_key(found.month)} as published {found.event.at:%Y-%m-%d %H:%M}Z"
        )
        for name in ("provider", "currency", "measure", "then", "now", "difference"):
            table.add_column(name, justify="left" if name in ("provider", "measure") else "right")
        for total in found.totals:
            cells = (total.provider, total.currency, total.measure, total.then, total.now)
            table.add_row(*(escape(cell or "-") for cell in (*cells, total.difference)))
        self.console.print(table)
        self.say(f"Then: {found.publication['publication_id']}, kept as {found.file}")
        if copy:
            self.say(f"A copy to read: {copy}")
        if rebuilt:
            self.say(_rebuilt_sentence(rebuilt))
    def left_out(self, displacements: Sequence[Any]) -> None:
        """Print which months an authoritative source leaves out, and who is lost with them."""
        if not self.as_json:
            for item in displacements:
                self.say(f"{item.unit.source} {month_key(item.unit.month)} {item.sentence}")

    def sample_summary(self, summary: Any) -> None:
        """Print what the sample generator wrote."""
        self.document({"out": summary.out, "rows": summary.rows, "config": summary.config})
        self.say(f"Wrote {summary.rows} rows for {len(summary.months)} months to {summary.out}")
        self.say(f"Next: cloudtally --config {summary.config} run")

    def demo_summary(self, settings: Any, agreement: Any) -> None:
        """Print what the demo showed."""
        self.console.rule("What happened")
        self.say(
            f"{agreement.compared} totals that the fictional company knows by itself "
            f"(cost by provider and month, carbon by scope and method): "
            f"{agreement.compared - len(agreement.differences)} equal to the last digit, "
            f"{len(agreement.differences)} differ."
        )
        for difference in agreement.differences[:5]:
            self.say(f"  {difference}")
        self.say("Where to look:")
        self.say(f"  picture   {settings.layout.published / 'report' / 'index.html'}")
        self.say(f"  database  {settings.layout.published / 'cloudtally.duckdb'}")
        self.say(f"  promises  {settings.layout.data_docs / 'index.html'}")
        self.say("Next:")
        self.say(f"  .venv/bin/cloudtally --config {settings.config_path} status")


def _cell(row: Any) -> str:
    if row is None:
        return ""
    style = STATE_STYLES.get(row.state, "")
    rows = f" {row.rows}" if row.rows is not None else ""
    return f"[{style}]{row.state}{rows}[/{style}]" if style else row.state


def _restatement_cells(row: Any) -> tuple[str, ...]:
    moved = [
        f"{name} {value} {unit}"
        for name, value, unit in (
            ("billed", row.billed, row.currency),
            ("effective", row.effective, row.currency),
            ("location", row.location_kg, "kg"),
            ("market", row.market_kg, "kg"),
            ("unspecified", row.unspecified_kg, "kg"),
        )
        if value is not None
    ]
    lines = (
        f"+{row.rows_added} ~{row.rows_changed} -{row.rows_removed}"
        if row.rows_added is not None
        else "unknown"
    )
    signed = f"{row.acknowledged_by}: {row.acknowledgement}" if row.acknowledged_by else "-"
    period = f"{row.provider} {row.month[:7]} {row.clock}"
    return (
        row.detected_at[:16], period, row.state_before, lines, "\n".join(moved) or "-", row.cause,
        signed,
    )  # fmt: skip


def _rebuilt_document(rebuilt: Any) -> dict[str, Any]:
    return {
        "home": str(rebuilt.home),
        "hash": rebuilt.hash_rebuilt,
        "is_equal": rebuilt.is_equal,
        "reasons": list(rebuilt.reasons),
        "differences": [row.as_payload() for row in rebuilt.differences],
    }


def _rebuilt_sentence(rebuilt: Any) -> str:
    if rebuilt.is_equal:
        return f"Rebuilt from the landed bytes: equal, {rebuilt.hash_rebuilt}"
    changed = sum(
        (row.rows_added or 0) + (row.rows_changed or 0) + (row.rows_removed or 0)
        for row in rebuilt.differences
    )
    if rebuilt.reasons:
        why = f"because of other {', '.join(rebuilt.reasons)} than were recorded"
    else:
        why = "although code, seeds, rules and configuration are the same: please report this"
    return f"Rebuilt from the landed bytes: {changed} lines differ, {why}. See {rebuilt.home}"
