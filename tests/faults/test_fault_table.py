"""The table of thirty faults says what is so, and every fault in it is planted."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.fault_table import (
    FAULTS,
    GUARD,
    PAGE,
    Line,
    begun,
    features,
    problems,
    render,
    table,
    test_words,
)

LINES = table()
GOOD = next(line for line in LINES if line.outcome == "refused")
MISSING = [line for line in LINES if line.outcome == "no feature"]
PLANTING = """
CASES = {"one": ("plant", "CT-LAND-SHRINK"), "two": ("other", "CT-LAND-COUNT")}


def helper():
    return "through a helper"


def test_it(case):
    assert CASES[case] and helper()


def no_test():
    pass
"""


def test_every_fault_has_a_line_and_no_line_is_there_twice() -> None:
    assert [line.fault for line in LINES] == sorted(line.fault for line in LINES)
    assert {line.fault for line in LINES} == set(range(1, FAULTS + 1))
    assert len({(line.fault, line.seeded) for line in LINES}) == len(LINES)
    assert len({(line.fault, line.pain) for line in LINES}) == FAULTS
    assert all(all(vars(line).values()) for line in LINES)


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.fault}: {line.seeded}")
def test_what_a_line_says_is_so(line: Line) -> None:
    assert problems(line) == []


@pytest.mark.parametrize("line", MISSING, ids=lambda line: f"{line.fault}: {line.seeded}")
def test_nothing_of_a_missing_feature_is_there(line: Line) -> None:
    assert begun(line.evidence, features()) == set(), (
        f"Fault {line.fault} can now happen ({line.seeded}): plant it, and let its line in"
        " tests/faults/faults.csv name the test and what catches it."
    )


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(LINES), (
        "Run `python -m tests.fault_table docs/faults.md`."
    )


# ---------------------------------------------------------------- the table can't lie


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"test": "tests/faults/gone.py::test_it"}, "there is no test"),
        ({"test": f"{GUARD}_soon"}, "there is no test"),
        ({"test": f"{GOOD.test[:-1]}s]"}, "there is no test"),
        ({"evidence": "CT-LAND-NEVER"}, "is called CT-LAND-NEVER"),
        ({"evidence": "CT-FX-MISSING"}, "doesn't speak of CT-FX-MISSING"),
        ({"outcome": "named", "evidence": "repeated_line"}, "is called repeated_line"),
        ({"outcome": "promised", "evidence": "dq_result.kept"}, "is called dq_result.kept"),
        ({"outcome": "handled", "evidence": "mart_hotspot.rank"}, "is called mart_hotspot.rank"),
        ({"outcome": "no feature"}, "doesn't wait"),
        ({"outcome": "solved"}, "is no outcome"),
    ],
)
def test_a_line_that_isnt_so_is_found(change: dict[str, str], found: str) -> None:
    assert any(found in problem for problem in problems(replace(GOOD, **change)))


def test_of_a_table_of_cases_the_own_entry_counts(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(PLANTING)

    assert "CT-LAND-SHRINK" in (test_words("test_it.py::test_it[one]", tmp_path) or [])
    assert "CT-LAND-COUNT" not in (test_words("test_it.py::test_it[one]", tmp_path) or [])
    assert "through a helper" in (test_words("test_it.py::test_it[two]", tmp_path) or [])
    for none in ("test_it[three]", "test_other", "no_test", "CASES"):
        assert test_words(f"test_it.py::{none}", tmp_path) is None


def test_a_feature_that_begins_is_seen() -> None:
    names = features()

    assert {"mart_accrual", "service_map", "invoices", "billing_detailed", "backfill"} <= names
    assert begun("saving waste", names | {"mart_saving_realised"}) == {"mart_saving_realised"}
    assert begun("bigquery-job", names | {"bigquery-jobs"}) == {"bigquery-jobs"}
