"""The methodology page says what the seeds hold."""

from dagster_project.docs_site.methodology import KINDS, QUALITIES, render
from dagster_project.paths import PROJECT_ROOT
from dagster_project.reference import seed_rows

PAGE = PROJECT_ROOT / "docs" / "methodology.md"
COMMAND = "python -m dagster_project.docs_site.methodology docs/methodology.md"


def test_the_committed_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), f"Run `{COMMAND}`."


def test_every_kind_of_factor_and_quality_has_its_words() -> None:
    assert {row["factor_kind"] for row in seed_rows("carbon/carbon_factors")} == set(KINDS)
    qualities = {row["quality"] for row in seed_rows("carbon/carbon_usage_rules")} - {""}
    assert qualities <= set(QUALITIES)


def test_every_source_of_a_factor_is_named() -> None:
    page = render()
    assert [r for r in seed_rows("carbon/carbon_factors") if r["source"] not in page] == []
