"""The seeds as Python reads them: the same files from which dbt makes tables."""

import csv
import functools

from dagster_project.paths import SEEDS


@functools.cache
def seed_rows(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a seed, such as `focus/focus_columns`, as texts by column."""
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))
