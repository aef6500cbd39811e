"""One company's exports, served from five kinds of places, land and become the same.

What happens after decoding reads decoded files and the ledger, and nothing else: the place is no
column of either, delivery ids are made of contents, and the models name no store (layering tests
hold that). So equal deliveries and equal decoded bytes mean equal facts. That is shown for every
store; the facts themselves are built and compared row for row for S3 here, and for all stores when
CLOUDTALLY_FULL=1.
"""

import datetime as dt
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dagster_project.paths import Home
from dagster_project.pipeline import steps
from dagster_project.pipeline.context import Context
from dagster_project.sample_estate import write_estate
from dagster_project.settings import load_settings
from tests.integration.test_stores import Place, S3Place, build
from tests.pipeline_runs import differences, give_reference, land

MONTHS = (dt.date(2026, 7, 1), dt.date(2026, 8, 1))
SOURCES = ("aws-main", "aws-carbon", "azure-legacy", "azure-carbon", "gcp-ml", "gcp-carbon")
SERVED = ("rclone", "moto", "azurite", "gcs")
BUILT = SERVED if os.environ.get("CLOUDTALLY_FULL") == "1" else ("rclone",)


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("estate")
    write_estate(folder, rows=1_500, months=MONTHS, only=SOURCES)
    return folder


@pytest.fixture(scope="module")
def local(estate: Path, reference: Home) -> Context:
    """The exports read from the disk."""
    context = Context(load_settings(estate / "cloudtally.yaml"))
    give_reference(reference, context.home)
    land(context)
    return context


@pytest.fixture(scope="module")
def local_fact(local: Context) -> Home:
    steps.build_months(local)
    return local.home


def served_context(
    name: str, local: Context, home: Path, request: pytest.FixtureRequest
) -> Context:
    """Upload the exports with the provider's own SDK and land them from there."""
    place = build(name, request)
    exports = Path(local.settings.sources[0].location.removeprefix("file://")).parents[1]
    for file in sorted(path for path in exports.rglob("*") if path.is_file()):
        place.put(f"exports/{file.relative_to(exports).as_posix()}", file.read_bytes())
    sources = [
        source.model_copy(update=where(place, Path(source.location), exports))
        for source in local.settings.sources
    ]
    settings = local.settings.model_copy(update={"home": home, "sources": tuple(sources)})
    context = Context(settings)
    land(context)
    return context


def where(place: Place, location: Path, exports: Path) -> dict[str, Any]:
    """Return the settings of a source in its new place."""
    folder = location.as_posix().removeprefix("file:").partition(exports.as_posix())[2]
    options: Mapping[str, Any] = {}
    if isinstance(place, S3Place) and place.server is not None:
        options = {"endpoint_url": place.server.url}
    return {"location": place.open(f"exports{folder}").location, "options": options}


def decisions(context: Context) -> dict[tuple[Any, ...], tuple[str, Any]]:
    """Return id and contents of the current delivery of every unit."""
    return {
        (unit.source, unit.month, unit.variant): (decision.delivery_id, decision.payload["content"])
        for unit, decision in context.state().current.items()
    }


def landed(home: Home) -> dict[str, str]:
    """Hash every landed file; of our own manifest only what says something of the contents."""
    found = {}
    for path in sorted(home.landing.glob("[!.]*/**/*")):
        if path.name == "delivery.json":
            totals = json.loads(path.read_text())["totals"]
            found[name_of(path, home.landing)] = json.dumps(totals, sort_keys=True)
        elif path.is_file():
            found[name_of(path, home.landing)] = sha256(path)
    return found


def decoded(home: Home) -> dict[str, str]:
    """Hash every decoded file."""
    return {
        name_of(path, home.decoded): sha256(path)
        for path in sorted(home.decoded.rglob("*"))
        if path.is_file()
    }


def name_of(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.server
@pytest.mark.parametrize("name", SERVED)
def test_deliveries_are_the_same(
    name: str, local: Context, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    served = served_context(name, local, tmp_path / "home", request)

    assert decisions(served) == decisions(local)
    assert landed(served.home) == landed(local.home)
    assert decoded(served.home) == decoded(local.home)
    assert len(decoded(local.home)) > len(decisions(local)) > len(SOURCES)


@pytest.mark.server
@pytest.mark.parametrize("name", BUILT)
def test_fact_is_the_same_row_for_row(
    name: str,
    local: Context,
    local_fact: Home,
    reference: Home,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    served = served_context(name, local, tmp_path / "home", request)
    give_reference(reference, served.home)
    steps.build_months(served)

    assert differences(local_fact, served.home) == []
    assert sorted(path.parent.name for path in facts(served.home)) == [
        f"billing_month={month}" for month in MONTHS
    ]


def facts(home: Home) -> list[Path]:
    return list((home.lake / "fct_cost_and_carbon").glob("*/part.parquet"))
