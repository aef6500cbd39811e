"""Whatever the pools are, what is charged to all is what it cost, and every part is fair.

The shares are worked out a second time, slowly, in fractions.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagster_project.chargeback.model import Chargeback, Driver, Pool, Target
from dagster_project.rules.model import Condition, Rule
from tests.chargeback_harness import MEASURES, rows_of

OWNERS = ("data", "labs", "web")
SERVICES = ("s0", "s1", "s2", "s3")
UNIT = Fraction(1, 10**18)

amounts = st.one_of(
    st.none(),
    st.decimals(-(10**9), 10**9, places=6),
    st.decimals(Decimal("-0.000001"), Decimal("0.000001"), places=18),
)


@st.composite
def lines(draw: st.DrawFn) -> dict[str, Any]:
    """A monthly line, with or without an owner; its service is what pools ask for."""
    kind = draw(st.sampled_from(("owned", "owned", "untagged", "support", "unallocated_emissions")))
    found = {name: draw(amounts) for name in MEASURES}
    found["effective_cost"] = found["effective_cost"] or Decimal(0)
    return found | {
        "line_kind": kind,
        "owner": draw(st.sampled_from(OWNERS)) if kind == "owned" else None,
        "cost_center": draw(st.sampled_from((None, "C1"))),
        "service_name": draw(st.sampled_from(SERVICES)),
        "provider": draw(st.sampled_from(("aws", "gcp"))),
        "billing_currency": draw(st.sampled_from(("USD", "EUR"))),
    }


@st.composite
def pools(draw: st.DrawFn, number: int, count: int) -> Pool:
    """A pool that asks for a service; it may give to later ones, so there is no loop."""
    driver = draw(st.sampled_from(list(Driver)))
    line = draw(st.sampled_from(((), (Condition(("support",), field="line"),))))
    rule = Rule(f"p{number}", when=(Condition((SERVICES[number],), field="service"), *line))
    if driver is Driver.EFFECTIVE_COST:
        names = draw(st.sets(st.sampled_from(OWNERS)))
        within = draw(st.sampled_from(((), (Condition(("aws",), field="provider"),))))
        return Pool(rule, driver, tuple(Target(owner) for owner in sorted(names)), within)
    owners = [Target(owner) for owner in OWNERS]
    later = [Target(pool=f"p{other}") for other in range(number + 1, count)]
    chosen = draw(st.lists(st.sampled_from([*owners, *later]), min_size=1, unique_by=str))
    if driver is Driver.EQUAL:
        return Pool(rule, driver, tuple(chosen))
    cuts = draw(
        st.lists(st.integers(1, 10**9 - 1), min_size=len(chosen) - 1, max_size=len(chosen) - 1,
                 unique=True)
    )  # fmt: skip
    bounds = [0, *sorted(cuts), 10**9]
    weights = [Decimal(b - a).scaleb(-9) for a, b in pairwise(bounds)]
    return Pool(
        rule,
        driver,
        tuple(
            Target(one.owner, one.cost_center, one.pool, weight)
            for one, weight in zip(chosen, weights, strict=True)
        ),
    )


@st.composite
def chargebacks(draw: st.DrawFn) -> Chargeback:
    """Up to four pools in a chain or side by side."""
    count = draw(st.integers(0, len(SERVICES)))
    found = tuple(draw(pools(number, count)) for number in range(count))
    levels = {pool.name: 0 for pool in found}
    for pool in found:
        for fed in pool.feeds:
            levels[fed] = max(levels[fed], levels[pool.name] + 1)
    return Chargeback(found, levels=levels)


def totals(rows: Sequence[Mapping[str, Any]]) -> dict[Any, Decimal]:
    """Return the sum of every measure by provider and currency, exactly."""
    sums: dict[Any, Decimal] = defaultdict(Decimal)
    for row in rows:
        for name in MEASURES:
            sums[row["provider"], row["billing_currency"], name] += row[name] or Decimal(0)
    return {key: total for key, total in sums.items() if total}


def fair(chargeback: Chargeback, given_lines: Sequence[Mapping[str, Any]]) -> dict[Any, Fraction]:
    """Return what every owner gets of every pool, in fractions of effective cost."""
    held: dict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
    weights: dict[tuple[str, str], dict[Any, Fraction]] = {}
    taken = {id(line): _pool_of(chargeback, line) for line in given_lines}
    for line in given_lines:
        if pool := taken[id(line)]:
            key = (pool.name, line["provider"], line["billing_currency"])
            held[key] += Fraction(line["effective_cost"])
    for pool in chargeback.pools:
        for currency in ("USD", "EUR"):
            weights[pool.name, currency] = _weights(pool, currency, given_lines, taken)
    parts: dict[Any, Fraction] = defaultdict(Fraction)
    for pool in sorted(chargeback.pools, key=lambda one: chargeback.levels[one.name]):
        for (name, provider, currency), amount in list(held.items()):
            shares = weights[name, currency]
            if name != pool.name or not shares:
                continue
            for (owner, center, fed), weight in shares.items():
                part = amount * weight / sum(shares.values())
                if fed:
                    held[fed, provider, currency] += part
                else:
                    parts[name, provider, currency, owner, center] += part
    return parts


def _pool_of(chargeback: Chargeback, line: Mapping[str, Any]) -> Pool | None:
    for pool in chargeback.pools:
        fields = {one.field: one.globs for one in pool.rule.when}
        wanted = fields.get("line", ("owned", "untagged", "unallocated_emissions"))
        if line["service_name"] in fields["service"] and line["line_kind"] in wanted:
            return pool
    return None


def _weights(
    pool: Pool, currency: str, given_lines: Sequence[Mapping[str, Any]], taken: Mapping[int, Any]
) -> dict[Any, Fraction]:
    if pool.driver is not Driver.EFFECTIVE_COST:
        return {(t.owner, t.cost_center, t.pool): Fraction(t.weight) for t in pool.targets}
    sums: dict[Any, Fraction] = defaultdict(Fraction)
    names = {target.owner for target in pool.targets} or set(OWNERS)
    for line in given_lines:
        drives = (
            line["line_kind"] == "owned"
            and taken[id(line)] is None
            and line["billing_currency"] == currency
            and line["owner"] in names
            and (not pool.within or line["provider"] == "aws")
        )
        if drives:
            sums[line["owner"], line["cost_center"], None] += Fraction(line["effective_cost"])
    whole = {key: Fraction(round(total, 6)) for key, total in sums.items()}
    return {key: weight for key, weight in whole.items() if weight > 0}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chargebacks(), st.lists(lines(), max_size=12))
def test_everything_is_conserved_and_fair(
    chargeback: Chargeback, given_lines: list[dict[str, Any]]
) -> None:
    rows = rows_of(chargeback, given_lines)

    assert totals(rows) == totals(given_lines)
    moved = [row for row in rows if row["movement"] != "own"]
    by_pool: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
    for row in moved:
        by_pool[row["pool"]].append(row)
    assert all(totals(found) == {} for found in by_pool.values())
    found_parts = {
        tuple(row[key] for key in ("pool", "provider", "billing_currency", "owner", "cost_center")):
        Fraction(row["effective_cost"])
        for row in rows
        if row["line_kind"] == "shared" and row["effective_cost"] is not None
    }  # fmt: skip
    for key, part in fair(chargeback, given_lines).items():
        assert abs(found_parts.get(key, Fraction(0)) - part) <= UNIT * (len(chargeback.pools) + 1)
    for row in rows:
        is_idle = row["reason"] == "driver_is_zero"
        assert not (is_idle and row["movement"] == "out")
        assert row["owner"] is not None or row["line_kind"] not in ("owned", "shared")
