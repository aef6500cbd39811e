"""What has to be there in several places is there in all of them."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from dagster_project.decoding.values import oddities
from dagster_project.exports.azure import cost_details
from dagster_project.exports.base import ColumnKind, Schema
from dagster_project.exports.generic import carbon
from dagster_project.inputs.declared import columns_of, schemas_of
from dagster_project.pipeline.build import MONTHLY_MODELS
from dagster_project.pipeline.imports import ODDITY_DETAIL
from dagster_project.sample_estate.sources import EXPORTS
from dagster_project.settings import (
    ANY_PROVIDER_KINDS,
    EXPORT_KINDS,
    INPUT_KINDS,
    SourceConfig,
)
from expectations.suites import focus_datasets
from tests import completeness as pieces
from tests.completeness import ROOT
from tests.macro_harness import macros

VARIABLES = pieces.dbt_variables()
ROOMS = VARIABLES["providers"]


def sampled() -> set[tuple[str, str]]:
    """Rooms and export kinds for which the sample estate writes deliveries."""
    rooms = {
        export.name: SourceConfig(
            name=export.name, provider=export.provider, export="focus", location="."
        ).room
        for export in EXPORTS
    }
    emissions = {(rooms[export.name], "carbon") for export in EXPORTS if export.carbon}
    native = {
        (rooms[export.name], export.native.kind.replace("-", "_"))
        for export in EXPORTS
        if export.native
    }
    return {(room, "focus") for room in rooms.values()} | emissions | native


# Providers


@pytest.mark.parametrize("provider", ROOMS)
def test_a_provider_has_everything_for_charges(provider: str) -> None:
    assert pieces.missing_pieces(provider, "charges", sampled()) == []


@pytest.mark.parametrize("provider", VARIABLES["emission_providers"])
def test_a_provider_has_everything_for_emissions(provider: str) -> None:
    assert pieces.missing_pieces(provider, "emissions", sampled()) == []


@pytest.mark.parametrize("what", ["charges", "emissions"])
def test_a_new_provider_is_told_all_that_is_missing(what: str) -> None:
    missing = pieces.missing_pieces("newcloud", what, sampled())
    assert len(missing) == 6
    assert all("newcloud" in piece for piece in missing)


def test_every_exports_folder_is_in_the_list_of_providers() -> None:
    folders = {
        path.parent.name for path in (ROOT / "dagster_project" / "exports").glob("*/__init__.py")
    }
    assert folders == set(ROOMS)


def test_every_staging_folder_is_in_the_list_of_providers() -> None:
    folders = {path.name for path in (ROOT / "dbt/models/staging").iterdir() if path.is_dir()}
    assert folders == set(ROOMS)


def test_emission_providers_are_providers() -> None:
    assert set(VARIABLES["emission_providers"]) <= set(ROOMS)


def kinds_of(room: str) -> tuple[str, ...]:
    """Export kinds that the configuration admits for a room."""
    return EXPORT_KINDS.get(room, ANY_PROVIDER_KINDS)


def module(kind: str) -> str:
    """Name of an export's module and of its models."""
    return kind.replace("-", "_")


def test_the_sample_estate_writes_every_native_bill() -> None:
    """The inventory of a data centre is no bill: golden figures stand for it."""
    listed = {(room, name) for room, names in VARIABLES["native_exports"].items() for name in names}
    assert listed - sampled() <= {("onprem", "inventory")}


def test_native_exports_are_the_kinds_beside_focus_and_carbon() -> None:
    native = {
        room: sorted(module(kind) for kind in kinds_of(room) if kind not in ("focus", "carbon"))
        for room in ROOMS
    }
    listed = {room: sorted(names) for room, names in VARIABLES["native_exports"].items()}
    assert listed == {room: names for room, names in native.items() if names}


def test_the_configuration_knows_the_rooms() -> None:
    assert set(EXPORT_KINDS) | {"generic"} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_the_configured_kinds_are_the_exports_of_the_room(room: str) -> None:
    modules = (ROOT / "dagster_project" / "exports" / room).glob("*.py")
    declares = re.compile(r"^EXPORT = |\bimport EXPORT$", re.MULTILINE)
    exports = {path.stem for path in modules if declares.search(path.read_text("utf-8"))}
    assert exports == {module(kind) for kind in kinds_of(room)}


@pytest.mark.parametrize(
    ("room", "kind"), [(room, kind) for room in ROOMS for kind in kinds_of(room)]
)
def test_an_export_says_what_it_is(room: str, kind: str) -> None:
    export = importlib.import_module(f"dagster_project.exports.{room}.{module(kind)}").EXPORT
    assert export.is_emissions == (kind == "carbon")
    assert export.schemas()
    for schema in export.schemas():
        assert schema.mandatory <= set(schema.columns)
        assert set(schema.totals) <= set(schema.columns)
        assert all(schema.columns[name] is ColumnKind.DECIMAL for name in schema.totals)


