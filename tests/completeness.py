"""What a provider's room needs, and which codes the source can raise."""

import ast
import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from dagster_project.rules.place import Family, Place

ROOT = Path(__file__).parents[1]
CODE = re.compile(r"CT-[A-Z]+-[A-Z]+(?:-[A-Z]+)*")

_KINDS = {"charges": "focus", "emissions": "carbon"}
_CONFORM = {"charges": "focus_charges", "emissions": "emissions"}


def dbt_variables() -> dict[str, Any]:
    """Return the variables of the dbt project."""
    text = (ROOT / "dbt" / "dbt_project.yml").read_text(encoding="utf-8")
    variables: dict[str, Any] = yaml.safe_load(text)["vars"]
    return variables


def missing_pieces(provider: str, what: str, sampled: set[tuple[str, str]]) -> list[str]:
    """Name what a provider's room lacks; docs/adding_a_provider.md is this list in words.

    Args:
        provider: Name of the room.
        what: `charges` or `emissions`.
        sampled: Rooms and export kinds for which the sample estate writes deliveries.
    """
    kind = _KINDS[what]
    files = [
        f"dagster_project/exports/{provider}/__init__.py",
        f"dagster_project/exports/{provider}/{kind}.py",
        f"dbt/models/staging/{provider}/stg_{provider}__{kind}.sql",
        f"dbt/models/intermediate/conform/int_{provider}__{_CONFORM[what]}.sql",
    ]
    missing = [path for path in files if not (ROOT / path).is_file()]
    if f"{provider}_{kind}" not in decoded_tables():
        missing.append(
            f"table {provider}_{kind} of source decoded (dbt/models/staging/_sources.yml)"
        )
    fixtures = ROOT / "tests" / "fixtures" / provider
    if (provider, kind) not in sampled and not fixtures.is_dir():
        missing.append(f"a projection in sample_estate/, or tests/fixtures/{provider}/")
    return missing


def decoded_tables() -> set[str]:
    """Return the decoded exports that models may read."""
    return source_tables("decoded")


def source_tables(name: str) -> set[str]:
    """Return the tables of a source of the models."""
    text = (ROOT / "dbt" / "models" / "staging" / "_sources.yml").read_text(encoding="utf-8")
    sources = {source["name"]: source for source in yaml.safe_load(text)["sources"]}
    return {table["name"] for table in sources[name]["tables"]}


def document(name: str) -> str:
    """Return the text of a page of the documentation."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def dataset_rows(what: str) -> list[dict[str, str]]:
    """Return what the seeds say of the FOCUS datasets beside Cost and Usage: columns or values."""
    path = ROOT / "seeds" / "focus" / f"focus_dataset_{what}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def dataset_macro(dataset: str) -> list[tuple[str, str, bool, list[str]]]:
    """Return the columns of such a dataset as the macro lists them."""
    text = macro_text("focus_dataset_columns", "decoded/focus_dataset_columns.sql")
    listed = text.partition("return(")[2].rpartition("[dataset]")[0]
    columns = ast.literal_eval(listed.strip().replace("true", "True").replace("false", "False"))
    return [
        (column["name"], column["kind"], column["required"], column.get("values", []))
        for column in columns[dataset]
    ]


def published_columns(model: str) -> list[dict[str, Any]]:
    """Return the columns of a FOCUS dataset as its properties list them."""
    path = ROOT / "dbt" / "models" / "marts" / "core" / "_focus_datasets.yml"
    models = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    columns: list[dict[str, Any]] = next(one for one in models if one["name"] == model)["columns"]
    return columns


def seed_columns() -> list[dict[str, str]]:
    """Return the FOCUS columns as the seed lists them."""
    path = ROOT / "seeds" / "focus" / "focus_columns.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def macro_text(name: str, file: str) -> str:
    """Return the text of one macro."""
    text = (ROOT / "dbt" / "macros" / file).read_text(encoding="utf-8")
    match = re.search(rf"{{%-? macro {name}\(.*?{{%-? endmacro", text, re.DOTALL)
    if match is None:
        raise LookupError(f"{file} has no macro {name}")
    return match[0]


def raised_codes(root: Path) -> set[str]:
    """Return every error code that stands in the source as a value, not in a sentence."""
    found: set[str] = set()
    for package in ("dagster_project", "expectations"):
        for path in (root / package).rglob("*.py"):
            found |= set(_codes(ast.parse(path.read_text(encoding="utf-8"))))
    return found


def _codes(tree: ast.Module) -> Iterator[str]:
    prefixes = _families(tree) | {
        part.value
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values[:1]
        if isinstance(part, ast.Constant) and re.fullmatch(r"CT-[A-Z]+-", str(part.value))
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and CODE.fullmatch(str(node.value)):
            yield str(node.value)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "error" and node.args:
            word = node.args[0]
            if isinstance(word, ast.Constant):
                yield from (f"{prefix}{word.value}" for prefix in prefixes)


def _families(tree: ast.Module) -> set[str]:
    """Return beginnings of codes of files of rules: those that the module names, else all."""
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == Place.__module__
        for alias in node.names
    }
    if Place.__name__ not in imported:
        return set()
    named = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == Family.__name__
    }
    return {family.value for family in Family if not named or family.name in named}


def first_column(document: str, heading: str = "") -> list[str]:
    """Return the words in the first column of a document's tables, below a heading if named."""
    text = _part(document, heading)
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def _part(document: str, heading: str) -> str:
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0] if heading else text


def rows(document: str, heading: str = "") -> Mapping[str, list[str]]:
    """Return the table rows of a document by the word in their first column."""
    text = _part(document, heading)
    return {
        match[1]: [cell.strip() for cell in match[2].strip().strip("|").split(" | ")]
        for match in re.finditer(r"^\| `([^`]+)` \|(.*)$", text, re.MULTILINE)
    }
