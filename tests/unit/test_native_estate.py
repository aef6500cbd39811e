"""The native formats of the sample estate, read back by nothing but csv, json and pyarrow.

What a bill means is written down here a second time, from the providers' documentation, so that a
converter and the projection can't agree on a mistake.
"""

import csv
import datetime as dt
import gzip
import hashlib
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from dagster_project.sample_estate import EstateSummary, write_estate
from dagster_project.sample_estate.aws_cur2 import COLUMNS, SCHEMA, tag_key

MONTHS = [dt.date(2026, 4 + n, 1) for n in range(3)]
Row = dict[str, Any]
Deliveries = dict[str, list[list[Row]]]


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> EstateSummary:
    folder = tmp_path_factory.mktemp("estate")
    return write_estate(folder, rows=6_000, months=MONTHS, formats="native")


@pytest.fixture(scope="module")
def charges(estate: EstateSummary) -> dict[tuple[str, str], Row]:
    truth = json.loads(estate.truth.read_text())["charges"]
    return {(item["provider"], item["billing_month"]): item for item in truth}


def _csv(paths: Iterable[Path]) -> list[Row]:
    rows: list[Row] = []
    for path in paths:
        text = gzip.decompress(path.read_bytes()).decode()
        rows += [
            {k: v or None for k, v in row.items()} for row in csv.DictReader(io.StringIO(text))
        ]
    return rows


def _parquet(paths: Iterable[Path]) -> list[Row]:
    return [row for path in paths for row in pq.ParquetFile(path).read().to_pylist()]


def _number(value: float | str | Decimal | None) -> Decimal:
    if value is None:
        return Decimal(0)
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _sum(rows: Iterable[Row], column: str) -> Decimal:
    return sum((_number(row[column]) for row in rows), Decimal(0))


def _true(charges: dict[tuple[str, str], Row], provider: str, month: str, name: str) -> Decimal:
    return Decimal(charges[provider, month][name])


@pytest.fixture(scope="module")
def cur2(estate: EstateSummary) -> Deliveries:
    root = estate.out / "exports" / "aws" / "fernlight-cur2"
    found: dict[str, dict[str, list[Row]]] = defaultdict(dict)
    for path in root.glob("metadata/**/*-Manifest.json"):
        manifest = json.loads(path.read_text())
        files = [root / name.partition("fernlight-cur2/")[2] for name in manifest["dataFiles"]]
        found[manifest["billingPeriod"]][manifest["executionId"]] = _parquet(files)
    return {month: [runs[run] for run in sorted(runs)] for month, runs in found.items()}


@pytest.fixture(scope="module")
def legacy(estate: EstateSummary) -> dict[str, list[Row]]:
    root = estate.out / "exports" / "aws" / "labs-cur"
    found = {}
    for path in root.glob("*/*-Manifest.json"):
        manifest = json.loads(path.read_text())
        files = [root / key.partition("labs-cur/")[2] for key in manifest["reportKeys"]]
        start = manifest["billingPeriod"]["start"]
        found[f"{start[:4]}-{start[4:6]}"] = _csv(files)
    return found


@pytest.fixture(scope="module")
def azure(estate: EstateSummary) -> dict[tuple[str, str], list[list[Row]]]:
    root = estate.out / "exports" / "azure" / "cost-details"
    found: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(dict)
    for path in root.glob("**/manifest.json"):
        manifest = json.loads(path.read_text())
        files = [root / blob["blobName"] for blob in manifest["blobs"]]
        key = manifest["exportConfig"]["type"], manifest["runInfo"]["startDate"][:7]
        rows = _csv(files)
        assert manifest["dataRowCount"] == len(rows)
        found[key][manifest["runInfo"]["submittedTime"]] = rows
    return {key: [runs[run] for run in sorted(runs)] for key, runs in found.items()}


