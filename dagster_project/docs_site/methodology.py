"""The methodology page: how estimates are made, from which figures, with what error.

Belongs here: the tables. The words are in `methodology_page.md`; every figure comes from the seeds,
so that the page can't say what the models don't do.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from dagster_project.docs_site.pages import filled, table
from dagster_project.reference import seed_rows

Row = Mapping[str, str]

KINDS = {
    "idle_power": "Power at idle",
    "full_power": "Power at full load",
    "included_memory": "Memory that a vCPU's power holds",
    "power": "Power or energy of a unit",
    "load": "Load",
    "embodied": "Emissions of making it",
    "lifespan": "Life over which they are spread",
    "pue": "Overhead of the data centre",
    "grid_intensity": "Grid intensity",
    "transmission": "Losses on the way",
    "upstream": "Upstream of the power station",
    "wue": "Water on site",
    "source_water": "Water at the power station",
}
LISTED = (
    "idle_power",
    "full_power",
    "power",
    "load",
    "embodied",
    "lifespan",
    "transmission",
    "upstream",
)
QUALITIES = {
    "measured": "kWh from a meter; only overhead and grid are modelled",
    "hardware": "machine, drive or accelerator known by name",
    "family": "processor family or size known, not the machine",
    "proxy": "a managed service, a network path or a language model stands for its hardware",
    "output_tokens": "a language model stands for its hardware, by the tokens that it wrote; those"
    " that it read are counted and have no energy of their own",
}

WORDS = Path(__file__).parent / "methodology_page.md"


def render() -> str:
    """Return the page."""
    factors = seed_rows("carbon/carbon_factors")
    tables = {
        "qualities": table(("`x_EstimateQuality`", "meaning"), QUALITIES.items()),
        "sets": table(("set", "valid from", "until before", "digest", "what is in it"), _sets()),
        "kinds": table(("kind", "rows", "unit", "range", "years", "sources"), _kinds(factors)),
        "listed": table(
            ("factor", "value", "low", "high", "unit", "source", "licence"), _listed(factors)
        ),
        "rules": table(("provider", "rules", "estimated", "held elsewhere"), _rules()),
    }
    return filled(WORDS, tables)


def _sets() -> Iterator[Sequence[str]]:
    for row in seed_rows("carbon/carbon_factor_sets"):
        digest = row["content_sha256"][:12]
        yield (
            f"`{row['factor_set_id']}`",
            row["valid_from"],
            row["valid_to"],
            f"`{digest}`",
            row["description"],
        )


def _kinds(factors: Sequence[Row]) -> Iterator[Sequence[str]]:
    for kind, name in KINDS.items():
        rows = [row for row in factors if row["factor_kind"] == kind]
        years = sorted({row["year"] for row in rows})
        yield (
            name,
            str(len(rows)),
            ", ".join(sorted({row["unit"] for row in rows})),
            f"{min(rows, key=_value)['value']} to {max(rows, key=_value)['value']}",
            years[0] if len(years) == 1 else f"{years[0]} to {years[-1]}",
            "; ".join(sorted({row["source"] for row in rows})),
        )


def _value(row: Row) -> float:
    return float(row["value"])


def _listed(factors: Sequence[Row]) -> Iterator[Sequence[str]]:
    for row in factors:
        if row["factor_kind"] in LISTED and not row["last_set"]:
            yield (
                f"`{row['factor_id']}`",
                row["value"],
                row["value_low"],
                row["value_high"],
                row["unit"],
                row["source"],
                row["licence"],
            )


def _rules() -> Iterator[Sequence[str]]:
    rules = seed_rows("carbon/carbon_usage_rules")
    for provider in sorted({row["provider"] for row in rules}):
        counts = Counter(row["treatment"] for row in rules if row["provider"] == provider)
        yield provider, str(counts.total()), str(counts["Estimate"]), str(counts["Elsewhere"])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
