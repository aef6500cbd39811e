"""The specification's own rows as FOCUS: our checks accept them, or say what they break."""

import os
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from dagster_project.paths import PROJECT_ROOT
from tests.golden.commitments import spec_rows

FOLDER = PROJECT_ROOT.parent / "shared/data/focus-spec-examples"

COMPLAINTS: dict[str, dict[str, int]] = {
    # A term of a year is bought in one month: reaching out of it is right, and worth a look.
    "purchase-all-upfront": {"charge_period_outside_billing_period": 1},
    "purchase-partial-upfront": {"charge_period_outside_billing_period": 1},
    # The specification forbids what these three of its examples do.
    "one-size-unused": {"unused_commitment_consumed": 1},
    "any-size-one-machine": {"list_cost_not_price_times_quantity": 1},
    "any-size-two-machines": {"repeated_lines": 2},
}
"""What goes red by scenario; README.md has the reasons."""


@pytest.mark.parametrize("scenario", spec_rows.FILES)
def test_exactly_the_known_checks_go_red(
    warehouse: duckdb.DuckDBPyConnection, scenario: str
) -> None:
    found = warehouse.execute(
        "select check_id, cast(measured as integer) from dq_result"
        " where source_name = ? and billing_month = ? and not passed",
        [f"spec-{scenario}", spec_rows.JANUARY],
    ).fetchall()

    assert dict(found) == COMPLAINTS.get(scenario, {})


@pytest.mark.parametrize("scenario", spec_rows.FILES)
def test_figures_pass_through_unchanged(
    warehouse: duckdb.DuckDBPyConnection, scenario: str
) -> None:
    columns = ("BilledCost", "EffectiveCost", "CommitmentDiscountQuantity")
    found = warehouse.execute(
        f"select {', '.join(columns)} from fct_cost_and_carbon where x_SourceName = ? order by all",
        [f"spec-{scenario}"],
    ).fetchall()

    stated = [tuple(row[name] for name in columns) for row in spec_rows.focus_rows(scenario)]
    assert found == sorted(stated, key=lambda row: tuple(_last(cell) for cell in row))


def _last(cell: Decimal | None) -> tuple[bool, Decimal]:
    return (cell is None, cell or Decimal(0))


@pytest.mark.parametrize(
    ("scenario", "check"),
    {
        "one-size-used": "commitment_roll_forward",
        "one-size-unused": "commitment_roll_forward",
        "any-size-one-machine": "commitment_roll_forward",
        "any-size-two-machines": "commitment_roll_forward",
        "purchase-all-upfront": "commitment_one_side_loaded",
        "usage-partly-used": "commitment_one_side_loaded",
    }.items(),
)
def test_a_commitment_s_balance_holds_where_both_sides_are_there(
    warehouse: duckdb.DuckDBPyConnection, scenario: str, check: str
) -> None:
    found = warehouse.execute(
        "select check_id, passed from dq_result where source_name = ?"
        " and check_id in ('commitment_roll_forward', 'commitment_life_balance',"
        " 'commitment_one_side_loaded', 'commitment_opening_unknown')",
        [f"spec-{scenario}"],
    ).fetchall()

    assert found == [(check, True)]


@pytest.mark.parametrize("scenario", spec_rows.FILES)
def test_the_figures_are_the_specification_s(scenario: str) -> None:
    folder = Path(os.environ.get("CLOUDTALLY_FOCUS_SPEC_EXAMPLES", FOLDER))
    if not folder.is_dir():
        pytest.skip(
            f"SAMPLE MISSING: worked examples of the FOCUS specification (specification/data),"
            f" expected at {folder} or CLOUDTALLY_FOCUS_SPEC_EXAMPLES"
        )

    assert spec_rows.carried(scenario) == spec_rows.published(folder, scenario)
