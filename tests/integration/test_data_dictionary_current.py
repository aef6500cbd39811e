"""The data dictionary in the repository is the one that the dbt project gives, and complete."""

from collections.abc import Iterator
from typing import Any

from dagster_project.docs_site.data_dictionary import render_dictionary
from dagster_project.paths import PROJECT_ROOT

DICTIONARY = PROJECT_ROOT / "docs" / "data_dictionary.md"
COMMAND = "python -m dagster_project.docs_site.data_dictionary <manifest> docs/data_dictionary.md"
ADDITIVITY = {"additive", "semi-additive", "ratio", "never-add", "none"}
MEASURES = ADDITIVITY - {"none"}


def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def published_columns(manifest: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for model in models(manifest):
        if model["path"].startswith("marts/"):
            for name, column in model["columns"].items():
                yield f"{model['name']}.{name}", column


def test_the_committed_dictionary_is_up_to_date(manifest: dict[str, Any]) -> None:
    assert DICTIONARY.read_text(encoding="utf-8") == render_dictionary(manifest), (
        f"Run `dbt parse`, then `{COMMAND}`."
    )


def test_every_model_says_its_grain(manifest: dict[str, Any]) -> None:
    silent = [m["name"] for m in models(manifest) if not m["description"].startswith("Grain: ")]

    assert silent == []


def test_every_published_model_has_a_contract(manifest: dict[str, Any]) -> None:
    loose = [
        model["name"]
        for model in models(manifest)
        if model["path"].startswith("marts/") and not model["config"]["contract"]["enforced"]
    ]

    assert loose == []


def test_every_published_column_is_described(manifest: dict[str, Any]) -> None:
    bare = [
        name
        for name, column in published_columns(manifest)
        if not column["description"] or not column["data_type"]
    ]

    assert bare == []


def test_every_published_column_says_how_it_adds_up(manifest: dict[str, Any]) -> None:
    metas = {name: column["config"]["meta"] for name, column in published_columns(manifest)}

    assert {n for n, meta in metas.items() if meta.get("additivity") not in ADDITIVITY} == set()
    assert [
        n for n, meta in metas.items() if meta["additivity"] in MEASURES and "unit" not in meta
    ] == []
