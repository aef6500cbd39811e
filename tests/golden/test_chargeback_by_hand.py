"""A month of chargeback, worked out by hand in chargeback/README.md."""

import csv
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.chargeback_harness import rows_of

HERE = Path(__file__).parent / "chargeback"
COLUMNS = (
    "provider", "billing_currency", "owner", "cost_center", "line_kind", "movement", "pool",
    "held_in", "reason", "effective_cost", "billed_cost", "carbon_location_kg",
)  # fmt: skip


def line(kind: str, effective: int, billed: int, kg: int | None = None, **more: Any) -> Any:
    """Return a monthly line."""
    amounts = {"effective_cost": effective, "billed_cost": billed, "carbon_location_kg": kg}
    return {"line_kind": kind, **amounts, **more}


LINES = [
    line("owned", 300, 280, 30, owner="web", cost_center="CC-1"),
    line("owned", 100, 100, owner="web"),
    line("owned", 200, 200, 20, owner="data", cost_center="CC-2"),
    line("owned", 400, 400, 8, owner="data", cost_center="CC-2", provider="gcp"),
    line("owned", -50, -50, owner="labs"),
    line("owned", 100, 90, 10, owner="platform", sub_account_name="Shared-Platform"),
    line("untagged", 70, 70, 7),
    line("unused_commitment", 40, 0, owner="web"),
    line("support", 100, 100),
    line("tax", 25, 25, cost_center="CC-2"),
    line("owned", 10, 10, owner="web", cost_center="CC-1", provider="azure",
         billing_currency="EUR"),
    line("support", 1, 1, provider="azure", billing_currency="EUR"),
    line("support", 9, 9, provider="smallcloud", billing_currency="CHF"),
]  # fmt: skip


def expected() -> list[tuple[Any, ...]]:
    """Return the rows worked out by hand."""
    with (HERE / "expected.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return [
        (*(text or None for text in row[:9]), *(Decimal(n) if n else None for n in row[9:]))
        for row in rows
    ]


def test_the_month_comes_out_as_by_hand() -> None:
    rows = rows_of((HERE / "chargeback.yaml").read_text(encoding="utf-8"), LINES)
    found = [tuple(row[name] for name in COLUMNS) for row in rows]
    assert Counter(found) == Counter(expected())


def test_the_month_by_hand_adds_up() -> None:
    dollars = [row for row in expected() if row[1] == "USD"]
    assert sum(row[9] for row in dollars) == 1285
    assert sum(row[10] for row in dollars) == sum(
        one["billed_cost"] for one in LINES if one.get("billing_currency", "USD") == "USD"
    )
