"""What a step run by Dagster works on: the configuration file that the process was started with.

The command line gives more than that: its progress display, the months it was asked for, and a
place for what became of deliveries.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import dagster as dg

from dagster_project.months import Month
from dagster_project.partitions import months_of
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.extract import Outcome
from dagster_project.settings import load_settings


@dataclass(frozen=True)
class Given:
    """What the command line gives to the steps of its run.

    Attributes:
        months: The months wanted; a run's partitions are the range that spans them.
        on_step: Called when a step begins.
        outcomes: What became of deliveries, in the order in which they were looked at.
    """

    context: Context
    months: frozenset[Month]
    on_step: Callable[[], None]
    outcomes: list[Outcome] = field(default_factory=list)


_given: list[Given] = []


def run_context() -> Context:
    """Return the context of this run; every step asks once.

    The command line gives its own; otherwise the configuration file named by `CLOUDTALLY_CONFIG`
    is read, when a step runs and not before.
    """
    if not _given:
        return Context(load_settings())
    _given[-1].on_step()
    return _given[-1].context


def run_months(context: dg.AssetExecutionContext) -> list[Month]:
    """Return the months that this run is about."""
    return [month for month in months_of(context) if not _given or month in _given[-1].months]


def note_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Tell the command line, if it runs this, what became of deliveries."""
    if _given:
        _given[-1].outcomes.extend(outcomes)


@contextmanager
def given(what: Given) -> Iterator[None]:
    """Let the steps of this process use what the command line gives."""
    _given.append(what)
    try:
        yield
    finally:
        _given.pop()