@pytest.fixture(scope="module")
def gcp(estate: EstateSummary) -> Deliveries:
    root = estate.out / "exports" / "gcp" / "billing-detailed"
    found: dict[str, dict[str, list[Row]]] = defaultdict(dict)
    for path in root.glob("**/manifest.json"):
        manifest = json.loads(path.read_text())
        rows = _parquet(path.parent / name for name in manifest["files"])
        assert (manifest["rows"], Decimal(manifest["sums"]["cost"])) == (
            len(rows),
            _sum(rows, "cost"),
        )
        found[manifest["month"]][manifest["exported_at"]] = rows
    return {month: [runs[run] for run in sorted(runs)] for month, runs in found.items()}


# AWS


def _of(rows: Iterable[Row], *kinds: str) -> list[Row]:
    return [row for row in rows if row["line_item_line_item_type"] in kinds]


def _renamed(rows: list[Row]) -> list[Row]:
    """Legacy lines under the names of CUR 2.0, as far as sums need them."""
    names = {
        "lineItem/LineItemType": "line_item_line_item_type",
        "lineItem/UnblendedCost": "line_item_unblended_cost",
        "lineItem/NetUnblendedCost": "line_item_net_unblended_cost",
        "pricing/publicOnDemandCost": "pricing_public_on_demand_cost",
    }
    return [{new: row[old] for old, new in names.items()} for row in rows]


@pytest.mark.parametrize("month", ["2026-04", "2026-05", "2026-06"])
def test_aws_bills_what_the_truth_says(
    month: str, cur2: Deliveries, legacy: dict[str, list[Row]], charges: dict[tuple[str, str], Row]
) -> None:
    rows = cur2[month][-1]
    both = rows + _renamed(legacy[month])
    assert _sum(both, "line_item_net_unblended_cost") == _true(charges, "aws", month, "billed_cost")
    fees = _of(rows, "SavingsPlanRecurringFee")
    unused = _sum(fees, "savings_plan_total_commitment_to_date") - _sum(
        fees, "savings_plan_used_commitment"
    )
    others = _of(both, "Usage", "Fee", "Tax", "Credit", "Refund")
    effective = (
        _sum(others, "line_item_net_unblended_cost")
        + _sum(_of(rows, "SavingsPlanCoveredUsage"), "savings_plan_savings_plan_effective_cost")
        + unused
        + _sum(_of(rows, "DiscountedUsage"), "reservation_effective_cost")
        + _sum(_of(rows, "RIFee"), "reservation_unused_recurring_fee")
    )
    assert effective == _true(charges, "aws", month, "effective_cost")
    assert unused > 0
    unpriced = [row for row in others if row["pricing_public_on_demand_cost"] is None]
    public = _sum(both, "pricing_public_on_demand_cost")
    # What nobody used has a list cost of nothing, as in the book.
    listed = public + _sum(unpriced, "line_item_unblended_cost")
    assert listed == _true(charges, "aws", month, "list_cost")


def test_savings_plan_rows_come_as_aws_writes_them(cur2: Deliveries) -> None:
    rows = cur2["2026-04"][-1]
    covered, negated = _of(rows, "SavingsPlanCoveredUsage"), _of(rows, "SavingsPlanNegation")
    assert len(covered) == 90
    assert 0 < len(negated) < len(covered)
    by_period: dict[str, Decimal] = defaultdict(Decimal)
    for row in covered + negated:
        by_period[row["identity_time_interval"]] += _number(row["line_item_unblended_cost"])
    assert set(by_period.values()) == {Decimal(0)}
    assert {row["line_item_resource_id"] for row in negated} == {None}
    for row in covered:
        amount = _number(row["savings_plan_savings_plan_rate"]) * _number(
            row["line_item_usage_amount"]
        )
        assert amount == _number(row["savings_plan_savings_plan_effective_cost"])
        assert row["line_item_net_unblended_cost"] == row["pricing_public_on_demand_cost"]
    (upfront,) = _of(rows, "SavingsPlanUpfrontFee")
    assert upfront["bill_bill_type"] == "Purchase"
    fees = _of(rows, "SavingsPlanRecurringFee")
    assert len(fees) == 30
    assert {_number(row["line_item_unblended_cost"]) for row in fees} == {Decimal("39")}
    assert _of(cur2["2026-05"][-1], "SavingsPlanUpfrontFee") == []
    used: dict[dt.datetime, Decimal] = defaultdict(Decimal)
    for row in covered:
        used[row["line_item_usage_start_date"]] += _number(
            row["savings_plan_savings_plan_effective_cost"]
        )
    for row in fees:
        assert (
            _number(row["savings_plan_used_commitment"]) == used[row["line_item_usage_start_date"]]
        )


