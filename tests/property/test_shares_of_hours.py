"""Hours of a machine that split cost allocation shares, against Python's integers."""

from decimal import Context, Decimal
from itertools import accumulate

import duckdb
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.macro_harness import macros

SQL = macros(
    "engine/types.sql", "engine/exact.sql", "carbon/estimates.sql", "aws/cur_splits.sql"
)  # fmt: skip
EXACT = Context(prec=60)
MILLIONTH = 10**12
LARGEST = 10**33 - 1
LARGEST_SUM = 8 * 10**18 - 1
CONNECTION = duckdb.connect()


def shares(units: int, weights: list[int]) -> list[int]:
    """Share hours, in units of 1e-18, by the macro."""
    hours = EXACT.scaleb(Decimal(units), -18)
    reached = list(accumulate(weights))
    CONNECTION.execute(
        "create or replace temp table parts"
        " (n integer, hours decimal(38,18), weight decimal(38,0), reached decimal(38,0),"
        " whole decimal(38,0))"
    )
    CONNECTION.executemany(
        "insert into parts values (?, ?, ?, ?, ?)",
        [
            (number, hours, weight, so_far, reached[-1])
            for number, (weight, so_far) in enumerate(zip(weights, reached, strict=True))
        ],
    )
    share = SQL.cur_share_of_hours("hours", "weight", "reached", "whole")
    found = CONNECTION.execute(f"select {share} from parts order by n").fetchall()
    return [int(EXACT.scaleb(value, 18)) for (value,) in found]


def steps(units: int) -> int:
    """Return hours in whole millionths, half of one counts up, as estimates count them."""
    return (units + MILLIONTH // 2) // MILLIONTH


@settings(max_examples=150, deadline=None)
@example(10**18, [1, 1, 1])
@example(10**18 // 7, [3, 0, 2, 0, 0])
@example(LARGEST, [LARGEST_SUM - 1, 1])
@example(-5 * 10**17 - 1, [1, 2])
@given(
    st.one_of(st.integers(0, 10**21), st.integers(0, LARGEST), st.integers(-(10**21), 0)),
    st.lists(st.one_of(st.integers(0, 10**12), st.integers(0, 3)), min_size=1, max_size=9).filter(
        any
    ),
)
def test_shares_add_up_in_hours_and_in_what_estimates_count(units: int, weights: list[int]) -> None:
    found = shares(units, weights)

    assert sum(found) == units
    assert sum(steps(abs(share)) for share in found) == steps(abs(units))
    for share, weight in zip(found, weights, strict=True):
        fair = abs(units) * weight
        assert abs(abs(share) * sum(weights) - fair) < 2 * MILLIONTH * sum(weights)
        assert weight > 0 or share == 0
