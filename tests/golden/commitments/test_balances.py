"""The prepaid balance of a commitment whose whole term isn't loaded, rolled forward on paper."""

from decimal import Decimal

import duckdb
import pytest

RED = {"exchanged": "-54", "monthly": "14", "refunded": "-132"}
"""What the planted faults leave at the end of February."""


def balances(
    warehouse: duckdb.DuckDBPyConnection, source: str
) -> dict[str, tuple[str, bool, Decimal, str]]:
    found = warehouse.execute(
        "select check_id, passed, measured, detail from dq_result where source_name = ?"
        " and check_id like 'commitment_%' and unit = 'USD'",
        [source],
    ).fetchall()
    return {
        detail.split(":savingsplan/")[1].split(":")[0]: (check, passed, measured, detail)
        for check, passed, measured, detail in found
    }


def test_a_refund_and_an_exchange_keep_the_balance(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = balances(warehouse, "aws-terms")

    assert {name: told[:3] for name, told in found.items()} == {
        "refunded": ("commitment_roll_forward", True, Decimal(553)),
        "monthly": ("commitment_roll_forward", True, Decimal(0)),
        "exchanged": ("commitment_roll_forward", True, Decimal(0)),
    }


def test_the_check_says_how_the_balance_came_about(warehouse: duckdb.DuckDBPyConnection) -> None:
    detail = balances(warehouse, "aws-terms")["refunded"][3]

    assert "a part of its term is loaded" in detail
    assert (
        "opening 1002.00 + purchases 0.00 - used 70.00 - unused 14.00 + refunds -365.00" in detail
    )


@pytest.mark.parametrize("plan", RED)
def test_a_planted_fault_turns_the_check_red(
    warehouse: duckdb.DuckDBPyConnection, plan: str
) -> None:
    check, passed, measured, _ = balances(warehouse, "aws-terms-wrong")[plan]

    assert (check, passed, measured) == ("commitment_roll_forward", False, Decimal(RED[plan]))


def test_what_ended_before_its_source_s_usage_is_held_against_its_whole_life(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    """An exchanged reservation: bought for 1095, 1089 given back, 6 used."""
    found = warehouse.execute(
        "select check_id, passed, measured from dq_result where source_name = 'azure-kinds'"
        " and check_id like 'commitment_%' and unit = 'USD' order by detail"
    ).fetchall()

    assert found == [
        ("commitment_roll_forward", True, Decimal(1448)),
        ("commitment_life_balance", True, Decimal(0)),
        ("commitment_roll_forward", True, Decimal(1092)),
    ]
