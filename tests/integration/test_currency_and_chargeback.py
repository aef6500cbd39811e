"""Rates, pools and rules through the pipeline: gaps, locks, and predictions that come true."""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import fields
from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.errors import CloudtallyError
from dagster_project.ledger.store import Clock, Kind
from dagster_project.paths import Home
from dagster_project.pipeline import steps
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.dbt import run_dbt
from dagster_project.pipeline.imports import import_ledger
from dagster_project.pipeline.plan import make_plan
from dagster_project.pipeline.tryout import Change, Trial, try_out
from dagster_project.publish.candidate import build_candidate
from dagster_project.publish.checks import check_candidate
from dagster_project.publish.swap import publish
from dagster_project.sample_estate import write_estate
from dagster_project.settings import load_settings
from tests.integration.homes import JULY, JUNE
from tests.pipeline_runs import give_reference, land

RULES = """
version: 1
rules:
  owner:
    - {name: machines, when: {provider: onprem}, value: machines, from: 2026-07}
    - {name: team, tag: [owner, team], value: from-tag}
  cost_center:
    - {name: center, tag: [CostCenter, cost_center], value: from-tag}
  environment:
    - {name: environment, tag: [environment, env], value: from-tag}
"""
POOLS = """
version: 1
pools:
  - name: machines
    when: {owner: machines, service_category: Compute}
    by: equal
    over: [{pool: unused}, {owner: core, cost_center: CC-500}]
  - name: unused
    when: {line: unused_commitment}
    by: effective-cost
"""
CONVERTING = ("dim_fx_rate", "mart_spend_reporting_month", "dq_result")


class Estate:
    """A company with bills in euros and dollars, and the home that reads them."""

    def __init__(self, folder: Path, reference: Home) -> None:
        self.folder = folder
        self.config = folder / "cloudtally.yaml"
        self.rates = folder / "inputs" / "fx-rates.csv"
        write_estate(folder, rows=1_500, months=[JUNE, JULY], only=["azure-legacy", "onprem"])
        text = self.config.read_text(encoding="utf-8")
        place = "fx-rates: {location: ./inputs/fx-rates.csv, options: {settle_seconds: 0}}"
        self.config.write_text(text.replace("fx-rates: ./inputs/fx-rates.csv", place))
        give_reference(reference, self.context.home)

    @property
    def context(self) -> Context:
        """The context of the configuration as it is now."""
        return Context(load_settings(self.config))

    def configure(self, old: str, new: str) -> None:
        """Change the configuration."""
        text = self.config.read_text(encoding="utf-8")
        assert old in text
        self.config.write_text(text.replace(old, new), encoding="utf-8")

    def set_rates(self, rates: dict[str, str]) -> None:
        """Write another file of rates."""
        self.rates.unlink()
        lines = [f"{month},EUR,USD,{rate}" for month, rate in rates.items()]
        self.rates.write_text("\n".join(["month,from_currency,to_currency,rate", *lines]) + "\n")

    def build(self) -> None:
        """Land what is new, and build everything."""
        land(self.context)
        steps.build_months(self.context)
        steps.build_marts(self.context)

    def convert(self) -> None:
        """Build what speaks of rates, and nothing else."""
        import_ledger(self.context, [])
        run_dbt(self.context, ["run", "--select", *CONVERTING])

    def publish(self) -> None:
        """Build and show it to readers."""
        self.build()
        context = self.context
        candidate = build_candidate(context, make_plan(context))
        broken = [one for one in check_candidate(context, candidate) if not one.passed]
        assert [promise for one in broken for promise in one.blocking] == []
        publish(context, candidate)

    def ask(self, sql: str, *, published: bool = False) -> list[tuple[Any, ...]]:
        """Query the warehouse, or what readers see."""
        home = self.context.home
        path = home.published / "cloudtally.duckdb" if published else home.database
        with duckdb.connect(str(path), read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory, reference: Home) -> Iterator[Estate]:
    yield Estate(tmp_path_factory.mktemp("finance") / "estate", reference)


