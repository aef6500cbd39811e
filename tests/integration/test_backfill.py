"""Backfills in any order, killed at any moment, by the command line or by Dagster, end alike.

A few months and two clouds here, because a month costs a start of dbt; with CLOUDTALLY_FULL=1 36
months of three clouds, every order, and 30 kills (hours on two cores).
"""

import os
import random
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pytest

from dagster_project.months import Month, add_months, month_key
from dagster_project.paths import Home
from dagster_project.pipeline.plan import write_note
from dagster_project.sample_estate import write_estate
from tests.integration import homes
from tests.integration.homes import Place
from tests.pipeline_runs import give_reference

FULL = os.environ.get("CLOUDTALLY_FULL") == "1"
NEWEST = homes.AUGUST
HISTORY = int(os.environ.get("CLOUDTALLY_FULL_MONTHS", "36")) if FULL else 3
MONTHS = tuple(add_months(NEWEST, number - HISTORY + 1) for number in range(HISTORY))
SOURCES = ("aws", "azure", "gcp") if FULL else ("aws-main", "aws-carbon", "gcp-ml", "gcp-carbon")
KILLS = 30 if FULL else 4
# Seconds. A batch of two months is built and published in fewer: every step gets its kills.
LATEST_KILL = 120.0
SEED = 20261127

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Reader(Place):
    """One of several homes that read the same estate; `seconds`: how long it took to fill it."""

    name: str = ""
    seconds: float = 60.0

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.estate / f"{self.name}.yaml"

    @property
    def home(self) -> Home:
        """Folders of the home."""
        return Home(self.estate / self.name)

    def backfill(self, first: Month, last: Month, *more: str) -> homes.Ran:
        """Backfill a range to its end."""
        return self.cloudtally(*span(first, last), *more)


def span(first: Month, last: Month) -> tuple[str, ...]:
    return ("backfill", "--from", month_key(first), "--to", month_key(last))


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("years")
    write_estate(folder, rows=1_000, months=MONTHS, only=SOURCES)
    return folder


def reader(estate: Path, name: str, reference: Home) -> Reader:
    place = Reader(estate, name)
    text = (estate / "cloudtally.yaml").read_text()
    place.config.write_text(text.replace("home: ./warehouse", f"home: ./{name}"))
    give_reference(reference, place.home)
    write_note(place.home, complete=False)
    return place


@pytest.fixture(scope="module")
def by_dagster(estate: Path, reference: Home) -> Reader:
    """A home that Dagster filled by one run over the whole range."""
    place = reader(estate, "by-dagster", reference)
    place.home.dagster.mkdir(parents=True)
    command = [
        homes.sys.executable, "-m", "dagster", "asset", "materialize",
        "-m", "dagster_project.definitions", "--select", "*",
        "--partition-range", f"{month_key(MONTHS[0])}...{month_key(MONTHS[-1])}",
    ]  # fmt: skip
    ran = homes.run_command(
        command, CLOUDTALLY_CONFIG=str(place.config), DAGSTER_HOME=str(place.home.dagster)
    )
    assert ran.code == 0, ran.text[-3000:]
    return replace(place, seconds=ran.seconds)


def require_nothing_twice(place: Reader, like: Reader) -> None:
    """No delivery was accepted twice, and no month was built twice from the same things."""
    accepted = Counter((row[3], row[4], row[5], row[6]) for row in place.events("accepted"))
    assert set(accepted.values()) == {1}, accepted.most_common(3)
    assert set(accepted) == {(r[3], r[4], r[5], r[6]) for r in like.events("accepted")}
    built = Counter((row[4], row[10]) for row in place.events("month_built"))
    assert set(built.values()) == {1}, built.most_common(3)
    assert {month for month, _ in built} == {month.isoformat() for month in MONTHS}
    assert not list(place.home.incoming.rglob("*"))


def test_killed_and_out_of_order_ends_as_dagster_in_one_go(
    by_dagster: Reader, estate: Path, reference: Home
) -> None:
    place = reader(estate, "killed", reference)
    chance = random.Random(SEED)
    middle = MONTHS[len(MONTHS) // 2]
    commands = [span(middle, middle), (*span(MONTHS[0], MONTHS[-1]), "--batch", "2")]
    latest = min(by_dagster.seconds, LATEST_KILL)
    caught = 0
    while commands:
        process = place.start(*commands[0])
        moment = chance.uniform(1.0, latest) if caught < KILLS else None
        ended, said = end(process, moment)
        if ended is None:
            caught += 1
            homes.wait_until_free(place)
        else:
            assert ended == 0, said
            commands.pop(0)
    assert caught > 0
    assert place.hashes() == by_dagster.hashes()
    require_nothing_twice(place, by_dagster)
    again = place.backfill(MONTHS[0], MONTHS[-1])
    assert again.code == 0, again.text
    assert "Nothing to do" in again.text


def end(process: "homes.subprocess.Popen[str]", moment: float | None) -> tuple[int | None, str]:
    """Wait for a command, or kill it and all that it started after some seconds."""
    try:
        said, _ = process.communicate(timeout=moment)
    except homes.subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None, ""
    return process.returncode, said


def orders() -> Iterator[Sequence[tuple[str, ...]]]:
    newest_first = [(*span(MONTHS[0], MONTHS[-1]), "--batch", "12")]
    years = [MONTHS[at : at + 12] for at in range(0, len(MONTHS), 12)]
    oldest_first = [span(year[0], year[-1]) for year in years]
    shuffled = random.Random(SEED).sample(MONTHS, len(MONTHS))
    yield pytest.param(newest_first, id="newest first")
    yield pytest.param(oldest_first, id="oldest first")
    yield pytest.param([span(month, month) for month in shuffled], id="month by month, shuffled")


@pytest.mark.skipif(not FULL, reason="takes hours; CLOUDTALLY_FULL=1")
@pytest.mark.parametrize("commands", orders())
def test_every_order_ends_alike(
    commands: Sequence[tuple[str, ...]],
    by_dagster: Reader,
    estate: Path,
    reference: Home,
    request: pytest.FixtureRequest,
) -> None:
    place = reader(estate, f"order-{request.node.callspec.indices['commands']}", reference)
    for command in commands:
        ran = place.cloudtally(*command)
        assert ran.code == 0, ran.text
    assert place.hashes() == by_dagster.hashes()
    require_nothing_twice(place, by_dagster)


def shorter(table: pa.Table) -> pa.Table:
    return table.slice(0, 1)


def longer(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table, table.slice(0, 1)])


def test_one_bad_unit_stops_no_other_and_the_exit_code_tells(by_dagster: Reader) -> None:
    """The last test of the file: it changes the estate."""
    place, (bad, good) = by_dagster, MONTHS[-2:]
    parts = place.parts()
    homes.restate_aws(place, bad, shorter)
    homes.restate_aws(place, good, longer)
    plan = place.backfill(MONTHS[0], MONTHS[-1], "--dry-run")
    assert plan.code == 0, plan.text
    assert "2 restated" in plan.text
    assert "about" in plan.text
    ran = place.backfill(MONTHS[0], MONTHS[-1])
    assert ran.code == 3, ran.text
    assert "CT-LAND-SHRINK" in ran.text
    assert f"aws-main {month_key(bad)} quarantined" in ran.text
    moved = {month for month in parts if place.parts()[month] != parts[month]}
    assert good.isoformat() in moved
    assert bad.isoformat() not in moved
    [state] = place.query(
        "select state from mart_data_calendar"
        f" where source_name = 'aws-main' and month = date '{bad}'"
    )
    assert state == ("quarantined",)
