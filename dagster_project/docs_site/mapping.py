"""The mapping pages: how each export's charges become FOCUS columns, made from dbt's manifest.

Belongs here: reading `meta.focus_mapping` of the conform models of charges, and writing Markdown.
What a model does is written once, beside the model: `{Column: {pattern, rule, reason}}`.
"""

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.docs_site.manifest import code, load_manifest, one_line, plain
from dagster_project.errors import CloudtallyError

NOT_AVAILABLE = "Not available"
# The patterns of the standard's template for mapping documents, with our words for them.
PATTERNS = {
    "Direct": "one source column, renamed and cast at most",
    "Formula": "worked out from one or more source columns",
    "Conditional": "one of several sources or values, by the line's kind",
    "Lookup": "looked up by a source column in a table of reference",
    "Constant": "the same value on every line",
    NOT_AVAILABLE: "the source doesn't tell; NULL, with the reason",
}
VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4")
OWN_COLUMNS = {
    "x_Provider": ("Constant", "The provider's room."),
    "x_SourceChanges": ("Formula", "Codes of the repairs made to the line."),
    "x_SourceValues": (
        "Formula",
        "As JSON: what stood there before a repair, and source columns that FOCUS has no room for.",
    ),
}
_MODEL = re.compile(r"int_(?P<room>[a-z0-9]+)__(?P<kind>[a-z0-9_]+)_charges")


@dataclass(frozen=True)
class FocusColumn:
    """One column of the standard: its level in each version, such as `C?`; `` where it is not."""

    name: str
    levels: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """How one column comes to be."""

    column: str
    pattern: str
    rule: str
    reason: str


@dataclass(frozen=True)
class ExportMapping:
    """The mapping of one export: which model, and a rule for each column that it states."""

    room: str
    kind: str
    model: str
    description: str
    rules: Mapping[str, Rule]

    @property
    def page(self) -> str:
        """Name of its page."""
        return f"{self.room}_{self.kind}.md"


def focus_columns(seed: Path) -> list[FocusColumn]:
    """Return the columns of FOCUS with their levels, as `focus_columns.csv` lists them."""
    with seed.open(encoding="utf-8", newline="") as lines:
        return [
            FocusColumn(row["column_name"], tuple(_level(row, version) for version in VERSIONS))
            for row in csv.DictReader(lines)
        ]


def mappings(manifest: Mapping[str, Any]) -> list[ExportMapping]:
    """Return what the conform models of charges say of themselves, by room and kind."""
    nodes = (manifest.get("nodes") or {}).values()
    found = [mapping for node in nodes for mapping in _mapping(node)]
    return sorted(found, key=lambda mapping: (mapping.room, mapping.kind))


def problems(mapping: ExportMapping, columns: Sequence[FocusColumn]) -> list[str]:
    """Name what a mapping lacks or has too much; nothing when it is complete."""
    names = [column.name for column in columns]
    lacking = [f"{name}: no rule" for name in names if name not in mapping.rules]
    return lacking + [
        f"{name}: {complaint}"
        for name, rule in mapping.rules.items()
        for complaint in _complaints(rule, names)
    ]


def render_pages(manifest: Mapping[str, Any], columns: Sequence[FocusColumn]) -> dict[str, str]:
    """Return every page by its file name, with an index.

    Raises:
        CloudtallyError: CT-DICTIONARY-MANIFEST when no model states a mapping, CT-MAPPING-PROBLEM
            when a mapping isn't complete.
    """
    found = mappings(manifest)
    if not found:
        raise CloudtallyError(
            "CT-DICTIONARY-MANIFEST",
            "The manifest has no conform model with a focus_mapping.",
            next_step="Run `dbt parse` in the dbt project and use its target/manifest.json.",
        )
    for mapping in found:
        _refuse(mapping, problems(mapping, columns))
    pages = {mapping.page: _page(mapping, columns) for mapping in found}
    return {"README.md": _index(found, columns), **pages}


def main(arguments: list[str]) -> int:
    """Write the pages: `<manifest.json> <focus_columns.csv> <folder>`."""
    if len(arguments) != 3:
        sys.stderr.write("usage: mapping <manifest.json> <focus_columns.csv> <folder>\n")
        return 2
    source, seed, folder = map(Path, arguments)
    try:
        pages = render_pages(load_manifest(source), focus_columns(seed))
    except CloudtallyError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return 0


def _level(row: Mapping[str, str], version: str) -> str:
    key = f"v{version.replace('.', '_')}"
    return row[key] + ("?" if row[f"{key}_nullable"] == "true" else "")


def _mapping(node: Mapping[str, Any]) -> Iterator[ExportMapping]:
    named = _MODEL.fullmatch(str(node.get("name", "")))
    stated = ((node.get("config") or {}).get("meta") or {}).get("focus_mapping")
    if named and stated and node.get("resource_type") == "model":
        yield ExportMapping(
            room=named["room"],
            kind=named["kind"],
            model=named[0],
            description=one_line(node.get("description")),
            rules={str(column): _rule(str(column), entry) for column, entry in stated.items()},
        )


