"""The mapping pages, from a small hand-made manifest."""

import json
from pathlib import Path
from typing import Any

import pytest

from dagster_project.docs_site.mapping import (
    FocusColumn,
    focus_columns,
    main,
    mappings,
    problems,
    render_pages,
)
from dagster_project.errors import CloudtallyError
from dagster_project.paths import SEEDS

SEED = SEEDS / "focus" / "focus_columns.csv"
COLUMNS = [
    FocusColumn("BilledCost", ("M", "M", "M", "M", "M")),
    FocusColumn("InvoiceId", ("", "", "R?", "R?", "C?")),
]
COMPLETE = {
    "BilledCost": {"pattern": "Formula", "rule": "`cost` | plus\n `credits.amount`."},
    "InvoiceId": {"pattern": "Not available", "reason": "Only <month> is told."},
}


def model(name: str, mapping: Any, **more: Any) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "name": name,
        "description": "Grain: one charge line.",
        "config": {"meta": {"focus_mapping": mapping}},
        **more,
    }


def manifest(**models: Any) -> dict[str, Any]:
    return {"nodes": {name: model(name, mapping) for name, mapping in models.items()}}


def complaints(**changes: Any) -> list[str]:
    (found,) = mappings(manifest(int_gcp__billing_detailed_charges={**COMPLETE, **changes}))
    return problems(found, COLUMNS)


def test_an_export_has_a_page_and_the_index_names_it() -> None:
    pages = render_pages(
        manifest(int_gcp__billing_detailed_charges=COMPLETE, int_aws__cur2_charges=COMPLETE),
        COLUMNS,
    )

    assert list(pages) == ["README.md", "aws_cur2.md", "gcp_billing_detailed.md"]
    assert (
        "| [gcp billing-detailed](gcp_billing_detailed.md) | 0 | 1 | 0 | 0 | 0 | 1 |"
        in (pages["README.md"])
    )


def test_a_page_counts_patterns_and_shows_levels_rules_and_reasons() -> None:
    page = render_pages(manifest(int_aws__cur2_charges=COMPLETE), COLUMNS)["aws_cur2.md"]

    assert "| Formula | 1 | worked out from one or more source columns |" in page
    assert "| Direct | 0 |" in page
    assert (
        "| `BilledCost` | M | M | M | M | M | Formula | `cost` \\| plus `credits.amount`. |"
    ) in page
    assert (
        "| `InvoiceId` |  |  | R? | R? | C? | Not available | Only &lt;month> is told. |"
    ) in page


def test_columns_of_our_own_have_usual_rules_that_a_model_may_replace() -> None:
    own = {"x_Provider": {"pattern": "Lookup", "rule": "The configuration's."}}
    page = render_pages(manifest(int_aws__cur2_charges={**COMPLETE, **own}), COLUMNS)["aws_cur2.md"]

    assert "| `x_Provider` | Lookup | The configuration's. |" in page
    assert "| `x_SourceChanges` | Formula | Codes of the repairs made to the line. |" in page
    assert "| Lookup | 0 |" in page


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"Tags": {"pattern": "Direct", "rule": "x"}}, "Tags: no column of FOCUS"),
        ({"InvoiceId": {"pattern": "direct", "rule": "x"}}, "InvoiceId: unknown pattern 'direct'"),
        (
            {"InvoiceId": {"pattern": "Not available", "rule": "x"}},
            "InvoiceId: not available without a reason",
        ),
        ({"InvoiceId": {"pattern": "Direct"}}, "InvoiceId: no sentence that says the rule"),
        ({"InvoiceId": "Direct"}, "InvoiceId: unknown pattern ''"),
    ],
)
def test_a_defect_is_named(change: dict[str, Any], complaint: str) -> None:
    assert complaints() == []
    assert complaints(**change) == [complaint]


def test_a_column_without_a_rule_is_named_and_nothing_is_written() -> None:
    lacking = manifest(int_aws__cur2_charges={"InvoiceId": COMPLETE["InvoiceId"]})

    with pytest.raises(CloudtallyError, match="BilledCost: no rule") as caught:
        render_pages(lacking, COLUMNS)
    assert caught.value.code == "CT-MAPPING-PROBLEM"


def test_other_models_are_no_exports() -> None:
    others = manifest(int_charges__unioned=COMPLETE, int_aws__cur2_row_bridge=COMPLETE)
    others["nodes"]["t"] = model("int_aws__cur_charges", COMPLETE, resource_type="test")

    assert mappings(others) == []
    with pytest.raises(CloudtallyError) as caught:
        render_pages(others, COLUMNS)
    assert caught.value.code == "CT-DICTIONARY-MANIFEST"


def test_the_columns_are_those_of_the_seed() -> None:
    levels = {column.name: column.levels for column in focus_columns(SEED)}

    assert len(levels) == 67
    assert levels["InvoiceId"] == ("", "", "R?", "R?", "C?")
    assert levels["ProviderName"] == ("M", "M", "M", "M", "")


def test_the_command_writes_the_pages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = {
        column.name: {"pattern": "Direct", "rule": "As it is."} for column in focus_columns(SEED)
    }
    source, folder = tmp_path / "manifest.json", tmp_path / "mapping"
    source.write_text(json.dumps(manifest(int_aws__cur2_charges=whole)), encoding="utf-8")

    assert main([str(source), str(SEED), str(folder)]) == 0
    assert {path.name for path in folder.iterdir()} == {"README.md", "aws_cur2.md"}
    source.write_text(json.dumps(manifest(int_aws__cur2_charges=COMPLETE)), encoding="utf-8")
    assert main([str(source), str(SEED), str(folder)]) == 1
    assert "CT-MAPPING-PROBLEM" in capsys.readouterr().err
    assert main([]) == 2
