"""The internal book: what one source's billing month contains, as blocks of charge lines.

Belongs here: schedules, usage shapes, commitments, late lines, tax. No export format. The same
seed, month and plan give the same lines however they are cut into blocks.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dagster_project.months import Month, add_months, next_month
from dagster_project.sample_estate.model import (
    Block,
    Item,
    Prices,
    milliseconds,
    on_demand,
    priced_block,
)
from dagster_project.sample_estate.money import NANO, PICO, Ints, settle, stir

HOUR_MS = 3_600_000
DAY_HOURS = 24
_YEAR_HOURS = 8760
_ORIGIN = dt.date(2026, 4, 1)
_CENT = PICO // 100


@dataclass(frozen=True, slots=True)
class Pledge:
    """A commitment with what it covers.

    Attributes:
        hourly: Its price per hour in trillionths.
        upfront_percent: Part of a year's price that is paid at once, the rest monthly.
        upfront_month: Calendar month in which it is bought, and renewed.
    """

    hourly: int
    covered: tuple[Item, ...]
    unused: Item
    purchase: Item
    upfront_percent: int = 0
    upfront_month: int = 1

    def __post_init__(self) -> None:
        monthly = self.hourly * (100 - self.upfront_percent) // 100
        for name, price in (("unused", self.hourly), ("purchase", monthly)):
            priced = replace(getattr(self, name), prices=_price_per_unit(price))
            object.__setattr__(self, name, priced)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A line that stands once in a month; amounts in trillionths.

    `every` and `offset` choose calendar months: month number modulo `every` equals `offset`.
    """

    item: Item
    quantity: int
    list_cost: int
    contracted_cost: int
    effective_cost: int
    billed_cost: int
    every: int = 1
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that one billing export of the company contains.

    Attributes:
        slot_hours: Length of a charge period of usage lines.
        pacific: Whether billing days begin at midnight in California, as Google's do.
        early_limit: Usage items that a superseded delivery keeps, to bound its size.
    """

    source: str
    usage: tuple[Item, ...]
    pledges: tuple[Pledge, ...] = ()
    fixed: tuple[Fixed, ...] = ()
    late: tuple[Item, ...] = ()
    taxes: tuple[tuple[Item, int], ...] = ()
    slot_hours: int = DAY_HOURS
    pacific: bool = False
    early_limit: int = 200


@dataclass(frozen=True, slots=True)
class Edition:
    """One delivery of a month: the final one, or an earlier one that knew less."""

    final: bool = True
    until_day: int = 31
    invoiced: bool = True


FINAL = Edition()


def month_blocks(
    plan: Plan,
    month: Month,
    *,
    seed: int,
    first: bool,
    edition: Edition = FINAL,
    chunk: int = 131_072,
) -> Iterator[Block]:
    """Yield the charge lines of one billing month.

    Args:
        plan: The source.
        month: Billing month.
        seed: Chooses another company history.
        first: Whether the source begins with this month, so that nothing can be late.
        edition: Final, or an earlier state of knowledge.
        chunk: Charge lines per block, about.
    """
    billed: dict[str, int] = defaultdict(int)
    for block in _untaxed(plan, month, seed, first, edition, chunk):
        for item, amount in zip(block.items, block.billed_cost.sum(axis=1), strict=True):
            billed[item.account.sub_id] += int(amount)
        yield block
    if edition.final and plan.taxes:
        yield _tax_block(plan, month, billed, edition)


def _untaxed(
    plan: Plan, month: Month, seed: int, first: bool, edition: Edition, chunk: int
) -> Iterator[Block]:
    starts, ends = slots(plan, month, plan.slot_hours, edition.until_day)
    usage = plan.usage if edition.final else plan.usage[: plan.early_limit]
    for items in _batches(usage, max(1, chunk // len(starts))):
        yield _usage_block(items, month, seed, edition.invoiced, starts, ends)
    for pledge in plan.pledges:
        yield from _pledge_blocks(plan, pledge, month, seed, edition, starts, ends)
    fixed = tuple(f for f in plan.fixed if _is_known(f, month, edition))
    if fixed:
        yield _fixed_block(plan, fixed, month, edition)
    if plan.late and edition.final and not first:
        yield _late_block(plan, month, seed, edition)


def _is_known(fixed: Fixed, month: Month, edition: Edition) -> bool:
    """Credits are known at once; fees, refunds and marketplace lines come with the invoice."""
    is_due = month.month % fixed.every == fixed.offset
    return is_due and (edition.final or fixed.item.category == "Credit")


def slots(plan: Plan, month: Month, slot_hours: int, until_day: int = 31) -> tuple[Ints, Ints]:
    """Return starts and ends of a month's charge periods in milliseconds since 1970."""
    begin, end = month_bounds(plan, month)
    end = min(end, begin + until_day * DAY_HOURS * HOUR_MS)
    step = slot_hours * HOUR_MS
    starts = np.arange(begin, end, step, dtype=np.int64)
    return starts, np.minimum(starts + step, end)


