"""`cloudtally owners`: what a change of rules would move."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from dagster_project.cli.options import month_option
from dagster_project.cli.screen import Screen
from dagster_project.months import Month, month_key
from dagster_project.settings import load_settings

if TYPE_CHECKING:
    from dagster_project.pipeline.tryout import Change, Move, Trial

MOST_SHOWN = 40
_WORDS = {
    "effective_cost": "effective",
    "billed_cost": "billed",
    "carbon_location_kg": "kg location",
    "carbon_market_kg": "kg market",
    "carbon_unspecified_kg": "kg unspecified",
    "estimated_carbon_kg": "kg estimated",
}
Row = TypeVar("Row")
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--try", "rules", type=_FILE, metavar="FILE", help="Virtual tag rules to try.")
@click.option("--chargeback", type=_FILE, metavar="FILE", help="Pools and drivers to try.")
@click.option(
    "--month",
    "months",
    type=month_option,
    metavar="YYYY-MM",
    multiple=True,
    help="Only this month; repeat. Otherwise all published months.",
)
@click.pass_obj
def owners(
    screen: Screen, rules: Path | None, chargeback: Path | None, months: tuple[Month, ...]
) -> None:
    """Show what a rules file would move between owners, before it is merged; change nothing."""
    from dagster_project.pipeline.context import Context
    from dagster_project.pipeline.tryout import try_out

    if rules is None and chargeback is None:
        raise click.UsageError("Name a file: --try RULES, --chargeback FILE, or both.")
    context = Context(load_settings(), report=screen.say)
    with screen.working("trying the rules on what is published"):
        trial = try_out(context, rules, chargeback, months)
    show(screen, trial)


def show(screen: Screen, trial: "Trial") -> None:
    """Print what would move, as tables or as one document."""
    screen.document(asdict(trial))
    for warning in trial.warnings:
        screen.say(f"warning: {warning}")
    if screen.as_json:
        return
    span = f"{month_key(trial.months[0])} to {month_key(trial.months[-1])}"
    if not (trial.moves or trial.changes):
        screen.say(f"Nothing would move in {len(trial.months)} months ({span}).")
        return
    _say(screen, "Charges that would change hands:", trial.moves, _move, _moved)
    _say(screen, "What would be charged instead, shares included:", trial.changes, _change, _grown)
    closed = sorted({month_key(move.billing_month) for move in trial.moves if _is_closed(move)})
    if closed:
        screen.say(f"Closed months would be restated: {', '.join(closed)}.")


def _say(
    screen: Screen,
    title: str,
    rows: Sequence[Row],
    line: Callable[[Row], str],
    size: Callable[[Row], Decimal],
) -> None:
    """Print the largest rows in their order."""
    if not rows:
        return
    largest = set(sorted(range(len(rows)), key=lambda n: abs(size(rows[n])))[-MOST_SHOWN:])
    screen.say(title)
    for number, row in enumerate(rows):
        if number in largest:
            screen.say(f"  {line(row)}")
    if len(rows) > MOST_SHOWN:
        screen.say(f"  {len(rows) - MOST_SHOWN} smaller ones: with --json")


def _move(move: "Move") -> str:
    amounts = [f"{move.lines:,} lines", *_amounts(lambda name: _number(getattr(move, name)))]
    way = f"{_name(move.from_owner, move.from_cost_center)} -> "
    way += _name(move.to_owner, move.to_cost_center)
    return f"{_place(move)}: {way}: {', '.join(amounts)}"


def _change(change: "Change") -> str:
    def arrow(name: str) -> str:
        before, after = (_number(getattr(change, f"{name}_{when}")) for when in ("before", "after"))
        return "" if before == after else f"{before or '0.00'} -> {after or '0.00'}"

    return f"{_place(change)}: {_name(change.owner, change.cost_center)}: " + ", ".join(
        _amounts(arrow)
    )


def _amounts(value: Callable[[str], str]) -> list[str]:
    found = ((word, value(name)) for name, word in _WORDS.items())
    return [f"{word} {text}" for word, text in found if text]


def _place(row: "Move | Change") -> str:
    return f"{month_key(row.billing_month)} {row.billing_currency}"


def _moved(move: "Move") -> Decimal:
    return move.effective_cost or Decimal(0)


def _grown(change: "Change") -> Decimal:
    return change.effective_cost_after - change.effective_cost_before


def _is_closed(move: "Move") -> bool:
    return move.cost_state in ("closed", "restated")


def _name(owner: str | None, cost_center: str | None) -> str:
    who = owner or "nobody"
    return f"{who} ({cost_center})" if cost_center else who


def _number(value: Decimal | None) -> str:
    return "" if value is None else f"{value:,.2f}"
