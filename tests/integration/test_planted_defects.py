"""Defects that the official validator lets pass, planted one by one: a check of ours finds each.

Every defect is a source of its own with the same small month of AWS, so one run of the pipeline
shows them all. What lands is a good month with one thing wrong; what goes red in `dq_result` must
be the named check and no other. Two defects are planted in our own files, after landing, and three
in a delivery that a guard refuses before anything is read of it.
"""

import datetime as dt
import gzip
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import focus_columns
from dagster_project.paths import Home
from dagster_project.pipeline import steps
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.extract import Status
from dagster_project.pipeline.imports import ensure_decoded
from dagster_project.settings import Settings, SourceConfig
from tests.integration.estates import (
    MARCH,
    AwsFolder,
    House,
    Row,
    azure_deliver,
    csv_gz,
    gcp_deliver,
    parquet,
    rows,
)
from tests.pipeline_runs import give_reference, land
from tests.unit.test_completeness import row_checks

KINDS = {item["column_name"]: item["kind"] for item in focus_columns() if item["v1_2"]}
TYPES = {
    "decimal": pa.float64(),
    "text": pa.string(),
    "timestamp": pa.timestamp("ms"),
    "json": pa.map_(pa.string(), pa.string()),
}
CONTROL_TOTAL = "control_total_equals_fact"


# ---------------------------------------------------------------- a good month


def moment(day: int, month: int = 3) -> dt.datetime:
    return dt.datetime(2026, month, day)


def line(kind: str, start: dt.datetime, end: dt.datetime, **cells: Any) -> Row:
    """Return a charge; `kind` is its description, by which a defect finds it."""
    known: Row = {
        "BillingAccountId": "999999999999",
        "BillingAccountName": "Payer",
        "BillingAccountType": "Payer",
        "BillingCurrency": "USD",
        "BillingPeriodStart": moment(1),
        "BillingPeriodEnd": moment(1, month=4),
        "ChargeCategory": "Usage",
        "ChargeDescription": kind,
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": start,
        "ChargePeriodEnd": end,
        "InvoiceIssuerName": "Amazon Web Services, Inc.",
        "PricingCategory": "Standard",
        "PricingUnit": "Hours",
        "ProviderName": "AWS",
        "PublisherName": "AWS",
        "RegionId": "eu-west-1",
        "ServiceCategory": "Compute",
        "ServiceName": "Amazon Elastic Compute Cloud",
        "ServiceSubcategory": "Virtual Machines",
        "SubAccountId": "111111111111",
        "Tags": {"env": "prod", "team": "web"},
    }
    return dict.fromkeys(KINDS) | known | cells


def usage(day: int) -> Row:
    """Ten hours at a list price of 2 and a contracted one of 1.8."""
    costs = {"ListCost": 20.0, "ContractedCost": 18.0, "EffectiveCost": 18.0, "BilledCost": 18.0}
    prices = {"ListUnitPrice": 2.0, "ContractedUnitPrice": 1.8}
    quantities = {"PricingQuantity": 10.0, "ConsumedQuantity": 10.0, "ConsumedUnit": "Hours"}
    end = moment(day) + dt.timedelta(days=1)
    return line("usage", moment(day), end, **costs, **prices, **quantities)


def commitment(
    name: str, first: int, last: int, *, paid: float, used: float, unused: float, once: bool = False
) -> list[Row]:
    """Return a purchase and, for every day, what was used of it and what was not."""
    plan = {
        "CommitmentDiscountId": name,
        "CommitmentDiscountCategory": "Spend",
        "CommitmentDiscountType": "Savings Plan",
    }
    bought = {"BilledCost": paid, "EffectiveCost": 0.0, "ListCost": paid, "ContractedCost": paid}
    spent = {"BilledCost": 0.0, "PricingCategory": "Committed", **plan}
    found = [
        line(
            f"{name} purchase",
            moment(first),
            moment(last) + dt.timedelta(days=1),
            ChargeCategory="Purchase",
            ChargeFrequency="One-Time" if once else "Recurring",
            **bought,
            **plan,
        )
    ]
    for day in range(first, last + 1):
        period = (moment(day), moment(day) + dt.timedelta(days=1))
        covered = {"EffectiveCost": used, "ListCost": 2.0, "ContractedCost": 2.0}
        found.append(
            line(f"{name} used", *period, CommitmentDiscountStatus="Used", **covered, **spent)
        )
        left = {"EffectiveCost": unused, "ListCost": 0.0, "ContractedCost": 0.0}
        found.append(
            line(f"{name} unused", *period, CommitmentDiscountStatus="Unused", **left, **spent)
        )
    return found


