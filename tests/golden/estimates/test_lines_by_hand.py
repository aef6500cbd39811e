"""Every provider and kind of resource: the models come to what was worked out on paper."""

from fractions import Fraction
from typing import Any

import pytest

from tests.estimate_harness import Estimates
from tests.golden.estimates.by_hand import CASES

FEWEST = 40
DIGITS = 6
SECOND_SET_BEGINS = "2026-12-01"


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, Any]]:
    return Estimates().of([{"x_ChargeKey": key, **case.line} for key, case in CASES.items()])


def test_there_are_enough_lines_of_every_provider() -> None:
    estimated = [key for key, case in CASES.items() if case.status == "Estimated"]
    assert len(estimated) >= FEWEST
    assert {key.split("/")[0] for key in estimated} == {"aws", "azure", "gcp", "onprem"}


@pytest.mark.parametrize("key", CASES)
def test_a_line_comes_to_what_was_worked_out(key: str, found: dict[str, dict[str, Any]]) -> None:
    case, row = CASES[key], found[key]

    assert row["x_EstimateStatus"] == case.status
    for measure, expected in case.measures.items():
        if expected is None:
            assert row[measure] is None, measure
        else:
            difference = abs(Fraction(row[measure]) - expected)
            assert difference * 2 * 10**DIGITS <= abs(expected), (measure, row[measure], expected)


@pytest.mark.parametrize("key", CASES)
def test_a_line_s_interval_holds_the_estimate(key: str, found: dict[str, dict[str, Any]]) -> None:
    row = found[key]

    if CASES[key].status == "Estimated":
        low, high = row["x_EstimatedCarbonLowKg"], row["x_EstimatedCarbonHighKg"]
        assert 0 <= low <= row["x_EstimatedCarbonKg"] <= high
        assert row["x_EstimateQuality"]
        is_later = str(CASES[key].line.get("billing_month", "")) >= SECOND_SET_BEGINS
        assert row["x_FactorSetId"] == ("carbon-2026-2" if is_later else "carbon-2026-1")
    else:
        assert {value for name, value in row.items() if name not in KEPT} == {None}


KEPT = {"x_ChargeKey", "x_EstimateStatus", "x_EstimateRateId"}
