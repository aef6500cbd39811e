"""What a step run by Dagster works on: the configuration file that the process was started with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dagster_project.pipeline.context import Context
from dagster_project.settings import load_settings

_given: list[tuple[Context, Callable[[], None]]] = []


def run_context() -> Context:
    """Return the context of this run; every step asks once.

    The command line gives its own, with its progress display; otherwise the configuration file
    named by `CLOUDTALLY_CONFIG` is read, when a step runs and not before.
    """
    if not _given:
        return Context(load_settings())
    context, on_step = _given[-1]
    on_step()
    return context


@contextmanager
def given_context(context: Context, on_step: Callable[[], None]) -> Iterator[None]:
    """Let the steps of this process use a context, and report each that starts."""
    _given.append((context, on_step))
    try:
        yield
    finally:
        _given.pop()
