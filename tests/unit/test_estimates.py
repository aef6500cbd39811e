"""What estimates keep to whatever the lines are: sets of factors, corrections, prices, order."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from dagster_project.paths import SEEDS
from dagster_project.reference import factor_set_digest, seed_rows
from tests.estimate_harness import MACROS, SEED_NAMES, Estimates
from tests.golden.estimates.by_hand import CASES
from tests.macro_harness import macros, model_sql
from tests.seed_tables import column_types

Line = Mapping[str, Any]

KILOGRAMS = "x_EstimatedCarbonKg"
OPEN_ENDED = ""


@pytest.fixture(scope="module")
def estimates() -> Estimates:
    return Estimates()


def machine(key: str, quantity: str | None, **more: Any) -> Line:
    return {
        "x_ChargeKey": key,
        "x_Provider": "aws",
        "ServiceName": "Amazon Elastic Compute Cloud",
        "SkuMeter": "EU-BoxUsage:m6i.8xlarge",
        "ConsumedUnit": "Hours",
        "ConsumedQuantity": None if quantity is None else Decimal(quantity),
        "RegionId": "eu-west-1",
        "ResourceId": "i-1",
        **more,
    }


def kilograms(estimates: Estimates, *lines: Line) -> dict[str, Decimal | None]:
    return {key: row[KILOGRAMS] for key, row in estimates.of(lines).items()}


# 1. Sets of factors


def test_an_issued_set_is_what_it_was() -> None:
    for row in seed_rows("carbon/carbon_factor_sets"):
        digest = factor_set_digest(int(row["set_number"]))
        assert digest == row["content_sha256"], row["factor_set_id"]


def test_sets_follow_each_other_without_gap_or_overlap() -> None:
    sets = sorted(seed_rows("carbon/carbon_factor_sets"), key=lambda row: row["valid_from"])
    assert [row["valid_to"] for row in sets[:-1]] == [row["valid_from"] for row in sets[1:]]
    assert sets[-1]["valid_to"] == OPEN_ENDED
    assert [int(row["set_number"]) for row in sets] == list(range(1, len(sets) + 1))


def test_a_new_set_changes_no_older_month() -> None:
    with_new_set = Estimates()
    connection = with_new_set.connection
    connection.execute(
        "update carbon_factor_sets set valid_to = date '2027-01-01' where valid_to is null"
    )
    connection.execute(
        "insert into carbon_factor_sets values"
        " (3, 'carbon-2027-1', date '2027-01-01', null, 'x', 'cleaner')"
    )
    cleaner = "factor_id = 'grid-intensity-aws-eu-west-1-2025'"
    connection.execute(
        "insert into carbon_factors select * replace (value / 2 as value, 1 as value_low,"
        f" 3 as first_set) from carbon_factors where {cleaner}"
    )
    connection.execute(f"update carbon_factors set last_set = 2 where {cleaner} and first_set = 1")
    months = {"october": 10, "december": 12}
    lines = [
        machine(name, "10", billing_month=dt.date(2026, month, 1)) for name, month in months.items()
    ]
    lines.append(machine("january", "10", billing_month=dt.date(2027, 1, 1)))

    before, after = Estimates().of(lines), with_new_set.of(lines)

    for name in months:
        assert after[name] == before[name]
    assert after["january"]["x_FactorSetId"] == "carbon-2027-1"
    assert (
        after["january"]["x_EstimatedOperationalKg"] * 2
        == (before["january"]["x_EstimatedOperationalKg"])
    )


OF_ITS_MONTH = {"x_FactorSetId": None, "x_EstimateRateId": None}


def test_the_second_set_differs_in_language_models_alone(estimates: Estimates) -> None:
    """October and December have 744 hours both."""
    december = {"billing_month": dt.date(2026, 12, 1)}
    lines = [{"x_ChargeKey": key, **case.line} for key, case in CASES.items()]
    was = estimates.of(lines)
    now = estimates.of([line | december for line in lines if "billing_month" not in line])

    differing = {
        key: row["x_EstimateQuality"]
        for key, row in now.items()
        if row | OF_ITS_MONTH != was[key] | OF_ITS_MONTH
    }

    assert set(differing.values()) == {"output_tokens", "output_tokens,operational only"}
    assert {row["x_FactorSetId"] for row in now.values()} - {None} == {"carbon-2026-2"}


def test_lines_find_their_kind_by_hash(estimates: Estimates) -> None:
    """A condition on one side of a left join made DuckDB compare every line with every kind."""
    estimates.build([machine("a", "1")])
    usage = model_sql("intermediate/carbon/int_usage__charges.sql", *MACROS)
    [(_, plan)] = estimates.connection.execute(f"explain {usage}").fetchall()
    assert "HASH_JOIN" in plan
    assert "BLOCKWISE_NL_JOIN" not in plan


# 2. Corrections


def test_what_is_taken_back_is_taken_from_the_lines_that_used_it(estimates: Estimates) -> None:
    found = kilograms(
        estimates,
        machine("a", "10"),
        machine("b", "30"),
        machine("back", "-30"),
        machine("c", "20"),
    )
    whole = kilograms(estimates, machine("plain", "30"))["plain"]

    assert found["back"] == 0
    assert found["b"] == 3 * found["a"]
    assert sum(found.values()) == whole


def test_more_taken_back_than_used_is_nothing_and_never_negative(estimates: Estimates) -> None:
    found = estimates.of([machine("a", "10"), machine("back", "-30")])

    assert {row[KILOGRAMS] for row in found.values()} == {0}
    assert {row["x_EstimateQuality"] for row in found.values()} == {"hardware,netted"}


def test_another_resource_keeps_its_own(estimates: Estimates) -> None:
    alone = kilograms(estimates, machine("a", "10"))["a"]
    found = kilograms(
        estimates, machine("a", "10"), machine("back", "-5", ResourceId="i-2", x_ChargeKey="back")
    )
    assert found == {"a": alone, "back": 0}


# 3. What must not matter


def test_no_price_moves_an_estimate(estimates: Estimates) -> None:
    lines = [machine(str(number), str(number)) for number in range(1, 5)]
    dear = [{**line, "BilledCost": Decimal(900), "ListCost": Decimal(-7)} for line in lines]
    assert estimates.of(lines) == estimates.of(dear)


def test_the_order_of_lines_does_not_matter(estimates: Estimates) -> None:
    lines = [{"x_ChargeKey": key, **case.line} for key, case in CASES.items()]
    assert estimates.of(lines) == estimates.of(lines[::-1])


def test_a_part_of_a_line_is_a_part_of_its_estimate(estimates: Estimates) -> None:
    """Pods and the remainder of a machine come to the machine, which has no line beside them."""
    parts = [machine("pod", "0.25"), machine("other", "0.125"), machine("remainder", "0.625")]
    shares = kilograms(estimates, *parts)
    assert sum(shares.values()) == kilograms(estimates, machine("machine", "1"))["machine"]


def test_small_and_large_quantities_are_counted_to_the_nearest_step(estimates: Estimates) -> None:
    lines = ["0.0000004", "0.0000005", "0.1041665", "999999999.9999995", "1000000000.4"]
    estimates.build([machine(quantity, quantity) for quantity in lines])
    steps = {
        row["x_ChargeKey"]: int(row["steps"])
        for row in estimates.rows("select x_ChargeKey, steps from int_usage__unioned")
    }
    assert [steps[quantity] for quantity in lines] == [0, 1, 104_167, 10**15, 10**15]


# 4. What has no estimate


def require_none(estimates: Estimates, line: Line) -> None:
    estimated = estimates.of([line])["a"]
    assert estimated.pop("x_ChargeKey") == "a"
    assert estimated.pop("x_EstimateStatus") == "NotApplicable"
    assert set(estimated.values()) == {None}
    assert estimates.rows("from int_usage__unioned") == []


@pytest.mark.parametrize("category", ["Purchase", "Tax", "Credit", "Adjustment"])
def test_what_is_no_usage_has_no_estimate(estimates: Estimates, category: str) -> None:
    require_none(estimates, machine("a", "10", ChargeCategory=category))


def test_an_unused_commitment_is_no_hardware(estimates: Estimates) -> None:
    unused = {"CommitmentDiscountStatus": "Unused", "PricingQuantity": Decimal(5)}
    require_none(estimates, machine("a", None, **unused))


def test_a_line_without_quantity_is_not_covered(estimates: Estimates) -> None:
    assert estimates.of([machine("a", None)])["a"]["x_EstimateStatus"] == "NotCovered"


def test_an_invalid_price_detail_stops_nothing(estimates: Estimates) -> None:
    line = machine("a", "1", SkuPriceDetails='{"CoreCount": "many"', SkuMeter="EU-BoxUsage:x9.l")
    found = estimates.of([line])["a"]
    assert (found["x_EstimateStatus"], found[KILOGRAMS]) == ("NotCovered", None)


def test_a_dedicated_host_and_its_machines_are_counted_once(estimates: Estimates) -> None:
    host = machine("host", "1", SkuMeter="EU-HostUsage:m5", ResourceId="h-1")
    guest = machine("guest", "1", SkuMeter="EU-HostBoxUsage:m5.large")
    assert kilograms(estimates, host, guest) == {
        "guest": None,
        "host": kilograms(estimates, host)["host"],
    }


# 5. Tokens


def tokens(key: str, meter: str, quantity: str, unit: str, **more: Any) -> Line:
    return machine(key, quantity, SkuMeter=meter, ConsumedUnit=unit, **(DECEMBER | more))


DECEMBER = {"billing_month": dt.date(2026, 12, 1), "ResourceId": None}
AZURE = {"x_Provider": "azure", "ServiceName": "Azure OpenAI", "RegionId": "eastus"}
GOOGLE = {"x_Provider": "gcp", "ServiceName": "Vertex AI", "RegionId": "us-central1"}


def test_tokens_are_counted_by_direction(estimates: Estimates) -> None:
    """What is read is counted and draws nothing; a model that nobody knows isn't even counted."""
    status = {
        key: row["x_EstimateStatus"]
        for key, row in estimates.of([
            tokens("out", "USE1-Claude4.5Sonnet-output-tokens-batch", "3", "1K Tokens"),
            tokens("in", "USE1-Claude4.5Sonnet-input-tokens", "12", "1000 Tokens"),
            tokens("cached", "gpt 4.1 mini cached Inp glbl Tokens", "7", "1K", **AZURE),
            tokens("read", "Gemini 2.5 Pro Text Input - Predictions", "250", "Count", **GOOGLE),
            tokens("written", "Gemini 2.5 Pro Text Output - Predictions", "50", "Count", **GOOGLE),
            tokens("before", "Gemini 2.5 Pro Text Output - Predictions", "50", "Count",
                   **(GOOGLE | {"billing_month": dt.date(2026, 11, 1)})),
            tokens("chat", "GPT 5 Chat outpt Glbl 1M Tokens", "1", "1M", **AZURE),
            tokens("image", "Gemini 2.5 Flash Image Text Output", "9", "Count", **GOOGLE),
        ]).items()
    }  # fmt: skip
    counted = {
        row["x_ChargeKey"]: (row["tokens_in"], row["tokens_out"])
        for row in estimates.rows("from int_usage__unioned")
        if row["tokens_in"] is not None or row["tokens_out"] is not None
    }

    assert counted == {
        "out": (None, 3000), "in": (12_000, None), "cached": (7000, None), "read": (250, None),
        "written": (None, 50),
    }  # fmt: skip
    assert {key for key, found in status.items() if found == "Estimated"} == {"out", "written"}
    assert {found for key, found in status.items() if key not in ("out", "written")} == {
        "NotCovered"
    }


