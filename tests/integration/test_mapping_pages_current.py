"""Every conform model of charges maps all of FOCUS, and the pages in the repository say so."""

from typing import Any

from dagster_project.docs_site.mapping import focus_columns, mappings, problems, render_pages
from dagster_project.paths import PROJECT_ROOT, SEEDS
from tests.completeness import dbt_variables

FOLDER = PROJECT_ROOT / "docs" / "mapping"
COLUMNS = focus_columns(SEEDS / "focus" / "focus_columns.csv")
COMMAND = (
    "python -m dagster_project.docs_site.mapping"
    " <manifest> seeds/focus/focus_columns.csv docs/mapping"
)


def test_every_conform_model_of_charges_states_its_mapping(manifest: dict[str, Any]) -> None:
    variables = dbt_variables()
    exports = {(room, "focus") for room in variables["providers"]} | {
        (room, kind) for room, kinds in variables["native_exports"].items() for kind in kinds
    }

    assert {(mapping.room, mapping.kind) for mapping in mappings(manifest)} == exports


def test_a_mapping_has_a_rule_for_every_column(manifest: dict[str, Any]) -> None:
    found = {mapping.model: problems(mapping, COLUMNS) for mapping in mappings(manifest)}

    assert len(COLUMNS) == 67
    assert {model: complaints for model, complaints in found.items() if complaints} == {}


def test_the_committed_pages_are_up_to_date(manifest: dict[str, Any]) -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}

    assert committed == render_pages(manifest, COLUMNS), (
        f"Run `dbt parse`, then `{COMMAND}`; delete pages of exports that are gone."
    )
