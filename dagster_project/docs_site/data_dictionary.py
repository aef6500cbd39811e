"""The data dictionary of the published relations, made from dbt's manifest.

Belongs here: reading `manifest.json` and writing Markdown. What a column means is written once, in
the model's YAML: `description`, `data_type`, and under `meta` `unit` and `additivity`.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.docs_site.manifest import code, load_manifest, one_line, plain
from dagster_project.errors import CloudtallyError

PUBLISHED_FOLDER = "marts"
NOT_STATED = "not stated"
ADDITIVITY = {
    "additive": "additive",
    "semi-additive": "semi-additive",
    "semi_additive": "semi-additive",
    "ratio": "ratio",
    "never-add": "never add",
    "never_add": "never add",
    "none": "",
}
# Ordered: the first ending that fits names the unit.
_UNITS = (
    (r"(_kg|Kg)$", "kg CO2e"),
    (r"(_kwh|Kwh)$", "kWh"),
    (r"(_water_l|WaterL|_litres)$", "litres"),
    (r"(_unit_price|UnitPrice)$", "currency per pricing unit"),
    (r"^PricingCurrency\w*Cost$", "PricingCurrency"),
    (r"(_cost|Cost)$", "billing currency"),
    (r"^PricingQuantity$", "PricingUnit"),
    (r"^ConsumedQuantity$", "ConsumedUnit"),
    (r"(_ratio|Ratio)$", "ratio, 0 to 1"),
    (r"_(percent|pct)$", "percent"),
    (r"_hours$", "hours"),
    (r"_days$", "days"),
    (r"_gib$", "GiB"),
    (r"_gb$", "GB"),
    (r"_bytes$", "bytes"),
    (r"(^|_)rows$|_lines$|_count$", "count"),
    (r"_rank$", "rank"),
    (r"(_at|_as_of|Start|End)$", "UTC timestamp"),
    (r"(^|_)month$|BillingMonth$", "first day of the month"),
    (r"_date$", "date"),
)


@dataclass(frozen=True)
class ColumnEntry:
    """One column of the dictionary."""

    name: str
    data_type: str
    unit: str
    additivity: str
    description: str


@dataclass(frozen=True)
class RelationEntry:
    """One published relation: where it lives, what a row is, what its columns mean."""

    name: str
    group: str
    grain: str
    description: str
    version: str
    deprecated_on: str
    columns: tuple[ColumnEntry, ...]


def render_dictionary(manifest: Mapping[str, Any]) -> str:
    """Return the data dictionary as Markdown, in a stable order.

    Args:
        manifest: The content of dbt's `manifest.json`.

    Raises:
        CloudtallyError: CT-DICTIONARY-MANIFEST when the manifest has no published relation.
    """
    relations = published_relations(manifest)
    if not relations:
        raise CloudtallyError(
            "CT-DICTIONARY-MANIFEST",
            f"The manifest has no model under models/{PUBLISHED_FOLDER}/.",
            next_step="Run `dbt parse` in the dbt project and use its target/manifest.json.",
        )
    groups = sorted({relation.group for relation in relations})
    parts = [_INTRODUCTION, *(_contents(group, relations) for group in groups)]
    parts += [_relation(relation) for relation in relations]
    return "\n".join(parts) + "\n"


def published_relations(manifest: Mapping[str, Any]) -> list[RelationEntry]:
    """Return the models under `marts/`, ordered by folder, name and version."""
    nodes = manifest.get("nodes") or {}
    entries = [_entry(node) for node in nodes.values() if _is_published(node)]
    return sorted(entries, key=lambda entry: (entry.group, entry.name, entry.version))


def unit_of(column: str, meta: Mapping[str, Any]) -> str:
    """Return the stated unit, or the one that the name's ending promises, or nothing."""
    if meta.get("unit"):
        return str(meta["unit"])
    return next((unit for pattern, unit in _UNITS if re.search(pattern, column)), "")


