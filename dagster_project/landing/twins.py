"""Two sets of parts that tell the same month twice: what they tell, and whether they agree.

Belongs here: adding up by set, sort of line and day, and the guard that compares. Which lines are
of which sort is declared by the export.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import PAIR, Held, Twins
from dagster_project.landing.amounts import as_text, day_text, first_amount, sum_exactly
from dagster_project.landing.delivery import Delivery

UNDATED = "no date"

_Sums = dict[tuple[str, str, str], tuple[int, Decimal]]


@dataclass
class TwinTally:
    """Lines and their cost by set, sort of line and day."""

    sums: _Sums = field(default_factory=lambda: defaultdict(lambda: (0, Decimal(0))))

    def add(
        self,
        batch: pa.RecordBatch,
        twins: Twins,
        first_row: int,
        file: str,
        constants: Mapping[str, str],
    ) -> None:
        """Add one batch of rows of one part."""
        name = constants.get(twins.constant, "")
        columns = {
            "held": _held(batch, twins),
            "day": pc.fill_null(day_text(batch.column(twins.day)), UNDATED),
            "amount": first_amount(batch, twins.amount),
        }
        lines = pa.RecordBatch.from_pydict(columns)
        keys = pa.Table.from_batches([lines.select(["held", "day"])])
        for key in keys.group_by(["held", "day"]).aggregate([]).to_pylist():
            same = pc.and_(
                pc.equal(lines.column("held"), key["held"]),
                pc.equal(lines.column("day"), key["day"]),
            )
            amounts = lines.filter(same).column("amount")
            rows, cost = self.sums[name, key["held"], key["day"]]
            self.sums[name, key["held"], key["day"]] = (
                rows + len(amounts),
                cost + sum_exactly(amounts, twins.amount[0], first_row, file),
            )

    def totals(self) -> dict[str, dict[str, dict[str, list[Any]]]]:
        """Return what was added up, as our manifest keeps it."""
        found: dict[str, dict[str, dict[str, list[Any]]]] = {}
        for (name, held, day), (rows, cost) in sorted(self.sums.items()):
            found.setdefault(name, {}).setdefault(held, {})[day] = [rows, format(cost, "f")]
        return found


def _held(batch: pa.RecordBatch, twins: Twins) -> pa.Array:
    """Say of each line which of the two sets tells what it costs."""
    found = pa.array([Held.BOTH.value] * batch.num_rows, pa.string())
    for held, marks in reversed(twins.apart):
        matching = pa.array([True] * batch.num_rows, pa.bool_())
        for column, values in marks.items():
            matching = pc.and_(matching, _has_one_of(batch, column, values))
        found = pc.if_else(matching, held.value, found)
    return found


def _has_one_of(batch: pa.RecordBatch, column: str, values: frozenset[str]) -> pa.Array:
    if column not in batch.schema.names:
        return pa.array([False] * batch.num_rows, pa.bool_())
    plain = pc.replace_substring(pc.utf8_lower(as_text(batch.column(column))), " ", "")
    return pc.is_in(plain, value_set=pa.array(sorted(values)))


def refuse_unequal_twins(delivery: Delivery, twins: Twins | None) -> None:
    """Refuse a delivery whose two sets of parts contradict each other.

    Raises:
        CloudtallyError: CT-LAND-PAIR names the first day on which they do.
    """
    if twins is None:
        return
    first, second = (delivery.totals.twins.get(name, {}) for name in (twins.first, twins.second))
    shared, repeated = first.get(Held.BOTH, {}), second.get(Held.BOTH, {})
    unequal = [
        day for day in shared.keys() | repeated.keys() if _of(shared, day) != _of(repeated, day)
    ]
    if unequal:
        day = min(unequal)
        raise _contradiction(
            f"The {twins.first} and the {twins.second} export differ in lines that both hold: on "
            f"{day} {_told(twins.first, _of(shared, day))}, "
            f"{_told(twins.second, _of(repeated, day))}",
            day,
            len(unequal),
        )
    _refuse_repeated(twins, second.get(Held.FIRST, {}))
    _refuse_counted_twice(twins, first.get(Held.SECOND, {}))


def _of(days: Mapping[str, Any], day: str) -> tuple[int, Decimal]:
    rows, cost = days.get(day, (0, "0"))
    return int(rows), Decimal(cost)


def _refuse_repeated(twins: Twins, days: Mapping[str, Any]) -> None:
    if days:
        day = min(days)
        raise _contradiction(
            f"The {twins.second} export repeats {_of(days, day)[0]} lines that only the "
            f"{twins.first} export should hold, so their cost would count twice",
            day,
            len(days),
        )


def _refuse_counted_twice(twins: Twins, days: Mapping[str, Any]) -> None:
    costly = [day for day in days if _of(days, day)[1]]
    if costly:
        day = min(costly)
        raise _contradiction(
            f"The {twins.first} export charges {_short(_of(days, day)[1])} for lines whose cost "
            f"the {twins.second} export tells, so that cost would be lost",
            day,
            len(costly),
        )


def _told(name: str, told: tuple[int, Decimal]) -> str:
    rows, cost = told
    return f"{name} has {rows} lines that cost {_short(cost)}"


def _short(cost: Decimal) -> str:
    return f"{cost.normalize():f}" if cost else "0"


def _contradiction(what: str, day: str, days: int) -> CloudtallyError:
    return CloudtallyError(
        PAIR,
        f"{what} ({days} such day{'' if days == 1 else 's'}).",
        where={"first day": day},
        next_step="Have both exports run again for the month, one after the other.",
    )