def test_decoded_tables_are_the_exports() -> None:
    assert pieces.decoded_tables() == {
        f"{room}_{module(kind)}" for room in ROOMS for kind in kinds_of(room)
    }


# Columns and models


def test_the_page_on_plain_emissions_lists_their_columns() -> None:
    table = pieces.document("generic_carbon.md").partition("\n## Columns\n")[2]
    listed = re.findall(r"^\| (`[^|]+`) \|", table.partition("\nUnits:")[0], re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(listed))) == set(carbon.SCHEMA.columns)


def test_the_macro_lists_the_columns_of_azure_cost_details() -> None:
    text = pieces.macro_text("azure_cost_details_columns", "azure/cost_details_columns.sql")
    listed = set(re.findall(r"'([A-Z]\w+)'", text))
    assert listed == {name for schema in cost_details.EXPORT.declared for name in schema.columns}


def test_the_macro_lists_the_columns_of_the_seed() -> None:
    text = pieces.macro_text("focus_columns", "decoded/focus_columns.sql")
    listed = re.findall(r"{'name': '(\w+)', 'kind': '(\w+)'}", text)
    assert listed == [(row["column_name"], row["kind"]) for row in pieces.seed_columns()]


@pytest.mark.parametrize("dataset", ["BillingPeriod", "ContractCommitment", "InvoiceDetail"])
def test_the_other_datasets_are_the_same_everywhere(dataset: str) -> None:
    """Seed, macro, published columns, promises and input agree."""
    seed = [row for row in pieces.dataset_rows("columns") if row["dataset"] == dataset]
    names = [row["column_name"] for row in seed]
    allowed: dict[str, list[str]] = {}
    for row in pieces.dataset_rows("values"):
        if row["dataset"] == dataset:
            allowed.setdefault(row["column_name"], []).append(row["value"])
    assert names == sorted(names)
    required = [r["column_name"] for r in seed if (r["v1_4"], r["v1_4_nullable"]) == ("M", "false")]
    assert pieces.dataset_macro(dataset) == [
        (row["column_name"], row["kind"], row["column_name"] in required,
         allowed.get(row["column_name"], []))
        for row in seed
    ]  # fmt: skip
    word = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", dataset)
    published = pieces.published_columns(f"focus_v1_4_{word.lower()}")
    assert [column["name"] for column in published] == names
    kinds = {"decimal": "decimal(38,18)", "timestamp": "timestamp"}
    for column, row in zip(published, seed, strict=True):
        assert column["data_type"] == kinds.get(row["kind"], "varchar")
        assert column["description"] == row["description"]
        assert column["config"]["meta"]["additivity"] == row["additivity"]
        assert ("not_null" in column.get("data_tests", [])) == (row["column_name"] in required)
    promised = getattr(focus_datasets, f"{word.upper()}_COLUMNS")
    assert list(promised) == names
    optional = getattr(focus_datasets, f"{word.upper()}_OPTIONAL", ())
    assert [name for name in names if name not in optional] == required


def test_every_input_is_a_table_that_models_may_read() -> None:
    assert pieces.source_tables("inputs") == {kind.replace("-", "_") for kind in INPUT_KINDS}
    for kind in INPUT_KINDS:
        assert schemas_of(kind)
        for schema in schemas_of(kind):
            assert schema.mandatory <= set(schema.columns)
            assert set(schema.key) <= set(schema.columns)
            assert set(schema.columns) == set(columns_of(kind))
    documented = set(re.findall(r"^### `([a-z-]+)`$", pieces.document("inputs.md"), re.MULTILINE))
    assert documented == set(INPUT_KINDS)


@pytest.mark.parametrize(("version", "columns"), [("1.2", 57), ("1.4", 65)])
def test_a_focus_view_has_its_columns_in_order_and_nothing_else(
    version: str, columns: int, manifest: dict[str, Any]
) -> None:
    name = f"focus_v{version.replace('.', '_')}"
    level = f"v{version.replace('.', '_')}"
    expected = [row["column_name"] for row in pieces.seed_columns() if row[level]]
    assert expected == sorted(expected)
    assert len(expected) == columns
    model = manifest["nodes"][f"model.cloudtally.{name}"]
    assert list(model["columns"]) == expected
    selected, _, rest = model["compiled_code"].partition("from ")
    assert re.findall(r"\w+", selected) == ["select", *expected]
    assert "where x_RecordKind = 'Charge'" in rest


@pytest.mark.parametrize("version", ["1.2", "1.4"])
def test_a_focus_view_lacks_what_its_version_lacks(version: str) -> None:
    text = pieces.macro_text("focus_columns_of", "decoded/focus_columns.sql")
    absent = re.search(rf"'{re.escape(version)}': \[(.*?)\]", text, re.DOTALL)
    assert absent is not None
    level = f"v{version.replace('.', '_')}"
    expected = [row["column_name"] for row in pieces.seed_columns() if not row[level]]
    assert re.findall(r"'(\w+)'", absent[1]) == expected


