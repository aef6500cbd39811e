"""The four boundaries of the house, and that a planted violation of each is found."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import layering_imports as code
from tests import layering_models as sql

ROOT = Path(__file__).parents[2]
DAGSTER_AND_DBT = ("dagster", "dagster_dbt", "dbt")


@pytest.fixture
def planted(manifest: dict[str, Any]) -> dict[str, Any]:
    """What the checks look at, for a test to spoil."""
    ours = {name: macro for name, macro in manifest["macros"].items() if ".cloudtally." in name}
    return copy.deepcopy({"nodes": manifest["nodes"], "macros": ours})


@pytest.fixture(scope="module")
def providers() -> set[str]:
    """Provider names that later rooms may not know; `generic` is a room and no provider."""
    project = yaml.safe_load((ROOT / "dbt" / "dbt_project.yml").read_text(encoding="utf-8"))
    return set(project["vars"]["providers"]) - {"generic"}


def spoil(planted: dict[str, Any], model: str, **changes: Any) -> dict[str, Any]:
    """Give a model one more parent, or more SQL."""
    node = sql.models(planted)[model]
    for key, value in changes.items():
        if key == "parent":
            node["depends_on"]["nodes"].append(value)
        else:
            node[key] = node[key] + value
    return planted


def plant(tmp_path: Path, **files: str) -> Path:
    """Write modules, named `room__module`, into a tree of their own."""
    for name, text in files.items():
        path = tmp_path / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


# 1. Nothing after conform knows a provider's name.


def test_every_model_is_in_a_room(manifest: dict[str, Any]) -> None:
    assert sql.misplaced(manifest) == []


def test_a_model_outside_the_rooms_is_found(planted: dict[str, Any]) -> None:
    sql.models(planted)["mart_hotspot"]["path"] = "other/mart_hotspot.sql"
    assert "mart_hotspot" in sql.misplaced(planted)[0]


def test_nothing_after_conform_names_a_provider(
    manifest: dict[str, Any], providers: set[str]
) -> None:
    assert sql.knows_a_provider(manifest, providers) == []


def test_a_provider_named_in_a_mart_is_found(planted: dict[str, Any], providers: set[str]) -> None:
    spoil(planted, "mart_hotspot", raw_code="\nwhere provider = 'AWS'")
    assert sql.knows_a_provider(planted, providers) == ["model mart_hotspot knows AWS"]


def test_a_provider_in_a_comment_is_no_knowledge(
    planted: dict[str, Any], providers: set[str]
) -> None:
    spoil(planted, "mart_hotspot", raw_code="\n-- as aws does {# azure #} /* gcp */")
    assert sql.knows_a_provider(planted, providers) == []


def test_a_provider_named_in_a_macro_of_a_late_model_is_found(
    planted: dict[str, Any], providers: set[str]
) -> None:
    planted["macros"]["macro.cloudtally.cost_weight"]["macro_sql"] += " 'gcp' "
    assert sql.knows_a_provider(planted, providers) == ["macro cost_weight knows gcp"]


def test_a_provider_named_in_a_macro_of_conform_is_allowed(
    planted: dict[str, Any], providers: set[str]
) -> None:
    planted["macros"]["macro.cloudtally.repair_focus"]["macro_sql"] += " 'azure' "
    assert sql.knows_a_provider(planted, providers) == []


# 2. Models read what lies before them on the one way; marts never staging.


def test_models_read_only_the_room_before(manifest: dict[str, Any]) -> None:
    assert sql.reads_across(manifest) == []


@pytest.mark.parametrize(
    ("reader", "parent", "found"),
    [
        ("mart_hotspot", "model.cloudtally.stg_aws__focus", "reads model stg_aws__focus"),
        ("mart_hotspot", "model.cloudtally.int_gcp__emissions", "reads model int_gcp__emissions"),
        ("mart_hotspot", "model.cloudtally.int_charges__keyed", "reads model int_charges__keyed"),
        ("dq_result", "source.cloudtally.decoded.aws_focus", "reads source decoded.aws_focus"),
        (
            "fct_cost_and_carbon",
            "model.cloudtally.int_aws__emissions",
            "reads model int_aws__emissions",
        ),
        (
            "int_carbon__month_weights",
            "model.cloudtally.stg_azure__focus",
            "reads model stg_azure__focus",
        ),
        (
            "int_gcp__emissions",
            "model.cloudtally.stg_aws__carbon",
            "reads model stg_aws__carbon",
        ),
        ("stg_aws__focus", "source.cloudtally.decoded.gcp_focus", "decoded.gcp_focus"),
    ],
)
def test_a_model_that_reads_across_is_found(
    planted: dict[str, Any], reader: str, parent: str, found: str
) -> None:
    spoil(planted, reader, parent=parent)
    assert len(sql.reads_across(planted)) == 1
    assert found in sql.reads_across(planted)[0]


# 3. Python rooms: data flows one way, orchestration stays outside.


def test_every_module_is_in_the_table() -> None:
    assert code.unknown_rooms(ROOT) == []


def test_imports_follow_the_table() -> None:
    assert code.against_the_flow(ROOT) == []


def test_the_table_has_no_circle() -> None:
    for room in code.ALLOWED:
        ahead, waiting = set(), [room]
        while waiting:
            for further in code.ALLOWED[waiting.pop()] - ahead:
                ahead.add(further)
                waiting.append(further)
        assert room not in ahead


def test_libraries_stay_in_their_rooms() -> None:
    assert code.library_out_of_place(ROOT) == []


def test_only_exports_know_one_provider() -> None:
    assert code.knows_one_provider(ROOT) == []


@pytest.mark.parametrize("room", ["landing", "expectations", "exports", "decoding", "stores"])
def test_rooms_below_orchestration_never_load_it(room: str) -> None:
    assert code.reaches(ROOT, room, DAGSTER_AND_DBT) == []


def test_dagster_in_landing_is_found(tmp_path: Path) -> None:
    tree = plant(tmp_path, dagster_project__landing__bad="def f():\n    import dagster as dg\n")
    assert code.library_out_of_place(tree) == ["dagster_project.landing.bad:2 imports dagster"]
    assert code.reaches(tree, "landing", DAGSTER_AND_DBT) == [
        "dagster_project.landing.bad -> dagster"
    ]


def test_dagster_behind_two_modules_is_found(tmp_path: Path) -> None:
    tree = plant(
        tmp_path,
        expectations__engine="from dagster_project.months import Month\n",
        dagster_project__months="from dagster_project import paths\n",
        dagster_project__paths="from dagster_dbt import DbtProject\n",
    )
    ways = code.reaches(tree, "expectations", DAGSTER_AND_DBT)
    assert ways == [
        "expectations.engine -> dagster_project.months -> dagster_project.paths -> dagster_dbt"
    ]
    assert "expectations.engine:1 imports dagster_project.months" in code.against_the_flow(tree)


def test_an_export_found_by_name_counts_as_imported(tmp_path: Path) -> None:
    tree = plant(
        tmp_path,
        dagster_project__decoding__decode="from dagster_project.exports import registry\n",
        dagster_project__exports__registry="import importlib\n",
        dagster_project__exports__aws__focus="import dbt.cli.main\n",
    )
    assert len(code.reaches(tree, "decoding", DAGSTER_AND_DBT)) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dagster_project__exports__base", "from dagster_project.landing import archive"),
        ("dagster_project__exports__aws__cur", "import dagster_project.pipeline.plan"),
        ("dagster_project__stores__s3", "from dagster_project.exports.base import Schema"),
        ("dagster_project__landing__archive", "from ..ledger.store import Ledger"),
        ("dagster_project__pipeline__plan", "from dagster_project.publish import swap"),
        ("dagster_project__publish__report", "from dagster_project.paths import Home"),
        ("dagster_project__publish__report_assets__data", "from ...pipeline import plan"),
        ("dagster_project__sample_estate__truth", "from dagster_project.exports import base"),
        ("expectations__engine", "from dagster_project.settings import Settings"),
    ],
)
def test_an_import_against_the_flow_is_found(tmp_path: Path, name: str, text: str) -> None:
    files = {
        "dagster_project__landing__archive": "",
        "dagster_project__pipeline__plan": "",
        "dagster_project__publish__swap": "",
        "dagster_project__ledger__store": "",
        "dagster_project__exports__base": "",
    }
    tree = plant(tmp_path, **(files | {name: f"{text}\n"}))
    assert len(code.against_the_flow(tree)) == 1


def test_a_room_without_a_row_is_found(tmp_path: Path) -> None:
    tree = plant(tmp_path, dagster_project__helpers__misc="")
    assert code.unknown_rooms(tree) == ["dagster_project.helpers.misc is in no room of the table"]


def test_one_provider_outside_exports_is_found(tmp_path: Path) -> None:
    tree = plant(
        tmp_path,
        dagster_project__exports__aws__focus="",
        dagster_project__pipeline__extract="from dagster_project.exports.aws import focus\n",
    )
    assert len(code.knows_one_provider(tree)) == 1


# 4. Nobody but the build opens the warehouse file.


def test_only_the_build_takes_the_warehouse_file() -> None:
    assert code.opens_the_warehouse(ROOT) == []


@pytest.mark.parametrize(
    "text",
    [
        "import duckdb\nduckdb.connect(str(settings.layout.database))\n",
        "path = home.warehouse / 'x'\n",
        "NAME = 'warehouse/warehouse.duckdb'\n",
    ],
)
def test_somebody_else_at_the_warehouse_is_found(tmp_path: Path, text: str) -> None:
    tree = plant(tmp_path, dagster_project__cli__status=text, expectations__engine=text)
    assert len(code.opens_the_warehouse(tree)) == 2


def test_a_published_file_may_be_opened(tmp_path: Path) -> None:
    tree = plant(tmp_path, dagster_project__cli__status="run(candidate.database)\n")
    assert code.opens_the_warehouse(tree) == []


def test_dashboards_read_what_is_published() -> None:
    files = [path for path in (ROOT / "dashboards").rglob("*") if path.is_file()]
    assert [path for path in files if b"warehouse.duckdb" in path.read_bytes()] == []


# Amounts stay exact.


def test_no_amount_meets_floating_point(manifest: dict[str, Any]) -> None:
    assert sql.inexact(manifest) == []


def test_every_permit_is_needed(manifest: dict[str, Any]) -> None:
    assert sql.unused_permits(manifest) == []


@pytest.mark.parametrize(
    ("planted_sql", "ban"),
    [
        ("select effective_cost / 3 from x", "division"),
        ("select effective_cost // weight from x", "division"),
        ("select AVG (effective_cost) from x", "average"),
        ("select cast(effective_cost as DOUBLE) from x", "float"),
        ("select effective_cost::float from x", "float"),
        ("select effective_cost::decimal(9, 2) from x", "short cast"),
        ("select * from x order by random()", "random"),
        ("select case when a < 0 then 1 else -1 end * cost from x", "product of a case"),
    ],
)
def test_inexact_arithmetic_is_found(planted: dict[str, Any], planted_sql: str, ban: str) -> None:
    spoil(planted, "mart_hotspot", compiled_code=f"\n{planted_sql}")
    assert any(f"mart_hotspot: {ban}: " in line for line in sql.inexact(planted))


@pytest.mark.parametrize("harmless", ["-- a / b", "/* avg(x) */", "select 'a/b' as path from x"])
def test_words_are_no_arithmetic(planted: dict[str, Any], harmless: str) -> None:
    spoil(planted, "mart_hotspot", compiled_code=f"\n{harmless}")
    assert sql.inexact(planted) == []


def test_inexact_arithmetic_in_a_macro_is_found(planted: dict[str, Any]) -> None:
    macro = planted["macros"]["macro.cloudtally.cost_weight"]
    macro["macro_sql"] += "\n{{ amount }} / 2"
    assert sql.inexact(planted) == ["cost_weight: division: {{ amount }} / 2"]
