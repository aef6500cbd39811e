"""Every service of the public samples and of the sample estate has its place in FOCUS.

The spellings of the samples stand in tests/fixtures/sample_services.csv, so that the test runs
anywhere. Where the samples themselves are at hand, CLOUDTALLY_SAMPLES names their folder, and they
are read in place: a sample that grew is seen.
"""

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_project.sample_estate import company_aws, company_azure, company_gcp
from dagster_project.sample_estate.model import Service

ROOT = Path(__file__).parents[2]
COMPANIES = {"aws": company_aws, "azure": company_azure, "gcp": company_gcp}

# Sold on a marketplace under a code of its own: no table can list those.
MARKETPLACE = {"Lanternwatch Observability"}

# One ConsumedService, several services; the resource type or the meter category tells them apart.
SEVERAL = {
    f"microsoft.{name}"
    for name in ("compute", "containerservice", "eventgrid", "mixedreality", "network", "security")
}
NO_SERVICE = {"compute"}
"""A heading of the converters' AWS table, not a product."""


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def mapped() -> dict[tuple[str, str], tuple[str, str]]:
    return {
        (row["provider"], row["service_code"].lower()): (
            row["service_category"],
            row["service_subcategory"],
        )
        for row in rows(ROOT / "seeds" / "maps" / "service_map.csv")
    }


def services(provider: str) -> list[Service]:
    values = vars(COMPANIES[provider]).values()
    return [value for value in values if isinstance(value, Service)]


def test_every_service_of_the_listed_samples_is_mapped() -> None:
    known = mapped()
    listed = rows(ROOT / "tests" / "fixtures" / "sample_services.csv")

    lacking = [
        (row["provider"], row["spelling"])
        for row in listed
        if (row["provider"], row["spelling"].lower()) not in known
    ]

    assert len(listed) > 400
    assert lacking == []


@pytest.mark.parametrize("provider", sorted(COMPANIES))
def test_every_service_of_the_sample_estate_is_mapped(provider: str) -> None:
    known = mapped()
    found = [service for service in services(provider) if service.name not in MARKETPLACE]

    assert len(found) >= 6
    for service in found:
        assert known[provider, service.name.lower()][0] == service.category, service
        assert (provider, service.code.lower()) in known, service


def samples() -> Path:
    folder = os.environ.get("CLOUDTALLY_SAMPLES", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip(
            "THE PUBLIC SAMPLES WERE NOT READ: set CLOUDTALLY_SAMPLES to their folder; "
            "the listed spellings were checked"
        )
    return Path(folder)


def spellings(folder: Path) -> Iterator[tuple[str, str]]:
    for row in rows(folder / "focus-sample-data" / "focus_sample.csv"):
        provider = {"AWS": "aws", "Microsoft": "azure"}.get(row["ProviderName"])
        if provider:
            yield provider, row["ServiceName"]
    for provider in COMPANIES:
        path = folder / "focus_converters" / f"{provider}_category_mapping.csv"
        for row in rows(path):
            yield provider, next(iter(row.values())).rstrip("*")
    for row in rows(folder / "finops-toolkit" / "Services.csv"):
        yield "azure", row["ServiceName"]


def test_every_service_of_the_samples_at_hand_is_mapped() -> None:
    known = mapped()
    found = {(provider, name.lower()) for provider, name in spellings(samples())}

    lacking = found - set(known)

    assert {name for _, name in lacking} <= SEVERAL | NO_SERVICE
