"""The data dictionary, from a small hand-made manifest."""

import json
from pathlib import Path
from typing import Any

import pytest

from dagster_project.docs_site.data_dictionary import main, render_dictionary, unit_of
from dagster_project.errors import CloudtallyError


def model(name: str, path: str, **more: Any) -> dict[str, Any]:
    return {"resource_type": "model", "name": name, "path": path, "columns": {}, **more}


def column(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, **more}


MANIFEST: dict[str, Any] = {
    "nodes": {
        "model.c.mart_b": model(
            "mart_b",
            "marts/finance/mart_b.sql",
            description="One row per billing month, e.g. 2026-03,\n and currency. For BI.",
            columns={
                "billing_month": column(
                    "billing_month", data_type="date", description="The month | of the bill."
                ),
                "effective_cost": column(
                    "effective_cost",
                    data_type="decimal(38,18)",
                    description="Cost <script>alert(1)</script>.",
                    config={"meta": {"additivity": "additive"}},
                ),
                "coverage_ratio": column("coverage_ratio", meta={"additivity": "ratio"}),
                "oddity": column("oddity", meta={"unit": "furlongs", "additivity": "never_add"}),
            },
        ),
        "model.c.fct": model(
            "fct_cost_and_carbon",
            "marts/core/fct_cost_and_carbon.sql",
            description="One charge line",
            columns={"x_CarbonLocationKg": column("x_CarbonLocationKg")},
        ),
        "model.c.old.v1": model(
            "mart_old",
            "marts/finance/mart_old_v1.sql",
            version=1,
            deprecation_date="2027-01-31T00:00:00+00:00",
        ),
        "model.c.stg": model("stg_aws__focus", "staging/aws/stg_aws__focus.sql"),
        "test.c.t": {"resource_type": "test", "name": "t", "path": "marts/t.sql"},
    }
}


def test_only_published_relations_appear_in_a_fixed_order() -> None:
    text = render_dictionary(MANIFEST)
    assert "stg_aws__focus" not in text
    assert (
        text.index("## fct_cost_and_carbon")
        < text.index("## mart_b")
        < text.index("## mart_old v1")
    )
    shuffled = {"nodes": dict(reversed(list(MANIFEST["nodes"].items())))}
    assert render_dictionary(shuffled) == text


def test_the_first_sentence_is_the_grain() -> None:
    text = render_dictionary(MANIFEST)
    assert "**Grain:** One row per billing month, e.g. 2026-03, and currency.\n\nFor BI." in text
    assert "**Grain:** One charge line\n" in text


def test_the_word_grain_is_not_said_twice() -> None:
    described = model("mart", "marts/mart.sql", description="Grain: one day. For BI.")
    text = render_dictionary({"nodes": {"model.c.mart": described}})
    assert "**Grain:** one day.\n\nFor BI." in text


def test_a_column_shows_type_unit_additivity_and_meaning() -> None:
    text = render_dictionary(MANIFEST)
    assert (
        "| `effective_cost` | `decimal(38,18)` | billing currency | additive "
        "| Cost &lt;script>alert(1)&lt;/script>. |"
    ) in text
    assert "| `oddity` | `not stated` | furlongs | never add | not stated |" in text
    assert "| first day of the month |  | The month \\| of the bill. |" in text


def test_a_version_tells_when_it_ends() -> None:
    assert "**Ends on 2027-01-31.**" in render_dictionary(MANIFEST)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("carbon_location_kg", "kg CO2e"),
        ("x_CarbonMarketKg", "kg CO2e"),
        ("x_EstimatedEnergyKwh", "kWh"),
        ("BilledCost", "billing currency"),
        ("ListUnitPrice", "currency per pricing unit"),
        ("PricingCurrencyEffectiveCost", "PricingCurrency"),
        ("carbon_coverage_ratio", "ratio, 0 to 1"),
        ("carbon_covered_list_cost", "billing currency"),
        ("data_as_of", "UTC timestamp"),
        ("ChargePeriodStart", "UTC timestamp"),
        ("provider", ""),
    ],
)
def test_the_name_promises_the_unit(name: str, unit: str) -> None:
    assert unit_of(name, {}) == unit
    assert unit_of(name, {"unit": "other"}) == "other"


def test_a_manifest_without_marts_is_refused() -> None:
    with pytest.raises(CloudtallyError) as caught:
        render_dictionary({"nodes": {}})
    assert caught.value.code == "CT-DICTIONARY-MANIFEST"


def test_the_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / "manifest.json", tmp_path / "dictionary.md"
    source.write_text(json.dumps(MANIFEST), encoding="utf-8")
    assert main([str(source), str(target)]) == 0
    assert target.read_text(encoding="utf-8") == render_dictionary(MANIFEST)
    source.write_text("{", encoding="utf-8")
    assert main([str(source), str(target)]) == 1
    assert "CT-DICTIONARY-MANIFEST" in capsys.readouterr().err
    assert main([]) == 2
