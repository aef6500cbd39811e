"""No aggregate adds two currencies: checked on the syntax trees of compiled models.

DuckDB's own parser gives the trees. A sum of money must be grouped, or its window partitioned, by
the currency that the money is in.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from tests.layering_models import FACT, Manifest, descendants, models, room

_SUMS = frozenset({"sum", "sum_no_overflow", "fsum", "kahan_sum", "sumkahan"})
_NO_MONEY = re.compile(
    r"(?:kg|kwh|rows?|lines?|items|weights?|units|hours|count|copies|files|bytes|days)$",
    re.IGNORECASE,
)
_CURRENCIES = (
    (re.compile(r"^payment", re.IGNORECASE), frozenset({"paymentcurrency"})),
    (re.compile(r"^reporting_|_change", re.IGNORECASE), frozenset({"reportingcurrency"})),
    (re.compile(r""), frozenset({"billingcurrency", "currency"})),
)


@dataclass(frozen=True)
class MixedSum:
    """A sum that may add two currencies."""

    model: str
    column: str

    @property
    def place(self) -> str:
        """The column in its model."""
        return f"{self.model}.{self.column}"

    def __str__(self) -> str:
        return f"{self.model} adds {self.column} of several currencies"


_OF_A_DELIVERY = "a column's sum in one delivery, held against the reader's own sum"
PERMITS: Mapping[str, str] = {
    "int_invoices__totals.total": _OF_A_DELIVERY,
    "int_quality__monthly.BilledCost": _OF_A_DELIVERY,
    "int_quality__monthly.ContractedCost": _OF_A_DELIVERY,
    "int_quality__monthly.EffectiveCost": _OF_A_DELIVERY,
    "int_quality__monthly.ListCost": _OF_A_DELIVERY,
}


def mixed_sums(manifest: Manifest, permits: Mapping[str, str] = PERMITS) -> list[MixedSum]:
    """Name sums of money in marts, and in what marts are made of, that know no currency."""
    of_fact = descendants(manifest, FACT)
    found: set[MixedSum] = set()
    for name, model in models(manifest).items():
        if room(model) == "marts" or name in of_fact:
            found |= {MixedSum(name, column) for column in mixed_columns(model["compiled_code"])}
    return sorted((one for one in found if one.place not in permits), key=str)


def unused_permits(manifest: Manifest) -> list[str]:
    """Return permits that allow nothing any more."""
    needed = {one.place for one in mixed_sums(manifest, {})}
    return sorted(set(PERMITS) - needed)


def mixed_columns(sql: str) -> set[str]:
    """Return columns of money that a query adds without regard to their currency.

    Raises:
        ValueError: When DuckDB doesn't understand the query.
    """
    row = duckdb.execute("select json_serialize_sql(?)", [sql]).fetchone()
    tree = json.loads(row[0]) if row else {"error": True}
    if tree["error"]:
        raise ValueError(tree)
    return {
        column
        for node, query in _sums(tree, {})
        for column in _columns(node["children"])
        if not _NO_MONEY.search(column) and not _is_apart(column, node, query)
    }


def _is_apart(column: str, node: Mapping[str, Any], query: Mapping[str, Any]) -> bool:
    by = node["partitions"] if node["class"] == "WINDOW" else query.get("group_expressions", [])
    names = {name.replace("_", "").lower() for name in _columns(by)}
    wanted = next(currencies for pattern, currencies in _CURRENCIES if pattern.search(column))
    return bool(names & wanted)


def _sums(
    node: Any, query: Mapping[str, Any]
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield every sum with the query that it stands in."""
    if isinstance(node, dict):
        query = node if node.get("type") == "SELECT_NODE" else query
        if node.get("function_name") in _SUMS and node.get("class") in ("FUNCTION", "WINDOW"):
            yield node, query
        for child in node.values():
            yield from _sums(child, query)
    elif isinstance(node, list):
        for child in node:
            yield from _sums(child, query)


def _columns(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("type") == "COLUMN_REF":
            yield node["column_names"][-1]
        for name, child in node.items():
            if name != "when_expr":  # what decides about an amount is none
                yield from _columns(child)
    elif isinstance(node, list):
        for child in node:
            yield from _columns(child)