def test_a_reservation_is_billed_with_its_fee(cur2: Deliveries) -> None:
    rows = cur2["2026-04"][-1]
    reserved = _of(rows, "DiscountedUsage")
    assert len(reserved) == 60
    assert {row["line_item_unblended_cost"] for row in reserved} == {0.0}
    assert _sum(reserved, "pricing_public_on_demand_cost") > 0
    (fee,) = _of(rows, "RIFee")
    used = _sum(reserved, "reservation_effective_cost")
    unused = _number(fee["reservation_unused_recurring_fee"])
    assert used + unused == _number(fee["line_item_unblended_cost"]) > used > unused > 0
    hours = _sum(reserved, "line_item_usage_amount") + _number(fee["reservation_unused_quantity"])
    assert hours == Decimal(fee["reservation_total_reserved_units"]) == 2 * 720
    named = {row["reservation_reservation_a_r_n"] for row in [fee, *reserved]}
    assert len(named) == 1
    others = [row for row in rows if row["reservation_reservation_a_r_n"] is None]
    assert len(others) == len(rows) - 61
    assert {row["savings_plan_savings_plan_a_r_n"] for row in [fee, *reserved]} == {None}


def test_the_enterprise_discount_stands_in_net_columns(cur2: Deliveries) -> None:
    rows = _of(cur2["2026-04"][-1], "Usage")
    discounted = [row for row in rows if row["discount_total_discount"] is not None]
    assert len(discounted) > 500
    for row in discounted:
        discount = _number(row["discount_total_discount"])
        assert discount <= 0
        assert dict(row["discount"]) == {"edp_discount": float(discount)}
        net = _number(row["line_item_unblended_cost"]) + discount
        assert net == _number(row["line_item_net_unblended_cost"])
    plain = [row for row in rows if row["discount_total_discount"] is None]
    assert {row["bill_billing_entity"] for row in plain} == {"AWS Marketplace"}
    assert {row["line_item_legal_entity"] for row in plain} == {"Lanternwatch Inc."}


def test_line_ids_are_unique_and_stable(cur2: Deliveries) -> None:
    early, late = cur2["2026-05"]
    keys = [{(r["identity_line_item_id"], r["identity_time_interval"]) for r in x} for x in
            (early, late)]  # fmt: skip
    assert [len(found) for found in keys] == [len(early), len(late)]
    assert keys[0] < keys[1]


def test_credits_refunds_and_taxes_have_their_line_types(cur2: Deliveries) -> None:
    kinds = Counter(row["line_item_line_item_type"] for row in cur2["2026-05"][-1])
    assert (kinds["Credit"], kinds["Refund"], kinds["Tax"], kinds["Fee"]) == (2, 1, 5, 1)
    assert kinds["RIFee"] == 1
    (refund,) = _of(cur2["2026-05"][-1], "Refund")
    assert refund["bill_bill_type"] == "Refund"
    assert _number(refund["line_item_net_unblended_cost"]) == Decimal("-91.392000417")


def test_late_usage_keeps_its_dates_in_the_next_bill(cur2: Deliveries) -> None:
    late = [
        row
        for row in cur2["2026-05"][-1]
        if row["line_item_usage_start_date"] < row["bill_billing_period_start_date"]
    ]
    assert {row["line_item_line_item_type"] for row in late} == {"Usage"}
    assert len(late) == 6


def _kind(type_: pa.DataType) -> str:
    return f"map of {type_.item_type}" if pa.types.is_map(type_) else str(type_)