def good() -> list[Row]:
    return [
        *(usage(day) for day in range(1, 32)),
        # Begins in the month and runs on: its prepaid balance is rolled forward.
        *commitment("runs-on", 10, 31, paid=44.0, used=1.5, unused=0.5),
        # Begins and ends in the month: what was billed is what was effective.
        *commitment("whole-life", 5, 14, paid=10.0, used=0.75, unused=0.25, once=True),
        # A part of it was paid before the month: that part isn't known.
        *commitment("from-before", 1, 31, paid=15.5, used=0.75, unused=0.25),
    ]


# ---------------------------------------------------------------- defects


def changing(kind: str, count: int | None = None, **cells: Any) -> Callable[[], bytes]:
    """Return a month in which the first `count` charges of a kind (or all) have other cells."""

    def deliver() -> bytes:
        found = good()
        at_fault = [row for row in found if row["ChargeDescription"] == kind][:count]
        assert at_fault
        for row in at_fault:
            row.update({k: v(row[k]) if callable(v) else v for k, v in cells.items()})
        return as_parquet(found)

    return deliver


def as_parquet(found: Sequence[Row], **types: pa.DataType) -> bytes:
    kinds = {name: TYPES[kind] for name, kind in KINDS.items()}
    return parquet(found, **{**kinds, **types})


def in_every_row(**cells: Any) -> bytes:
    return as_parquet([row | cells for row in good()])


def with_a_row_twice() -> bytes:
    return as_parquet([*good(), usage(7)])


def with_costs_as_texts() -> bytes:
    found = [row | {"BilledCost": str(row["BilledCost"])} for row in good()]
    return as_parquet(found, BilledCost=pa.string())


def with_moments_without_zone() -> bytes:
    texts = [
        {k: v.strftime("%Y-%m-%dT%H:%M:%S") if k.startswith("ChargePeriod") else v
         for k, v in row.items()}
        for row in good()
    ]  # fmt: skip
    return csv_gz(texts)


@dataclass(frozen=True)
class Defect:
    """A delivery with something wrong, and the check that says so."""

    deliver: Callable[[], bytes]
    check: str
    measured: str
    suffix: str = ".snappy.parquet"


def times(factor: float) -> Callable[[float], float]:
    return lambda value: value * factor


# The 17 that the official validator misses come first, in the order of docs/conformance.md.
DEFECTS = {
    "duplicate rows": Defect(with_a_row_twice, "repeated_lines", "2"),
    "BilledCost times 1000": Defect(
        changing("usage", BilledCost=times(1000)), "billed_cost_above_list_cost", "31"
    ),
    "ListCost is not price times quantity": Defect(
        changing("usage", 1, ListCost=23.0), "list_cost_not_price_times_quantity", "1"
    ),
    "EffectiveCost above ListCost": Defect(
        changing("usage", 2, EffectiveCost=21.0), "effective_cost_above_list_cost", "2"
    ),
    "ChargePeriodEnd before its start": Defect(
        changing("usage", 3, ChargePeriodEnd=dt.datetime(2026, 2, 20)),
        "charge_period_inverted",
        "3",
    ),
    "charge outside its billing period": Defect(
        changing(
            "usage", 1, ChargePeriodStart=moment(27, month=2), ChargePeriodEnd=moment(28, month=2)
        ),
        "charge_period_outside_billing_period",
        "1",
    ),
    "inclusive BillingPeriodEnd": Defect(
        lambda: in_every_row(BillingPeriodEnd=dt.datetime(2026, 3, 31, 23, 59, 59)),
        "billing_period_end_inclusive",
        "160",
    ),
    "custom column without x_": Defect(
        lambda: in_every_row(Team="web"), "decode_unknown_column", "160"
    ),
    "broken commitment: more is spent than was paid": Defect(
        changing("runs-on used", EffectiveCost=1.75), "commitment_roll_forward", "-5.5"
    ),
    "BilledCost as text in Parquet": Defect(with_costs_as_texts, "decode_amount_as_text", "160"),
    "timestamps without zone": Defect(
        with_moments_without_zone, "decode_zone_missing", "160", ".csv.gz"
    ),
    "empty BillingAccountId": Defect(
        changing("usage", 4, BillingAccountId=""), "billing_account_id_empty", "4"
    ),
    "invalid ServiceCategory in some rows": Defect(
        changing("usage", 5, ServiceCategory="Computing"), "service_category_not_allowed", "5"
    ),
    "invalid ServiceSubcategory in some rows": Defect(
        changing("usage", 5, ServiceSubcategory="Compute Instances"),
        "service_subcategory_not_allowed",
        "5",
    ),
    "invalid PricingCategory in some rows": Defect(
        changing("usage", 5, PricingCategory="On-Demand"), "pricing_category_not_allowed", "5"
    ),
    "invalid ChargeFrequency in some rows": Defect(
        changing("usage", 5, ChargeFrequency="Monthly"), "charge_frequency_not_allowed", "5"
    ),
    # The commitment's other two sides, and rules beside them.
    "broken commitment: paid for nothing": Defect(
        changing("runs-on unused", EffectiveCost=0.25), "commitment_roll_forward", "5.5"
    ),
    "broken commitment over its whole life": Defect(
        changing("whole-life used", 4, EffectiveCost=0.5), "commitment_life_balance", "1"
    ),
    "subcategory of another category": Defect(
        changing("usage", 6, ServiceSubcategory="Object Storage"),
        "service_subcategory_of_other_category",
        "6",
    ),
    "ContractedCost is not price times quantity": Defect(
        changing("usage", 1, ContractedCost=19.0), "contracted_cost_not_price_times_quantity", "1"
    ),
    "EffectiveCost above ContractedCost": Defect(
        changing("usage", 2, EffectiveCost=19.0), "effective_cost_above_contracted_cost", "2"
    ),
    "no ServiceCategory": Defect(
        changing("usage", 2, ServiceCategory=None, ServiceName="Unheard Of"),
        "service_unmapped",
        "2",
    ),
    "purchase of a commitment is effective too": Defect(
        changing("runs-on purchase", EffectiveCost=44.0), "commitment_purchase_effective", "1"
    ),
    "use of a commitment is billed too": Defect(
        changing("runs-on used", 3, BilledCost=0.75), "commitment_usage_billed", "3"
    ),
    "usage of a commitment without status": Defect(
        changing(
            "usage", 3, CommitmentDiscountId="other", CommitmentDiscountCategory="Spend"
        ),
        "commitment_status_missing",
        "3",
    ),
    "unused commitment is consumed": Defect(
        changing("runs-on unused", 2, ConsumedQuantity=1.0), "unused_commitment_consumed", "2"
    ),
    **{
        f"invalid {column}": Defect(
            changing(kind, 1, **{column: "Something"}), check, "1"
        )
        for column, kind, check in (
            ("ChargeClass", "usage", "charge_class_not_allowed"),
            ("CapacityReservationStatus", "usage", "capacity_reservation_status_not_allowed"),
            (
                "CommitmentDiscountCategory",
                "runs-on used",
                "commitment_discount_category_not_allowed",
            ),
        )
    },
}  # fmt: skip
OURS = {
    "BilledCost times 1000 in our own file": "BilledCost * 1000 as BilledCost",
    "a tenth of the rows lost in our own file": None,
}


