"""The seeds as Python reads them: the same files from which dbt makes tables."""

import csv
import functools
import hashlib
import json

from dagster_project.paths import SEEDS


@functools.cache
def seed_rows(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a seed, such as `focus/focus_columns`, as texts by column."""
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def factor_set_digest(number: int) -> str:
    """Return the SHA-256 over all rows of the carbon seeds that belong to a set of factors.

    An issued set is never edited; its digest in `carbon/carbon_factor_sets` says what it was.
    """
    texts = []
    for name in ("carbon_factors", "carbon_machines", "carbon_usage_rules", "carbon_usage_units"):
        for row in seed_rows(f"carbon/{name}"):
            first, last = row.get("first_set", "1"), row.get("last_set", "")
            if int(first) <= number and (not last or number <= int(last)):
                kept = {key: row[key] for key in row if key not in ("first_set", "last_set")}
                texts.append(json.dumps([name, kept], sort_keys=True, ensure_ascii=False))
    return hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()