def test_the_list_of_monthly_models_is_complete(manifest: dict[str, Any]) -> None:
    monthly = {
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["materialized"] == "incremental"
    }
    assert monthly == set(MONTHLY_MODELS)
    assert len(MONTHLY_MODELS) == len(set(MONTHLY_MODELS))


def test_what_needs_a_month_carries_the_monthly_tag(manifest: dict[str, Any]) -> None:
    untagged = [
        node["name"]
        for node in manifest["nodes"].values()
        if node.get("name") in MONTHLY_MODELS and "monthly" not in node["tags"]
    ]
    assert untagged == []


# Codes and their documents


def row_checks() -> dict[str, dict[str, str]]:
    """Checks of single rows, as their macro lists them."""
    found = macros("decoded/repair_focus.sql", "quality/row_checks.sql").focus_row_checks()
    checks: dict[str, dict[str, str]] = found
    return checks


def repair_codes() -> set[str]:
    """Codes that repair_focus can write, as its list names them."""
    enums = pieces.macro_text("focus_enums", "decoded/repair_focus.sql")
    others = pieces.macro_text("repair_codes", "decoded/repair_codes.sql")
    listed = others.partition("return(")[2]
    return {f"{name}Case" for name in re.findall(r"'(\w+)': \[", enums)} | set(
        re.findall(r"'(\w+)'", listed)
    )


def test_every_repair_that_is_written_is_counted() -> None:
    text = (ROOT / "dbt/macros/decoded/repair_focus.sql").read_text(encoding="utf-8")
    written = set(re.findall(r"(?:then|else) '([A-Z]\w+)'", text))
    for path in (*(ROOT / "dbt/macros").rglob("*.sql"), *(ROOT / "dbt/models").rglob("*.sql")):
        written |= set(re.findall(r"\brepair\('(\w+)'\)", path.read_text(encoding="utf-8")))
    cases = {code for code in repair_codes() if code.endswith("Case")}
    assert written == repair_codes() - cases


def test_every_repair_is_documented_and_no_other() -> None:
    assert set(pieces.first_column("repairs.md", "Repairs")) == repair_codes()


def test_every_oddity_is_documented_and_no_other() -> None:
    kinds = {kind.value: kind for kind in ColumnKind}
    schema = Schema("any", kinds, frozenset(), (), None, None, ())
    types = dict.fromkeys(kinds, "VARCHAR")
    counted = {oddity.name for oddity in oddities(schema, types, has_types=True)}
    assert counted == set(ODDITY_DETAIL)
    documented = set(pieces.first_column("repairs.md", "Oddities"))
    assert documented == {
        f"decode_{name}"
        for name in (
            *counted,
            "unknown_column",
            "absent_column",
            "uneven_column",
            "net_cost_zero",
            "unmanifested",
        )
    }


def test_every_count_is_documented_and_no_other() -> None:
    text = pieces.macro_text("quality_counts", "quality/row_checks.sql")
    counts = set(re.findall(r"^ {8}'(\w+)': {", text, re.MULTILINE))
    assert set(pieces.first_column("repairs.md", "Counted, not changed")) == counts


def test_every_row_check_is_documented_with_its_rule_and_no_other() -> None:
    checks = row_checks()
    documented = pieces.rows("conformance.md", "Checks of single rows")
    assert {name: (cells[0], cells[1]) for name, cells in documented.items()} == {
        name: (f"`{check['rule']}`", check["severity"]) for name, check in checks.items()
    }


def test_every_row_check_names_a_column_of_focus_or_an_attribute() -> None:
    columns = {row["column_name"] for row in pieces.seed_columns()}
    rules = {check["rule"] for check in row_checks().values()}
    assert rules - columns == {"DeliveryHandling"}


def test_every_error_code_is_documented_and_no_other() -> None:
    documented = pieces.first_column("errors.md")
    assert sorted(documented) == sorted(pieces.raised_codes(ROOT))


def test_an_error_code_says_what_was_kept_and_what_to_do() -> None:
    short = [code for code, cells in pieces.rows("errors.md").items() if len(cells) != 3]
    assert short == []


def test_an_error_code_without_a_line_is_found(tmp_path: Path) -> None:
    file = tmp_path / "dagster_project" / "bad.py"
    file.parent.mkdir()
    file.write_text(
        '"""Raises CT-NEW-SENTENCE."""\nX = "CT-NEW-WORD"\n'
        'def f(place, code):\n    g(f"CT-OTHER-{code}")\n    raise place.error("PIECE", "x")\n',
        encoding="utf-8",
    )
    assert pieces.raised_codes(tmp_path) == {"CT-NEW-WORD", "CT-OTHER-PIECE"}


def test_the_rules_of_virtual_tags_name_the_same_codes() -> None:
    text = (ROOT / "docs" / "virtual_tags.md").read_text(encoding="utf-8")
    raised = {code for code in pieces.raised_codes(ROOT) if code.startswith("CT-RULES-")}
    assert set(re.findall(r"^\| (CT-RULES-\w+) \|", text, re.MULTILINE)) == raised
