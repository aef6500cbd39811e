"""No cost and no gram is lost, doubled or moved by the order in which things arrive.

Small estates of hand-made lines go through the project's own SQL from staging to the fact.
"""

import datetime as dt
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagster_project.settings import SourceConfig
from tests.compiled_models import ModelRun, compiled_models

MONTHS = tuple(dt.date(2026, month, 1) for month in (1, 2, 3))
COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
EXACT = Context(prec=60)
CARBON = {
    "scope1_kg": "x_CarbonProviderScope1Kg",
    "scope2_location_kg": "x_CarbonProviderScope2LocationKg",
    "scope2_market_kg": "x_CarbonProviderScope2MarketKg",
    "scope2_unspecified_kg": "x_CarbonProviderScope2UnspecifiedKg",
    "scope3_location_kg": "x_CarbonProviderScope3LocationKg",
    "scope3_market_kg": "x_CarbonProviderScope3MarketKg",
    "scope3_unspecified_kg": "x_CarbonProviderScope3UnspecifiedKg",
    "total_location_kg": "x_CarbonLocationKg",
    "total_market_kg": "x_CarbonMarketKg",
    "total_unspecified_kg": "x_CarbonUnspecifiedKg",
}
AWS_MEASURES = (
    "scope1_kg", "scope2_location_kg", "scope2_market_kg", "scope3_location_kg",
    "scope3_market_kg", "total_location_kg", "total_market_kg",
)  # fmt: skip
GCP_MEASURES = (
    "scope1_kg", "scope2_location_kg", "scope2_market_kg", "scope3_kg", "total_location_kg",
    "total_market_kg",
)  # fmt: skip
AZURE_SCOPES = {"Scope1": "scope1_kg", "Scope2": "scope2_unspecified_kg",
                "Scope3": "scope3_unspecified_kg"}  # fmt: skip

Row = dict[str, Any]
Estate = Mapping[str, Sequence[Row]]


def source(name: str, provider: str, export: str) -> SourceConfig:
    return SourceConfig(name=name, provider=provider, export=export, location="file:///exports")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> ModelRun:
    sources = [
        source(f"{provider}-{export}", provider, export)
        for provider in ("aws", "azure", "gcp")
        for export in ("focus", "carbon")
    ]
    sources += [source("onprem", "onprem", "focus"), source("other", "snowpeak", "focus")]
    return compiled_models(tmp_path_factory.mktemp("project"), sources)


def amounts(largest: int, *, negative: bool = True) -> st.SearchStrategy[Decimal]:
    """Amounts of up to 18 decimals; few are 0 or too tiny to weigh anything."""
    least = -1 if negative else 0
    units = st.one_of(
        st.integers(1, 10**6).map(lambda cents: cents * 10**16),
        st.integers(1, 10**18),
        st.integers(1, largest * 10**18),
        st.integers(least * largest * 10**18, largest * 10**18),
        st.sampled_from([0, 1, 10**18]),
    )
    return st.builds(lambda value: EXACT.scaleb(Decimal(value), -18), units)