def test_cur2_has_the_columns_and_types_of_aws(estate: EstateSummary) -> None:
    root = estate.out / "exports" / "aws" / "fernlight-cur2"
    files = sorted(root.glob("data/**/*.parquet"))
    assert len(COLUMNS) == 114
    for path in files:
        found = [(field.name, _kind(field.type)) for field in pq.read_schema(path)]
        assert found == [(field.name, _kind(field.type)) for field in SCHEMA]
    assert _kind(SCHEMA.field("product").type) == "map of string"


def test_tag_keys_are_spelled_as_column_names() -> None:
    spelled = {key: tag_key(key) for key in ("Team", "CostCenter", "cost-center", "TEAM")}
    assert spelled == {
        "Team": "team",
        "CostCenter": "cost_center",
        "cost-center": "cost_center",
        "TEAM": "team",
    }


def test_the_legacy_report_has_only_columns_that_it_needs(legacy: dict[str, list[Row]]) -> None:
    columns = set(legacy["2026-04"][0])
    assert {
        "lineItem/NetUnblendedCost",
        "resourceTags/user:Owner",
        "discount/EdpDiscount",
    } < columns
    assert not any(name.startswith(("savingsPlan/", "reservation/")) for name in columns)
    notes = {row["resourceTags/user:note"] for row in legacy["2026-04"]}
    assert notes == {None, 'keep, "for now"'}


# Azure


@pytest.mark.parametrize("month", ["2026-04", "2026-05", "2026-06"])
def test_azure_bills_what_the_truth_says(
    month: str,
    azure: dict[tuple[str, str], list[list[Row]]],
    charges: dict[tuple[str, str], Row],
) -> None:
    actual, amortized = azure["ActualCost", month][-1], azure["AmortizedCost", month][-1]
    assert _sum(actual, "Cost") == _true(charges, "azure", month, "billed_cost")
    assert _sum(amortized, "Cost") == _true(charges, "azure", month, "effective_cost")
    purchases = [row for row in actual if row["ChargeType"] == "Purchase"]
    assert len(purchases) == (1 if month == "2026-05" else 0)
    assert int(charges["azure", month]["rows"]) == len(amortized) + len(purchases)
    assert len(azure["ActualCost", month]) == len(azure["AmortizedCost", month]) == 2
    assert {row["Date"] for row in actual} == {row["Date"] for row in amortized}


def test_a_reservation_is_free_in_one_run_and_amortized_in_the_other(
    azure: dict[tuple[str, str], list[list[Row]]],
) -> None:
    actual, amortized = azure["ActualCost", "2026-05"][-1], azure["AmortizedCost", "2026-05"][-1]
    covered = [row for row in actual if row["PricingModel"] == "Reservation"]
    usage = [row for row in covered if row["ChargeType"] == "Usage"]
    assert {row["Cost"] for row in usage} == {"0"}
    (purchase,) = [row for row in covered if row["ChargeType"] == "Purchase"]
    assert (purchase["Quantity"], purchase["Frequency"]) == ("3", "OneTime")
    assert Decimal(purchase["UnitPrice"]) * 3 == Decimal(purchase["Cost"])
    unused = [row for row in amortized if row["ChargeType"] == "UnusedReservation"]
    assert len(unused) == 31
    assert {row["ChargeType"] for row in actual} >= {"Usage", "Purchase", "RoundingAdjustment"}
    assert "UnusedReservation" not in {row["ChargeType"] for row in actual}
    assert "Purchase" not in {row["ChargeType"] for row in amortized}
    for row in amortized:
        if row["PricingModel"] == "Reservation":
            amount = Decimal(row["Quantity"]) * Decimal(row["EffectivePrice"])
            assert amount == Decimal(row["Cost"])


# Google


def _credits(rows: Iterable[Row], kind: str | None = None) -> Decimal:
    return sum(
        (
            _number(credit["amount"])
            for row in rows
            for credit in row["credits"]
            if kind in (None, credit["type"])
        ),
        Decimal(0),
    )


