"""Closed periods: what closes them, what may not change them, and what was said of them before."""

import datetime as dt
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from dagster_project.cli.main import cli
from dagster_project.errors import CloudtallyError
from dagster_project.history.columns import FACT
from dagster_project.ledger.state import Period
from dagster_project.ledger.store import Clock, Kind, Ledger
from dagster_project.periods import counted
from dagster_project.periods.acknowledge import acknowledge_changes
from dagster_project.periods.as_of import as_of, moment_of, write_copy
from dagster_project.periods.close import close_periods, reopen_periods
from dagster_project.pipeline.calendar import period_rows
from dagster_project.pipeline.changes import find_changes
from dagster_project.pipeline.late_lines import closed_carbon
from dagster_project.pipeline.plan import make_plan
from dagster_project.publish.swap import publish
from tests.period_homes import APRIL, MARCH, MAY, PeriodHome, line, lines_of, two_months

DEARER = Decimal("10.51")


@pytest.fixture
def home(tmp_path: Path) -> PeriodHome:
    return two_months(tmp_path / "home")


@pytest.fixture
def closed(home: PeriodHome) -> PeriodHome:
    """March's cost is closed for both providers."""
    close_periods(home.context, MARCH, Clock.COST, None, None)
    return home


def dearer(home: PeriodHome, cost: Decimal = DEARER, delivery: str = "main-03-2") -> None:
    """Deliver March again with another cost of one line."""
    home.deliver("main", MARCH, delivery)
    home.build(MARCH, lines_of(MARCH, BilledCost=cost))


def refused(home: PeriodHome) -> CloudtallyError:
    """Publish, which has to be refused."""
    with pytest.raises(CloudtallyError) as caught:
        home.publish()
    return caught.value


def restated(home: PeriodHome) -> list[dict[str, Any]]:
    return [dict(event.payload) for event in home.context.state().restatements]


def states(home: PeriodHome, provider: str = "aws") -> tuple[str, str]:
    rows = period_rows(home.context.settings, home.context.state())
    [row] = [r for r in rows if (r.provider, r.billing_month) == (provider, MARCH)]
    return row.cost_state, row.carbon_state


def events(home: PeriodHome, kind: Kind) -> list[Any]:
    return [event for event in home.context.ledger.events() if event.kind is kind]


class TestClosing:
    def test_records_what_was_signed(self, home: PeriodHome) -> None:
        done = close_periods(home.context, MARCH, Clock.COST, None, None)
        assert [each.period.provider for each in done] == ["aws", "azure"]
        facts = home.context.state().closes[Period(Clock.COST, "aws", MARCH)].facts
        assert facts["rows"] == 2
        assert facts["sums"]["USD"]["BilledCost"] == "10.6"
        assert facts["deliveries"] == [["main", "2026-03-01", "", "main-03-1"]]
        assert facts["tie_out"] == {"outcomes": {"match": 1}, "problem": None}
        published = home.context.state().published or {}
        assert facts["content_hash"] == published["fact_months"]["2026-03-01"]["hash"]
        for name in ("digest", "digest_of_all_providers", "code_version", "rules"):
            assert facts[name], name
        assert facts["factor_sets"] == []
        assert facts["factor_sets_reason"] == "no factor shapes what was charged"
        assert states(home) == ("closed", "pending")

    @pytest.mark.parametrize(
        ("month", "provider", "code"),
        [
            (MAY, None, "CT-CLOSE-OPEN"),
            (dt.date(2026, 2, 1), None, "CT-CLOSE-UNPUBLISHED"),
            (MARCH, "gcp", "CT-CLOSE-NOTHING"),
            (APRIL, None, "CT-CLOSE-NOT-READY"),
        ],
    )
    def test_is_refused(
        self, home: PeriodHome, month: dt.date, provider: str | None, code: str
    ) -> None:
        with pytest.raises(CloudtallyError) as caught:
            close_periods(home.context, month, Clock.COST, provider, None)
        assert caught.value.code == code
        assert home.context.state().closes == {}

    def test_twice_is_refused(self, closed: PeriodHome) -> None:
        with pytest.raises(CloudtallyError) as caught:
            close_periods(closed.context, MARCH, Clock.COST, "aws", None)
        assert caught.value.code == "CT-CLOSE-ALREADY"

    def test_needs_what_arrived_to_be_published(self, home: PeriodHome) -> None:
        home.deliver("main", MARCH, "main-03-2")
        with pytest.raises(CloudtallyError) as caught:
            close_periods(home.context, MARCH, Clock.COST, None, None)
        assert caught.value.code == "CT-CLOSE-DIRTY"
        home.build(MARCH, lines_of(MARCH, BilledCost=DEARER))
        with pytest.raises(CloudtallyError) as caught:
            close_periods(home.context, MARCH, Clock.COST, None, None)
        assert caught.value.code == "CT-CLOSE-DIRTY"
        home.publish()
        assert close_periods(home.context, MARCH, Clock.COST, None, None)

    @pytest.mark.parametrize("outcome", ["variance", "pending"])
    def test_needs_a_tie_out_or_a_reason(self, home: PeriodHome, outcome: str) -> None:
        home.ties_out(("aws", "match"), ("aws", outcome), ("azure", "within_tolerance"))
        home.publish()
        with pytest.raises(CloudtallyError) as caught:
            close_periods(home.context, MARCH, Clock.COST, None, None)
        assert caught.value.code == "CT-CLOSE-NOT-READY"
        assert "INV-2" in caught.value.what
        assert "azure" not in caught.value.what
        assert home.context.state().closes == {}

        [ready] = close_periods(home.context, MARCH, Clock.COST, "azure", None)
        [forced] = close_periods(home.context, MARCH, Clock.COST, None, "agreed by phone")
        assert (ready.period.provider, forced.period.provider) == ("azure", "aws")
        facts = home.context.state().closes[forced.period]
        assert (facts.reason, facts.facts["override"]) == ("agreed by phone", "agreed by phone")
        assert outcome in facts.facts["tie_out"]["outcomes"]

    def test_without_the_reconciliation_needs_a_reason(self, home: PeriodHome) -> None:
        home.marts.clear()
        home.publish()
        with pytest.raises(CloudtallyError) as caught:
            close_periods(home.context, MARCH, Clock.COST, None, None)
        assert "mart_invoice_reconciliation isn't published" in caught.value.what
        assert close_periods(home.context, MARCH, Clock.COST, None, "no invoices yet")


