"""What the mapping of the Cost and Usage Report says of each FOCUS column."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from dagster_project.exports.base import focus_columns

ROOT = Path(__file__).parents[2]
FILE = ROOT / "dbt/models/intermediate/conform/_aws_cur__models.yml"
PATTERNS = {"Direct", "Formula", "Conditional", "Lookup", "Constant", "Not available"}


def mapping(model: str) -> dict[str, dict[str, Any]]:
    models = yaml.safe_load(FILE.read_text(encoding="utf-8"))["models"]
    (found,) = [item for item in models if item["name"] == model]
    said: dict[str, dict[str, Any]] = found["config"]["meta"]["focus_mapping"]
    return said


@pytest.mark.parametrize("model", ["int_aws__cur2_charges", "int_aws__cur_charges"])
def test_every_focus_column_has_a_rule_or_a_reason(model: str) -> None:
    said = mapping(model)

    assert list(said) == [row["column_name"] for row in focus_columns()]
    for column, item in said.items():
        assert item["pattern"] in PATTERNS, column
        key = "reason" if item["pattern"] == "Not available" else "rule"
        assert set(item) == {"pattern", key}, column
        assert item[key].strip().endswith("."), column


def test_what_is_not_available_is_null_in_the_rules() -> None:
    text = (ROOT / "dbt/macros/aws/cur_focus.sql").read_text(encoding="utf-8")
    absent = [name for name, item in mapping("int_aws__cur2_charges").items()
              if item["pattern"] == "Not available"]  # fmt: skip

    for column in absent:
        assert f"{{{{ text }}}} as {column}," in text
