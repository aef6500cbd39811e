"""Exact amounts as integers, and their way into doubles and text without loss.

Belongs here: the fixed-point scale of the book. Quantities count thousandths, unit prices
billionths, amounts trillionths (pico), so that quantity x price is an exact integer product.
"""

from decimal import Decimal

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MILLI = 10**3
NANO = 10**9
PICO = 10**12

_LARGE = 100 * PICO
_COARSE = 10**4
_FEW_DIGITS = 10**8


def pico(text: str) -> int:
    """Return a decimal text as trillionths."""
    return int(Decimal(text).scaleb(12))


def nano(text: str) -> int:
    """Return a decimal text as billionths."""
    return int(Decimal(text).scaleb(9))


def settle(amounts: Ints) -> Ints:
    """Round amounts to at most 15 significant digits.

    A double returns a decimal of up to 15 digits unchanged; AWS and BigQuery write doubles. From
    100 on only eight decimals are kept.
    """
    if not (np.abs(amounts) >= _LARGE).any():
        return amounts
    coarse = np.rint(amounts / _COARSE).astype(np.int64) * _COARSE
    return np.where(np.abs(amounts) >= _LARGE, coarse, amounts)


def to_doubles(amounts: Ints) -> Floats:
    """Return settled amounts as the doubles nearest to them.

    Both operands of each division are exact in a double, so one correctly rounded operation is
    made, and the shortest text of the result is the amount itself.
    """
    if not (np.abs(amounts) >= _LARGE).any():
        return np.asarray(amounts / float(PICO))
    large = (amounts // _COARSE) / float(_FEW_DIGITS)
    small = amounts / float(PICO)
    return np.where(np.abs(amounts) >= _LARGE, large, small)


def exact_sum(amounts: Ints) -> int:
    """Sum without overflow: 64 bits hold only nine million units in trillionths."""
    high, low = np.divmod(amounts, PICO)
    return int(high.sum()) * PICO + int(low.sum())


def as_decimal(value: int, places: int) -> Decimal:
    """Return an integer of 10^-places as a decimal."""
    return Decimal(value).scaleb(-places)


def as_text(value: int, places: int = 12) -> str:
    """Return an integer of 10^-places as plain decimal text without trailing zeros."""
    text = f"{as_decimal(value, places):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def stir(seed: int, numbers: npt.NDArray[np.uint64], moments: Ints) -> Ints:
    """Return reproducible noise of 0..999999 for every number x moment.

    Stateless, so that the same line gets the same noise in every chunking and library version.
    """
    salt = np.uint64(seed * 0x9E3779B97F4A7C15 % 2**64)
    mixed = (numbers + salt)[:, None] * np.uint64(0xBF58476D1CE4E5B9)
    mixed = mixed + moments.astype(np.uint64)[None, :] * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed = mixed ^ (mixed >> np.uint64(31))
    return np.asarray(mixed % np.uint64(10**6)).astype(np.int64)
