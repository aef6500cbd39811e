"""Whole runs from exports to published marts, as a user starts them.

The tests share one built home; each begins with it as it was right after the first run.
"""

import functools
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from dagster_project.cli.truth import compare_with_truth
from tests.integration import homes
from tests.integration.homes import AUGUST, JULY, JUNE, MAY, OpenReader, Place, Ran

COSTS = (
    "select billing_month, sum(billed_cost) from mart_spend_carbon_daily"
    " where provider = 'onprem' group by 1 order by 1"
)

TOKENS = """
select
    mart.sci_kg_per_million_units_ratio,
    sum(case when fact.SkuMeter like '%-input-tokens' then fact.ConsumedQuantity end),
    sum(case when fact.SkuMeter like '%-output-tokens' then fact.ConsumedQuantity end),
    sum(case when fact.SkuMeter not like '%-tokens' then fact.x_EstimatedCarbonKg end)
from fct_cost_and_carbon as fact
inner join mart_ai_workload as mart
    on
        mart.workload = fact.x_Workload
        and mart.workload_phase = fact.x_WorkloadPhase
        and mart.usage_month = date_trunc('month', fact.ChargePeriodStart)
where mart.workload = 'support-bot' and fact.ChargeCategory = 'Usage'
group by mart.usage_month, mart.sci_kg_per_million_units_ratio
"""


@dataclass(frozen=True)
class Built:
    """A home after its first run, the copy that it is put back from, and how that run went."""

    place: Place
    saved: Path
    first: Ran


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("whole")
    place = homes.write_place(folder / "estate")
    first = place.cloudtally("--json", "run")
    homes.save(place, folder / "saved")
    return Built(place, folder / "saved", first)


@pytest.fixture
def place(built: Built) -> Place:
    homes.put_back(built.place, built.saved)
    return built.place


@pytest.fixture
def reader(place: Place) -> Iterator[OpenReader]:
    opened = OpenReader(place.database)
    yield opened
    opened.close()


class TestFirstRun:
    def test_ends_well_and_prints_one_document_for_machines(self, built: Built) -> None:
        assert built.first.code == 0, built.first.text
        document = json.loads(built.first.out)
        assert document["outcome"] == "published"
        assert document["problems"] == []
        assert "Warning" not in built.first.err
        assert "Traceback" not in built.first.err

    def test_every_total_equals_what_the_company_knows(self, place: Place) -> None:
        agreement = compare_with_truth(place.database, place.estate)
        assert agreement.differences == ()
        assert agreement.compared > 100

    def test_what_tokens_emit_is_what_is_worked_out_from_the_bill(self, place: Place) -> None:
        """2.459438 Wh at 384.4 g/kWh and 0.0765828 g of making for a thousand tokens written."""
        of_a_thousand = Decimal("2.459438") * Decimal("0.3844") / 1000 + Decimal("0.0000765828")
        with duckdb.connect(str(place.database), read_only=True) as published:
            rows = published.execute(TOKENS).fetchall()
        assert rows
        for intensity, thousands_read, thousands_written, machines_kg in rows:
            kilograms = thousands_written * of_a_thousand + (machines_kg or 0)
            millions = (thousands_read + thousands_written) / 1000
            assert intensity == pytest.approx(float(kilograms / millions), abs=1e-6)

    def test_an_opened_report_and_a_status(self, place: Place) -> None:
        shown = place.cloudtally("dashboard", "--no-browser")
        assert shown.code == 0
        assert Path(shown.out.strip().removeprefix("file://")).is_file()
        status = place.cloudtally("status")
        assert status.code == 0, status.text
        assert "quarantined" not in status.text
        rows = json.loads(place.cloudtally("--json", "status").out)
        assert {row["state"] for row in rows} <= {"arrived", "pending"}


class TestNothingToBuild:
    def test_a_first_run_that_accepts_nothing_says_so(self, tmp_path: Path) -> None:
        place = homes.write_place(tmp_path / "estate")
        for manifest in (place.estate / "exports").rglob("*anifest.json"):
            manifest.write_text("no manifest")
        for folder in ("onprem", "snowpeak"):
            shutil.rmtree(place.estate / "exports" / folder)
        ran = place.cloudtally("run")
        assert ran.code != 0
        assert "CT-BUILD-NOTHING" in ran.text
        assert "CT-BUILD-MODEL" not in ran.text
        assert "Blocking asset check" not in ran.text
        assert not place.database.exists()


