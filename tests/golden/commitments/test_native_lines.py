"""Native lines that lead to the specification's scenarios, and kinds of commitments (README.md)."""

import csv
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.golden.commitments import spec_rows
from tests.golden.test_golden import normal, table

HERE = Path(__file__).parent
Cell = str | None
Line = dict[str, Cell]

SHOWN = {
    "category": "ChargeCategory",
    "frequency": "ChargeFrequency",
    "pricing": "PricingCategory",
    "status": "CommitmentDiscountStatus",
    "billed": "BilledCost",
    "effective": "EffectiveCost",
    "list": "ListCost",
    "contracted": "ContractedCost",
    "commitment_quantity": "CommitmentDiscountQuantity",
    "commitment_unit": "rtrim(CommitmentDiscountUnit, 's')",
    "consumed": "case ConsumedUnit when 'Seconds'"
    " then cast(ConsumedQuantity as double) / 3600 else ConsumedQuantity end",
}
KINDS = {
    "line": "ChargeDescription",
    "type": "CommitmentDiscountType",
    "category": "ChargeCategory",
    "frequency": "ChargeFrequency",
    "status": "CommitmentDiscountStatus",
    "class": "ChargeClass",
    "billed": "BilledCost",
    "effective": "EffectiveCost",
    "list": "ListCost",
    "contracted": "ContractedCost",
    "committed": "CommitmentDiscountQuantity",
    "unit": "CommitmentDiscountUnit",
}
NAMED_BY = {"aws": "ChargeDescription", "azure": "ChargeDescription", "gcp": "SkuId"}
NOT_SOLD = {
    "aws": set[str](),
    "azure": {"purchase-partial-upfront"},
    "gcp": {
        "purchase-all-upfront", "purchase-partial-upfront", "any-size-one-machine",
        "any-size-two-machines",
    },
}  # fmt: skip
"""Scenarios that a provider can't have."""

FEE_AT_LIST = "the fee's own price: no bill says what it would have cost on demand"
NOT_ON_DEMAND = "what nobody used would not have been bought on demand"
NOT_CONSUMED = "unused is not consumed, as the specification's text says"
HOUR_ONCE = "an hour is consumed once; the specification counts it in both of its parts"
BY_PRICE = "list price times quantity, as the specification's text says"
UNSTATED = "Azure doesn't say how much of a reservation a line takes"

UNUSED = ("one-size-unused", "Unused")
ONE = "any-size-one-machine"
TWO = "any-size-two-machines"
SIZES = ("one-size-used", "one-size-unused", ONE, TWO)
RESERVED = [(name, None) for name in SIZES] + [
    ("one-size-used", "Used"), UNUSED, (ONE, "Used"), (TWO, "Used"),
]  # fmt: skip

Key = tuple[str, str | None, str]
EXPLAINED: dict[str, dict[Key, str]] = {
    "aws": {
        **{(name, None, "list"): FEE_AT_LIST for name in SIZES},
        (*UNUSED, "list"): NOT_ON_DEMAND,
        (*UNUSED, "consumed"): NOT_CONSUMED,
        (ONE, "Used", "list"): BY_PRICE,
        (ONE, "Used", "consumed"): HOUR_ONCE,
        (ONE, None, "consumed"): HOUR_ONCE,
    },
    "azure": {
        **{(name, None, "list"): FEE_AT_LIST for name in SIZES},
        **{(*key, column): UNSTATED
           for key in RESERVED for column in ("commitment_quantity", "commitment_unit")},
        (*UNUSED, "list"): NOT_ON_DEMAND,
        (*UNUSED, "consumed"): NOT_CONSUMED,
        (ONE, "Used", "list"): BY_PRICE,
        (ONE, "Used", "consumed"): HOUR_ONCE,
        (ONE, None, "consumed"): HOUR_ONCE,
    },
    "gcp": {
        **{(name, None, "list"): FEE_AT_LIST for name in SIZES[:2]},
        (*UNUSED, "list"): NOT_ON_DEMAND,
        (*UNUSED, "consumed"): NOT_CONSUMED,
        ("usage-and-on-demand", "Used", "consumed"): HOUR_ONCE,
        ("usage-and-on-demand", None, "consumed"): HOUR_ONCE,
    },
}  # fmt: skip
"""Where a conversion differs from the specification's rows: scenario, status and column."""


@pytest.mark.parametrize("provider", NAMED_BY)
def test_native_lines_come_to_the_specification_s_rows(
    warehouse: duckdb.DuckDBPyConnection, provider: str
) -> None:
    """To the last digit, but for what is explained; and every explanation is needed."""
    found: dict[Key, tuple[Cell, Cell]] = {}
    for scenario in spec_rows.FILES.keys() - NOT_SOLD[provider]:
        stated = specified(scenario)
        lines = converted(warehouse, provider, scenario)
        assert len(lines) == len(stated), scenario
        for line, wanted in zip(lines, stated, strict=True):
            found |= {
                (scenario, wanted["status"], column): (line[column], value)
                for column, value in wanted.items()
                if line[column] != value
            }

    assert found.keys() == EXPLAINED[provider].keys(), found