def _rule(column: str, entry: Any) -> Rule:
    values = entry if isinstance(entry, dict) else {}
    pattern, rule, reason = (one_line(values.get(key)) for key in ("pattern", "rule", "reason"))
    return Rule(column, pattern, rule, reason)


def _complaints(rule: Rule, names: Sequence[str]) -> Iterator[str]:
    if rule.column not in names and not rule.column.startswith("x_"):
        yield "no column of FOCUS"
    if rule.pattern not in PATTERNS:
        yield f"unknown pattern {rule.pattern!r}"
    elif rule.pattern == NOT_AVAILABLE and not rule.reason:
        yield "not available without a reason"
    elif rule.pattern != NOT_AVAILABLE and not rule.rule:
        yield "no sentence that says the rule"


def _refuse(mapping: ExportMapping, found: Sequence[str]) -> None:
    if found:
        raise CloudtallyError(
            "CT-MAPPING-PROBLEM",
            f"The mapping of {mapping.model} is not complete: {'; '.join(found)}.",
            where={"model": mapping.model},
            kept="the pages as they are.",
            next_step="State a pattern and a rule for each column in the model's YAML.",
        )


def _page(mapping: ExportMapping, columns: Sequence[FocusColumn]) -> str:
    parts = [
        f"# Mapping: {_title(mapping)} to FOCUS\n",
        "Made from the dbt project; change the model's YAML, not this page.\n",
        f"Model {code(mapping.model)}. {plain(mapping.description)}\n",
        _counts(mapping, columns),
        _LEGEND,
        "| Column | " + " | ".join(VERSIONS) + " | Pattern | Rule |",
        "|---" * (len(VERSIONS) + 3) + "|",
        *(_row(mapping.rules[column.name], column.levels) for column in columns),
        "\n## Columns of our own\n",
        "| Column | Pattern | Rule |",
        "|---|---|---|",
        *(_row(rule, ()) for rule in _own_rules(mapping)),
    ]
    return "\n".join(parts) + "\n"


def _title(mapping: ExportMapping) -> str:
    return f"{mapping.room} {mapping.kind.replace('_', '-')}"


def _counts(mapping: ExportMapping, columns: Sequence[FocusColumn]) -> str:
    counted = _counted(mapping, columns)
    rows = [f"| {name} | {counted[name]} | {what} |" for name, what in PATTERNS.items()]
    return "\n".join(["| Pattern | Columns | Meaning |", "|---|---|---|", *rows]) + "\n"


def _counted(mapping: ExportMapping, columns: Sequence[FocusColumn]) -> Counter[str]:
    return Counter(mapping.rules[column.name].pattern for column in columns)


def _row(rule: Rule, levels: Sequence[str]) -> str:
    text = rule.rule
    if rule.pattern == NOT_AVAILABLE:
        text = " ".join(part for part in (rule.reason, rule.rule) if part)
    cells = [code(rule.column), *levels, rule.pattern, _sentence(text)]
    return "| " + " | ".join(cells) + " |"


def _sentence(text: str) -> str:
    """Keep code in backquotes as it is; everything else is made safe."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(code(part[1:-1]) if part.startswith("`") else plain(part) for part in parts)


def _own_rules(mapping: ExportMapping) -> Iterator[Rule]:
    stated = {name: rule for name, rule in mapping.rules.items() if name.startswith("x_")}
    usual = {name: Rule(name, *said, "") for name, said in OWN_COLUMNS.items()}
    yield from dict(sorted({**usual, **stated}.items())).values()


def _index(found: Sequence[ExportMapping], columns: Sequence[FocusColumn]) -> str:
    rows = [
        f"| [{_title(mapping)}]({mapping.page}) | "
        + " | ".join(str(_counted(mapping, columns)[pattern]) for pattern in PATTERNS)
        + " |"
        for mapping in found
    ]
    head = "| Export | " + " | ".join(PATTERNS) + " |"
    return "\n".join([_INTRODUCTION, head, "|---" * (len(PATTERNS) + 1) + "|", *rows]) + "\n"


_LEGEND = """Levels by version of FOCUS: M mandatory, C conditional, R recommended; `?` may be NULL;
empty: not in that version.
"""

_INTRODUCTION = f"""# How exports become FOCUS

Made from the dbt project; change a model's YAML, not these pages. One page per export: for each
column of the standard its level in FOCUS {VERSIONS[0]} to {VERSIONS[-1]}, the pattern of its
mapping, and the rule in a sentence. Below: how many columns follow each pattern.

What is repaired on the way is in [repairs.md](../repairs.md), what each column means in the
[data dictionary](../data_dictionary.md).
"""


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
