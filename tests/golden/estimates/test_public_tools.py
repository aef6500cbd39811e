"""What the page says of public tools holds together with what was worked out by hand."""

from fractions import Fraction

import pytest

from tests.golden.estimates.public_tools import CCF, FIGURES, REASONS, Figure
from tests.public_tools import COMMAND, PAGE, render

NEAR = Fraction(1, 10**5)
CCF_GRAMS = {
    "eu-west-1": "278.6",
    "eu-north-1": "8.8",
    "us-east-1": "379.069",
    "us-west-2": "322.167",
    "ap-south-1": "708.2",
}
OTHER_GRAMS = "351.27996"


def name(figure: Figure) -> str:
    return f"{figure.tool}: {figure.line}"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), f"Run `{COMMAND}`."


def test_a_tool_has_one_figure_for_a_line() -> None:
    assert len({name(figure) for figure in FIGURES}) == len(FIGURES)


@pytest.mark.parametrize("figure", FIGURES, ids=name)
def test_a_figure_is_of_a_line_with_an_estimate_and_has_reasons(figure: Figure) -> None:
    assert figure.case.status == "Estimated"
    assert figure.why
    assert set(figure.why) <= set(REASONS)
    assert (figure.kg is None) == (figure.why == ("unknown",))


def test_every_reason_is_somebodys() -> None:
    assert {reason for figure in FIGURES for reason in figure.why} == set(REASONS)


@pytest.mark.parametrize(
    "figure", [figure for figure in FIGURES if figure.ratio is not None], ids=name
)
def test_factors_explain_the_whole_difference(figure: Figure) -> None:
    ours = figure.case.measures["x_EstimatedOperationalKg"]
    assert figure.kg is not None
    assert ours is not None
    assert figure.ratio is not None
    assert abs(figure.kg / (ours * figure.ratio) - 1) < NEAR


@pytest.mark.parametrize(
    "figure",
    [figure for figure in FIGURES if figure.tool == CCF and figure.kg is not None],
    ids=name,
)
def test_ccf_s_kilograms_are_its_energy_at_its_grid(figure: Figure) -> None:
    """So that embodied emissions are in none of them."""
    assert figure.kwh is not None
    assert figure.kg is not None
    grams = Fraction(CCF_GRAMS.get(str(figure.case.line["RegionId"]), OTHER_GRAMS))
    assert abs(figure.kg * 1000 / (figure.kwh * grams) - 1) < Fraction(1, 10**3)