class TestSecondRun:
    def test_finds_nothing_to_do(self, place: Place) -> None:
        events, hashes = place.events(), place.hashes()
        told = "import sys, atexit; atexit.register(lambda: print('dagster' in sys.modules))"
        ran = place.cloudtally("run", first=told)
        assert ran.code == 0, ran.text
        assert "Nothing to do" in ran.out
        assert ran.out.strip().endswith("False"), "Dagster was imported for nothing"
        assert ran.seconds < 30
        assert place.events() == events
        assert place.hashes() == hashes

    def test_does_not_need_decoded_files(self, place: Place) -> None:
        shutil.rmtree(place.home.decoded)
        ran = place.cloudtally("run")
        assert ran.code == 0, ran.text
        assert "Nothing to do" in ran.out

    def test_shows_a_held_lock(self, place: Place) -> None:
        hashes = place.hashes()
        hold = (
            "from dagster_project.pipeline.lock import home_lock; from pathlib import Path\n"
            f"held = home_lock(Path({str(place.home.lock)!r})); held.__enter__()\n"
            "import subprocess, sys\n"
            "ended = subprocess.run(sys.argv[1:])\n"
            "sys.exit(ended.returncode)"
        )
        command = [homes.sys.executable, "-c", hold, *place.command("run")]
        ran = homes.run_command(command)
        assert ran.code == 1
        assert "[CT-HOME-LOCKED]" in ran.text
        assert "Traceback" not in ran.text
        assert place.hashes() == hashes


class TestRebuilding:
    def test_only_the_ledger_and_the_landed_bytes_are_needed(self, place: Place) -> None:
        hashes, events = place.hashes(), place.events()
        for folder in (place.home.warehouse, place.home.decoded, place.home.publications):
            shutil.rmtree(folder)
        place.home.published.unlink()
        shutil.rmtree(place.home.kept)
        ran = place.cloudtally("run")
        assert ran.code == 0, ran.text
        assert place.hashes() == hashes
        assert place.events()[: len(events)] == events
        assert len(place.events("accepted")) == len([e for e in events if e[2] == "accepted"])

    @pytest.mark.slow
    def test_a_lost_link_is_made_again_without_building_a_month(self, place: Place) -> None:
        hashes, built = place.hashes(), place.events("month_built")
        place.home.published.unlink()
        ran = place.cloudtally("run")
        assert ran.code == 0, ran.text
        assert place.hashes() == hashes
        assert place.events("month_built") == built

    @pytest.mark.slow
    def test_a_home_that_was_moved_is_readable_where_it_is_now(self, place: Place) -> None:
        hashes, accepted = place.hashes(), place.events("accepted")
        moved = Place(place.estate.with_name("moved"))
        place.estate.rename(moved.estate)
        ran = moved.cloudtally("run")
        assert ran.code == 0, ran.text
        assert moved.hashes() == hashes
        assert moved.events("accepted") == accepted
        assert moved.query("select count(*) > 0 from focus_v1_2") == [(True,)]
        shutil.rmtree(moved.estate)


class TestRestatement:
    def test_a_broken_promise_keeps_it_back_and_readers_keep_their_numbers(
        self, place: Place, reader: OpenReader
    ) -> None:
        before, parts, hashes = reader.ask(COSTS), place.parts(), place.hashes()
        shutil.rmtree(place.home.decoded)
        homes.restate_onprem(place, JULY, homes.dearer, "dearer")

        blocked = place.cloudtally("run", first=homes.IMPOSSIBLE_PROMISE)
        assert blocked.code == 1, blocked.text
        assert homes.IMPOSSIBLE in blocked.text
        assert "Traceback" not in blocked.text
        assert place.hashes() == hashes
        [failed] = place.events("checks_failed")
        assert homes.IMPOSSIBLE in failed[-1]
        months_built = place.events("month_built")

        ran = place.cloudtally("run")
        assert ran.code == 0, ran.text
        assert place.events("month_built") == months_built
        assert reader.ask(COSTS) == before
        cost = {month: (total,) for month, total in place.query(COSTS)}
        assert cost[JULY] != cost[JUNE]
        assert str(place.query(COSTS)) != before
        assert {month for month in parts if place.parts()[month] != parts[month]} == {
            JULY.isoformat()
        }
        assert _changed(hashes, place.hashes(), parts) == {JULY.isoformat()}

    def test_late_usage_rebuilds_its_month_too_and_a_bad_delivery_stops_nobody(
        self, place: Place
    ) -> None:
        parts, hashes = place.parts(), place.hashes()
        homes.restate_aws(place, JULY, homes.used_a_month_before)
        homes.restate_onprem(place, AUGUST, lambda rows: rows[:5], "cut-off")
        august = place.query(COSTS)

        ran = place.cloudtally("run")
        assert ran.code == 3, ran.text
        assert "CT-LAND-SHRINK" in ran.text
        touched = {JUNE.isoformat(), JULY.isoformat()}
        assert _changed(hashes, place.hashes(), parts) == touched
        assert {month for month in parts if place.parts()[month] != parts[month]} == touched
        assert place.query(COSTS) == august
        [(state, reason)] = place.query(
            "select state, reason from mart_data_calendar"
            f" where source_name = 'onprem' and month = date '{AUGUST}'"
        )
        assert state == "quarantined"
        assert "CT-LAND-SHRINK" in reason
        status = place.cloudtally("status")
        assert status.code == 3
        assert "onprem 2026-08 quarantined" in status.text
        assert _failed_checks(place) == {"landing/onprem"}

        again = place.cloudtally("run")
        assert again.code == 3
        assert "Nothing to do" in again.text

    @pytest.mark.slow
    def test_a_month_that_becomes_empty_comes_out_empty(self, place: Place) -> None:
        homes.restate_onprem(place, MAY, lambda _rows: [], "withdrawn")
        parts = place.parts()
        ran = place.cloudtally("run", "--accept-shrink", "the data centre was billed elsewhere")
        assert ran.code == 0, ran.text
        assert (
            place.query(f"select 1 from mart_spend_carbon_daily where billing_month = '{MAY}'")
            == []
        )
        assert place.query(
            f"select count(*) from fct_cost_and_carbon where x_BillingMonth = date '{MAY}'"
        ) == [(0,)]
        moved = {month for month in parts if place.parts().get(month) != parts[month]}
        assert moved == {MAY.isoformat()}
        [accepted] = [event for event in place.events("accepted") if event[8]]
        assert accepted[8] == "the data centre was billed elsewhere"