@pytest.mark.parametrize("month", ["2026-04", "2026-05", "2026-06"])
def test_google_bills_what_the_truth_says(
    month: str, gcp: Deliveries, charges: dict[tuple[str, str], Row]
) -> None:
    rows = gcp[month][-1]
    assert _sum(rows, "cost") + _credits(rows) == _true(charges, "gcp", month, "billed_cost")
    fees = [row for row in rows if row["sku"]["description"].startswith("Commitment v1")]
    used = [row for row in rows if row not in fees]
    promotions = _credits(rows, "PROMOTION")
    assert promotions == Decimal("-968.123869345678")
    # Fees pay for what is covered: the effective cost is what remains after all credits.
    effective = _sum(used, "cost") + _credits(used) + _sum(fees, "cost")
    assert effective == _true(charges, "gcp", month, "effective_cost")
    listed = _sum(used, "cost_at_list") + promotions
    assert listed == _true(charges, "gcp", month, "list_cost")


def test_a_covered_line_is_credited_to_nothing(gcp: Deliveries) -> None:
    covered = [
        row
        for row in gcp["2026-04"][-1]
        if any(credit["type"] == "COMMITTED_USAGE_DISCOUNT" for credit in row["credits"])
    ]
    # Two machines on thirty days; one of them rests on eight days of weekends.
    assert len(covered) == 52
    for row in covered:
        assert _number(row["cost"]) == -_credits([row])


def test_a_promotion_never_exceeds_its_line(gcp: Deliveries) -> None:
    for row in gcp["2026-05"][-1]:
        assert _number(row["cost"]) + _credits([row]) >= 0
        assert row["invoice"] == {"month": "202605", "publisher_type": "GOOGLE"}


# The whole


def test_amounts_and_emissions_are_those_of_the_focus_estate(
    estate: EstateSummary, tmp_path: Path
) -> None:
    focus = write_estate(tmp_path, rows=6_000, months=MONTHS)
    ours, theirs = (json.loads(x.truth.read_text()) for x in (estate, focus))
    assert ours["emissions"] == theirs["emissions"]
    rows = [[item.pop("rows") for item in truth["charges"]] for truth in (ours, theirs)]
    assert ours["charges"] == theirs["charges"]
    assert rows[0] != rows[1]
    assert ours["rows"] == sum(rows[0]) == estate.rows
    assert estate.invoices.read_bytes() == focus.invoices.read_bytes()


def test_the_configuration_names_native_exports(estate: EstateSummary) -> None:
    sources = {
        source["name"]: source for source in yaml.safe_load(estate.config.read_text())["sources"]
    }
    kinds = {name: source["export"] for name, source in sources.items()}
    assert kinds == {
        "aws-main": "cur2",
        "aws-carbon": "carbon",
        "aws-sandbox": "cur",
        "azure-legacy": "cost-details",
        "azure-carbon": "carbon",
        "gcp-ml": "billing-detailed",
        "gcp-carbon": "carbon",
        "onprem": "focus",
        "snowpeak": "focus",
        "snowpeak-carbon": "carbon",
    }
    for source in sources.values():
        for key in {"location", "actual", "amortized"} & set(source):
            assert (estate.out / source[key]).is_dir()
    assert "location" not in sources["azure-legacy"]
    assert not (estate.out / "exports" / "aws" / "fernlight-focus").exists()


def test_equal_arguments_give_equal_files(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        write_estate(tmp_path / name, rows=1_000, months=MONTHS[:2], formats="native")
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        digests.append(
            {
                path.relative_to(tmp_path / name): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in files
            }
        )
    assert digests[0] == digests[1]


def test_bills_are_daily_however_small_the_estate(tmp_path: Path) -> None:
    summary = write_estate(
        tmp_path, rows=1_000, months=MONTHS[:1], formats="native", only={"aws-main"}
    )
    rows = _parquet((summary.out / "exports" / "aws" / "fernlight-cur2").glob("data/**/*.parquet"))
    usage = _of(rows, "Usage", "SavingsPlanCoveredUsage", "SavingsPlanRecurringFee")
    lengths = {r["line_item_usage_end_date"] - r["line_item_usage_start_date"] for r in usage}
    assert dt.timedelta(days=1) in lengths
    assert lengths <= {dt.timedelta(days=1), dt.timedelta(days=30)}
