"""The formulas of the inventory against Python's decimals and integers."""

from decimal import Context, Decimal

import duckdb
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.macro_harness import macros

SQL = macros("engine/types.sql", "engine/exact.sql", "engine/amounts.sql", "onprem/inventory.sql")
EXACT = Context(prec=60)
ENGINE = duckdb.connect()

billionths = st.one_of(
    st.integers(0, 10**18 - 1), st.sampled_from([0, 1, 10**9, 10**18 - 1]), st.integers(0, 10**12)
)
lives = st.one_of(st.integers(1, 120), st.sampled_from([1, 3, 7, 36, 60, 1200]))


def nine_decimals(units: int) -> Decimal:
    return EXACT.scaleb(Decimal(units), -9)


def as_amount(value: Decimal) -> str:
    return f"cast('{value:f}' as decimal(38,18))"


def value(sql: str) -> Decimal:
    row = ENGINE.execute(f"select {sql}").fetchone()
    assert row is not None
    found: Decimal = row[0]
    return found


@settings(max_examples=60, deadline=None)
@given(cost=billionths, life=lives)
@example(cost=1000 * 10**9, life=36)
@example(cost=1, life=1200)
def test_the_months_of_a_life_sum_to_what_is_depreciated(cost: int, life: int) -> None:
    whole = nine_decimals(cost)
    month = SQL.straight_line(as_amount(whole), "month", str(life))
    months = ENGINE.execute(f"select {month} from range(1, {life} + 1) as life (month)").fetchall()

    amounts = [row[0] for row in months]

    assert len(amounts) == life
    assert sum(amounts, Decimal(0)) == whole
    assert max(amounts) - min(amounts) <= Decimal("1e-18")


@settings(max_examples=200, deadline=None)
@given(price=billionths, quantity=billionths)
@example(price=10**18 - 1, quantity=10**18 - 1)
def test_a_product_is_exact(price: int, quantity: int) -> None:
    left, right = nine_decimals(price), nine_decimals(quantity)

    found = value(SQL.price_times(as_amount(left), as_amount(right)))

    assert found == EXACT.multiply(left, right)
    assert found == value(SQL.inventory_product(as_amount(right), as_amount(left)))


@settings(max_examples=200, deadline=None)
@given(watts=billionths, hours=st.integers(0, 744 * 10**9))
def test_energy_has_nine_decimals_rounded_half_away_from_zero(watts: int, hours: int) -> None:
    exact = nine_decimals(watts) * nine_decimals(hours) / 1000

    found = value(
        SQL.kilowatt_hours(as_amount(nine_decimals(watts)), as_amount(nine_decimals(hours)))
    )

    assert abs(found - exact) <= Decimal("0.5e-9")
    assert found == round(found, 9)


def test_months_are_counted_by_the_calendar() -> None:
    months = SQL.months_from("date '2024-05-31'", "date '2026-03-01'")
    assert value(months) == 22
