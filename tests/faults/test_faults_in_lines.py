"""Faults of charge and emission lines, through the project's own SQL from staging to the marts.

One compiled project serves all of them: a build over a handful of lines takes a second.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from dagster_project.settings import SourceConfig
from tests.compiled_models import ModelRun, compiled_models

JANUARY, FEBRUARY, MARCH = (dt.date(2026, month, 1) for month in (1, 2, 3))
MONTHS = (JANUARY, FEBRUARY, MARCH)
GOALS = ("dq_result", "fct_emissions_reported", "mart_accrual", "mart_hotspot",
         "mart_spend_carbon_monthly", "mart_spend_carbon_daily")  # fmt: skip
COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
ROOMS = {"aws-focus": "aws", "gcp-focus": "gcp", "azure-focus": "azure"}

Row = dict[str, Any]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> ModelRun:
    sources = [
        SourceConfig(name=f"{provider}-{export}", provider=provider, export=export,
                     location="file:///exports")
        for provider in ("aws", "azure", "gcp")
        for export in ("focus", "carbon")
    ]  # fmt: skip
    sources.append(
        SourceConfig(name="aws-cur", provider="aws", export="cur2", location="file:///exports")
    )
    delivered = {(room, "focus"): ["BilledCost"] for room in ROOMS.values()}
    delivered["aws", "cur2"] = ["split_line_item_parent_resource_id"]
    return compiled_models(tmp_path_factory.mktemp("project"), sources, GOALS, delivered)


@pytest.fixture
def models(compiled: ModelRun) -> ModelRun:
    """The models, with nothing planted in the ledger yet."""
    for table in ("calendar", "control_totals", "periods"):
        compiled.connection.execute(f"delete from ledger.{table}")
    return compiled


# ---------------------------------------------------------------- lines


def line(source: str = "aws-focus", month: dt.date = MARCH, day: int = 1, **cells: Any) -> Row:
    """Return a day of usage that costs ten; cells replace what is usual."""
    start = dt.datetime(month.year, month.month, day)
    return {
        "source_name": source,
        "billing_month": month,
        "delivery_id": f"{source} {month}",
        "BillingPeriodStart": dt.datetime.combine(month, dt.time()),
        "BillingPeriodEnd": dt.datetime.combine(month_after(month), dt.time()),
        "ChargePeriodStart": start,
        "ChargePeriodEnd": start + dt.timedelta(days=1),
        **dict.fromkeys(COSTS, Decimal(10)),
        "ListUnitPrice": Decimal(10),
        "ContractedUnitPrice": Decimal(10),
        "PricingQuantity": Decimal(1),
        "BillingAccountId": "payer",
        "SubAccountId": "a1",
        "BillingCurrency": "USD",
        "ChargeCategory": "Usage",
        "ChargeClass": None,
        "CommitmentDiscountId": None,
        "CommitmentDiscountStatus": None,
        "RegionId": "eu-west-1",
        "ServiceName": "Amazon Elastic Compute Cloud",
        "ServiceCategory": "Compute",
        "ServiceSubcategory": "Virtual Machines",
        "ResourceId": f"i-{day}",
        "SkuMeter": "Compute hours",
        "Tags": '{"team":"web"}',
        "ChargeDescription": f"day {day}",
        "provider_columns": '{"x_ServiceCode":"AmazonEC2"}',
    } | cells  # fmt: skip


def costing(amount: str, **cells: Any) -> Row:
    """Return cells of a line whose every cost is the same."""
    return dict.fromkeys(COSTS, Decimal(amount)) | cells


def emission(kg: str, month: dt.date = MARCH, **cells: Any) -> Row:
    """Return what AWS reports for its machines in a month, as staging has it."""
    return {
        "source_name": "aws-carbon",
        "usage_month": month,
        "delivery_id": f"aws-carbon {month}",
        "model_version": "v3.0.1",
        "payer_account_id": "payer",
        "usage_account_id": "a1",
        "product_code": "AmazonEC2",
        "region_code": "eu-west-1",
        "scope1_kg": Decimal(0),
        "scope2_location_kg": Decimal(kg),
        "scope3_location_kg": Decimal(0),
        "total_location_kg": Decimal(kg),
        "scope2_market_kg": Decimal(0),
        "scope3_market_kg": Decimal(0),
        "total_market_kg": Decimal(0),
    } | cells


def month_after(month: dt.date) -> dt.date:
    return (month + dt.timedelta(days=32)).replace(day=1)


def build(
    models: ModelRun,
    lines: Sequence[Row],
    emissions: Sequence[Row] = (),
    months: Sequence[dt.date] = (),
) -> None:
    """Build everything from lines, with the control totals that a reader of the files has."""
    staged: dict[str, list[Row]] = {f"stg_{room}__focus": [] for room in ROOMS.values()}
    for each in lines:
        staged[f"stg_{ROOMS[each['source_name']]}__focus"].append(each)
    for source in {each["source_name"] for each in lines}:
        state_totals(models, source, [each for each in lines if each["source_name"] == source])
    billed = sorted({each["billing_month"] for each in lines})
    models.build(staged | {"stg_aws__carbon": list(emissions)}, months or billed)


def state_totals(models: ModelRun, source: str, lines: Sequence[Row]) -> None:
    for month in {each["billing_month"] for each in lines}:
        found = [each for each in lines if each["billing_month"] == month]
        totals = {"rows": Decimal(len(found))}
        totals |= {name: sum(Decimal(each[name]) for each in found) for name in COSTS}
        models.connection.executemany(
            "insert into ledger.control_totals values (?, ?, 'focus', ?, 'd', ?, ?)",
            [[source, ROOMS[source], month, name, total] for name, total in totals.items()],
        )


def red(models: ModelRun, *checks: str) -> dict[str, Decimal]:
    """Return which of some checks failed, and what they measured in sum."""
    marks = ", ".join(f"'{check}'" for check in checks)
    return dict(
        models.rows(
            "select check_id, sum(measured) from dq_result"
            f" where not passed and check_id in ({marks}) group by check_id"
        )
    )


def ties_out(models: ModelRun) -> bool:
    found = models.rows("select passed from dq_result where check_id = 'control_total_equals_fact'")
    return bool(found) and all(passed for (passed,) in found)


# ---------------------------------------------------------------- months, joins, currencies


@pytest.mark.parametrize("months", [MONTHS, MONTHS[::-1]], ids=["oldest first", "newest first"])
def test_what_crosses_a_month_is_counted_once_in_the_month_that_bills_it(
    models: ModelRun, months: Sequence[dt.date]
) -> None:
    last_day = dt.datetime(2026, 1, 31)
    credit = line(
        month=MARCH, **costing("-4"), ChargeCategory="Credit", ResourceId=None,
        ChargePeriodStart=dt.datetime(2026, 1, 1), ChargePeriodEnd=dt.datetime(2026, 2, 1),
    )  # fmt: skip
    late = line("gcp-focus", FEBRUARY, ChargePeriodStart=last_day,
                ChargePeriodEnd=last_day + dt.timedelta(days=1))  # fmt: skip

    build(models, [line(month=JANUARY), line(month=FEBRUARY), late, credit], months=months)

    assert models.rows(
        "select x_BillingMonth, count(*), sum(BilledCost) from fct_cost_and_carbon"
        " group by all order by all"
    ) == [(JANUARY, 1, 10), (FEBRUARY, 2, 20), (MARCH, 1, -4)]
    assert red(models, "charge_period_outside_billing_period") == {
        "charge_period_outside_billing_period": 2
    }
    assert ties_out(models)


def test_a_map_that_names_a_thing_twice_doubles_no_line_unseen(models: ModelRun) -> None:
    def built_with_twice(seed: str, name: str) -> tuple[list[Any], bool]:
        models.connection.execute("begin")
        models.connection.execute(f"insert into seeds.{seed} from seeds.{seed} where {name}")
        build(models, [line()])
        found = models.rows("select count(*), sum(BilledCost) from fct_cost_and_carbon")
        whole = ties_out(models)
        models.connection.execute("rollback")
        return found, whole

    service = "lower(service_code) in ('amazonec2', 'amazon elastic compute cloud')"
    assert built_with_twice("service_map", service) == ([(1, 10)], True)
    group = "service_subcategory = 'Virtual Machines'"
    assert built_with_twice("focus_service_subcategories", group) == ([(1, 10)], False)


def test_a_tag_key_twice_but_for_case_is_one_line(models: ModelRun) -> None:
    build(models, [line(Tags='{"Team":"b","TEAM":"a"}')])

    assert models.rows(
        "select count(*), sum(BilledCost), min(x_Owner), min(Tags) from fct_cost_and_carbon"
    ) == [(1, 10, "a", '{"Team":"b","TEAM":"a"}')]
    assert ties_out(models)


def test_yen_and_dollars_are_never_added(models: ModelRun) -> None:
    build(models, [line(), line(**costing("1500"), BillingCurrency="JPY")])

    for mart in ("mart_spend_carbon_monthly", "mart_spend_carbon_daily", "mart_hotspot"):
        assert models.rows(
            f"select billing_currency, sum(effective_cost) from {mart} group by all order by all"
        ) == [("JPY", 1500), ("USD", 10)]


def test_a_month_that_nobody_delivered_is_no_cheap_month(models: ModelRun) -> None:
    models.connection.execute(
        "insert into ledger.calendar (source_name, provider, export, month, expected, state)"
        " values ('aws-focus', 'aws', 'focus', date '2026-03-01', true, 'missing')"
    )
    build(models, [line(month=FEBRUARY)])

    assert models.rows(
        "select source_name, billing_month from dq_result"
        " where check_id = 'delivery_arrived' and not passed and billing_month is not null"
    ) == [("aws-focus", MARCH)]
    assert models.rows("select distinct billing_month from mart_spend_carbon_monthly") == [
        (FEBRUARY,)
    ]


# ---------------------------------------------------------------- values that go missing


def test_a_list_cost_of_nothing_on_priced_usage_is_named(models: ModelRun) -> None:
    build(models, [line(), line(day=2, ListCost=Decimal(0))])

    assert red(models, "list_cost_not_price_times_quantity") == {
        "list_cost_not_price_times_quantity": 1
    }


def test_carbon_that_nobody_reported_is_no_zero(models: ModelRun) -> None:
    build(models, [line(), line(day=2, SubAccountId="a2")], [emission("6")])

    assert models.rows(
        "select SubAccountId, x_CarbonReportedStatus, x_CarbonLocationKg from fct_cost_and_carbon"
        " order by all"
    ) == [("a1", "Reported", 6), ("a2", "NotCovered", None)]


def test_contracted_costs_of_nothing_are_named(models: ModelRun) -> None:
    """With the price or without it, as where a price sheet came after the costs."""
    free = line(day=2, ContractedCost=Decimal(0))
    build(models, [line(), free, free | {"ContractedUnitPrice": None, "ResourceId": "i-3"}])

    checks = ("contracted_cost_not_price_times_quantity", "effective_cost_above_contracted_cost")
    assert red(models, *checks, "effective_cost_above_list_cost") == dict(
        zip(checks, (1, 2), strict=True)
    )


def test_a_column_that_is_empty_for_eight_months_is_named_for_each(models: ModelRun) -> None:
    """A resource id that no line ever had, and one that a tenth of the lines keeps, are not."""
    months = [dt.date(2025, month, 1) for month in range(1, 11)]
    lines = [
        line(month=month, day=day, SkuMeter=None if 1 < month.month < 10 else "hours",
             SkuId="sku" if day == 1 else None, Tags='{"a":"b"}' if day == 1 else None)
        for month in months
        for day in (1, 2, 3)
    ]  # fmt: skip
    lines[0]["SkuId"] = lines[1]["SkuId"] = "sku"

    build(models, lines)

    assert models.rows(
        "select billing_month, column_name, measured, severity from dq_result"
        " where check_id = 'column_went_empty' order by all"
    ) == [(month, "SkuMeter", 3, "warn") for month in months[1:9]]


def test_a_team_in_two_spellings_is_one_owner_and_blank_stays_visible(models: ModelRun) -> None:
    spellings = ('{"team":"HMPPS"}', '{"Team":"hmpps"}', '{"team":" "}')
    build(models, [line(day=n, Tags=tags) for n, tags in enumerate(spellings, start=1)])

    assert models.rows(
        "select x_Owner, sum(EffectiveCost) from fct_cost_and_carbon group by all order by all"
    ) == [("hmpps", 20), (None, 10)]
    assert red(models, "usage_without_owner") == {"usage_without_owner": 1}
    assert models.rows("select Tags from fct_cost_and_carbon order by ChargeDescription") == [
        (tags,) for tags in spellings
    ]


# ---------------------------------------------------------------- shares


def cur_line(name: str, **cells: Any) -> Row:
    start = dt.datetime(2026, 3, 1)
    return {
        "source_name": "aws-cur",
        "billing_month": MARCH,
        "delivery_id": "cur",
        "identity_line_item_id": name,
        "identity_time_interval": "2026-03-01T00:00:00Z/2026-03-02T00:00:00Z",
        "bill_payer_account_id": "payer",
        "line_item_usage_account_id": "a1",
        "line_item_line_item_type": "Usage",
        "line_item_usage_start_date": start,
        "line_item_usage_end_date": start + dt.timedelta(days=1),
        "line_item_currency_code": "USD",
        "line_item_product_code": "AmazonEC2",
        "line_item_operation": "RunInstances",
        "line_item_usage_type": "EU-BoxUsage:m5.large",
        "line_item_resource_id": "i-1",
        "line_item_unblended_cost": Decimal(0),
        "pricing_public_on_demand_cost": None,
        "product_region_code": "eu-west-1",
        "product_instance_type": "m5.large",
        "split_line_item_parent_resource_id": None,
        "split_line_item_split_cost": None,
        "split_line_item_unused_cost": None,
    } | cells


def test_containers_priced_above_their_machine_leave_no_idle_below_zero(models: ModelRun) -> None:
    machine = cur_line("machine", line_item_unblended_cost=Decimal(1),
                       pricing_public_on_demand_cost=Decimal(1))  # fmt: skip
    pods = [
        cur_line(
            name, line_item_product_code="AmazonEKS", line_item_operation="EKSPod-EC2",
            line_item_usage_type="EU-EKS-EC2-vCPU-Hours", line_item_resource_id=f"pod/{name}",
            split_line_item_parent_resource_id="i-1", split_line_item_split_cost=Decimal(cost),
            split_line_item_unused_cost=Decimal("-0.5"),
        )
        for name, cost in (("one", "1.2"), ("two", "0.3"))
    ]  # fmt: skip
    models.build({"stg_aws__cur2": [machine, *pods]}, [MARCH])

    assert models.rows(
        "select AllocatedResourceId, BilledCost from fct_cost_and_carbon order by all"
    ) == [("pod/one", Decimal("0.8")), ("pod/two", Decimal("0.2"))]
    assert dict(
        models.rows(
            "select split_part(column_name, ':', 1), sum(measured) from dq_result"
            " where check_id = 'row_bridge' group by all"
        )
    ) == {"replaced": -1}


# ---------------------------------------------------------------- carbon


def kilograms(models: ModelRun) -> dict[str, Decimal]:
    return dict(
        models.rows(
            "select ResourceId, sum(x_CarbonLocationKg) from fct_cost_and_carbon group by all"
        )
    )


def test_another_method_is_another_version_and_the_former_is_kept(models: ModelRun) -> None:
    newer = emission("9", model_version="v3.0.2", delivery_id="newer")
    build(models, [line()], [emission("6"), newer])

    assert models.rows(
        "select model_version, is_current, sum(total_location_kg) from fct_emissions_reported"
        " group by all order by all"
    ) == [("v3.0.1", False, 6), ("v3.0.2", True, 9)]
    assert models.rows(
        "select distinct x_CarbonModelVersion, x_CarbonLocationKg from fct_cost_and_carbon"
    ) == [("v3.0.2", 9)]


def test_a_host_and_its_machines_carry_what_is_reported_once(models: ModelRun) -> None:
    """AWS bills a dedicated host; the machines on it cost nothing."""
    guests = [line(day=day, **costing("0"), ListUnitPrice=None) for day in (2, 3)]
    build(models, [line(ResourceId="h-1", **costing("50")), *guests], [emission("12")])

    assert kilograms(models) == {"h-1": 12, "i-2": 0, "i-3": 0}
    assert red(models, "reported_carbon_equals_fact") == {}


def test_a_discount_of_a_fifth_moves_no_gram(models: ModelRun) -> None:
    emissions = [emission("7")]
    build(models, [line(), line(day=2)], emissions)
    before = kilograms(models)
    cheaper = {name: Decimal(8) for name in ("BilledCost", "EffectiveCost", "ContractedCost")}

    build(models, [line(**cheaper, ContractedUnitPrice=Decimal(8)), line(day=2)], emissions)

    assert kilograms(models) == before == {"i-1": Decimal("3.5"), "i-2": Decimal("3.5")}


# ---------------------------------------------------------------- months that aren't whole


def test_a_commitment_for_a_year_is_no_hotspot(models: ModelRun) -> None:
    bought = line(
        ChargeCategory="Purchase", CommitmentDiscountId="ri", CommitmentDiscountCategory="Usage",
        CommitmentDiscountType="Reserved", ResourceId="ri", BilledCost=Decimal(8760),
        EffectiveCost=Decimal(0), ListCost=Decimal(8760), ContractedCost=Decimal(8760),
        ListUnitPrice=None, ContractedUnitPrice=None, ServiceName="Reservations",
    )  # fmt: skip
    others = [
        each | {"CommitmentDiscountCategory": None, "CommitmentDiscountType": None}
        for each in (line(), line(day=2))
    ]
    build(models, [bought, *others])

    assert models.rows(
        "select resource_id, effective_cost, list_cost, cost_rank from mart_hotspot"
        " order by cost_rank desc limit 1"
    ) == [("ri", 0, 0, 3)]


def test_ten_days_of_a_month_rank_as_the_whole_month_does(models: ModelRun) -> None:
    """A place stands by its share of its own month; nothing is held against a whole one."""
    costs = {"web": "10", "batch": "3", "logs": "1"}
    days = {FEBRUARY: 28, MARCH: 10}
    build(models, [
        line(month=month, day=day, ResourceId=name, **costing(cost))
        for month, count in days.items()
        for day in range(1, count + 1)
        for name, cost in costs.items()
    ])  # fmt: skip

    found = models.rows(
        "select billing_month, resource_id, cost_rank from mart_hotspot order by 1, 3"
    )
    assert found == [
        (month, name, rank)
        for month in (FEBRUARY, MARCH)
        for rank, name in enumerate(costs, start=1)
    ]


def test_a_run_on_the_tenth_estimates_from_whole_days_alone(models: ModelRun) -> None:
    """Ten a day; the tenth of March has only begun, and holds one so far."""
    whole = [line(month=FEBRUARY, day=day) for day in range(1, 29)]
    begun = [line(day=day) for day in range(1, 10)] + [line(day=10, **costing("1"))]
    models.connection.executemany(
        "insert into ledger.calendar (source_name, provider, export, month, expected, state)"
        " values ('aws-focus', 'aws', 'focus', ?, true, 'arrived')",
        [[FEBRUARY], [MARCH]],
    )
    models.connection.executemany(
        "insert into ledger.periods (provider, billing_month, cost_state) values ('aws', ?, ?)",
        [[FEBRUARY, "provisional"], [MARCH, "open"]],
    )
    build(models, [*whole, *begun])

    found: Mapping[str, Any] = dict(zip(
        ("missing", "central", "low", "high"),
        models.rows(
            "select missing_days, accrual_cost, accrual_low_cost, accrual_high_cost"
            " from mart_accrual where entry = 'accrual'"
        )[0],
        strict=True,
    ))  # fmt: skip
    assert found == {"missing": 22, "central": 219, "low": 219, "high": 219}
