"""Durations that are written down: read back, bounded, and no loss when they are gone."""

import json
from pathlib import Path

import pytest

from dagster_project.pipeline import timings
from dagster_project.pipeline.timings import REMEMBERED, Step, Timing, read_timings, timed


def test_what_was_timed_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "home" / "timings.jsonl"
    with timed(file, Step.ARRIVE, "main") as tally:
        tally.units, tally.bytes = 3, 4_000
    with timed(file, Step.BUILD) as tally:
        tally.units = 12
    arrived, built = read_timings(file)
    assert (arrived.step, arrived.source, arrived.units, arrived.bytes) == (
        Step.ARRIVE, "main", 3, 4_000,
    )  # fmt: skip
    assert (built.step, built.units) == (Step.BUILD, 12)
    assert 0 <= arrived.seconds < 60


def test_nothing_done_and_nothing_finished_leave_no_line(tmp_path: Path) -> None:
    file = tmp_path / "timings.jsonl"
    with timed(file, Step.ARRIVE, "main"):
        pass
    with pytest.raises(RuntimeError), timed(file, Step.BUILD) as tally:
        tally.units = 1
        raise RuntimeError
    assert not file.exists()
    assert read_timings(file) == []


def test_lines_of_a_killed_writer_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "timings.jsonl"
    with timed(file, Step.MARTS) as tally:
        tally.units = 1
    whole = file.read_text()
    file.write_text(f'{{"step": "gone"}}\n\x00\n[1]\n{whole}{whole[:20]}')
    assert [timing.step for timing in read_timings(file)] == [Step.MARTS]


def test_a_long_file_begins_anew_with_what_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "timings.jsonl"
    lines = [json.dumps(vars(Timing(Step.BUILD, float(n), 1))) for n in range(REMEMBERED + 50)]
    file.write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(timings, "_LONGEST_FILE", 100)
    with timed(file, Step.MARTS) as tally:
        tally.units = 1
    assert len(file.read_text().splitlines()) == REMEMBERED + 1
    assert read_timings(file)[-1].step is Step.MARTS