class TestGuard:
    def test_a_cent_stops_the_publication_until_it_is_acknowledged(
        self, closed: PeriodHome
    ) -> None:
        before = closed.home.published.resolve()
        first = closed.context.ledger.events()[-1].at
        dearer(closed)

        stopped = refused(closed)
        assert stopped.code == "CT-CLOSED-CHANGED"
        for said in (
            "cost of aws 2026-03", "0 rows added, 1 changed, 0 removed", "billed +0.01 USD",
            "effective +0 USD", "delivery main-03-2 of main (before: main-03-1)",
        ):  # fmt: skip
            assert said in stopped.what
        assert "cloudtally acknowledge --month 2026-03 --provider aws" in stopped.next_step
        assert closed.home.published.resolve() == before
        assert restated(closed) == []
        assert states(closed) == ("closed", "pending")
        assert refused(closed).what == stopped.what
        [held] = events(closed, Kind.CHANGE_HELD)

        [(period, _)] = acknowledge_changes(closed.context, MARCH, Clock.COST, None, "a reading")
        assert period == Period(Clock.COST, "aws", MARCH)
        closed.publish()
        [row] = restated(closed)
        assert (row["billed"], row["effective"], row["currency"]) == ("0.01", "0", "USD")
        assert (row["state_before"], row["cause"]) == ("closed", "price")
        assert (row["rows_added"], row["rows_changed"], row["rows_removed"]) == (0, 1, 0)
        assert row["delivered_before"] == [["main", "main-03-1"]]
        assert row["delivered_after"] == [["main", "main-03-2"]]
        assert row["acknowledgement"] == "a reading"
        assert row["acknowledged_by"]
        assert row["detected_at"].startswith(f"{held.at:%Y-%m-%dT%H:%M:%S}")
        assert row["largest"][0]["BilledCost"] == "0.01"
        assert states(closed) == ("restated", "pending")
        assert states(closed, "azure") == ("closed", "pending")

        then, now = (as_of(closed.context, at, MARCH) for at in (first, _later()))
        differences = {(t.provider, t.unit, t.measure): t.difference for t in then.totals}
        assert differences.pop(("aws", "USD", "BilledCost")) == "0.01"
        assert set(differences.values()) == {"0"}
        assert {total.difference for total in now.totals} == {"0"}
        closed.publish()
        assert len(restated(closed)) == 1

    def test_an_identical_delivery_is_no_restatement(self, closed: PeriodHome) -> None:
        closed.deliver("main", MARCH, "another-name", content="main-03-1")
        closed.build(MARCH, lines_of(MARCH))
        closed.publish()
        closed.deliver("main", MARCH, "in-other-files")
        again = [{**each, "x_DeliveryId": "in-other-files"} for each in reversed(lines_of(MARCH))]
        closed.build(MARCH, again)
        closed.publish()
        assert restated(closed) == []
        assert states(closed) == ("closed", "pending")

    def test_a_change_that_is_taken_back_needs_nobody(self, closed: PeriodHome) -> None:
        dearer(closed)
        refused(closed)
        closed.deliver("main", MARCH, "main-03-3", content="main-03-1")
        closed.build(MARCH, lines_of(MARCH))
        closed.publish()
        assert restated(closed) == []

    def test_only_what_was_shown_is_acknowledged(self, closed: PeriodHome) -> None:
        with pytest.raises(CloudtallyError) as caught:
            acknowledge_changes(closed.context, MARCH, Clock.COST, None, "why")
        assert caught.value.code == "CT-ACKNOWLEDGE-NOTHING"
        with pytest.raises(CloudtallyError) as caught:
            acknowledge_changes(closed.context, APRIL, Clock.COST, None, "why")
        assert caught.value.code == "CT-CLOSE-NOT-CLOSED"
        dearer(closed)
        refused(closed)
        dearer(closed, Decimal(99), "main-03-3")
        with pytest.raises(CloudtallyError) as caught:
            acknowledge_changes(closed.context, MARCH, Clock.COST, None, "why")
        assert caught.value.code == "CT-ACKNOWLEDGE-UNSEEN"
        assert events(closed, Kind.ACKNOWLEDGED) == []

    def test_an_acknowledgement_holds_for_one_change(self, closed: PeriodHome) -> None:
        dearer(closed)
        refused(closed)
        acknowledge_changes(closed.context, MARCH, Clock.COST, "aws", "the first")
        dearer(closed, Decimal("10.52"), "main-03-3")
        assert "billed +0.02 USD" in refused(closed).what
        acknowledge_changes(closed.context, MARCH, Clock.COST, "aws", "the second")
        closed.publish()
        dearer(closed, Decimal("10.53"), "main-03-4")
        assert "billed +0.01 USD" in refused(closed).what
        acknowledge_changes(closed.context, MARCH, Clock.COST, "aws", "the third")
        closed.publish()
        found = [(row["state_before"], row["acknowledgement"]) for row in restated(closed)]
        assert found == [("closed", "the second"), ("restated", "the third")]

    def test_every_period_that_would_change_is_named(self, closed: PeriodHome) -> None:
        closed.deliver("legacy", MARCH, "legacy-03-2")
        closed.build(MARCH, [*lines_of(MARCH, BilledCost=DEARER)[:2]])
        said = refused(closed).what
        assert "cost of aws 2026-03" in said
        assert "cost of azure 2026-03" in said
        assert "0 rows added, 0 changed, 1 removed, billed -10.5 EUR" in said
        acknowledge_changes(closed.context, MARCH, Clock.COST, "azure", "one of them")
        assert "azure" not in refused(closed).what

    def test_an_open_month_changes_freely_and_is_recorded(self, home: PeriodHome) -> None:
        home.deliver("main", APRIL, "main-04-2")
        home.build(APRIL, [*lines_of(APRIL), line("late", APRIL)])
        home.deliver("main", MAY, "main-05-1")
        home.build(MAY, lines_of(MAY))
        home.publish()
        [row] = restated(home)
        assert (row["month"], row["state_before"]) == ("2026-04-01", "provisional")
        assert (row["cause"], row["rows_added"]) == ("late_usage", 1)
        assert row["acknowledged_by"] is None

    def test_a_reopened_period_changes_freely(self, closed: PeriodHome) -> None:
        reopen_periods(closed.context, MARCH, Clock.COST, "aws", "the auditor asked")
        assert states(closed) == ("provisional", "pending")
        dearer(closed)
        closed.publish()
        assert [row["state_before"] for row in restated(closed)] == ["provisional"]
        with pytest.raises(CloudtallyError) as caught:
            reopen_periods(closed.context, MARCH, Clock.COST, "aws", "again")
        assert caught.value.code == "CT-CLOSE-NOT-CLOSED"

    def test_what_a_killed_build_left_is_seen_too(self, closed: PeriodHome) -> None:
        built = len(events(closed, Kind.MONTH_BUILT))
        dearer(closed)
        ledger = Ledger(closed.root / "short.sqlite")
        closed.context.ledger.copy(ledger.path, until=closed.context.ledger.events()[-2].id)
        ledger.path.replace(closed.home.ledger)
        closed.home.ledger.with_name("ledger.sqlite-wal").unlink(missing_ok=True)
        assert len(events(closed, Kind.MONTH_BUILT)) == built
        assert refused(closed).code == "CT-CLOSED-CHANGED"

    def test_without_the_kept_copy_the_digest_still_guards(self, closed: PeriodHome) -> None:
        for copies in (closed.home.kept, closed.home.publications):
            for path in copies.rglob("*.parquet"):
                path.unlink()
        closed.deliver("main", MARCH, "main-03-2")
        closed.build(MARCH, lines_of(MARCH))
        closed.publish()
        assert restated(closed) == []
        for path in [*closed.home.kept.rglob("*.parquet")]:
            path.unlink()
        for path in [*closed.home.publications.rglob("part.parquet")]:
            path.unlink()
        dearer(closed, delivery="main-03-3")
        assert "unknown amount" in refused(closed).what
        acknowledge_changes(closed.context, MARCH, Clock.COST, "aws", "seen in the provider's page")
        closed.publish()
        [row] = [row for row in restated(closed) if row["clock"] == "cost"]
        assert (row["status"], row["billed"], row["cause"]) == ("baseline_missing", None, "unknown")

    def test_another_code_is_named_as_the_reason(
        self, closed: PeriodHome, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for module in ("attribution", "changes"):
            monkeypatch.setattr(f"dagster_project.pipeline.{module}.code_version", lambda: "2.0")
        closed.build(MARCH, lines_of(MARCH, BilledCost=DEARER))
        assert "because of another version of code or seeds" in refused(closed).what
        acknowledge_changes(closed.context, MARCH, Clock.COST, None, "the new release is right")
        closed.publish()
        [row] = restated(closed)
        assert (row["cause"], row["changed_inputs"]) == ("our_code", ["code"])

    def test_what_was_found_is_not_looked_for_again(
        self, closed: PeriodHome, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dearer(closed)
        found = find_changes(closed.context)
        monkeypatch.setattr("dagster_project.pipeline.changes._compare", pytest.fail)
        assert find_changes(closed.context) == found
        assert refused(closed).code == "CT-CLOSED-CHANGED"


class TestCarbon:
    def arrive(self, home: PeriodHome, kg: Decimal, delivery: str) -> None:
        used = dt.datetime(2026, 3, 30)
        home.deliver("carbon", MARCH, delivery)
        home.build(MARCH, lines_of(MARCH, x_CarbonLocationKg=kg, x_CarbonReportedStatus="Reported"))
        estimated = {"x_EstimatedCarbonKg": kg, "x_FactorSetId": "carbon-2026-1"}
        late = line("late", APRIL, ChargePeriodStart=used, x_CarbonLocationKg=kg, **estimated)
        home.build(APRIL, [*lines_of(APRIL), late])

    def test_arrives_without_touching_the_cost(self, closed: PeriodHome) -> None:
        closed.deliver("main", APRIL, "main-04-2")
        used = dt.datetime(2026, 3, 30)
        closed.build(APRIL, [*lines_of(APRIL), line("late", APRIL, ChargePeriodStart=used)])
        closed.publish()
        self.arrive(closed, Decimal(5), "carbon-1")
        closed.publish()
        assert states(closed) == ("closed", "provisional")
        assert [row["clock"] for row in restated(closed)] == ["cost"]  # April's late line

    def test_is_closed_on_a_clock_of_its_own(self, home: PeriodHome) -> None:
        with pytest.raises(CloudtallyError) as caught:
            close_periods(home.context, MARCH, Clock.CARBON, None, None)
        assert caught.value.code == "CT-CLOSE-NOTHING"
        self.arrive(home, Decimal(5), "carbon-1")
        home.publish()
        [done] = close_periods(home.context, MARCH, Clock.CARBON, "aws", None)
        assert done.contents.sums["kg"]["x_CarbonLocationKg"] == "10"
        assert states(home) == ("provisional", "closed")
        facts = home.context.state().closes[done.period].facts
        assert facts["counted_bills"] == {"2026-03-01": None, "2026-04-01": ["late"]}
        assert (facts["factor_sets"], facts["factor_sets_reason"]) == (["carbon-2026-1"], None)

        self.arrive(home, Decimal("5.5"), "carbon-2")
        stopped = refused(home)
        assert "carbon of aws 2026-03" in stopped.what
        assert "location-based +1 kg CO2e" in stopped.what
        assert "--carbon" in stopped.next_step
        acknowledge_changes(home.context, MARCH, Clock.CARBON, "aws", "the provider restated")
        home.publish()
        [row] = [row for row in restated(home) if row["clock"] == "carbon"]
        assert (row["month"], row["location_kg"]) == ("2026-03-01", "1")
        assert (row["market_kg"], row["billed"], row["currency"]) == (None, None, None)
        assert (row["state_before"], row["cause"]) == ("closed", "correction")
        assert states(home) == ("provisional", "restated")

    def test_a_bill_of_very_many_late_lines_counts_as_a_whole(
        self, home: PeriodHome, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(counted, "MOST_NAMED", 0)
        self.arrive(home, Decimal(5), "carbon-1")
        home.publish()
        [done] = close_periods(home.context, MARCH, Clock.CARBON, "aws", None)
        assert done.counted == {"2026-03-01": None, "2026-04-01": None}

    def test_a_bill_that_nobody_has_seen_must_not_wait(self, home: PeriodHome) -> None:
        self.arrive(home, Decimal(5), "carbon-1")
        home.publish()
        home.deliver("main", MAY, "main-05-1")
        with pytest.raises(CloudtallyError) as caught:
            close_periods(home.context, MARCH, Clock.CARBON, "aws", None)
        assert (caught.value.code, "2026-05" in caught.value.what) == ("CT-CLOSE-DIRTY", True)
        home.build(MAY, lines_of(MAY))
        with pytest.raises(CloudtallyError) as caught:
            close_periods(home.context, MARCH, Clock.CARBON, "aws", None)
        assert caught.value.code == "CT-CLOSE-DIRTY"
        home.publish()
        assert close_periods(home.context, MARCH, Clock.CARBON, "aws", None)

    def test_a_month_that_leaves_lines_out_is_dirty_when_the_carbon_is_reopened(
        self, home: PeriodHome
    ) -> None:
        self.arrive(home, Decimal(5), "carbon-1")
        home.publish()
        close_periods(home.context, MARCH, Clock.CARBON, "aws", None)
        [close] = closed_carbon(home.context.state())
        left_out = [["aws", "2026-03-01", close.at.isoformat()]]
        for late, dirty in ((left_out, ()), ([["aws", "2026-03-01", "earlier"]], (APRIL,))):
            fingerprint = make_plan(home.context).months[APRIL]
            built = {"fingerprint": fingerprint, "shares": "", "late": late}
            home.context.ledger.append(Kind.MONTH_BUILT, month=APRIL, payload=built)
            assert make_plan(home.context).dirty == dirty

    def test_a_closed_usage_month_isnt_moved_by_costs(self, home: PeriodHome) -> None:
        self.arrive(home, Decimal(5), "carbon-1")
        home.publish()
        close_periods(home.context, MARCH, Clock.CARBON, "aws", None)
        home.deliver("main", MARCH, "main-03-2")
        carbon = {"x_CarbonLocationKg": 5, "x_CarbonReportedStatus": "Reported"}
        home.build(MARCH, lines_of(MARCH, BilledCost=99, **carbon))
        home.publish()
        assert {row["clock"] for row in restated(home)} == {"cost"}


class TestPublishing:
    def test_killed_between_the_swap_and_the_record_restates_once(
        self, closed: PeriodHome, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dearer(closed)
        refused(closed)
        acknowledge_changes(closed.context, MARCH, Clock.COST, None, "why")
        candidate = closed.candidate()
        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "append_together", _killed)
            with pytest.raises(KeyboardInterrupt):
                publish(closed.context, candidate)
        assert closed.home.published.resolve() == candidate.folder.resolve()
        assert restated(closed) == []
        shown = candidate.manifest()["restatements"]
        closed.publish()
        assert [row["id"] for row in restated(closed)] == [row["id"] for row in shown]
        closed.publish()
        assert len(restated(closed)) == 1

    def test_events_are_recorded_together_or_not_at_all(self, closed: PeriodHome) -> None:
        dearer(closed)
        refused(closed)
        acknowledge_changes(closed.context, MARCH, Clock.COST, None, "why")
        closed.publish()
        published, row = closed.context.ledger.events()[-2:]
        assert (published.kind, row.kind) == (Kind.PUBLISHED, Kind.RESTATED)
        assert published.at == row.at
        assert row.payload["publication"] == published.payload["publication_id"]

    def test_a_candidate_from_before_a_close_is_not_published(self, home: PeriodHome) -> None:
        candidate = home.candidate()
        close_periods(home.context, MARCH, Clock.COST, None, None)
        with pytest.raises(CloudtallyError) as caught:
            publish(home.context, candidate)
        assert caught.value.code == "CT-PUBLISH-OUTDATED"


class TestAsOf:
    def test_a_copy_is_readable_by_itself(self, closed: PeriodHome, tmp_path: Path) -> None:
        at = _later()
        dearer(closed)
        refused(closed)
        acknowledge_changes(closed.context, MARCH, Clock.COST, None, "why")
        closed.publish()
        first = events(closed, Kind.PUBLISHED)[0].at
        database = write_copy(as_of(closed.context, first, MARCH), tmp_path / "copy")
        with duckdb.connect(str(database), read_only=True) as connection:
            cost = connection.execute(f"select sum(BilledCost) from {FACT}").fetchone()
        assert cost == (Decimal("21.1"),)
        with pytest.raises(CloudtallyError) as caught:
            write_copy(as_of(closed.context, at, MARCH), tmp_path / "copy")
        assert caught.value.code == "CT-ASOF-TARGET"

    def test_what_wasnt_published_then_is_said(self, home: PeriodHome) -> None:
        for moment, month in ((dt.datetime(2020, 1, 1, tzinfo=dt.UTC), MARCH), (_later(), MAY)):
            with pytest.raises(CloudtallyError) as caught:
                as_of(home.context, moment, month)
            assert caught.value.code == "CT-ASOF-NOTHING"
        for path in home.home.kept.rglob("*.parquet"):
            path.unlink()
        with pytest.raises(CloudtallyError) as caught:
            as_of(home.context, _later(), MARCH)
        assert caught.value.code == "CT-ASOF-LOST"

    @pytest.mark.parametrize(
        ("text", "moment"),
        [
            ("2026-04-10", "2026-04-10T23:59:59.999999+00:00"),
            ("2026-04-10T12:00", "2026-04-10T12:00:00+00:00"),
            ("2026-04-10T12:00:00+02:00", "2026-04-10T10:00:00+00:00"),
        ],
    )
    def test_a_day_is_its_end(self, text: str, moment: str) -> None:
        assert moment_of(text).astimezone(dt.UTC).isoformat() == moment
        with pytest.raises(CloudtallyError) as caught:
            moment_of("yesterday")
        assert caught.value.code == "CT-ASOF-DATE"


class TestCommandLine:
    def run(self, home: PeriodHome, *arguments: str) -> Result:
        return CliRunner().invoke(cli, ["--config", str(home.config), *arguments])

    def document(self, home: PeriodHome, *arguments: str) -> Any:
        result = self.run(home, "--json", *arguments)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def test_from_close_to_restatement(self, home: PeriodHome) -> None:
        closed = self.document(home, "close", "--month", "2026-03")
        assert [each["provider"] for each in closed] == ["aws", "azure"]
        dearer(home)
        refused(home)
        accepted = self.document(home, "acknowledge", "--month", "2026-03", "--reason", "why")
        assert [row["billed"] for row in accepted] == ["0.01"]
        home.publish()
        assert [row["billed"] for row in self.document(home, "restatements")] == ["0.01"]
        assert self.document(home, "restatements", "--month", "2026-04") == []
        assert "why" in self.run(home, "restatements").output
        shown = self.document(home, "as-of", "2099-01-01", "--month", "2026-03")
        assert shown["hash_then"] == shown["hash_now"]
        assert "BilledCost" in self.run(home, "as-of", "2099-01-01", "--month", "2026-03").output
        rows = self.document(home, "reopen", "--month", "2026-03", "--reason", "asked")
        assert len(rows) == 2

    @pytest.mark.parametrize(
        "arguments",
        [
            ("close",),
            ("close", "--month", "March"),
            ("close", "--month", "2026-03", "--override", " "),
            ("reopen", "--month", "2026-03"),
            ("acknowledge", "--month", "2026-03", "--reason", ""),
        ],
    )
    def test_mistakes_are_said(self, home: PeriodHome, arguments: Sequence[str]) -> None:
        result = self.run(home, *arguments)
        assert result.exit_code == 2
        assert events(home, Kind.CLOSED) == []


def _killed(*_: Any) -> None:
    raise KeyboardInterrupt


def _later() -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