# 6. Known defects of public tables


@pytest.fixture
def problems() -> Any:
    estimates = Estimates()
    estimates.connection.execute(
        "create table region_map as from read_csv(?, header = true, all_varchar = true)",
        [str(SEEDS / "maps" / "region_map.csv")],
    )
    sql = macros("carbon/factor_ranges.sql")

    def found(*statements: str) -> set[tuple[str, str]]:
        for statement in statements:
            estimates.connection.execute(statement)
        rows = estimates.rows(sql.factor_problems("carbon_factors", "region_map"))
        rows += estimates.rows(sql.machine_problems("carbon_machines", "carbon_factors"))
        return {tuple(row.values()) for row in rows}

    return found


def test_the_seeds_have_no_problem(problems: Any) -> None:
    assert problems() == set()


GERMANY = "grid-intensity-azure-germanywestcentral-2025"
SWITZERLAND = "grid-intensity-azure-switzerlandnorth-2025"
DEFECTS: Sequence[tuple[str, str, str]] = (
    # 402 t/kWh: "000402" without its "0."
    (f"update carbon_factors set value = 402000 where factor_id = '{GERMANY}'", GERMANY, "range"),
    (
        "update carbon_factors set value = 3.682424, value_low = 3.682424, value_high = 3.682424"
        " where factor_id = 'idle-power-vcpu-epyc-4th-gen'",
        "idle-power-vcpu-epyc-4th-gen",
        "range",
    ),
    (
        "update carbon_factors set value = 8.961435, value_low = 8.961435, value_high = 8.961435"
        " where factor_id = 'full-power-vcpu-epyc-4th-gen'",
        "full-power-vcpu-epyc-4th-gen",
        "range",
    ),
    # Ireland and Finland under one key.
    (
        "insert into carbon_factors select * replace ('grid-intensity-azure-northeurope-again' as"
        " factor_id, 82.3 as value, 82.3 as value_low, 82.3 as value_high) from carbon_factors"
        " where factor_id = 'grid-intensity-azure-northeurope-2025'",
        "grid-intensity-azure-northeurope-again",
        "twice",
    ),
    (
        "update carbon_factors set value = 35.26, value_low = 35.26 where"
        f" factor_id = '{SWITZERLAND}'",
        "grid-intensity-azure-swedencentral-2025",
        "another country",
    ),
    # What is made into drives, exchanged.
    (
        "update carbon_factors set value = case subject when 'hdd' then 26.041667 else 3.125 end,"
        " value_low = 1, value_high = 60 where factor_kind = 'embodied' and component = 'storage'",
        "embodied-storage-hdd",
        "exchanged",
    ),
    (
        "update carbon_factors set value = 0.0000000000163 where"
        " factor_id = 'embodied-tokens-gpt-4o'",
        "embodied-tokens-gpt-4o",
        "range",
    ),
    (
        "update carbon_factors set value = 0.98 where factor_id = 'pue-aws-eu-west-1'",
        "pue-aws-eu-west-1",
        "range",
    ),
    (
        "update carbon_factors set value_low = 0.9 where factor_id = 'load-vcpu'",
        "load-vcpu",
        "interval",
    ),
    (
        "update carbon_machines set host_vcpu = 1 where machine_type = 'm5.large'",
        "m5.large",
        "size",
    ),
    (
        "update carbon_machines set processor_family = 'epyc_9th' where machine_type = 'm5.large'",
        "m5.large",
        "without a factor",
    ),
)


@pytest.mark.parametrize(("statement", "name", "problem"), DEFECTS)
def test_a_known_defect_is_found(problems: Any, statement: str, name: str, problem: str) -> None:
    """The same queries test the seeds when they are loaded: CT-BUILD-TEST."""
    assert [one for one in problems(statement) if one[0] == name and problem in one[1]]


NUMBER = re.compile(r"-?[0-9]+([.][0-9]+)?")


def bad_numbers(name: str, rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Name the values of a seed's decimal columns that are no number, such as 0,29."""
    types = column_types()[name].items()
    numeric = [column for column, kind in types if kind.startswith(("decimal", "integer"))]
    return [
        f"{column}: {row[column]}"
        for row in rows
        for column in numeric
        if row[column] and not NUMBER.fullmatch(row[column])
    ]


@pytest.mark.parametrize("name", SEED_NAMES)
def test_numbers_are_numbers(name: str) -> None:
    assert bad_numbers(name, seed_rows(f"carbon/{name}")) == []


def test_a_decimal_comma_is_found() -> None:
    row = dict(seed_rows("carbon/carbon_machines")[0], memory_gib="0,29")
    assert bad_numbers("carbon_machines", [row]) == ["memory_gib: 0,29"]
