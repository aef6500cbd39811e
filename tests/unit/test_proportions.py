"""An amount in proportion to two others, against fractions."""

import random
from decimal import Decimal
from fractions import Fraction

import duckdb
import pytest

from tests.macro_harness import macros

SQL = macros("engine/exact.sql", "engine/proportions.sql", "engine/types.sql")
LIMIT = Decimal(10) ** 15


def in_proportion(amount: object, weight: object, of_weight: object) -> Decimal | None:
    row = duckdb.execute(
        f"select {SQL.in_proportion('amount', 'weight', 'of_weight')} from (select"
        " ?::decimal(38,18) as amount, ?::decimal(38,18) as weight,"
        " ?::decimal(38,18) as of_weight)",
        [str(amount), str(weight), str(of_weight)],
    ).fetchone()
    assert row is not None
    found: Decimal | None = row[0]
    return found


@pytest.mark.parametrize(
    ("amount", "weight", "of_weight", "expected"),
    [
        (10, 3, 4, "7.5"),
        (-10, 3, 4, "-7.5"),
        (1, 1, 3, "0.333333333333333333"),
        (0, 5, 7, 0),
        (7, 0, 3, 0),
        ("999999999.9", "0.000000001", "0.000000001", "999999999.9"),
        ("0.000000000000000001", 2000000, 1000000, "0.000000000000000002"),
    ],
)
def test_proportions_by_hand(
    amount: object, weight: object, of_weight: object, expected: object
) -> None:
    assert in_proportion(amount, weight, of_weight) == Decimal(str(expected))


@pytest.mark.parametrize(
    ("amount", "weight", "of_weight"),
    [(1, "1e12", "1e-6"), ("7e12", "7e12", "1e-9"), (1, 1, 0), (-1, "1e12", "1e-6")],
)
def test_what_is_beyond_is_no_less_than_the_limit(
    amount: object, weight: object, of_weight: object
) -> None:
    found = in_proportion(amount, weight, of_weight)
    assert found is not None
    assert abs(found) >= LIMIT


@pytest.mark.parametrize(("amount", "weight"), [("8e12", 1), (1, "8e12")])
def test_what_is_too_large_to_count_is_unknown(amount: object, weight: object) -> None:
    found = in_proportion(amount, weight, 1)
    assert found is None or abs(found) >= LIMIT


def test_fifteen_digits_count() -> None:
    chosen = random.Random(7)
    for _ in range(200):
        whole = 10 ** chosen.randint(6, 20)
        amount = Decimal(chosen.randint(1, 10 ** chosen.randint(15, 28))).scaleb(-18)
        weight, of_weight = (Decimal(chosen.randint(whole, 1000 * whole)).scaleb(-18) for _ in "ab")
        found = in_proportion(amount, weight, of_weight)
        expected = Fraction(amount) * Fraction(weight) / Fraction(of_weight)
        assert found is not None
        error = abs(Fraction(found) - expected)
        assert error <= Fraction("1e-17") + expected * Fraction("1e-11")
