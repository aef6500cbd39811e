"""Every pitfall of reported and estimated carbon has a case or a test; `pitfalls.csv` says which.

A pitfall that loses its test turns this red, and so does a case that belongs to no pitfall.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

import pytest

from dagster_project.paths import PROJECT_ROOT
from tests.fault_table import test_words as words_of_test
from tests.golden.carbon.test_pitfalls import CASES
from tests.golden.estimates.by_hand import CASES as ESTIMATES

TABLE = Path(__file__).with_name("pitfalls.csv")
CASES_OF = {
    "tests/golden/carbon/test_pitfalls.py": CASES,
    "tests/golden/estimates/test_lines_by_hand.py": ESTIMATES,
}
PITFALLS: Mapping[str, tuple[str, ...]] = {
    "rows": (
        "usage, covered usage and discounted usage",
        "an unused commitment",
        "purchases, fees and negations",
        "taxes, credits, refunds, discounts, rounding",
        "corrections",
        "marketplace and other publishers",
        "free tier",
        "containers split off from their machine",
        "data transfer",
    ),
    "conservation": (
        "allocated and unallocated are what was reported",
        "an emission without eligible lines",
        "weights that add up to nothing",
        "a region or service without lines",
        "an emission without an account",
        "a line without a report is NULL with its reason",
        "a provider's zero is a zero",
        "rounded shares add up",
    ),
    "joins": (
        "two model versions",
        "refreshes that are all kept",
        "empty files",
        "payer and member exports both loaded",
        "Google's duplicate rows and backfills",
        "a project without an id is found by its number",
        "invoice month against usage month",
        "zone, region, multi-region, global",
        "names of regions that drift",
        "tonnes and kilograms",
        "a total added to its scopes",
        "location-based added to market-based",
        "an estimate added to a report",
        "a parent added to its parts",
        "Azure's sum of scopes beside its scopes",
        "denied subscriptions",
        "Azure's twelve months",
        "an account that left the organisation",
        "time zones at a month's edge",
    ),
    "lag": (
        "estimates until the report arrives",
        "pending, provisional, closed",
        "what arrives replaces the month",
        "the former figure is kept",
        "shared costs take their carbon along",
    ),
    "bad input": (
        "two model versions in one month",
        "an empty emissions file",
        "a total that isn't the sum of its scopes",
        "tonnes under the name of kilograms",
        "negative emissions",
        "region names that drift",
        "emissions of an account that no bill has",
        "no factor for a region",
        "known misprints of factor tables",
        "a dedicated host beside its instances",
        "split rows beside their parent",
        "an unused reservation without a quantity",
    ),
}


def lines() -> list[tuple[str, str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [(row["kind"], row["pitfall"], row["test"]) for row in csv.DictReader(file)]


def problem(test: str) -> str | None:
    """Return what is wrong with a test's name, None where the test is there."""
    path, _, name = test.partition("::")
    function, _, case = name.removesuffix("]").partition("[")
    cases = CASES_OF.get(path)
    if cases is not None and case:
        if case not in cases:
            return f"{path} has no case {case!r}"
        name = function
    return (
        None
        if words_of_test(f"{path}::{name}", PROJECT_ROOT) is not None
        else f"there is no test {test}"
    )


def test_every_pitfall_has_a_test() -> None:
    named = {(kind, pitfall) for kind, pitfalls in PITFALLS.items() for pitfall in pitfalls}
    assert {line[:2] for line in lines()} == named


def test_what_the_table_names_is_there() -> None:
    assert [found for _, _, test in lines() if (found := problem(test))] == []


def test_every_case_belongs_to_a_pitfall() -> None:
    named = {test.removesuffix("]").partition("[")[2] for _, _, test in lines()}
    assert set(CASES) <= named


@pytest.mark.parametrize(
    "test",
    [
        "tests/golden/carbon/test_pitfalls.py::test_every_line_carries_what_was_worked_out[x]",
        "tests/golden/carbon/test_pitfalls.py::test_that_nobody_wrote",
        "tests/golden/carbon/test_nothing.py::test_every_line",
        "tests/integration/test_double_counting.py"
        "::test_two_exports_of_one_account_are_never_both_counted[three]",
    ],
)
def test_a_test_that_isnt_there_is_found(test: str) -> None:
    assert problem(test) is not None