def word(defect: str) -> str:
    """Return a source's name."""
    return "".join(letter if letter.isalnum() else "-" for letter in defect.lower()).strip("-")


@pytest.fixture(scope="module")
def database(reference: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse after one run over all defects."""
    root = tmp_path_factory.mktemp("defects")
    delivered = {name: (defect.deliver, defect.suffix) for name, defect in DEFECTS.items()}
    delivered |= dict.fromkeys(["nothing", *OURS], (lambda: as_parquet(good()), ".snappy.parquet"))
    sources = []
    for number, (name, (deliver, suffix)) in enumerate(delivered.items()):
        folder = AwsFolder(root / word(name))
        folder.deliver(in_account(deliver(), suffix, f"{number:012d}"), suffix=suffix)
        sources.append(
            SourceConfig(
                name=word(name), provider="aws", export="focus", location=folder.root.as_uri()
            )
        )
    context = Context(
        Settings(home=root / "home", sources=tuple(sources), clock=dt.date(2026, 4, 20))
    )
    give_reference(reference, context.home)
    land(context)
    ensure_decoded(context)
    for name, columns in OURS.items():
        spoil(context, word(name), columns)
    steps.build_months(context)
    with pytest.raises(CloudtallyError, match="CT-BUILD-TEST") as refused:
        steps.build_marts(context)
    assert "control_totals_equal_fact" in str(refused.value)
    return context.home.database


@pytest.fixture(scope="module")
def results(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(database), read_only=True) as connection:
        yield connection


def in_account(content: bytes, suffix: str, account: str) -> bytes:
    """Give a delivery accounts of its own, since no two sources may bill the same."""
    if suffix != ".snappy.parquet":
        return gzip.compress(gzip.decompress(content).replace(b"999999999999", account.encode()))
    table = pq.read_table(pa.BufferReader(content))
    for name, prefix in (("BillingAccountId", "b"), ("SubAccountId", "s")):
        named = [prefix + account if value else value for value in table.column(name).to_pylist()]
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, pa.array(named, pa.string()))
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue())


def spoil(context: Context, source: str, columns: str | None) -> None:
    """Write a decoded file anew with a fault in it."""
    (path,) = (context.home.decoded / "aws_focus").glob(f"ct_source={source}/*/*/*.parquet")
    spoiled = path.with_suffix(".spoiled")
    select = (
        f"select * replace ({columns}) from '{path}'"
        if columns
        else (
            "select * exclude (ordinal) from"
            f" (select *, row_number() over () as ordinal from '{path}') where ordinal % 10 <> 0"
        )
    )
    duckdb.sql(f"copy ({select}) to '{spoiled}' (format parquet)")
    spoiled.replace(path)


def red(results: duckdb.DuckDBPyConnection, defect: str) -> dict[str, Decimal]:
    found = results.execute(
        "select check_id, measured from dq_result"
        " where source_name = ? and billing_month = ? and not passed",
        [word(defect), MARCH],
    )
    return dict(found.fetchall())


# ---------------------------------------------------------------- tests


@pytest.mark.parametrize("defect", DEFECTS)
def test_exactly_the_named_check_goes_red(defect: str, results: duckdb.DuckDBPyConnection) -> None:
    planted = DEFECTS[defect]

    assert red(results, defect) == {planted.check: Decimal(planted.measured)}


def test_nothing_is_red_where_nothing_is_wrong(results: duckdb.DuckDBPyConnection) -> None:
    assert red(results, "nothing") == {}


@pytest.mark.parametrize("defect", OURS)
def test_what_is_our_own_fault_stops_publication(
    defect: str, results: duckdb.DuckDBPyConnection
) -> None:
    found = results.execute(
        "select distinct check_id from dq_result"
        " where source_name = ? and not passed and severity = 'error'",
        [word(defect)],
    )

    assert found.fetchall() == [(CONTROL_TOTAL,)]


def test_lines_that_we_converted_are_our_fault_and_stop_publication(
    database: Path, tmp_path: Path
) -> None:
    name = word("invalid PricingCategory in some rows")
    query = (
        "select severity from int_quality__row_checks"
        f" where source_name = '{name}' and check_id = 'pricing_category_not_allowed'"
    )
    # A view names tables by the name of the file, too.
    copied = tmp_path / database.name
    shutil.copyfile(database, copied)
    with duckdb.connect(str(copied)) as connection:
        assert connection.execute(query).fetchall() == [("warn",)]
        connection.execute(
            "update ledger.sources set export = 'cur2' where source_name = ?", [name]
        )
        assert connection.execute(query).fetchall() == [("error",)]


def test_a_commitment_is_told_how_it_was_checked(results: duckdb.DuckDBPyConnection) -> None:
    found = results.execute(
        "select split_part(detail, ':', 1), check_id, measured, passed from dq_result"
        " where source_name = 'nothing' and column_name like 'CommitmentDiscountId %'"
        " and check_id not like '%allowed' and unit = 'USD' order by 1"
    )

    assert found.fetchall() == [
        ("from-before", "commitment_opening_unknown", Decimal("-15.5"), True),
        ("runs-on", "commitment_roll_forward", Decimal(0), True),
        ("whole-life", "commitment_life_balance", Decimal(0), True),
    ]


def test_every_row_check_was_seen_red() -> None:
    repaired = {"charge_category_not_allowed", "commitment_discount_status_not_allowed"}
    refused = {"cost_missing"}  # in FOCUS; test_bad_cur.py has it red in a report
    planted = {defect.check for defect in DEFECTS.values()}
    assert set(row_checks()) - planted <= repaired | refused


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    yield House(tmp_path / "home")


@pytest.mark.parametrize("provider", ["azure", "gcp"])
def test_a_tenth_of_the_rows_missing_is_refused_where_a_manifest_counts(
    provider: str, house: House, tmp_path: Path
) -> None:
    found = rows(days=5)[:-1]
    if provider == "gcp":
        gcp_deliver(tmp_path / "bucket", parquet(found), rows=10)
    else:
        azure_deliver(tmp_path / "bucket", csv_gz(found), dataRowCount=10)
    house.add("main", tmp_path / "bucket", provider=provider)

    outcome = house.extract()[MARCH]

    assert outcome.status is Status.QUARANTINED
    assert outcome.error is not None
    assert outcome.error.code == "CT-LAND-COUNT"


def test_a_thousandfold_cost_is_refused_where_a_manifest_adds_up(
    house: House, tmp_path: Path
) -> None:
    found = rows()
    stated = {"BilledCost": str(sum(row["BilledCost"] for row in found))}
    spoiled = [row | {"BilledCost": row["BilledCost"] * 1000} for row in found]
    gcp_deliver(tmp_path / "bucket", parquet(spoiled), sums=stated)
    house.add("main", tmp_path / "bucket", provider="gcp")

    outcome = house.extract()[MARCH]

    assert outcome.status is Status.QUARANTINED
    assert outcome.error is not None
    assert outcome.error.code == "CT-LAND-COUNT"