def main(arguments: list[str]) -> int:
    """Write the dictionary: `<manifest.json> <out.md>`."""
    if len(arguments) != 2:
        sys.stderr.write("usage: data_dictionary <manifest.json> <out.md>\n")
        return 2
    source, target = map(Path, arguments)
    try:
        text = render_dictionary(load_manifest(source))
    except CloudtallyError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    target.write_text(text, encoding="utf-8", newline="\n")
    return 0


_INTRODUCTION = """# Data dictionary

Made from the dbt project; change a model's YAML, not this page.

How to read *additivity*: **additive** may be summed over every column of the grain except
`billing_currency`; **semi-additive** may be summed over some of them, the description says which;
**ratio** must be worked out again from its parts; **never add** must not be summed at all.
Never added together: two currencies, totals with their parts, location-based with market-based with
unspecified carbon, reported with estimated carbon, billed with effective cost. Unknown is NULL.
"""


def _is_published(node: Mapping[str, Any]) -> bool:
    return node.get("resource_type") == "model" and PUBLISHED_FOLDER in _folders(node)


def _folders(node: Mapping[str, Any]) -> list[str]:
    path = str(node.get("path") or node.get("original_file_path") or "").replace("\\", "/")
    return path.split("/")[:-1]


def _entry(node: Mapping[str, Any]) -> RelationEntry:
    folders = _folders(node)
    below = folders[folders.index(PUBLISHED_FOLDER) + 1 :]
    description = one_line(node.get("description"))
    grain, rest = _first_sentence(description)
    return RelationEntry(
        name=str(node.get("name", "")),
        group=below[0] if below else PUBLISHED_FOLDER,
        grain=grain.removeprefix("Grain:").strip() or NOT_STATED,
        description=rest,
        version=str(node.get("version") or ""),
        deprecated_on=str(node.get("deprecation_date") or "")[:10],
        columns=tuple(_column(key, value) for key, value in (node.get("columns") or {}).items()),
    )


def _column(key: str, column: Mapping[str, Any]) -> ColumnEntry:
    name = str(column.get("name") or key)
    meta = {**(column.get("meta") or {}), **((column.get("config") or {}).get("meta") or {})}
    additivity = str(meta.get("additivity") or "")
    return ColumnEntry(
        name=name,
        data_type=str(column.get("data_type") or NOT_STATED),
        unit=unit_of(name, meta),
        additivity=ADDITIVITY.get(additivity.lower(), additivity),
        description=one_line(column.get("description")) or NOT_STATED,
    )


def _first_sentence(text: str) -> tuple[str, str]:
    match = re.match(r"(.+?[.!?])(?:\s+(?=[A-Z`\[])|$)(.*)", text)
    return (match[1], match[2]) if match else (text, "")


def _contents(group: str, relations: Iterable[RelationEntry]) -> str:
    names = [_link(relation) for relation in relations if relation.group == group]
    return f"- **{plain(group)}**: {', '.join(names)}"


def _link(relation: RelationEntry) -> str:
    anchor = re.sub(r"[^\w-]", "", _heading(relation).lower().replace(" ", "-"))
    return f"[{plain(_heading(relation))}](#{anchor})"


def _heading(relation: RelationEntry) -> str:
    return relation.name + (f" v{relation.version}" if relation.version else "")


def _relation(relation: RelationEntry) -> str:
    lines = [f"\n## {plain(_heading(relation))}\n", f"**Grain:** {plain(relation.grain)}\n"]
    if relation.description:
        lines.append(f"{plain(relation.description)}\n")
    if relation.deprecated_on:
        lines.append(f"**Ends on {plain(relation.deprecated_on)}.**\n")
    lines += ["| Column | Type | Unit | Additivity | Meaning |", "|---|---|---|---|---|"]
    lines += [
        f"| {code(column.name)} | {code(column.data_type)} | {plain(column.unit)} "
        f"| {plain(column.additivity)} | {plain(column.description)} |"
        for column in relation.columns
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