def _changed(before: dict[str, str], after: dict[str, str], months: dict[str, int]) -> set[str]:
    return {month for month in months if before[month] != after[month]}


def _failed_checks(place: Place) -> set[str]:
    """Return the assets whose checks failed in the newest run of the home's Dagster instance."""
    script = (
        "import dagster as dg, sys\n"
        "with dg.DagsterInstance.get() as instance:\n"
        "    [run] = instance.get_runs(limit=1)\n"
        "    for entry in instance.all_logs(run.run_id,"
        " of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):\n"
        "        check = entry.dagster_event.asset_check_evaluation_data\n"
        "        if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR:\n"
        "            print(check.asset_key.to_user_string())\n"
    )
    ran = homes.run_command(
        [homes.sys.executable, "-c", script], DAGSTER_HOME=str(place.home.dagster)
    )
    return set(ran.out.split())


class TestSelection:
    def test_a_chosen_month_leaves_the_others_and_lost_sources_stop_nobody(
        self, place: Place
    ) -> None:
        parts, accepted = place.parts(), len(place.events("accepted"))
        homes.restate_onprem(place, JUNE, homes.dearer, "june")
        homes.restate_onprem(place, JULY, homes.dearer, "july")
        (place.estate / "exports/aws/labs-focus").rename(place.estate / "moved-away")
        homes.restate_aws(place, JULY, homes.used_a_month_before)
        ran = place.cloudtally("run", "--month", "2026-07", first=homes.AWS_READ_IS_DENIED)
        assert ran.code == 3, ran.text
        summary = ran.text.partition("\npublished ")[2]
        assert "aws-sandbox all months failed: [CT-STORE-NOTFOUND]" in summary
        assert "aws-main 2026-07 failed: [CT-STORE-DENIED]" in summary
        assert len(place.events("accepted")) == accepted + 1
        moved = {month for month in parts if place.parts()[month] != parts[month]}
        assert moved == {JULY.isoformat()}


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            (None, "CT-CONFIG-MISSING"),
            ("home: [", "CT-CONFIG-YAML"),
            ("home: ./w\nsurces: []", "CT-CONFIG-INVALID"),
            (
                "home: ./w\nsources: [{name: a, provider: aws, export: inventory, location: x}]",
                "CT-CONFIG-INVALID",
            ),
        ],
    )
    def test_a_configuration_mistake_is_one_sentence(
        self, tmp_path: Path, text: str | None, code: str
    ) -> None:
        if text is not None:
            (tmp_path / "cloudtally.yaml").write_text(text)
        ran = Place(tmp_path).cloudtally("run")
        assert ran.code == 2
        assert ran.text.count(f"[{code}]") == 1
        assert "Traceback" not in ran.text

    def test_a_month_that_is_none_is_named(self, tmp_path: Path) -> None:
        ran = Place(tmp_path).cloudtally("run", "--month", "2026-13")
        assert ran.code == 2
        assert "Traceback" not in ran.text

    def test_nothing_published_has_no_dashboard(self, tmp_path: Path) -> None:
        (tmp_path / "cloudtally.yaml").write_text("home: ./warehouse")
        ran = Place(tmp_path).cloudtally("dashboard", "--no-browser")
        assert ran.code == 1
        assert "[CT-DASHBOARD-NOTHING]" in ran.text

    def test_no_source_is_nothing_to_do(self, tmp_path: Path) -> None:
        (tmp_path / "cloudtally.yaml").write_text("home: ./warehouse")
        ran = Place(tmp_path).cloudtally("run")
        assert "Traceback" not in ran.text
        assert "source" in ran.text


