"""Writes the pack: one folder with a page for people, tables for machines, and hashes of both.

A pack appears whole: it is written beside its place and renamed.
"""

import datetime as dt
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import CloudtallyError
from dagster_project.evidence.page import render
from dagster_project.evidence.sections import Section, published_sections
from dagster_project.evidence.sources import (
    GONE,
    INTACT,
    Progress,
    decision_section,
    delivery_sections,
    seeds_section,
)
from dagster_project.history.columns import FACT
from dagster_project.months import Month, month_key
from dagster_project.pipeline.context import Context
from dagster_project.publish.candidate import DATABASE, HASH_ALGORITHM, MANIFEST
from dagster_project.publish.digest import content_hashes
from dagster_project.rules.parse import load_rules
from dagster_project.version import code_version

DOCUMENT = "evidence.json"
PAGE = "index.html"
SUMS = "SHA256SUMS"
OTHER_ENGINE = "hashed by another engine version"


@dataclass(frozen=True)
class Pack:
    """What was written.

    Attributes:
        gaps: How many open gaps the month has.
        altered: Files or tables that are not what the ledger says of them.
    """

    folder: Path
    gaps: int
    altered: tuple[str, ...]


def write_pack(context: Context, month: Month, out: Path, progress: Progress) -> Pack:
    """Write the pack of a published month.

    Raises:
        CloudtallyError: CT-EVIDENCE-MONTH when the month isn't published, CT-EVIDENCE-OLD when the
            publication lacks a table, CT-EVIDENCE-EXISTS when the folder is something else.
    """
    published = context.home.published.resolve()
    manifest = _manifest(published, month)
    if out.exists() and not (out / DOCUMENT).exists():
        raise CloudtallyError(
            "CT-EVIDENCE-EXISTS",
            "The folder exists and is no earlier pack, so it is not replaced.",
            where={"folder": out},
            kept="the folder.",
            next_step="Name another folder with --out.",
        )
    connection = duckdb.connect(str(published / DATABASE), read_only=True)
    try:
        connection.execute("set TimeZone = 'UTC'")
        about = _publication_section(context, connection, manifest, month)
        sections = (about, *published_sections(connection, month))
    finally:
        connection.close()
    sections += delivery_sections(context.home, manifest, month, progress)
    sections += (decision_section(context.ledger.events(), month), seeds_section())
    _write(out, month, sections)
    return Pack(out, _count(sections, "gaps"), tuple(_altered(sections)))


def _manifest(published: Path, month: Month) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((published / MANIFEST).read_text())
    except FileNotFoundError:
        manifest = {"fact_months": {}}
    if month.isoformat() not in manifest["fact_months"]:
        raise CloudtallyError(
            "CT-EVIDENCE-MONTH",
            f"{month_key(month)} is not published, so there is nothing to give evidence of.",
            where={"published": published},
            next_step="`cloudtally status` shows what has arrived; `cloudtally run` publishes.",
        )
    return manifest


def _publication_section(
    context: Context,
    connection: duckdb.DuckDBPyConnection,
    manifest: dict[str, Any],
    month: Month,
) -> Section:
    stated = manifest["fact_months"][month.isoformat()]["hash"]
    is_ours = manifest["hash_algorithm"] == HASH_ALGORITHM
    found = content_hashes(connection, FACT, [month], {})[month] if is_ours else OTHER_ENGINE
    rules = load_rules(context.settings.rules)
    rows = [
        ("publication", manifest["publication_id"]),
        ("built at", manifest["built_at"]),
        ("built by code", manifest["code_version"]),
        ("code of this pack", code_version()),
        ("hash algorithm", manifest["hash_algorithm"]),
        ("content hash of the month, stated", stated),
        ("content hash of the month, computed now", found),
        ("rules of ownership", manifest["rules"]),
        ("rules of ownership, configured now", rules.id),
        ("reporting currency", manifest["reporting_currency"]),
    ]
    return Section(
        "publication",
        "Publication",
        "Which publication this is about, and that the month still is what was published.",
        ("fact", "value"),
        rows,
    )


def _altered(sections: tuple[Section, ...]) -> list[str]:
    found = {section.name: section for section in sections}
    facts = {row[0]: row[1] for row in found["publication"].rows}
    now = facts["content hash of the month, computed now"]
    altered = [
        f"{row[0]}: {row[2]} is {row[-1]}"
        for row in found["delivery_files"].rows
        if row[-1] != INTACT
    ]
    altered += [
        f"{row[0]}: delivery {row[1]} is gone from landing/"
        for row in found["deliveries"].rows
        if row[-1] == GONE
    ]
    if now not in (facts["content hash of the month, stated"], OTHER_ENGINE):
        altered.append("the published month is not what its manifest states")
    return altered


def _count(sections: tuple[Section, ...], name: str) -> int:
    return sum(len(section.rows) for section in sections if section.name == name)


def _write(out: Path, month: Month, sections: tuple[Section, ...]) -> None:
    written_at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    unfinished = out.with_name(f".{out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    (unfinished / "data").mkdir(parents=True)
    head = {"month": month_key(month), "written_at": written_at}
    (unfinished / DOCUMENT).write_text(_document(head, sections), encoding="utf-8")
    for section in sections:
        (unfinished / "data" / f"{section.name}.json").write_text(
            _document(head, (section,)), encoding="utf-8"
        )
    (unfinished / PAGE).write_text(render(month, written_at, sections), encoding="utf-8")
    (unfinished / SUMS).write_text(_sums(unfinished), encoding="utf-8")
    replaced = out.with_name(f".{out.name}.replaced")
    shutil.rmtree(replaced, ignore_errors=True)
    if out.exists():
        out.replace(replaced)
    unfinished.replace(out)
    shutil.rmtree(replaced, ignore_errors=True)


def _document(head: dict[str, str], sections: tuple[Section, ...]) -> str:
    """Return sections as JSON; decimals are text, so that no digit is lost."""
    tables = {
        section.name: [dict(zip(section.columns, row, strict=True)) for row in section.rows]
        for section in sections
    }
    return json.dumps(head | tables, indent=1, default=str, ensure_ascii=False) + "\n"


def _sums(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n"
        for path in files
    )
