"""Amounts after discounts that say 0 where they should say nothing.

A net column counts before the gross one wherever it has a value. One that is filled with zeros
would therefore hide what a line costs, and nobody would see it in a sum.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import Schema
from dagster_project.landing.amounts import as_numbers
from dagster_project.landing.delivery import Delivery, NetTotals

NET_ZERO = "CT-LAND-NET-ZERO"


@dataclass
class NetTally:
    """Lines of a delivery that are free after discounts and cost something before.

    Attributes:
        free: By net column, such lines.
        told: Net columns that any line has an amount in.
    """

    free: dict[str, int] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    def add(self, batch: pa.RecordBatch, nets: Mapping[str, str]) -> None:
        """Count one batch of rows."""
        names = set(batch.schema.names)
        for net, gross in nets.items():
            if {net, gross} <= names:
                after = as_numbers(batch.column(net))
                before = pc.fill_null(as_numbers(batch.column(gross)), 0)
                is_free = pc.and_(pc.equal(after, 0), pc.not_equal(before, 0))
                self.free[net] = self.free.get(net, 0) + (pc.sum(is_free).as_py() or 0)
                if pc.any(pc.not_equal(after, 0)).as_py():
                    self.told.add(net)

    def totals(self) -> NetTotals:
        """Return the columns with such lines: how many, and whether others have an amount."""
        return {
            net: {"rows": rows, "told": net in self.told}
            for net, rows in sorted(self.free.items())
            if rows
        }


def refuse_hidden_cost(delivery: Delivery, schema: Schema) -> None:
    """Refuse a delivery whose net column is 0 wherever it says anything and the gross one isn't.

    Raises:
        CloudtallyError: CT-LAND-NET-ZERO names the column.
    """
    for net in hidden(delivery):
        rows, gross = delivery.totals.nets[net]["rows"], schema.nets[net]
        raise CloudtallyError(
            NET_ZERO,
            f"{net} is 0 on all of its lines, {rows} of which have an amount in {gross}: "
            "counted as it stands, it would hide what they cost.",
            where={"delivery": delivery.delivery_id, "column": net},
            next_step="Have the month exported with that column empty, left out, or filled. "
            'If the discounts really take everything: cloudtally run --accept-shrink "why".',
        )


def hidden(delivery: Delivery) -> list[str]:
    """Return the net columns that hide the cost of a delivery: nothing but zeros."""
    return [net for net, found in delivery.totals.nets.items() if not found["told"]]