@pytest.mark.slow
def test_rates_and_rules_from_the_first_gap_to_a_closed_month(estate: Estate) -> None:
    rates = _a_gap_stops_with_months_and_pairs(estate)
    _amounts_are_converted_to_the_last_digit(estate, rates)
    _a_prediction_comes_true(estate)
    _a_closed_month_keeps_its_rate(estate, rates)
    _without_rates_nothing_is_converted(estate)


def _a_gap_stops_with_months_and_pairs(estate: Estate) -> dict[str, str]:
    with estate.rates.open(newline="") as file:
        rates = {row["month"]: row["rate"] for row in csv.DictReader(file)}
    estate.set_rates({month: rate for month, rate in rates.items() if month != "2026-07"})
    with pytest.raises(CloudtallyError) as caught:
        estate.build()
    assert caught.value.code == "CT-FX-MISSING"
    assert "EUR to USD for 2026-07." in caught.value.what
    assert caught.value.where["input"].endswith("inputs/fx-rates.csv")
    assert not estate.context.home.published.exists()
    estate.set_rates(rates)
    estate.publish()
    return rates


def _amounts_are_converted_to_the_last_digit(estate: Estate, rates: dict[str, str]) -> None:
    found = estate.ask(
        "select billing_month, billing_currency, effective_cost, reporting_effective_cost, fx_rate"
        " from mart_spend_reporting_month order by all",
        published=True,
    )
    assert {currency for _, currency, *_ in found} == {"EUR", "USD"}
    with localcontext() as exact:
        exact.prec = 60
        for month, currency, amount, converted, rate in found:
            wanted = Decimal(rates[f"{month:%Y-%m}"]) if currency == "EUR" else Decimal(1)
            assert rate == wanted
            assert converted == (amount * wanted).quantize(Decimal("1e-18"), ROUND_HALF_UP)
    split = estate.ask(
        "select count(*), bool_and(effective_cost_change = effective_cost_change_by_amount"
        " + effective_cost_change_by_fx), bool_or(effective_cost_change_by_fx <> 0)"
        " from mart_spend_reporting_month where change_reason is null",
        published=True,
    )
    assert split[0][0] > 0
    assert split[0][1:] == (True, True)


def _a_prediction_comes_true(estate: Estate) -> None:
    rules, pools = estate.folder / "next.yaml", estate.folder / "next-pools.yaml"
    rules.write_text(RULES)
    pools.write_text(POOLS)
    home = estate.context.home.root
    before = _contents(home)
    trial = try_out(estate.context, rules, pools)
    only_july = try_out(estate.context, rules, pools, [JULY])
    assert _contents(home) == before
    assert {move.billing_month for move in trial.moves} >= {JULY}
    assert only_july.moves == tuple(one for one in trial.moves if one.billing_month == JULY)
    former_tags, former = _tags(estate), _charged(estate)
    estate.configure("chargeback: ./chargeback.yaml", "chargeback: ./next-pools.yaml")
    estate.configure("home:", "rules: ./next.yaml\nhome:")
    estate.publish()
    assert trial.changes
    assert _foretold(former, trial) == _charged(estate)
    assert _moved(trial) == _really_moved(former_tags, _tags(estate))
    assert try_out(estate.context, rules, pools).moves == ()
    assert try_out(estate.context, rules, pools).changes == ()


def _contents(home: Path) -> dict[str, str]:
    files = sorted(path for path in home.rglob("*") if path.is_file())
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def _charged(estate: Estate) -> dict[Any, tuple[Decimal, ...]]:
    """Return what readers see that everybody is charged."""
    names = [item.name[:-6] for item in fields(Change) if item.name.endswith("_after")]
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in names)
    rows = estate.ask(
        "select billing_month, billing_currency, owner, cost_center,"
        f" {sums} from mart_chargeback_month group by all",
        published=True,
    )
    return {row[:4]: row[4:] for row in rows if any(row[4:])}