def month_bounds(plan: Plan, month: Month) -> tuple[int, int]:
    """Return the billing month's bounds in milliseconds since 1970."""
    after = next_month(month)
    if not plan.pacific:
        return milliseconds(month), milliseconds(after)
    return milliseconds(month, pacific_hour(month)), milliseconds(after, pacific_hour(after))


def pacific_hour(day: dt.date) -> int:
    """Return the UTC hour at which a day begins in California."""
    march = dt.date(day.year, 3, 8)
    november = dt.date(day.year, 11, 1)
    summer = march + dt.timedelta(days=(6 - march.weekday()) % 7)
    winter = november + dt.timedelta(days=(6 - november.weekday()) % 7)
    return 7 if summer < day <= winter else 8


def _batches(items: Sequence[Item], size: int) -> Iterator[tuple[Item, ...]]:
    for index in range(0, len(items), size):
        yield tuple(items[index : index + size])


def _usage_block(
    items: tuple[Item, ...], month: Month, seed: int, invoiced: bool, starts: Ints, ends: Ints
) -> Block:
    quantity = _quantities(items, month, seed, starts, ends)
    return priced_block(month, invoiced, items, starts, ends, quantity)


def _quantities(items: tuple[Item, ...], month: Month, seed: int, starts: Ints, ends: Ints) -> Ints:
    hours = (ends - starts) // HOUR_MS
    numbers = np.array([item.number for item in items], dtype=np.uint64)
    noise = stir(seed, numbers, starts // HOUR_MS)
    shapes = {name: _shape(name, month, starts, hours, noise) for name in _names(items)}
    picked = np.stack([shapes[item.shape][row] for row, item in enumerate(items)])
    base = np.array([item.base for item in items], dtype=np.int64)
    quantity: Ints = base[:, None] * hours[None, :] * picked // 1000
    return quantity


def _names(items: tuple[Item, ...]) -> set[str]:
    return {item.shape for item in items}


def _shape(name: str, month: Month, starts: Ints, hours: Ints, noise: Ints) -> Ints:
    """Return thousandths of the base quantity, per item and charge period."""
    if name == "flat":
        return np.full(noise.shape, 1000, dtype=np.int64)
    weekend = ((starts // (DAY_HOURS * HOUR_MS) + 3) % 7) >= 5
    age = (month.year - _ORIGIN.year) * 12 + month.month - _ORIGIN.month
    if name == "office":
        hour = starts // HOUR_MS % DAY_HOURS
        at_work = np.where(hours >= DAY_HOURS, 500, np.where((hour >= 7) & (hour < 19), 1000, 0))
        return np.broadcast_to(np.where(weekend, 0, at_work), noise.shape)
    if name == "bursty":
        return (noise // 1000) ** 2 // 400
    growth = max(200, 1000 + 15 * age)
    day = np.where(weekend, 720, 1040)
    return (day[None, :] + noise // 2500) * growth // 1000


def _pledge_blocks(
    plan: Plan,
    pledge: Pledge,
    month: Month,
    seed: int,
    edition: Edition,
    starts: Ints,
    ends: Ints,
) -> Iterator[Block]:
    used = _usage_block(pledge.covered, month, seed, edition.invoiced, starts, ends)
    yield used
    hours = (ends - starts) // HOUR_MS
    unused = settle(pledge.hourly * hours - used.effective_cost.sum(axis=0))[None, :]
    none = np.zeros_like(unused)
    yield Block(
        month, edition.invoiced, (pledge.unused,), starts, ends,
        none, none, none, unused, none,
    )  # fmt: skip
    payments = _payments(plan, pledge, month)
    if payments:
        yield _fixed_block(plan, payments, month, edition)


def _payments(plan: Plan, pledge: Pledge, month: Month) -> tuple[Fixed, ...]:
    """Return the month's purchases; what they buy is the effective cost of other lines."""
    begin, end = month_bounds(plan, month)
    hours = (end - begin) // HOUR_MS
    monthly = pledge.hourly * hours * (100 - pledge.upfront_percent) // 100
    upfront = pledge.hourly * _YEAR_HOURS * pledge.upfront_percent // 100
    payments = []
    if monthly:
        payments.append(Fixed(pledge.purchase, hours * 1000, monthly, monthly, 0, monthly))
    if upfront and month.month == pledge.upfront_month:
        item = replace(
            pledge.purchase,
            key=f"{pledge.purchase.key}/upfront",
            description=f"{pledge.purchase.description} (upfront)",
            frequency="One-Time",
            prices=_price_per_unit(pledge.hourly * pledge.upfront_percent // 100),
        )
        payments.append(Fixed(item, _YEAR_HOURS * 1000, upfront, upfront, 0, upfront))
    return tuple(payments)


def _price_per_unit(amount: int) -> Prices:
    """Return prices of a thing whose price is an amount in trillionths."""
    return on_demand(abs(amount) // (PICO // NANO))


def _fixed_block(plan: Plan, fixed: tuple[Fixed, ...], month: Month, edition: Edition) -> Block:
    begin, end = month_bounds(plan, month)

    def column(values: list[int]) -> Ints:
        return settle(np.array(values, dtype=np.int64)[:, None])

    return Block(
        month,
        edition.invoiced,
        tuple(f.item for f in fixed),
        np.array([begin], dtype=np.int64),
        np.array([end], dtype=np.int64),
        np.array([[f.quantity] for f in fixed], dtype=np.int64),
        column([f.list_cost for f in fixed]),
        column([f.contracted_cost for f in fixed]),
        column([f.effective_cost for f in fixed]),
        column([f.billed_cost for f in fixed]),
    )


def _late_block(plan: Plan, month: Month, seed: int, edition: Edition) -> Block:
    """Usage of the end of the month before, which the provider metered after closing it."""
    before = add_months(month, -1)
    starts, ends = slots(plan, before, DAY_HOURS)
    items = tuple(
        replace(item, charge_class="Correction", base=item.base // 25) for item in plan.late
    )
    return _usage_block(items, month, seed, edition.invoiced, starts[-2:], ends[-2:])


def _tax_block(plan: Plan, month: Month, billed: dict[str, int], edition: Edition) -> Block:
    lines = []
    for item, percent in plan.taxes:
        amount = billed[item.account.sub_id] * percent // 100 // _CENT * _CENT
        lines.append(Fixed(item, 0, amount, amount, amount, amount))
    return _fixed_block(plan, tuple(lines), month, edition)


def once(
    item: Item, amount: int, *, every: int = 1, offset: int = 0, effective: int | None = None
) -> Fixed:
    """Return a monthly line with one amount for all four costs.

    `amount` is in trillionths; a purchase whose use is shown on other lines passes effective=0.
    """
    spent = amount if effective is None else effective
    quantity = 0 if item.category not in {"Usage", "Purchase"} else 1000 if amount >= 0 else -1000
    priced = replace(item, prices=_price_per_unit(amount)) if quantity else item
    return Fixed(priced, quantity, amount, amount, spent, amount, every, offset)
