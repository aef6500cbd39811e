"""Amounts in whole steps: a double guesses, exact arithmetic decides; against Python's decimals."""

from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.macro_harness import macros

SQL = macros(
    "engine/types.sql", "engine/exact.sql", "engine/amounts.sql", "carbon/estimates.sql",
    "carbon/weights.sql",
)  # fmt: skip
EXACT = Context(prec=60)
MILLIONTH = Decimal("0.000001")
HEAVIEST = 9 * 10**12

# Beside the half of a step, where one unit of 1e-18 decides, and where a double has no digits left.
halves = st.builds(
    lambda steps, units: Decimal(steps) * MILLIONTH + MILLIONTH / 2 + Decimal(units).scaleb(-18),
    st.one_of(st.integers(0, 10**6), st.integers(0, 10**15 - 1)),
    st.integers(-3, 3),
)
amounts = st.one_of(
    halves,
    st.builds(lambda units: Decimal(units).scaleb(-18, EXACT), st.integers(0, 10**31)),
    st.builds(lambda units: Decimal(units).scaleb(-18, EXACT), st.integers(0, 10**17)),
    st.decimals(0, 2 * HEAVIEST, places=2),
)


@cache
def database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def found(expression: str, amounts: list[Decimal]) -> list[int | None]:
    """Evaluate an expression of column x for every amount."""
    database().execute("create or replace temp table numbers (n integer, x decimal(38,18))")
    rows = [(n, f"{amount:f}") for n, amount in enumerate(amounts)]
    database().executemany("insert into numbers values (?, cast(? as decimal(38,18)))", rows)
    query = f"select {expression} from numbers order by n"
    return [None if row[0] is None else int(row[0]) for row in database().execute(query).fetchall()]


def rounded(amount: Decimal, scale: int) -> int:
    return int(EXACT.multiply(amount, Decimal(scale)).quantize(Decimal(1), ROUND_HALF_UP, EXACT))


@settings(max_examples=150, deadline=None)
@example([Decimal("0.0000005"), Decimal("0.000000499999999999"), Decimal("999999999.9999995")])
@example([Decimal("-0.0000005"), Decimal("999999999.999999499999999999"), Decimal(10**9)])
@given(st.lists(st.builds(lambda one, sign: one * sign, amounts, st.sampled_from([1, -1]))))
def test_a_weight_is_the_nearest_millionth(amounts: list[Decimal]) -> None:
    weight = SQL.signed_weight("x", f"({SQL.guessed_weight('x')})")

    bounded = [max(min(amount, Decimal(HEAVIEST)), Decimal(-HEAVIEST)) for amount in amounts]
    if amounts:
        assert found(weight, amounts) == [rounded(amount, 10**6) for amount in bounded]


@pytest.mark.parametrize("decimals", [0, 2, 3, 6])
@settings(max_examples=60, deadline=None)
@example([Decimal("0.5"), Decimal("0.005"), Decimal("0.0005"), Decimal("999999999.5")])
@example([Decimal(10**9), Decimal("1000000000.5"), Decimal(10**12) - 1, Decimal(10**12)])
@example([Decimal(10**12) - 1 - MILLIONTH, Decimal(10**12) - MILLIONTH])
@given(st.lists(amounts, min_size=1))
def test_a_quantity_is_the_nearest_step(decimals: int, amounts: list[Decimal]) -> None:
    scale = 10**decimals
    guess = f"({SQL.guessed_steps('x', scale)})"
    step = f"cast({Decimal(1).scaleb(-decimals)} as decimal(7,6))"

    def steps(amount: Decimal) -> int | None:
        if amount >= 10**12 - 1:
            return None
        return rounded(amount, scale) if amount < 10**9 else rounded(amount, 1) * scale

    assert found(SQL.counted_steps("x", guess, step, scale), amounts) == [
        steps(amount) for amount in amounts
    ]
