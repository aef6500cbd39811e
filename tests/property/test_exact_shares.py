"""Exact arithmetic of the models against Python's integers.

The bounds are those that `dbt/macros/engine/exact.sql` states: totals below 1e15, sums of weights
below 8e18, units of 1e-18.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.macro_harness import macros

SQL = macros(
    "engine/types.sql",
    "engine/exact.sql",
    "engine/largest_remainder.sql",
    "engine/cumulative_shares.sql",
)
LIMB = 10**18
LARGEST_TOTAL = 10**33 - 1
"""Units of 1e-18 in 1e15 - 1e-18."""
LARGEST_SUM = 8 * 10**18 - 1
KEPT = ["grp", "line"]
EXACT = Context(prec=60)

totals = st.one_of(
    st.integers(0, LARGEST_TOTAL),
    st.integers(0, 10**20),
    st.integers(0, 50),
    st.sampled_from([0, 1, LIMB - 1, LIMB, LIMB + 1, LARGEST_TOTAL]),
)
signed_totals = st.one_of(
    st.none(), st.builds(lambda units, sign: units * sign, totals, st.sampled_from([1, -1]))
)


@st.composite
def weights(draw: st.DrawFn) -> list[int]:
    """Whole weights whose sum is positive and below the bound; many equal ones."""
    largest = draw(st.sampled_from([1, 3, 10**6, 10**12, LARGEST_SUM]))
    count = draw(st.integers(1, 12))
    each = st.integers(0, max(1, min(largest, LARGEST_SUM // count)))
    found = draw(st.lists(each, min_size=count, max_size=count))
    return found if sum(found) else [*found[:-1], 1]


def amount(units: int | None) -> Decimal | None:
    return None if units is None else EXACT.scaleb(Decimal(units), -18)


def units_of(value: Decimal) -> int:
    return int(EXACT.scaleb(value, 18))


@cache
def database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def fill(table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    database().execute(f"create or replace temp table {table} ({columns})")
    rows = list(rows)
    marks = ", ".join("?" for _ in rows[0])
    database().executemany(f"insert into {table} values ({marks})", rows)


def fill_numbers(columns: str, rows: Sequence[Sequence[Any]]) -> None:
    """Write the cases of one example into table `numbers`, in order."""
    fill("numbers", f"n integer, {columns}", [(n, *row) for n, row in enumerate(rows)])


def values(expression: str) -> list[Any]:
    """Evaluate an expression for every case."""
    return [
        row[0]
        for row in database().execute(f"select {expression} from numbers order by n").fetchall()
    ]


def cases(*columns: st.SearchStrategy[Any]) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """Many cases per example: a query costs more than a row."""
    return st.lists(st.tuples(*columns), min_size=1, max_size=25)


@settings(max_examples=60, deadline=None)
@example([(LARGEST_TOTAL, weight, LARGEST_SUM) for weight in (0, 1, LARGEST_SUM - 1, LARGEST_SUM)])
@example([(0, 0, 1), (LARGEST_TOTAL, 0, 1), (LARGEST_TOTAL, 1, 1)])
@given(cases(totals, st.integers(0, LARGEST_SUM), st.integers(1, LARGEST_SUM)))
def test_mul_div_is_the_floor_and_the_remainder(found: list[tuple[int, int, int]]) -> None:
    given_ = [(total, *sorted(pair)) for total, *pair in found]
    fill_numbers(
        "total decimal(38,18), weight hugeint, weights hugeint",
        [(amount(total), weight, sum_) for total, weight, sum_ in given_],
    )

    floors = values(SQL.mul_div("total", "weight", "weights"))
    remainders = values(SQL.mul_div_remainder("total", "weight", "weights"))

    assert list(zip(floors, remainders, strict=True)) == [
        divmod(total * weight, sum_) for total, weight, sum_ in given_
    ]


ONCE = 3_037_000_499
"""Sums of weights up to this one are divided once: its square is below 2^63."""

BY_DIGITS = 2**46
"""Sums of weights from here on are divided as the widest integers."""


def near_the_end(sum_of_weights: int) -> list[tuple[int, int, int]]:
    """Return the cases whose products are as large as they get."""
    rests = (sum_of_weights - 2, sum_of_weights - 1, 1 - sum_of_weights)
    weights = (0, 1, 65535, 65536, 2**32 % sum_of_weights, sum_of_weights - 1, sum_of_weights)
    return [(rest, weight, sum_of_weights) for rest in rests for weight in weights]


@settings(max_examples=100, deadline=None)
@example(near_the_end(ONCE))
@example(near_the_end(ONCE + 1))
@example(near_the_end(BY_DIGITS - 1))
@example(near_the_end(BY_DIGITS))
@example([(LARGEST_SUM - 1, LARGEST_SUM, LARGEST_SUM), (0, 1, 1)])
@given(
    st.sampled_from([3, 10**6, ONCE, BY_DIGITS, LARGEST_SUM]).flatmap(
        lambda largest: cases(
            st.integers(-largest, largest), st.integers(0, largest), st.integers(1, largest)
        )
    )
)
def test_a_part_of_a_rest_is_cut_off_however_it_is_divided(
    found: list[tuple[int, int, int]],
) -> None:
    given_ = [
        ((-1 if rest < 0 else 1) * (abs(rest) % sum_), min(weight, sum_), sum_)
        for rest, weight, sum_ in found
    ]
    fill_numbers("rest bigint, weight bigint, weights bigint", given_)

    parts = values(SQL.part_of_rest("rest", "weight", "weights"))

    assert parts == [
        (-1 if rest < 0 else 1) * (abs(rest) * weight // sum_) for rest, weight, sum_ in given_
    ]


@settings(max_examples=60, deadline=None)
@given(weights(), signed_totals)
def test_a_weight_earns_its_part_and_the_rest_is_less_than_all_weights(
    weights: list[int], total: int | None
) -> None:
    fill_numbers("total decimal(38,18), weights hugeint", [(amount(total), sum(weights))])

    earned = SQL.earned_shares(["total"], "weights")
    row = database().execute(f"select total_each, total_rest from (select {earned} from numbers)")

    sign = -1 if total is not None and total < 0 else 1
    expected = (
        [None, None]
        if total is None
        else [sign * part for part in divmod(abs(total), sum(weights))]
    )
    assert [list(found) for found in row.fetchall()] == [expected]


@settings(max_examples=40, deadline=None)
@example([(LARGEST_TOTAL,)])
@given(cases(totals))
def test_units_and_amounts_are_inverse(found: list[tuple[int]]) -> None:
    units = [unit for (unit,) in found]
    fill_numbers("units hugeint, total decimal(38,18)", [(unit, amount(unit)) for unit in units])

    assert values(SQL.units_to_amount("units")) == [amount(unit) for unit in units]
    assert set(values(f"typeof({SQL.units_to_amount('units')})")) == {"DECIMAL(38,18)"}
    assert values(SQL.whole_part("total")) == [unit // LIMB for unit in units]
    assert values(SQL.fraction_units("total")) == [unit % LIMB for unit in units]


@settings(max_examples=40, deadline=None)
@example([(LARGEST_TOTAL,), (-LARGEST_TOTAL,), (None,)], 9999)
@given(cases(signed_totals), st.integers(0, 9999))
def test_scaled_is_the_product(found: list[tuple[int | None]], factor: int) -> None:
    fill_numbers("total decimal(38,18)", [(amount(units),) for (units,) in found])

    product = SQL.scaled("total", str(factor))

    assert values(product) == [
        None if units is None else amount(units * factor) for (units,) in found
    ]
    assert set(values(f"typeof({product})")) == {"DECIMAL(38,18)"}


def rounded(numerator: int, denominator: int) -> int:
    """Divide whole numbers, half away from zero."""
    size = (2 * abs(numerator) + denominator) // (2 * denominator)
    return size if numerator >= 0 else -size


@settings(max_examples=60, deadline=None)
@example([(1, LIMB // 2), (-1, LIMB // 2), (LIMB // 2 - 1, 1), (None, 1), (0, -5)])
@example([(LARGEST_TOTAL, 0), (31622776 * LIMB, -31622775 * LIMB), (10**25 - 1, 10**25 - 1)])
@given(cases(signed_totals, signed_totals))
def test_rounded_product_is_rounded_once_or_absent(
    found: list[tuple[int | None, int | None]],
) -> None:
    fill_numbers("a decimal(38,18), b decimal(38,18)", [(amount(a), amount(b)) for a, b in found])

    def product(a: int | None, b: int | None) -> Decimal | None:
        if a is None or b is None:
            return None
        is_small = (abs(a) // LIMB + 1) * (abs(b) // LIMB + 1) <= 10**15
        return amount(rounded(a * b, LIMB)) if is_small else None

    sql = SQL.rounded_product("a", "b")

    assert values(sql) == [product(a, b) for a, b in found]
    assert set(values(f"typeof({sql})")) == {"DECIMAL(38,18)"}


@settings(max_examples=60, deadline=None)
@example([(LARGEST_TOTAL, 1), (-5, 10), (4, 10), (-LARGEST_TOTAL, LARGEST_SUM), (None, 3)])
@example([(-(10**33), 1)])
@given(cases(signed_totals, st.integers(1, LARGEST_SUM)))
def test_rounded_quotient_is_rounded_once_or_absent(found: list[tuple[int | None, int]]) -> None:
    fill_numbers("a decimal(38,18), parts hugeint", [(amount(a), parts) for a, parts in found])

    expected = [
        None if a is None or abs(a) > LARGEST_TOTAL else amount(rounded(a, parts))
        for a, parts in found
    ]

    assert values(SQL.rounded_quotient("a", "parts")) == expected


@settings(max_examples=40, deadline=None)
@example([(-1,), (5 * 10**11,), (5 * 10**11 - 1,), (8 * 10**30 - 1,)])
@given(cases(st.integers(-(10**31), 8 * 10**30 - 1)))
def test_cost_weight_is_in_millionths_and_never_negative(found: list[tuple[int]]) -> None:
    fill_numbers("cost decimal(38,18)", [(amount(units),) for (units,) in found])

    millionths = [EXACT.divide(Decimal(max(units, 0)), Decimal(10**12)) for (units,) in found]

    assert values(SQL.cost_weight("cost")) == [
        number.quantize(Decimal(1), rounding=ROUND_HALF_UP, context=EXACT) for number in millionths
    ]


Rule = Callable[[Sequence[str]], str]


def largest_remainder(measures: Sequence[str]) -> str:
    """Return a query that shares table `to_share` by largest remainders."""
    return SQL.largest_remainder("to_share", "grp", "line", "w", "weights", measures, KEPT)


def cumulative_shares(measures: Sequence[str]) -> str:
    """Return a query that shares table `to_share` by cumulative weights."""
    query = """(select *, sum(w) over (partition by grp order by line
        rows between unbounded preceding and current row) as reached from to_share)"""
    return SQL.cumulative_shares(query, "w", "reached", "weights", measures, KEPT)


def cumulative_shares_earned(measures: Sequence[str]) -> str:
    """Return the same query over totals whose earnings per weight were told before."""
    earned = SQL.earned_shares(measures, "weights")
    query = f"""(select *, {earned}, sum(w) over (partition by grp order by line
        rows between unbounded preceding and current row) as reached from to_share)"""
    return SQL.cumulative_shares(query, "w", "reached", "weights", measures, KEPT, True)


def shares(
    rule: Rule,
    weights: Sequence[int],
    totals: Sequence[int | None],
    *,
    keys: Sequence[str] | None = None,
) -> list[tuple[int | None, ...]]:
    """Share totals over one group beside another; return the shares in units, by line."""
    keys = keys or [f"{n:03d}" for n in range(len(weights))]
    measures = [f"measure{n}" for n in range(len(totals))]
    line = [amount(total) for total in totals]
    other = [None if total is None else amount(total // 2) for total in totals]
    rows = [("a", key, w, sum(weights), *line) for key, w in zip(keys, weights, strict=True)]
    rows += [("b", "000", 1, 2, *other), ("b", "001", 1, 2, *other)]
    declared = ", ".join(f"{name} decimal(38,18)" for name in measures)
    fill(
        "to_share",
        f"grp varchar, line varchar, w decimal(38,0), weights decimal(38,0), {declared}",
        rows[::-1],
    )
    found = database().execute(
        f"select {', '.join(measures)} from ({rule(measures)}) where grp = 'a' order by line"
    )
    by_key = dict(zip(sorted(keys), found.fetchall(), strict=True))
    return [
        tuple(None if share is None else units_of(share) for share in by_key[key]) for key in keys
    ]


@pytest.mark.parametrize("rule", [largest_remainder, cumulative_shares, cumulative_shares_earned])
@settings(max_examples=60, deadline=None)
@example([1, 1, 1], [LARGEST_TOTAL, -LARGEST_TOTAL, None])
@example([LARGEST_SUM], [LARGEST_TOTAL, 1, 0])
@example([LARGEST_SUM // 2, LARGEST_SUM // 2 + 1], [LARGEST_TOTAL, -1, 0])
@example([0, 0, 1], [7, -7, None])
@given(weights(), st.lists(signed_totals, min_size=1, max_size=4))
def test_shares_add_up_and_are_proportional(
    rule: Rule, weights: list[int], totals: list[int | None]
) -> None:
    found = shares(rule, weights, totals)

    for measure, total in enumerate(totals):
        column = [line[measure] for line in found]
        if total is None:
            assert column == [None] * len(weights)
            continue
        assert sum(part for part in column if part is not None) == total
        for weight, part in zip(weights, column, strict=True):
            assert part is not None
            assert abs(Fraction(total * weight, sum(weights)) - part) < 1


@settings(max_examples=60, deadline=None)
@given(weights(), totals, st.data())
def test_left_over_units_go_to_the_largest_remainders_then_to_the_smaller_keys(
    weights: list[int], total: int, data: st.DataObject
) -> None:
    keys = data.draw(st.permutations([f"{n:03d}" for n in range(len(weights))]))
    sum_ = sum(weights)
    floors = [total * weight // sum_ for weight in weights]
    order = sorted(range(len(weights)), key=lambda n: (-(total * weights[n] % sum_), keys[n]))
    expected = list(floors)
    for n in order[: total - sum(floors)]:
        expected[n] += 1

    assert [line[0] for line in shares(largest_remainder, weights, [total], keys=keys)] == expected


@settings(max_examples=60, deadline=None)
@given(weights(), totals, st.data())
def test_cumulative_shares_follow_the_order_of_keys(
    weights: list[int], total: int, data: st.DataObject
) -> None:
    keys = data.draw(st.permutations([f"{n:03d}" for n in range(len(weights))]))
    expected = dict.fromkeys(keys, 0)
    reached = 0
    for key, weight in sorted(zip(keys, weights, strict=True)):
        before, reached = reached, reached + weight
        expected[key] = total * reached // sum(weights) - total * before // sum(weights)

    found = shares(cumulative_shares, weights, [total], keys=keys)

    assert [line[0] for line in found] == list(expected.values())


def test_two_equal_lines_share_one_unit_by_key() -> None:
    keys = ["b", "a"]

    assert shares(largest_remainder, [5, 5], [1, -1], keys=keys) == [(0, 0), (1, -1)]
    assert shares(cumulative_shares, [5, 5], [1, -1], keys=keys) == [(1, -1), (0, 0)]


@pytest.mark.parametrize("rule", [largest_remainder, cumulative_shares, cumulative_shares_earned])
def test_line_without_weight_gets_nothing(rule: Rule) -> None:
    assert shares(rule, [0, 3, 0], [10, 1]) == [(0, 0), (10, 1), (0, 0)]


def test_weights_survive_parquet(tmp_path: Path) -> None:
    """DuckDB writes its widest integer into Parquet as a double: 2**53 + 1 would be gone."""
    file = tmp_path / "weights.parquet"
    fill_numbers("cost decimal(38,18)", [(amount(LARGEST_SUM * 10**12),)])
    weight = SQL.cost_weight("cost")
    database().execute(
        f"copy (select {weight} as kept, cast({weight} as hugeint) as lost from numbers)"
        f" to '{file}' (format parquet)"
    )

    row = (
        database()
        .execute(f"select kept, typeof(kept), typeof(lost) from read_parquet('{file}')")
        .fetchone()
    )

    assert row is not None
    assert row == (LARGEST_SUM, "DECIMAL(38,0)", "DOUBLE")


@pytest.mark.parametrize("expression", ["cost_weight", "whole_part"])
def test_absent_amount_weighs_nothing(expression: str) -> None:
    fill_numbers("cost decimal(38,18)", [(None,)])

    assert not values(getattr(SQL, expression)("cost"))[0]


# Doubles become decimals

CAST = macros("engine/types.sql").to_decimal("x", "DOUBLE")


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        st.floats(-1e9, 1e9, allow_subnormal=False).filter(lambda value: abs(value) >= 1e-15),
        st.builds(
            lambda units, places: units / 10**places,
            st.integers(-(10**15), 10**15),
            st.integers(0, 14),
        ),
    )
)
@example(0.0)
@example(99_999.9999999999)
@example(100_000.00000000001)
@example(0.1 + 0.2)
def test_a_double_becomes_its_shortest_text(value: float) -> None:
    [(found,)] = duckdb.execute(f"select {CAST} from (select ?::double as x)", [value]).fetchall()
    assert found == Decimal(repr(value)).quantize(Decimal("1e-18"), ROUND_HALF_UP, EXACT)