@pytest.mark.parametrize("provider", NAMED_BY)
def test_what_a_provider_doesn_t_sell_is_in_no_bill(
    warehouse: duckdb.DuckDBPyConnection, provider: str
) -> None:
    for scenario in NOT_SOLD[provider]:
        assert converted(warehouse, provider, scenario) == []


def test_every_line_of_the_other_kinds(warehouse: duckdb.DuckDBPyConnection) -> None:
    columns = ", ".join(f"{sql} as {name}" for name, sql in KINDS.items())
    with (HERE / "expected_kinds.csv").open(newline="") as file:
        wanted = [tuple(normal(row[name]) for name in KINDS) for row in csv.DictReader(file)]

    found = table(
        warehouse,
        f"select {columns} from fct_cost_and_carbon where x_SourceName like '%-kinds'",
    )

    assert found == sorted(wanted, key=repr)


@pytest.mark.parametrize("source", ["aws-scenarios", "azure-scenarios", "gcp-scenarios"])
def test_each_commitment_s_fee_is_what_its_use_came_to(
    warehouse: duckdb.DuckDBPyConnection, source: str
) -> None:
    """Where both sides are in the bill; a fee of a scenario without use has none."""
    found = warehouse.execute(
        "select CommitmentDiscountId, sum(BilledCost) as paid, sum(EffectiveCost) as spent"
        " from fct_cost_and_carbon where x_SourceName = ? and CommitmentDiscountId is not null"
        " group by all having count(distinct ChargeCategory) = 2 and paid <> spent",
        [source],
    ).fetchall()

    assert found == []


def test_sizes_of_a_reservation_add_up(warehouse: duckdb.DuckDBPyConnection) -> None:
    """In hours by size, what was bought is what was used and unused; in plain hours it isn't."""
    found = warehouse.execute(
        "select CommitmentDiscountId,"
        " sum(CommitmentDiscountQuantity) filter (where ChargeCategory = 'Purchase') as bought,"
        " sum(CommitmentDiscountQuantity) filter (where ChargeCategory = 'Usage') as used"
        " from fct_cost_and_carbon where x_SourceName like 'aws-%'"
        " and CommitmentDiscountUnit = 'Normalized Hours' group by all order by bought"
    ).fetchall()

    quantities = [(bought, used) for _, bought, used in found]
    assert quantities == [(Decimal(amount), Decimal(amount)) for amount in (1, 4, 96)]


def test_a_plan_s_fees_buy_its_commitment_once(warehouse: duckdb.DuckDBPyConnection) -> None:
    """The fees of a plan that is paid in part: 4380 at once and half a dollar an hour."""
    [(bought,)] = warehouse.execute(
        "select sum(CommitmentDiscountQuantity) from fct_cost_and_carbon"
        " where x_SourceName = 'aws-scenarios' and ChargeDescription = 'purchase-partial-upfront'"
    ).fetchall()

    assert bought == 4380 + 3 * Decimal("0.5")


def test_no_check_complains_of_what_is_right(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select source_name, check_id, column_name, measured from dq_result"
        " where not passed and billing_month = ? and source_name not like 'spec-%'"
        " and source_name <> 'aws-terms-wrong'"
        " and check_id not in ('charge_period_outside_billing_period', 'usage_without_tags',"
        " 'usage_without_owner', 'service_unmapped')",
        [spec_rows.JANUARY],
    ).fetchall()

    assert found == []


def specified(scenario: str) -> list[Line]:
    """Return the specification's rows; it states no contracted cost, and not everywhere a list."""
    found = []
    for row in spec_rows.carried(scenario):
        columns = [name for name in SHOWN if row.get(name) is not None]
        columns += ["consumed", "status", "commitment_quantity"]
        found.append({name: normal(row[name]) for name in columns})
    return sorted(found, key=_order)


def converted(warehouse: duckdb.DuckDBPyConnection, provider: str, scenario: str) -> list[Line]:
    """Return what a bill comes to, of the categories that the scenario shows."""
    shown = ", ".join(f"{sql} as {name}" for name, sql in SHOWN.items())
    categories = sorted({str(row["category"]) for row in spec_rows.carried(scenario)})
    rows = warehouse.execute(
        f"select {shown} from fct_cost_and_carbon where x_SourceName = ?"
        f" and {NAMED_BY[provider]} = ? and list_contains(?, ChargeCategory)",
        [f"{provider}-scenarios", scenario, categories],
    ).fetchall()
    lines = [dict(zip(SHOWN, map(_rounded, row), strict=True)) for row in rows]
    return sorted(lines, key=_order)


def _rounded(value: object) -> Cell:
    """Hours that were counted in seconds are no decimals any more."""
    cell: Cell = normal(round(value, 9) if isinstance(value, float) else value)
    return cell


def _order(line: Line) -> tuple[str, str, Decimal, Decimal]:
    return (
        str(line["category"]),
        str(line["status"]),
        Decimal(line["billed"] or 0),
        Decimal(line["effective"] or 0),
    )
