"""A month of an assistant, from its bill to its intensity per token, worked out on paper.

It reads 4 million tokens and writes 1 million with Claude Sonnet 4.5 in Virginia. What it writes is
1,000 x 2.459438 Wh = 2.459438 kWh of the data centre; at 384.4 g/kWh that is 945.4079672 g. Making
the hardware comes to 1,000 x 0.0765828 g = 76.5828 g. Together 1,021.9907672 g over 5 million
tokens: 0.204398 g for a thousand, or kg for a million.

At a third of it and at three times of it: 0.819813 kWh and 25.5276 g, and
7.378314 kWh and 229.7483 g.
"""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.carbon_mart_harness import AMOUNT, CarbonMarts
from tests.estimate_harness import MONTH, Estimates, rounded
from tests.golden.estimates.by_hand import aws

ESTIMATED = ("x_EstimatedEnergyKwh", "x_EstimatedOperationalKg", "x_EstimatedEmbodiedKg")
NEXT_SET = dt.date(2026, 12, 1)
LINES = {
    "prompts": aws("Amazon Bedrock", "USE1-Claude4.5Sonnet-input-tokens", "1000 Tokens", 4000,
                   "us-east-1"),
    "answers": aws("Amazon Bedrock", "USE1-Claude4.5Sonnet-output-tokens", "1000 Tokens", 1000,
                   "us-east-1"),
}  # fmt: skip


@pytest.fixture(scope="module", params=[MONTH, NEXT_SET], ids=["first set", "second set"])
def month(request: pytest.FixtureRequest) -> dt.date:
    """A month of each set of factors: neither changes what the model draws."""
    found: dt.date = request.param
    return found


@pytest.fixture(scope="module")
def estimates(month: dt.date) -> Estimates:
    found = Estimates()
    found.build([{"x_ChargeKey": key, "billing_month": month, **LINES[key]} for key in LINES])
    return found


@pytest.fixture(scope="module")
def charges(estimates: Estimates) -> dict[str, dict[str, Any]]:
    return {row["x_ChargeKey"]: row for row in estimates.rows("from int_estimates__charges")}


def test_what_was_read_has_no_energy_of_its_own(
    charges: dict[str, dict[str, Any]], month: dt.date
) -> None:
    read, written = charges["prompts"], charges["answers"]
    assert read["x_EstimateStatus"] == "NotCovered"
    assert {read[name] for name in ESTIMATED} == {None}
    assert written["x_EstimateStatus"] == "Estimated"
    quality = "output_tokens" if month == NEXT_SET else "proxy"
    assert written["x_EstimateQuality"] == quality


def test_energy_use_and_making(charges: dict[str, dict[str, Any]]) -> None:
    written = charges["answers"]
    assert [rounded(written[name]) for name in ESTIMATED] == ["2.45944", "0.945408", "0.0765828"]


def test_models_differ_so_the_interval_is_wide(charges: dict[str, dict[str, Any]]) -> None:
    """The grid has bounds too; the tokens alone are a third and three times."""
    written = charges["answers"]
    low, high = written["x_EstimatedCarbonLowKg"], written["x_EstimatedCarbonHighKg"]
    assert low <= Decimal("0.819813") * Decimal("0.3844") + Decimal("0.0255276")
    assert high >= Decimal("7.378314") * Decimal("0.3844") + Decimal("0.2297483")


def test_the_intensity_per_thousand_tokens(
    estimates: Estimates, charges: dict[str, dict[str, Any]], month: dt.date
) -> None:
    marts = CarbonMarts(
        "intermediate/carbon/int_carbon__ai_workloads.sql",
        "marts/sustainability/mart_ai_workload.sql",
    )
    marts.declare(
        "int_usage__unioned",
        {"x_ChargeKey": "varchar", "billing_month": "date", "tokens_in": AMOUNT,
         "tokens_out": AMOUNT, "accelerator_hours": AMOUNT},
    )  # fmt: skip
    used = ("x_ChargeKey", "billing_month", "tokens_in", "tokens_out", "accelerator_hours")
    marts.fill(
        "int_usage__unioned", estimates.rows(f"select {', '.join(used)} from int_usage__unioned")
    )
    (row,) = marts.build(
        *(
            {
                "x_ChargeKey": key,
                "x_BillingMonth": month,
                "ChargePeriodStart": month,
                "x_Workload": "assistant",
                "x_WorkloadPhase": "inference",
                "x_EstimateStatus": charges[key]["x_EstimateStatus"],
                **{name: charges[key][name] for name in ESTIMATED},
            }
            for key in LINES
        )
    )
    assert (row["tokens_in"], row["tokens_out"]) == (4_000_000, 1_000_000)
    assert rounded(row["sci_kg"]) == "1.02199"
    assert row["sci_kg_per_million_units_ratio"] == 0.204398
    # What was read has no estimate, so that this is a lower bound.
    assert row["sci_status"] == "partly_estimated"