# What there is to be seen of a run that began at a moment, and when: files newer than that.
KILLED_WHEN: dict[str, Callable[[Place, float], bool]] = {
    "deliveries are fetched": lambda place, began: _newer(place.home.ledger, began),
    "charges are built": lambda place, began: _newer(place.home.lake / "int_charges__keyed", began),
    "facts are built": lambda place, began: _newer(place.home.lake / "fct_cost_and_carbon", began),
    "marts are built": lambda place, began: _newer(place.home.lake / MARTS_FOLLOW, began),
    "the publication is built": lambda place, began: _newest(place, began) is not None,
    "promises are checked": lambda place, began: _has(place, began, "manifest.json"),
    "all is checked": lambda place, began: _has(place, began, "checks.json"),
}
MARTS_FOLLOW = "mart_spend_carbon_daily"


def _newer(path: Path, began: float) -> bool:
    files = [path] if path.is_file() else path.glob("*/part.parquet")
    return any(file.stat().st_mtime > began for file in files)


def _newest(place: Place, began: float) -> Path | None:
    folders = [path for path in place.home.publications.iterdir() if path.is_dir()]
    newest = max(folders, key=lambda path: path.name)
    return newest if newest.stat().st_mtime > began else None


def _has(place: Place, began: float, name: str) -> bool:
    newest = _newest(place, began)
    return newest is not None and (newest / name).exists()


@pytest.mark.slow
class TestKills:
    def test_leave_readers_alone_and_the_next_run_finishes(
        self, built: Built, place: Place
    ) -> None:
        homes.restate_onprem(place, JULY, homes.dearer, "dearer")
        assert place.cloudtally("run").code == 0
        wanted = place.hashes()

        homes.put_back(place, built.saved)
        shutil.rmtree(place.home.warehouse)
        shutil.rmtree(place.home.decoded)
        homes.restate_onprem(place, JULY, homes.dearer, "dearer")
        hashes, costs = place.hashes(), place.query(COSTS)
        for moment, has_come in KILLED_WHEN.items():
            began = time.time()
            process = place.start("run")
            come = functools.partial(has_come, place, began)
            try:
                caught = homes.wait_for(come, process)
            finally:
                os.kill(process.pid, signal.SIGKILL)
                said, _ = process.communicate()
            assert caught, f"{moment}: {said}"
            assert (place.hashes(), place.query(COSTS)) == (hashes, costs), moment
            homes.wait_until_free(place)
        last = place.cloudtally("run")
        assert last.code == 0, last.text
        assert place.hashes() == wanted
        assert "Nothing to do" in place.cloudtally("run").text


@pytest.mark.slow
class TestDagster:
    def test_its_own_command_line_gives_the_same_publication(self, place: Place) -> None:
        hashes = place.hashes()
        shutil.rmtree(place.home.root)
        place.home.dagster.mkdir(parents=True)
        command = [
            homes.sys.executable, "-m", "dagster", "asset", "materialize",
            "-m", "dagster_project.definitions", "--select", "*",
            "--partition-range", "2026-05...2026-08",
        ]  # fmt: skip
        ran = homes.run_command(
            command, CLOUDTALLY_CONFIG=str(place.config), DAGSTER_HOME=str(place.home.dagster)
        )
        assert ran.code == 0, ran.text[-3000:]
        assert place.hashes() == hashes
        assert "Nothing to do" in place.cloudtally("run").text

        homes.restate_onprem(place, JULY, homes.dearer, "dearer")
        span = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
        command = [
            homes.sys.executable, "-m", "dagster", "job", "execute",
            "-m", "dagster_project.definitions", "-j", "cloudtally_run",
            "--tags", json.dumps(dict.fromkeys(span, "2026-07")),
        ]  # fmt: skip
        ran = homes.run_command(
            command, CLOUDTALLY_CONFIG=str(place.config), DAGSTER_HOME=str(place.home.dagster)
        )
        assert ran.code == 0, ran.text[-3000:]
        assert _changed(hashes, place.hashes(), place.parts()) == {JULY.isoformat()}

    def test_definitions_load_as_dagster_checks_them(self, place: Place) -> None:
        dg = Path(homes.sys.executable).with_name("dg")
        ran = homes.run_command([str(dg), "check", "defs"], CLOUDTALLY_CONFIG=str(place.config))
        assert ran.code == 0, ran.text
