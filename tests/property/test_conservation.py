"""No cost and no gram is lost, doubled or moved by the order in which things arrive.

Small estates of hand-made lines go through the project's own SQL from staging to the fact.
"""

import datetime as dt
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from dagster_project.periods.counted import counted_bills
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
SCOPES_OF_TOTALS = {
    f"total_{method}_kg": ("scope1_kg", f"scope2_{method}_kg", f"scope3_{method}_kg")
    for method in ("location", "market", "unspecified")
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
# What a provider states by two methods, by none, or in totals alone.
PLAIN_MEASURES = (AWS_MEASURES, ("scope1_kg", *AZURE_SCOPES.values(), "total_unspecified_kg"),
                  ("total_location_kg",))  # fmt: skip
PROVIDERS = {"aws": "aws", "azure": "azure", "gcp": "gcp", "generic": "snowpeak"}

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
    sources.append(source("other-carbon", "snowpeak", "carbon"))
    return compiled_models(tmp_path_factory.mktemp("project"), sources)


class Maker:
    """Makes estates by chance: one seed, one estate; every kind of line is about as frequent."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.plain_measures = self.one(*PLAIN_MEASURES)

    def one(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def amount(self, largest: int, *, negative: bool = True) -> Decimal:
        """Return an amount of up to 18 decimals; few are 0 or too tiny to weigh anything."""
        units = self.one(
            self.random.randint(1, 10**6) * 10**16,
            self.random.randint(1, 10**6) * 10**16,
            self.random.randint(1, largest * 10**18),
            self.random.randint(0, 10**12),
            0,
        )
        sign = -1 if negative and self.random.random() < 0.15 else 1
        return EXACT.scaleb(Decimal(sign * units), -18)

    def cost(self) -> Decimal:
        return self.amount(10**6)

    def more_than_one(self) -> Decimal:
        return EXACT.add(self.amount(10**6, negative=False), Decimal(1))

    def kg(self) -> Decimal | None:
        return None if self.random.random() < 0.1 else self.amount(10**9)

    def estate(self) -> Estate:
        counts = {"aws": 24, "azure": 12, "gcp": 14, "onprem": 2, "generic": 6}
        lines = {
            room: [self.charge(room) for _ in range(self.random.randint(count // 2, count))]
            for room, count in counts.items()
        }
        estate = {f"stg_{room}__focus": rows for room, rows in lines.items()}
        makers = {
            "aws": self.aws_emission,
            "azure": self.azure_emission,
            "gcp": self.gcp_emission,
            "generic": self.plain_emission,
        }
        for room, make in makers.items():
            count = self.random.randint(3, 8)
            estate[f"stg_{room}__carbon"] = [make(lines[room]) for _ in range(count)]
        return estate

    def crowded_estate(self) -> Estate:
        """Return an estate whose lines share one emission, the totals of which are sums."""
        start = dt.datetime.combine(MONTHS[0], dt.time())
        shared = {
            "SubAccountId": "a1", "RegionId": "eu-west-1", "provider_columns": None,
            "PublisherName": "AWS", "ChargeCategory": "Usage", "CommitmentDiscountStatus": None,
            "BillingCurrency": "USD", "ChargePeriodStart": start,
            "ChargePeriodEnd": start + dt.timedelta(days=1),
        }  # fmt: skip
        lines = [
            self.charge("aws") | shared | {"ListCost": self.more_than_one()} for _ in range(12)
        ]
        emission = self.aws_emission([]) | {
            "usage_month": MONTHS[0],
            "usage_account_id": "a1",
            "region_code": "eu-west-1",
            **{name: self.more_than_one() for name in AWS_MEASURES},
        }
        for name, scopes in SCOPES_OF_TOTALS.items():
            if name in emission:
                emission[name] = total([emission[scope] for scope in scopes])
        return {"stg_aws__focus": lines, "stg_aws__carbon": [emission]}

    def charge(self, room: str) -> Row:
        billed = self.one(*MONTHS)
        used = self.one(billed, MONTHS[0])
        start = dt.datetime.combine(used, dt.time()) + dt.timedelta(days=self.one(0, 1))
        name = {"onprem": "onprem", "generic": "other"}.get(room, f"{room}-focus")
        return {
            "source_name": name,
            "billing_month": billed,
            "delivery_id": f"{name} {billed}",
            "BillingPeriodStart": dt.datetime.combine(billed, dt.time()),
            "BillingPeriodEnd": dt.datetime.combine(next_month(billed), dt.time()),
            "ChargePeriodStart": start,
            "ChargePeriodEnd": start + dt.timedelta(days=1),
            "BilledCost": self.cost(),
            "EffectiveCost": self.cost(),
            "ListCost": None if self.random.random() < 0.1 else self.cost(),
            "ContractedCost": self.one(self.cost(), None),
            "ConsumedQuantity": self.one(self.cost(), None),
            "ConsumedUnit": self.one("Hours", "Hours", "GB"),
            "BillingCurrency": self.one("USD", "USD", "EUR"),
            "BillingAccountName": self.one("old name", "new name"),
            "InvoiceId": self.one(None, "INV-1"),
            "ChargeCategory": self.one(*["Usage"] * 9, "usage", "Purchase", "Tax", "Credit"),
            "CommitmentDiscountStatus": self.one(*[None] * 6, "Used", "Unused"),
            "Tags": self.one(None, '{"env":"prod"}', '"env": "dev"', "no json"),
            "SkuId": self.one(None, None, "sku"),
            **self.place(room),
        }

    def place(self, room: str) -> Row:
        if room == "aws":
            return {
                "BillingAccountId": "payer",
                "SubAccountId": self.one("a1", "a1", "a2"),
                "RegionId": self.one("eu-west-1", "eu-west-1", None),
                "ServiceName": "Amazon Elastic Compute Cloud",
                "provider_columns": self.one(
                    None, '{"x_ServiceCode":"AmazonEC2"}', '{"x_ServiceCode":"AWSLambda"}'
                ),
                "PublisherName": self.one(*["AWS"] * 6, "A Seller"),
            }
        if room == "azure":
            return {
                "BillingAccountId": "enrolment",
                "SubAccountId": "/subscriptions/S1",
                "ResourceId": self.one("/Subscriptions/S1/vm", "/subscriptions/s1/vm", None),
                "RegionId": "westeurope",
                "ServiceName": "Virtual Machines",
            }
        if room == "gcp":
            return {
                "BillingAccountId": "billing",
                "SubAccountId": self.one("project", "project", "other"),
                "RegionId": self.one("europe-west1", "europe-west1", None),
                "ServiceName": self.one("Compute Engine", "Compute Engine", "Cloud Storage"),
            }
        return {"BillingAccountId": room, "SubAccountId": self.one(None, "rack"), "RegionId": None}

    def used_place(self, lines: Sequence[Row], **others: Any) -> Row:
        """Return the place and usage month of one of the lines, or now and then of no line."""
        if lines and self.random.random() < 0.75:
            line = self.one(*lines)
            return {**line, "usage_month": line["ChargePeriodStart"].date().replace(day=1)}
        return {"usage_month": self.one(*MONTHS), **others}

    def aws_emission(self, lines: Sequence[Row]) -> Row:
        place = self.used_place(lines, SubAccountId="closed account", RegionId="eu-west-1")
        return {
            "source_name": "aws-carbon",
            "usage_month": place["usage_month"],
            "delivery_id": f"aws-carbon {place['usage_month']}",
            "model_version": self.one("v3.0.9", "v3.0.10", "v3.0.10"),
            "payer_account_id": "payer",
            "usage_account_id": place["SubAccountId"],
            "product_code": "Other"
            if "Lambda" in f"{place.get('provider_columns')}"
            else "AmazonEC2",
            "region_code": place["RegionId"] or self.one("", None),
            **{name: self.kg() for name in AWS_MEASURES},
        }

    def azure_emission(self, lines: Sequence[Row]) -> Row:
        place = self.used_place(lines)
        return {
            "source_name": "azure-carbon",
            "usage_month": place["usage_month"],
            "delivery_id": f"azure-carbon {place['usage_month']}",
            "subscription_id": "s1",
            "resource_id": (place.get("ResourceId") or "/subscriptions/s1/gone").lower(),
            "scope": self.one(*sorted(AZURE_SCOPES)),
            "retrieved_at": dt.datetime(2026, 6, 1),
            "emissions_kg": self.kg() or Decimal(0),
        }

    def gcp_emission(self, lines: Sequence[Row]) -> Row:
        place = self.used_place(lines, SubAccountId=None, RegionId="europe-west1")
        return {
            "source_name": "gcp-carbon",
            "usage_month": place["usage_month"],
            "delivery_id": f"gcp-carbon {place['usage_month']}",
            "billing_account_id": "billing",
            "project_id": self.one(place["SubAccountId"], place["SubAccountId"], None),
            "project_number": self.one("1", ""),
            "service_description": place.get("ServiceName", "Gone Engine"),
            "location": "europe-west1-b" if place["RegionId"] else "global",
            "region": place["RegionId"],
            "carbon_model_version": self.one(9, 15, 15),
            **{name: self.kg() for name in GCP_MEASURES},
        }

    def plain_emission(self, lines: Sequence[Row]) -> Row:
        place = self.used_place(lines, SubAccountId="on no bill", RegionId="eu-central-1")
        return {
            "source_name": "other-carbon",
            "usage_month": place["usage_month"],
            "delivery_id": f"other-carbon {place['usage_month']}",
            "billing_account_id": self.one("Generic", "generic", None),
            "sub_account_id": place["SubAccountId"],
            "region_id": place["RegionId"],
            "methodology_version": self.one("9", "10", "10"),
            **dict.fromkeys(CARBON),
            **{name: self.kg() for name in self.plain_measures},
        }


def next_month(month: dt.date) -> dt.date:
    return (month + dt.timedelta(days=32)).replace(day=1)


estates = st.builds(lambda seed: Maker(seed).estate(), st.integers(0, 2**32))
crowded_estates = st.builds(lambda seed: Maker(seed).crowded_estate(), st.integers(0, 2**32))
few_examples = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a seed can't be shrunk
    print_blob=True,
)

fewer_examples = settings(few_examples, max_examples=4)


def charges_of(estate: Estate) -> list[Row]:
    return [row for name, rows in estate.items() if name.endswith("__focus") for row in rows]


def total(values: Sequence[Decimal | None]) -> Decimal:
    found = Decimal(0)
    for value in values:
        found = EXACT.add(found, value or Decimal(0))
    return found


def version(row: Row) -> tuple[int, ...]:
    """Order of a model version, as numbers; Azure states none."""
    names = ("model_version", "carbon_model_version", "methodology_version")
    stated = str(next((row[name] for name in names if row.get(name)), "0"))
    return tuple(int(part) for part in stated.removeprefix("v").split("."))


def reported(estate: Estate) -> dict[tuple[str, dt.date, str], Decimal]:
    """Add up what the newest model version of each provider and month reports."""
    found: dict[tuple[str, dt.date, str], Decimal] = defaultdict(Decimal)
    for room, provider in PROVIDERS.items():
        rows = [row for row in estate[f"stg_{room}__carbon"] if any_kg(row)]
        for month in {row["usage_month"] for row in rows}:
            of_month = [row for row in rows if row["usage_month"] == month]
            newest = max(version(row) for row in of_month)
            for row in of_month:
                if version(row) == newest:
                    for measure, kg in measures_of(provider, row).items():
                        key = (provider, month, measure)
                        found[key] = EXACT.add(found[key], kg or Decimal(0))
    return {key: kg for key, kg in found.items() if kg}


def any_kg(row: Row) -> bool:
    """Whether a row states a figure: in a plain table one that doesn't says nothing."""
    return "methodology_version" not in row or any(row[name] is not None for name in CARBON)


def measures_of(provider: str, row: Row) -> dict[str, Decimal | None]:
    """Return an emission row's kilograms under the names of the fact."""
    if provider == "azure":
        kg = row["emissions_kg"]
        return {AZURE_SCOPES[row["scope"]]: kg, "total_unspecified_kg": kg}
    if provider == "gcp":
        one_scope_3 = {"scope3_location_kg": row["scope3_kg"], "scope3_market_kg": row["scope3_kg"]}
        return one_scope_3 | {name: row[name] for name in GCP_MEASURES if name != "scope3_kg"}
    if provider == "snowpeak":
        return {name: row[name] for name in CARBON} | {
            f"total_{method}_kg": total_of(row, method)
            for method in ("location", "market", "unspecified")
        }
    return {name: row[name] for name in AWS_MEASURES}


def total_of(row: Row, method: str) -> Decimal | None:
    """Return a method's total: as stated, else the sum of its parts where all are known."""
    name = f"total_{method}_kg"
    parts = [row[scope] for scope in SCOPES_OF_TOTALS[name]]
    if row[name] is not None:
        return row[name]
    return None if None in parts else total(parts)


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
@given(estates)
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
    assert (
        models.rows("select * from int_quality__emission_totals where reported_kg <> fact_kg") == []
    )
    [(rows, keys)] = models.rows(
        "select count(*), count(distinct x_ChargeKey) from fct_cost_and_carbon"
    )
    assert rows == keys


@few_examples
@given(crowded_estates)
def test_a_total_is_the_sum_of_its_scopes_on_every_line(models: ModelRun, estate: Estate) -> None:
    models.build(estate, MONTHS)

    for name, scopes in SCOPES_OF_TOTALS.items():
        parts = " + ".join(CARBON[scope] for scope in scopes)
        differing = f"select x_ChargeKey from fct_cost_and_carbon where {CARBON[name]} <> {parts}"
        assert models.rows(differing) == []
    [(reported,)] = models.rows(
        "select count(*) from fct_cost_and_carbon where x_CarbonReportedStatus = 'Reported'"
    )
    assert reported == len(estate["stg_aws__focus"])


@few_examples
@given(crowded_estates)
def test_a_total_of_nothing_is_nothing_on_every_line(models: ModelRun, estate: Estate) -> None:
    [emission] = estate["stg_aws__carbon"]
    a, b, c = (emission[name] for name in AWS_MEASURES[:3])
    sums = {"scope1_kg": total([a, b]), "scope2_location_kg": -a, "scope3_location_kg": -b}
    scopes = {"scope2_market_kg": c, "total_location_kg": Decimal(0), "total_market_kg": Decimal(0)}

    models.build(dict(estate) | {"stg_aws__carbon": [emission | sums | scopes]}, MONTHS)

    found = "select distinct x_CarbonLocationKg, x_CarbonMarketKg from fct_cost_and_carbon"
    assert models.rows(f"{found} where x_CarbonLocationKg is not null") == [(0, 0)]


@few_examples
@example(Maker(478).estate())
@given(estates)
def test_carbon_stands_on_the_lines_that_may_carry_it(models: ModelRun, estate: Estate) -> None:
    models.build(estate, MONTHS)

    assert (
        models.rows("""
        select x_ChargeKey from fct_cost_and_carbon
        where x_RecordKind = 'Charge'
            and coalesce(x_CarbonLocationKg, x_CarbonMarketKg, x_CarbonUnspecifiedKg, 0) <> 0
            and (ChargeCategory <> 'Usage' or coalesce(CommitmentDiscountStatus, '') = 'Unused'
                or PublisherName = 'A Seller' or x_CarbonReportedStatus <> 'Reported'
                or x_CarbonMethod is null or coalesce(case x_CarbonMethod
                    when 'list_cost' then ListCost
                    when 'contracted_cost' then ContractedCost
                    when 'quantity' then coalesce(ConsumedQuantity, PricingQuantity)
                    when 'energy' then x_EstimatedEnergyKwh
                    when 'gb_months' then 1
                end, 0) <= 0)
    """)
        == []
    )
    assert (
        models.rows("""
        select emission_group_key from fct_cost_and_carbon
        inner join int_carbon__line_weights using (x_ChargeKey)
        group by emission_group_key
        having count(distinct x_CarbonMethod) > 1
    """)
        == []
    )
    assert (
        models.rows("""
        select x_ChargeKey from fct_cost_and_carbon
        where x_CarbonUnspecifiedKg is not null
            and (x_CarbonLocationKg is not null or x_CarbonMarketKg is not null)
    """)
        == []
    )


@few_examples
@given(estates, st.permutations(MONTHS), st.randoms(use_true_random=False))
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
@given(estates, st.builds(Maker, st.integers(0, 2**32)))
def test_redelivery_with_other_amounts_keeps_the_keys(
    models: ModelRun, estate: Estate, maker: Maker
) -> None:
    models.build(estate, MONTHS)
    before = keys_by_dimensions(models)
    again = {name: [restated(row, maker) for row in rows] for name, rows in estate.items()}

    models.build(again, MONTHS)

    assert keys_by_dimensions(models) == before


def restated(row: Row, maker: Maker) -> Row:
    """Return the line of a later delivery: other amounts, an invoice, a renamed account."""
    if "BilledCost" not in row:
        return row
    later = {
        "BilledCost": maker.cost(),
        "EffectiveCost": maker.cost(),
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


def told_apart(estate: Estate) -> dict[str, list[Row]]:
    """Return an estate in which no two charges share all identifying dimensions."""
    return {
        name: [
            {**row, "ChargePeriodEnd": row["ChargePeriodEnd"] + dt.timedelta(seconds=place)}
            if "ChargePeriodEnd" in row
            else row
            for place, row in enumerate(rows)
        ]
        for name, rows in estate.items()
    }


def shares(models: ModelRun, where: str = "true") -> dict[str, tuple[Any, ...]]:
    """Return what each row carries, by its key: method, status and every measure."""
    columns = ", ".join(CARBON.values())
    rows = models.rows(
        f"select x_ChargeKey, x_CarbonMethod, x_CarbonReportedStatus, {columns}"
        f" from fct_cost_and_carbon where {where}"
    )
    return {key: tuple(carried) for key, *carried in rows}


@fewer_examples
@given(estates, st.builds(Maker, st.integers(0, 2**32)))
def test_discounts_move_no_carbon(models: ModelRun, estate: Estate, maker: Maker) -> None:
    """List prices and usage stay; whatever is billed for them changes."""
    estate = told_apart(estate)
    models.build(estate, MONTHS)
    before = shares(models)
    listed = shares(models, "coalesce(x_CarbonMethod, '') <> 'contracted_cost'")

    billed = {name: [rebilled(row, maker) for row in rows] for name, rows in estate.items()}
    models.build(billed, MONTHS)
    assert shares(models) == before

    contracted = {
        name: [row | {"ContractedCost": maker.cost()} if "ContractedCost" in row else row
               for row in rows]
        for name, rows in billed.items()
    }  # fmt: skip
    models.build(contracted, MONTHS)
    after = shares(models)
    by_list = [key for key, (method, *_) in listed.items() if method == "list_cost"]
    assert {key: after[key] for key in by_list} == {key: listed[key] for key in by_list}


def rebilled(row: Row, maker: Maker) -> Row:
    if "BilledCost" not in row:
        return row
    return row | {"BilledCost": maker.cost(), "EffectiveCost": maker.cost()}


@fewer_examples
@given(estates, st.builds(Maker, st.integers(0, 2**32)), st.permutations(MONTHS))
def test_usage_that_is_late_takes_no_closed_carbon(
    models: ModelRun, tmp_path_factory: pytest.TempPathFactory, estate: Estate, maker: Maker,
    months: list[dt.date],
) -> None:  # fmt: skip
    """January is closed for every provider; then more of its usage is billed in March."""
    estate = told_apart(estate)
    models.build(estate, MONTHS)
    of_january = "ChargePeriodStart < date '2026-02-01'"
    before = shares(models, of_january)
    try:
        close_january(models, tmp_path_factory.mktemp("fact"))
        late = [late_twin(row) for row in estate["stg_aws__focus"]]
        models.build({**estate, "stg_aws__focus": [*estate["stg_aws__focus"], *late]}, months)
        after = shares(models, of_january)
        assert {key: after[key] for key in before} == before
        new = [after[key] for key in after.keys() - before.keys()]
        assert len(new) == len(late)
        assert {kg for _, _, *kgs in new for kg in kgs} <= {None}
        assert {status for _, status, *_ in new} <= {
            "LateAfterClose", "NotApplicable", "NotCovered",
        }  # fmt: skip
        assert carried(models) == reported(estate)
    finally:
        for table in ("carbon_closes", "counted_bills", "counted_lines"):
            models.connection.execute(f"delete from ledger.{table}")


def late_twin(row: Row) -> Row:
    """Return more usage of the same kind in January, on March's bill."""
    return row | {
        "billing_month": MONTHS[-1],
        "delivery_id": f"{row['source_name']} {MONTHS[-1]}",
        "ChargePeriodStart": dt.datetime(2026, 1, 20),
        "ChargePeriodEnd": row["ChargePeriodEnd"].replace(year=2026, month=1, day=21),
    }


def close_january(models: ModelRun, folder: Path) -> None:
    """Put into the ledger what a close of January records."""
    january = MONTHS[0]
    models.connection.execute(
        f"copy fct_cost_and_carbon to '{folder}/fact.parquet' (format parquet)"
    )
    found = counted_bills(models.connection, [folder / "fact.parquet"], january)
    run = models.connection.execute
    for provider in ("aws", "azure", "gcp", "onprem", "snowpeak"):
        run("insert into ledger.carbon_closes values (?, ?)", [provider, january])
        for bill, keys in found.get(provider, {}).items():
            if keys is None:
                run("insert into ledger.counted_bills values (?, ?, ?)", [provider, january, bill])
            for key in keys or ():
                run("insert into ledger.counted_lines values (?)", [key])


def test_model_versions_are_ordered_as_numbers() -> None:
    versions = ["v3.0.9", "v3.0.10", "v10.0.0"]

    assert all(
        version({"model_version": a}) < version({"model_version": b}) for a, b in pairwise(versions)
    )
