"""The official FOCUS validator on the sample estate, and the reading of its report."""

import datetime as dt
from pathlib import Path

import pytest

from dagster_project.paths import Home
from dagster_project.pipeline.context import Context
from dagster_project.sample_estate import write_estate
from dagster_project.settings import load_settings
from tests.conformance.environment import ValidatorMissingError
from tests.conformance.export import export_focus
from tests.conformance.validate import DEFECTS, Verdict, known_defects, validate
from tests.pipeline_runs import built, give_reference, land

MONTHS = tuple(dt.date(2026, month, 1) for month in (6, 7, 8))
# aws-sandbox is a FOCUS 1.0 export: the columns that 1.1 and 1.2 made mandatory aren't in it.
OLDER = ("aws-sandbox",)


@pytest.fixture(scope="module")
def context(reference: Home, tmp_path_factory: pytest.TempPathFactory) -> Context:
    folder = tmp_path_factory.mktemp("estate")
    write_estate(folder, rows=4_000, months=MONTHS)
    found = Context(load_settings(folder / "cloudtally.yaml"))
    give_reference(reference, found.home)
    land(found)
    built(found).close()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_nothing_fails_but_the_validators_own_defects(
    version: str, context: Context, tmp_path: Path
) -> None:
    exported = tmp_path / "charges.parquet"
    assert export_focus(context.home.database, version, exported, OLDER) > 3_000
    try:
        verdict = validate(exported, version)
    except ValidatorMissingError as missing:
        pytest.skip(f"VALIDATOR MISSING: {missing}")
    known = known_defects(version)

    assert verdict.unexplained(known) == [], verdict.counts()
    assert verdict.healed(known) == [], "take these out of validator_defects.csv"


def verdict_of(*failed: str) -> Verdict:
    parts = {"whole": frozenset({"group", "other"}), "group": frozenset({"one", "two"})}
    return Verdict("1.2", frozenset(), frozenset(failed), frozenset(), parts)


def test_a_composite_rule_is_explained_by_its_parts() -> None:
    assert verdict_of("whole", "group", "one").unexplained({"one": "inverted"}) == []


def test_a_failure_beside_a_known_defect_is_seen_in_every_rule_above_it() -> None:
    found = verdict_of("whole", "group", "one", "two").unexplained({"one": "inverted"})

    assert found == ["group", "two", "whole"]


def test_a_composite_rule_that_fails_alone_is_not_explained() -> None:
    assert verdict_of("whole").unexplained({"one": "inverted"}) == ["whole"]


def test_a_defect_that_no_longer_shows_is_named() -> None:
    assert verdict_of("one").healed({"one": "inverted", "two": "too strict"}) == ["two"]


def test_every_known_defect_has_its_reason_and_its_proof() -> None:
    lines = DEFECTS.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "version,rule,reason,verified"
    for version in ("1.2", "1.3"):
        assert known_defects(version)
        assert all(len(reason) > 20 for reason in known_defects(version).values())