def _foretold(former: dict[Any, tuple[Decimal, ...]], trial: Trial) -> dict[Any, Any]:
    """Return what everybody would be charged by a trial."""
    names = [item.name for item in fields(Change) if item.name.endswith("_after")]
    after = {
        (one.billing_month, one.billing_currency, one.owner, one.cost_center): tuple(
            getattr(one, name) or 0 for name in names
        )
        for one in trial.changes
    }
    return {key: values for key, values in {**former, **after}.items() if any(values)}


def _tags(estate: Estate) -> dict[str, tuple[Any, ...]]:
    rows = estate.ask(
        "select x_ChargeKey, x_BillingMonth, x_Owner, x_CostCenter, EffectiveCost, BilledCost,"
        " coalesce(x_CarbonUnspecifiedKg, 0) from fct_cost_and_carbon"
        " where x_RecordKind = 'Charge'",
        published=True,
    )
    return {row[0]: row[1:] for row in rows}


def _moved(trial: Trial) -> dict[Any, tuple[Any, ...]]:
    found: dict[Any, list[Any]] = {}
    for move in trial.moves:
        key = (move.billing_month, move.from_owner, move.from_cost_center, move.to_owner,
               move.to_cost_center)  # fmt: skip
        values = (move.lines, move.effective_cost, move.billed_cost,
                  move.carbon_unspecified_kg or 0)  # fmt: skip
        found[key] = [a + b for a, b in zip(found.get(key, [0] * 4), values, strict=True)]
    return {key: tuple(values) for key, values in found.items()}


def _really_moved(before: dict[str, Any], after: dict[str, Any]) -> dict[Any, tuple[Any, ...]]:
    found: dict[Any, list[Any]] = {}
    for key, (month, owner, center, *amounts) in before.items():
        _, new_owner, new_center, *_ = after[key]
        if (owner, center) != (new_owner, new_center):
            way = (month, owner, center, new_owner, new_center)
            sums = found.get(way, [0] * 4)
            found[way] = [a + b for a, b in zip(sums, (1, *amounts), strict=True)]
    return {key: tuple(values) for key, values in found.items()}


def _a_closed_month_keeps_its_rate(estate: Estate, rates: dict[str, str]) -> None:
    estate.context.ledger.append(
        Kind.CLOSED,
        month=JULY,
        variant=Clock.COST,
        payload={
            "provider": "azure",
            "digest": "0",
            "fx": [["EUR", "USD", rates["2026-07"]]],
        },
    )
    estate.set_rates(dict.fromkeys(rates, "2.5"))
    land(estate.context)
    estate.convert()
    assert estate.ask(
        "select month, rate, source, supplied_rate from dim_fx_rate"
        " where month >= '2026-06-01' order by month"
    ) == [
        (JUNE, Decimal("2.5"), "supplied", Decimal("2.5")),
        (JULY, Decimal(rates["2026-07"]), "locked", Decimal("2.5")),
    ]
    assert estate.ask(
        "select billing_month, severity, passed, column_name, measured from dq_result"
        " where check_id = 'fx_rate_of_closed_month'"
    ) == [(JULY, "warn", False, "EUR to USD", Decimal("2.5") - Decimal(rates["2026-07"]))]


def _without_rates_nothing_is_converted(estate: Estate) -> None:
    estate.configure("  fx-rates:", "  # fx-rates:")
    estate.convert()
    found = estate.ask(
        "select billing_month, billing_currency, fx_rate, reporting_billed_cost is null,"
        " conversion_reason from mart_spend_reporting_month order by all"
    )
    june = [row[1:] for row in found if row[0] == JUNE]
    assert ("EUR", None, True, "rates_not_configured") in june
    assert ("USD", Decimal(1), False, None) in june
    assert estate.ask(
        "select distinct severity, column_name from dq_result where check_id = 'fx_not_converted'"
    ) == [("info", "EUR to USD")]
