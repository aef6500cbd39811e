"""The page on what public tools say of the lines that are worked out by hand.

`python -m tests.public_tools docs/other_tools.md` writes it anew.
"""

import sys
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from dagster_project.docs_site.pages import filled, table
from dagster_project.paths import PROJECT_ROOT
from tests.golden.estimates.public_tools import FIGURES, REASONS, Figure

PAGE = PROJECT_ROOT / "docs" / "other_tools.md"
COMMAND = "python -m tests.public_tools docs/other_tools.md"
WORDS = PROJECT_ROOT / "tests" / "golden" / "estimates" / "public_tools_page.md"
DIGITS = 4
NUMBERS = {name: number for number, name in enumerate(REASONS, start=1)}


def render() -> str:
    """Return the page."""
    pieces = {
        "tables": table(
            ("line", "tool", "our kWh", "their kWh", "our kg", "their kg", "ratio", "why"),
            (compared(figure) for figure in FIGURES),
        ),
        "made": table(
            ("line", "tool", "ours", "theirs", "ratio"),
            (made(figure) for figure in FIGURES if figure.made is not None),
        ),
        "reasons": "\n".join(f"{NUMBERS[name]}. {text}" for name, text in REASONS.items()),
    }
    return filled(WORDS, pieces)


def compared(figure: Figure) -> Sequence[str]:
    measures = figure.case.measures
    ours = measures["x_EstimatedOperationalKg"]
    ratio = over(figure.kg, ours)
    return (
        f"`{figure.line}`",
        figure.tool,
        number(measures["x_EstimatedEnergyKwh"]),
        number(figure.kwh),
        number(ours),
        number(figure.kg),
        f"**{ratio}**" if figure.ratio is not None else ratio,
        ", ".join(str(NUMBERS[name]) for name in sorted(figure.why, key=NUMBERS.__getitem__)),
    )


def made(figure: Figure) -> Sequence[str]:
    ours = figure.case.made
    return (
        f"`{figure.line}`",
        figure.tool,
        number(ours),
        number(figure.made),
        over(figure.made, ours),
    )


def over(theirs: Fraction | None, ours: Fraction | None) -> str:
    return number(theirs / ours, 3) if theirs is not None and ours else "none"


def number(value: Fraction | None, digits: int = DIGITS) -> str:
    """Return a number of so many digits, without an exponent where it is not tiny."""
    if value is None:
        return "none"
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    text = f"{exact:.{digits}g}"
    return text if "e-" in text and abs(exact) < Decimal("1e-6") else f"{Decimal(text):f}"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
