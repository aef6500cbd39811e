"""Bridges of random estates: exact sums, the same parts as by fractions, no order that matters."""

import random
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.carbon_bridge_harness import (
    EARLIER,
    LATER,
    MOVERS,
    Cell,
    Month,
    bridges,
    by_fractions,
    told,
    used,
)

CELLS = [(region, service) for region in ("west", "east", "north") for service in ("A", "B")]
REPORTED = {"intensity": "provider_intensity"}
ESTIMATED = {"intensity": "grid_factor"}
UNIT = Decimal("1e-18")
Used = Mapping[Cell, tuple[Decimal, Decimal]]
"""Energy and kilograms by region and service."""

amounts = st.one_of(
    st.decimals(Decimal("0.000001"), Decimal(10**7), places=9),
    st.integers(1, 9).map(Decimal),
)
intensities = st.decimals(Decimal(0), Decimal(9), places=3)
months = st.dictionaries(
    st.sampled_from(CELLS),
    st.tuples(amounts, intensities).map(lambda pair: (pair[0], (pair[0] * pair[1]).quantize(UNIT))),
    min_size=1,
)


def lines(earlier: Used, later: Used, provider: str, **more: Any) -> list[dict[str, Any]]:
    """Lines whose grid or report changed; what is reported is what is estimated."""
    return [
        used(
            month, region, service, kwh, kg, location=kg, embodied=kwh, provider=provider,
            grid_year=year, **more,
        )
        for month, year, cells in ((EARLIER, 2024, earlier), (LATER, 2025, later))
        for (region, service), (kwh, kg) in cells.items()
    ]  # fmt: skip


def total(month: Used, position: int = 1) -> Decimal:
    """Kilograms of a month, or its energy."""
    return sum((pair[position] for pair in month.values()), Decimal())


def exact(month: Used) -> Month:
    return {cell: (Fraction(kwh), Fraction(kg)) for cell, (kwh, kg) in month.items()}


@settings(max_examples=40, deadline=None)
@given(months, months, st.randoms(use_true_random=False))
@example({("west", "A"): (Decimal(1), Decimal(1))}, {("east", "B"): (Decimal(3), Decimal(2))},
         random.Random(1))  # fmt: skip
def test_parts_are_those_of_every_order_and_add_up(
    earlier: Used, later: Used, shuffled: random.Random
) -> None:
    mixed = [*lines(earlier, later, "aws"), *lines(earlier, later, "azure")]
    mixed += lines(later, earlier, "gcp")
    shuffled.shuffle(mixed)
    rows = bridges().build(mixed)

    difference = total(later) - total(earlier)
    scale = max(kwh for month in (earlier, later) for kwh, _ in month.values()) * 60
    expected = by_fractions(exact(earlier), exact(later))
    for figure, names in (("operational", ESTIMATED), ("total", REPORTED)):
        parts = told(rows, figure)
        assert sum(parts.values()) == difference
        for mover in MOVERS[:4]:
            error = abs(Fraction(parts[names.get(mover, mover)]) - expected[mover])
            assert error <= Fraction("1e-8") + Fraction("1e-14") * Fraction(scale)
        assert parts["not_decomposed"] == 0
        assert told(rows, figure, provider="azure") == parts
        assert told(rows, figure, provider="gcp") == {part: -kg for part, kg in parts.items()}
    made = told(rows, "embodied")
    used_more = total(later, 0) - total(earlier, 0)
    assert made == {"activity": used_more, "method": 0, "not_decomposed": 0}


@settings(max_examples=15, deadline=None)
@given(months, st.integers(1, 12))
def test_one_change_alone_is_one_part_alone(month: Used, times: int) -> None:
    """Everything grew alike; every kWh emits more than before, and nothing else."""
    grown = {cell: (kwh * times, kg * times) for cell, (kwh, kg) in month.items()}
    cleaner = {cell: (kwh, (kg / (times + 1)).quantize(UNIT)) for cell, (kwh, kg) in month.items()}
    rows = bridges().build(lines(month, grown, "aws") + lines(cleaner, month, "gcp"))

    for figure, names in (("operational", ESTIMATED), ("total", REPORTED)):
        for provider, moved, before in (
            ("aws", "activity", month), ("gcp", names["intensity"], cleaner),
        ):  # fmt: skip
            after = grown if provider == "aws" else month
            more = total(after) - total(before)
            small = Decimal("1e-8") + abs(more) * Decimal("1e-14")
            for part, kg in told(rows, figure, provider=provider).items():
                assert abs(kg - (more if part == moved else 0)) <= small, (figure, part)


@settings(max_examples=15, deadline=None)
@given(months, st.integers(2, 50), st.integers(2, 50))
def test_another_factor_set_alone_is_method_alone(month: Used, before: int, after: int) -> None:
    """Every kind of usage draws other watts; what was used, and reported, stayed as it was."""
    other = {
        cell: ((kwh * after / before).quantize(UNIT), (kg * after / before).quantize(UNIT))
        for cell, (kwh, kg) in month.items()
    }
    estate = lines(month, month, "aws")
    for line in estate:
        is_later = line["month"] == LATER
        units = after if is_later else before
        line |= {"per_unit": units, "embodied_per_unit": units, "grid_year": 2025}
        if is_later:
            kwh, kg = other[line["region"], line["service"]]
            line |= {"set": "next", "kwh": kwh, "embodied": kwh, "kg": kg}
    rows = bridges().build(estate)

    for figure, position in (("operational", 1), ("embodied", 0)):
        parts = told(rows, figure)
        moved = total(other, position) - total(month, position)
        assert sum(parts.values()) == moved
        assert abs(parts["method"] - moved) <= Decimal("1e-8") + abs(moved) * Decimal("1e-12")
    small = Decimal("1e-8") + total(month) * Decimal("1e-12")
    assert all(abs(kg) <= small for kg in told(rows, "total").values())