USED = st.sampled_from([MONTHS[0], MONTHS[0], *MONTHS])
COST = amounts(10**6)
KG = amounts(10**9)
CHARGE_BASE = {
    "BilledCost": COST,
    "EffectiveCost": COST,
    "ListCost": st.one_of(amounts(10**6, negative=False), COST, st.none()),
    "ContractedCost": st.one_of(COST, st.none()),
    "ConsumedQuantity": COST,
    "BillingCurrency": st.sampled_from(["USD", "USD", "EUR"]),
    "BillingAccountName": st.sampled_from(["old name", "new name"]),
    "InvoiceId": st.one_of(st.none(), st.just("INV-1")),
    "ChargeCategory": st.sampled_from(["Usage"] * 6 + ["usage", "Purchase", "Tax", "Credit"]),
    "CommitmentDiscountStatus": st.sampled_from([None, None, None, "Used", "Unused"]),
    "Tags": st.sampled_from([None, '{"env":"prod"}', '"env": "dev"', "no json"]),
    "SkuId": st.sampled_from([None, None, "sku"]),
}
PLACES: Mapping[str, Mapping[str, st.SearchStrategy[Any]]] = {
    "aws": {
        "BillingAccountId": st.just("payer"),
        "SubAccountId": st.sampled_from(["a1", "a1", "a1", "a2"]),
        "RegionId": st.sampled_from(["eu-west-1", "eu-west-1", None]),
        "ServiceName": st.just("Amazon Elastic Compute Cloud"),
        "provider_columns": st.sampled_from(
            ['{"x_ServiceCode":"AmazonEC2"}', '{"x_ServiceCode":"AWSLambda"}', None]
        ),
        "PublisherName": st.sampled_from(["AWS", "AWS", "A Seller"]),
    },
    "azure": {
        "BillingAccountId": st.just("enrolment"),
        "SubAccountId": st.just("/subscriptions/S1"),
        "ResourceId": st.sampled_from(["/Subscriptions/S1/vm", "/subscriptions/s1/vm", None]),
        "RegionId": st.just("westeurope"),
        "ServiceName": st.just("Virtual Machines"),
    },
    "gcp": {
        "BillingAccountId": st.just("billing"),
        "SubAccountId": st.sampled_from(["project", "project", "other"]),
        "RegionId": st.sampled_from(["europe-west1", "europe-west1", None]),
        "ServiceName": st.just("Compute Engine"),
    },
    "onprem": {"BillingAccountId": st.just("room"), "SubAccountId": st.just("rack")},
    "generic": {"BillingAccountId": st.just("any"), "SubAccountId": st.none()},
}
SOURCE_OF = {"onprem": "onprem", "generic": "other"}


@st.composite
def charge(draw: st.DrawFn, room: str) -> Row:
    billed = draw(st.sampled_from(MONTHS))
    used = draw(st.sampled_from([billed, MONTHS[0], MONTHS[0]]))
    start = dt.datetime.combine(used, dt.time()) + dt.timedelta(days=draw(st.integers(0, 1)))
    after = next_month(billed)
    name = SOURCE_OF.get(room, f"{room}-focus")
    fixed = {key: draw(strategy) for key, strategy in {**CHARGE_BASE, **PLACES[room]}.items()}
    return {
        "source_name": name,
        "billing_month": billed,
        "delivery_id": f"{name} {billed}",
        "BillingPeriodStart": dt.datetime.combine(billed, dt.time()),
        "BillingPeriodEnd": dt.datetime.combine(after, dt.time()),
        "ChargePeriodStart": start,
        "ChargePeriodEnd": start + dt.timedelta(days=1),
        **fixed,
    }


def next_month(month: dt.date) -> dt.date:
    return (month + dt.timedelta(days=32)).replace(day=1)


@st.composite
def aws_emission(draw: st.DrawFn) -> Row:
    month = draw(USED)
    return {
        "source_name": "aws-carbon",
        "usage_month": month,
        "delivery_id": f"aws-carbon {month}",
        "model_version": draw(st.sampled_from(["v3.0.9", "v3.0.10"])),
        "payer_account_id": "payer",
        "usage_account_id": draw(st.sampled_from(["a1", "a1", "a2", "a3"])),
        "product_code": draw(st.sampled_from(["AmazonEC2", "AmazonEC2", "Other"])),
        "region_code": draw(st.sampled_from(["eu-west-1", "eu-west-1", "", None])),
        **{name: draw(st.one_of(KG, st.none())) for name in AWS_MEASURES},
    }


@st.composite
def azure_emission(draw: st.DrawFn) -> Row:
    month = draw(USED)
    return {
        "source_name": "azure-carbon",
        "usage_month": month,
        "delivery_id": f"azure-carbon {month}",
        "subscription_id": "s1",
        "resource_id": draw(st.sampled_from(["/subscriptions/s1/vm", "/subscriptions/s1/gone"])),
        "scope": draw(st.sampled_from(sorted(AZURE_SCOPES))),
        "retrieved_at": dt.datetime.combine(month, dt.time()),
        "emissions_kg": draw(KG),
    }


