"""Amounts in whole minor units whose sum is the rounded sum.

Belongs here: arithmetic on whole numbers, of units of 1e-18 and of minor units. No float.
"""

from collections.abc import Sequence
from decimal import Context, Decimal

from dagster_project.reference import seed_rows

SCALE = 18
CENTS = 2
_EXACT = Context(prec=60)


def minor_digits(currency: str) -> int:
    """Return the digits after the point of a currency; cents where it has none of its own."""
    digits = _DIGITS.get(currency, "")
    return int(digits) if digits else CENTS


def to_units(amount: Decimal) -> int:
    """Return a DECIMAL(38,18) in whole units of 1e-18."""
    return int(amount.scaleb(SCALE, _EXACT))


def from_minor(units: int, digits: int) -> Decimal:
    """Return whole minor units as an amount with all its digits."""
    return Decimal(units).scaleb(-digits, _EXACT)


def rounded_together(units: Sequence[int], digits: int) -> list[int]:
    """Round amounts to minor units so that their sum is their sum rounded, half away from zero.

    Every amount is cut down, and the minor units that are left go one each to the largest
    remainders, to the earlier one of two equal.

    Args:
        units: Amounts in units of 1e-18.
        digits: Digits after the point of a minor unit.
    """
    size: int = 10 ** (SCALE - digits)
    cut = [divmod(amount, size) for amount in units]
    rounded = [whole for whole, _ in cut]
    left = _half_away(sum(units), size) - sum(rounded)
    by_remainder = sorted(range(len(units)), key=lambda place: -cut[place][1])
    for place in by_remainder[:left]:
        rounded[place] += 1
    return rounded


def _half_away(units: int, size: int) -> int:
    whole = (2 * abs(units) + size) // (2 * size)
    return whole if units >= 0 else -whole


_DIGITS = {row["code"]: row["minor_digits"] for row in seed_rows("focus/currencies")}
