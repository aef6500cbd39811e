"""The same months, written as native bills and as FOCUS exports, give equal facts.

Every difference is declared with its reason in `tests/native_differences.py`.
"""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dagster_project.cli.truth import compare_with_truth
from dagster_project.paths import PROJECT_ROOT
from dagster_project.sample_estate import write_estate
from tests.integration.fact_twins import COSTS, Seen, Twins
from tests.integration.homes import Place
from tests.native_differences import ALL, DIFFERENCES, RECUT, Difference, render

MONTHS = [dt.date(2026, month, 1) for month in (4, 5, 6)]
PAGE = PROJECT_ROOT / "docs" / "native_vs_focus.md"
PROVIDERS = ("aws", "azure", "gcp")

slow = pytest.mark.slow


def _built(folder: Path, formats: Any) -> Place:
    write_estate(folder, rows=6_000, months=MONTHS, only=PROVIDERS, formats=formats)
    place = Place(folder)
    ran = place.cloudtally("run")
    assert ran.code == 0, ran.text
    return place


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return _built(tmp_path_factory.mktemp("native"), "native")


@pytest.fixture(scope="module")
def twins(native: Place, tmp_path_factory: pytest.TempPathFactory) -> Twins:
    focus = _built(tmp_path_factory.mktemp("focus"), "focus")
    return Twins(focus.home, native.home, {(recut.source, recut.scope) for recut in RECUT})


def _declares(difference: Difference, seen: Seen) -> bool:
    return (
        seen.source in difference.sources
        and seen.column in difference.columns
        and (difference.scopes == ALL or seen.scope in difference.scopes)
    )


@slow
def test_a_native_estate_arrives_at_its_truth(native: Place) -> None:
    agreement = compare_with_truth(native.database, native.estate)
    assert agreement.differences == ()
    charges = json.loads((native.estate / "truth.json").read_text())["charges"]
    assert len(charges) == len(PROVIDERS) * len(MONTHS)
    assert agreement.compared > len(charges) * len(COSTS)


@slow
def test_sums_are_equal_to_the_last_digit(twins: Twins) -> None:
    undeclared = [
        seen for seen in twins.sums() if not any(_declares(each, seen) for each in DIFFERENCES)
    ]
    assert undeclared == []


@slow
def test_every_line_has_its_twin(twins: Twins) -> None:
    undeclared = {
        seen: twins.examples(seen)
        for seen in twins.lonely()
        if not any(_declares(each, seen) for each in DIFFERENCES)
    }
    assert undeclared == {}


@slow
def test_every_difference_is_explained(twins: Twins) -> None:
    undeclared = {
        seen: twins.examples(seen)
        for seen in twins.differences()
        if not any(_declares(each, seen) for each in DIFFERENCES)
    }
    assert undeclared == {}


@slow
def test_every_explained_difference_occurs(twins: Twins) -> None:
    found = {*twins.differences(), *twins.lonely(), *twins.sums()}
    gone = [
        (source, column, scope)
        for each in DIFFERENCES
        for source in each.sources
        for column in each.columns
        for scope in each.scopes
        if not any(
            (seen.source, seen.column) == (source, column) and scope in (seen.scope, *ALL)
            for seen in found
        )
    ]
    assert gone == []


@slow
def test_lines_that_are_cut_otherwise_are_there_on_both_sides(twins: Twins) -> None:
    for recut in RECUT:
        counts = [twins.count(name, recut.source, recut.scope) for name in ("focus", "native")]
        assert all(counts)
        assert counts[0] != counts[1], recut


@slow
def test_billed_cost_is_compared_on_many_lines(twins: Twins) -> None:
    """The comparison can't pass by comparing nothing."""
    paired, billed = twins.paired()
    assert paired > 5_000
    assert billed > Decimal(100_000)


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), (
        "Run `python -m tests.native_differences docs/native_vs_focus.md`."
    )


def test_no_difference_is_declared_twice() -> None:
    declared = [
        (source, column, scope)
        for each in DIFFERENCES
        for source in each.sources
        for column in each.columns
        for scope in each.scopes
    ]
    assert len(declared) == len(set(declared))