@st.composite
def gcp_emission(draw: st.DrawFn) -> Row:
    month = draw(USED)
    return {
        "source_name": "gcp-carbon",
        "usage_month": month,
        "delivery_id": f"gcp-carbon {month}",
        "billing_account_id": "billing",
        "project_id": draw(st.sampled_from(["project", "project", "other", None])),
        "project_number": draw(st.sampled_from(["1", ""])),
        "service_description": draw(st.sampled_from(["Compute Engine", "Gone Engine"])),
        "location": "europe-west1-b",
        "region": draw(st.sampled_from(["europe-west1", "europe-west1", None])),
        "carbon_model_version": draw(st.sampled_from([9, 15])),
        **{name: draw(st.one_of(KG, st.none())) for name in GCP_MEASURES},
    }


@st.composite
def estates(draw: st.DrawFn) -> Estate:
    charges = {
        f"stg_{room}__focus": draw(st.lists(charge(room), min_size=most // 2, max_size=most))
        for room, most in {"aws": 18, "azure": 8, "gcp": 10, "onprem": 1, "generic": 1}.items()
    }
    return {
        **charges,
        "stg_aws__carbon": draw(st.lists(aws_emission(), min_size=4, max_size=8)),
        "stg_azure__carbon": draw(st.lists(azure_emission(), min_size=2, max_size=5)),
        "stg_gcp__carbon": draw(st.lists(gcp_emission(), min_size=3, max_size=6)),
    }


few_examples = settings(
    max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)


def charges_of(estate: Estate) -> list[Row]:
    return [row for name, rows in estate.items() if name.endswith("__focus") for row in rows]


def total(values: Sequence[Decimal | None]) -> Decimal:
    found = Decimal(0)
    for value in values:
        found = EXACT.add(found, value or Decimal(0))
    return found


def version(row: Row) -> tuple[int, ...]:
    """Order of a model version, as numbers; Azure states none."""
    stated = str(row.get("model_version") or row.get("carbon_model_version") or "0")
    return tuple(int(part) for part in stated.removeprefix("v").split("."))


def reported(estate: Estate) -> dict[tuple[str, dt.date, str], Decimal]:
    """Add up what the newest model version of each provider and month reports."""
    found: dict[tuple[str, dt.date, str], Decimal] = defaultdict(Decimal)
    for provider in ("aws", "azure", "gcp"):
        rows = estate[f"stg_{provider}__carbon"]
        for month in {row["usage_month"] for row in rows}:
            of_month = [row for row in rows if row["usage_month"] == month]
            newest = max(version(row) for row in of_month)
            for row in of_month:
                if version(row) == newest:
                    for measure, kg in measures_of(provider, row).items():
                        key = (provider, month, measure)
                        found[key] = EXACT.add(found[key], kg or Decimal(0))
    return {key: kg for key, kg in found.items() if kg}


def measures_of(provider: str, row: Row) -> dict[str, Decimal | None]:
    """Return an emission row's kilograms under the names of the fact."""
    if provider == "azure":
        kg = row["emissions_kg"]
        return {AZURE_SCOPES[row["scope"]]: kg, "total_unspecified_kg": kg}
    if provider == "gcp":
        one_scope_3 = {"scope3_location_kg": row["scope3_kg"], "scope3_market_kg": row["scope3_kg"]}
        return one_scope_3 | {name: row[name] for name in GCP_MEASURES if name != "scope3_kg"}
    return {name: row[name] for name in AWS_MEASURES}


def carried(models: ModelRun) -> dict[tuple[str, dt.date, str], Decimal]:
    """Add up what the fact carries, on lines and unallocated."""
    found = {}
    for measure, column in CARBON.items():
        for provider, month, kg in models.rows(
            "select x_Provider, cast(date_trunc('month', ChargePeriodStart) as date),"
            f" sum({column}) from fct_cost_and_carbon group by all"
        ):
            if kg:
                found[(provider, month, measure)] = kg
    return found


@few_examples
@given(estates())
def test_every_cost_and_every_gram_arrives_once(models: ModelRun, estate: Estate) -> None:
    models.build(estate, MONTHS)
    charges = charges_of(estate)

    for relation in ("int_charges__unioned", "fct_cost_and_carbon"):
        where = "where x_RecordKind = 'Charge'" if relation.startswith("fct") else ""
        sums = ", ".join(f"coalesce(sum({name}), 0)" for name in COSTS)
        [(rows, *found)] = models.rows(f"select count(*), {sums} from {relation} {where}")
        assert rows == len(charges)
        assert found == [total([row[name] for row in charges]) for name in COSTS]

    assert carried(models) == reported(estate)
    assert models.rows("select * from int_quality__emission_totals where reported_kg <> fact_kg") == []
    [(rows, keys)] = models.rows(
        "select count(*), count(distinct x_ChargeKey) from fct_cost_and_carbon"
    )
    assert rows == keys


@few_examples
@given(estates())
def test_carbon_stands_on_the_lines_that_may_carry_it(models: ModelRun, estate: Estate) -> None:
    models.build(estate, MONTHS)

    assert models.rows("""
        select x_ChargeKey from fct_cost_and_carbon
        where x_RecordKind = 'Charge'
            and coalesce(x_CarbonLocationKg, x_CarbonMarketKg, x_CarbonUnspecifiedKg, 0) <> 0
            and (ChargeCategory <> 'Usage' or coalesce(CommitmentDiscountStatus, '') = 'Unused'
                or coalesce(ListCost, 0) <= 0 or PublisherName = 'A Seller'
                or x_CarbonReportedStatus <> 'Reported')
    """) == []
    assert models.rows("""
        select x_ChargeKey from fct_cost_and_carbon
        where x_CarbonUnspecifiedKg is not null
            and (x_CarbonLocationKg is not null or x_CarbonMarketKg is not null)
    """) == []


@few_examples
@given(estates(), st.permutations(MONTHS), st.randoms(use_true_random=False))
def test_order_of_rows_and_months_changes_nothing(
    models: ModelRun, estate: Estate, months: list[dt.date], shuffler: random.Random
) -> None:
    models.build(estate, MONTHS)
    models.connection.execute("create or replace temp table before as from fct_cost_and_carbon")

    models.build({name: shuffled(rows, shuffler) for name, rows in estate.items()}, months)

    assert models.rows("from before except all from fct_cost_and_carbon") == []
    assert models.rows("from fct_cost_and_carbon except all from before") == []


def shuffled(rows: Sequence[Row], shuffler: random.Random) -> list[Row]:
    return shuffler.sample(rows, len(rows))


@few_examples
@given(estates(), st.data())
def test_redelivery_with_other_amounts_keeps_the_keys(
    models: ModelRun, estate: Estate, data: st.DataObject
) -> None:
    models.build(estate, MONTHS)
    before = keys_by_dimensions(models)
    again = {name: [restated(row, data) for row in rows] for name, rows in estate.items()}

    models.build(again, MONTHS)

    assert keys_by_dimensions(models) == before


def restated(row: Row, data: st.DataObject) -> Row:
    """Return the line of a later delivery: other amounts, an invoice, a renamed account."""
    if "BilledCost" not in row:
        return row
    later = {
        "BilledCost": data.draw(COST),
        "EffectiveCost": data.draw(COST),
        "InvoiceId": "INV-2",
        "BillingAccountName": "renamed",
        "delivery_id": "later",
    }
    return {**row, **later}


def keys_by_dimensions(models: ModelRun) -> Mapping[Any, Any]:
    """Return the keys of each set of lines that no identifying dimension tells apart."""
    found = defaultdict(Counter)
    for *dimensions, key in models.rows("""
        select x_SourceName, x_BillingMonth, SubAccountId, ResourceId, ServiceName, RegionId, SkuId,
            ChargeCategory, CommitmentDiscountStatus, ChargePeriodStart, BillingCurrency,
            x_ChargeKey
        from fct_cost_and_carbon where x_RecordKind = 'Charge'
    """):
        found[tuple(dimensions)][key] += 1
    return found


def test_model_versions_are_ordered_as_numbers() -> None:
    versions = ["v3.0.9", "v3.0.10", "v10.0.0"]

    assert all(
        version({"model_version": a}) < version({"model_version": b})
        for a, b in pairwise(versions)
    )
