"""Builds a publication complete, beside the one that readers see.

A candidate lies in its final folder `.published/<id>/` from the start, because the views in its
DuckDB file name that folder; it becomes the publication when `published` points to it.
"""

import datetime as dt
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import CloudtallyError
from dagster_project.files import link_or_copy, sync_folder
from dagster_project.history.columns import FACT
from dagster_project.ledger.state import LedgerState
from dagster_project.months import Month, parse_month
from dagster_project.paths import Home
from dagster_project.pipeline.build import seeds_hash
from dagster_project.pipeline.calendar import period_rows
from dagster_project.pipeline.changes import is_published_file
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.guard import guarded_changes
from dagster_project.pipeline.plan import (
    Plan,
    chargeback_of,
    configuration_id,
    counted_deliveries,
    current_inputs,
    place_of,
    publishing_code,
    rules_id,
)
from dagster_project.publish.digest import HISTORY_TABLES, content_hashes, table_hash
from dagster_project.publish.focus_metadata import write_focus_metadata
from dagster_project.publish.report import write_report
from dagster_project.sqltext import literal
from dagster_project.version import code_version

DATABASE = "cloudtally.duckdb"
MANIFEST = "manifest.json"
POINTER = "candidate.json"
MONTHLY = (FACT, "mart_spend_carbon_daily")
HASH_ALGORITHM = f"duckdb {duckdb.__version__} hash()"
FOCUS_VIEWS = ("focus_v1_2", "focus_v1_4")
FOCUS_TABLES = (
    "focus_v1_4_billing_period",
    "focus_v1_4_contract_commitment",
    "focus_v1_4_invoice_detail",
)
_PREFIXES = ("fct_", "dim_", "bridge_", "mart_", "dq_")


@dataclass(frozen=True)
class CandidateFolder:
    """A publication that is built and not yet visible."""

    folder: Path

    @property
    def publication_id(self) -> str:
        """Name of the publication."""
        return self.folder.name

    @property
    def database(self) -> Path:
        """The DuckDB file that readers will open."""
        return self.folder / DATABASE

    def manifest(self) -> dict[str, Any]:
        """Return what the publication was built from."""
        manifest: dict[str, Any] = json.loads((self.folder / MANIFEST).read_text())
        return manifest


def build_candidate(context: Context, plan: Plan) -> CandidateFolder:
    """Build a publication of what the warehouse holds now.

    Raises:
        CloudtallyError: CT-CLOSED-CHANGED when a closed period would change.
    """
    restatements = guarded_changes(context)
    home = context.home
    now = dt.datetime.now(dt.UTC)
    folder = home.publications / f"{now:%Y%m%dT%H%M%S}Z-{plan.content[:12]}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tables = _export_tables(home, folder)
    focus = _focus_queries(home)
    _write_database(folder, tables, focus)
    schemas = write_focus_metadata(context, folder, folder / DATABASE, now)
    manifest = _manifest(context, plan, folder, tables, now) | {
        "focus_schemas": schemas,
        "restatements": [row.as_payload() for row in restatements],
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    write_report(folder / DATABASE, folder / "report")
    _sync_tree(folder)
    candidate = CandidateFolder(folder)
    pointer = home.publications / POINTER
    pointer.write_text(json.dumps({"publication_id": candidate.publication_id}))
    return candidate


def present_candidate(home: Home) -> CandidateFolder:
    """Return the candidate that was built last.

    Raises:
        CloudtallyError: CT-PUBLISH-NO-CANDIDATE when there is none.
    """
    pointer = home.publications / POINTER
    try:
        name = json.loads(pointer.read_text())["publication_id"]
        folder = home.publications / name
        if (folder / MANIFEST).exists():
            return CandidateFolder(folder)
    except (FileNotFoundError, json.JSONDecodeError, KeyError):
        pass
    raise CloudtallyError(
        "CT-PUBLISH-NO-CANDIDATE",
        "No publication has been built that could be checked or published.",
        where={"home": home.root},
        kept="what is published now.",
        next_step="Run `cloudtally run`.",
    )


def drop_candidate(home: Home) -> None:
    """Forget the candidate; its folder goes with the next clean-up."""
    (home.publications / POINTER).unlink(missing_ok=True)


def _export_tables(home: Home, folder: Path) -> dict[str, str]:
    """Write every published relation; return the glob of its files, relative to the folder."""
    globs = {}
    connection = duckdb.connect(str(home.database), read_only=True)
    try:
        connection.execute("set TimeZone = 'UTC'")
        for name in _published_relations(connection):
            (folder / name).mkdir()
            if name in MONTHLY:
                _link_months(home.lake / name, folder / name)
                globs[name] = "*/part.parquet"
            else:
                target = folder / name / f"{name}.parquet"
                connection.execute(
                    f"copy (select * from main.{name}) to {literal(target)}"
                    " (format parquet, compression zstd)"
                )
                globs[name] = f"{name}.parquet"
    finally:
        connection.close()
    return globs


def _published_relations(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        "select table_name from information_schema.tables where table_schema = 'main'"
        " order by table_name"
    ).fetchall()
    return [name for (name,) in rows if name.startswith(_PREFIXES) or name in FOCUS_TABLES]


def _link_months(lake: Path, target: Path) -> None:
    for part in sorted(lake.glob("billing_month=*/part.parquet")):
        month = target / part.parent.name
        month.mkdir()
        link_or_copy(part, month / part.name)


def _focus_queries(home: Home) -> dict[str, list[str]]:
    connection = duckdb.connect(str(home.database), read_only=True)
    try:
        return {
            view: [row[0] for row in connection.execute(f"describe main.{view}").fetchall()]
            for view in FOCUS_VIEWS
        }
    finally:
        connection.close()


def _write_database(folder: Path, globs: Mapping[str, str], focus: Mapping[str, list[str]]) -> None:
    """Write the file that BI opens: views over the Parquet beside it, nothing else."""
    connection = duckdb.connect(str(folder / DATABASE))
    try:
        for name, glob in globs.items():
            connection.execute(view_statement(name, folder / name / glob))
        for view, columns in focus.items():
            names = ", ".join(columns)
            connection.execute(
                f"create view {view} as select {names} from {FACT} where x_RecordKind = 'Charge'"
            )
    finally:
        connection.close()


def view_statement(name: str, files: Path) -> str:
    """Return the view over one table's files; the month of a monthly table prunes files."""
    if name not in MONTHLY:
        return (
            f"create view {name} as select * from "
            f"read_parquet({literal(files)}, hive_partitioning = false)"
        )
    columns = "* exclude (billing_month) replace (billing_month as x_BillingMonth)"
    return (
        f"create view {name} as select {columns if name == FACT else '*'} from "
        f"read_parquet({literal(files)}, hive_partitioning = true, "
        "hive_types = {'billing_month': date}, union_by_name = true)"
    )


def _manifest(
    context: Context, plan: Plan, folder: Path, globs: Mapping[str, str], now: dt.datetime
) -> dict[str, Any]:
    state = context.state()
    published = _comparable_months(state.published or {})
    built = {
        month.isoformat(): dict(state.built[month]) for month in plan.months if month in state.built
    }
    connection = duckdb.connect(str(folder / DATABASE), read_only=True)
    try:
        known = {
            parse_month(month): item["hash"]
            for month, item in published.items()
            if item.get("built") == built.get(month)
            and is_published_file(context.home, state, parse_month(month))
        }
        hashes = content_hashes(connection, FACT, _months_of(folder / FACT), known)
        tables = {
            name: table_hash(connection, name)
            for name in globs
            if name not in (*MONTHLY, *HISTORY_TABLES)
        }
    finally:
        connection.close()
    return {
        "publication_id": folder.name,
        "place": place_of(context.home),
        "built_at": now.isoformat(timespec="seconds"),
        "code_version": code_version(),
        "publishing_code": publishing_code(),
        "hash_algorithm": HASH_ALGORITHM,
        "content": plan.content,
        "rules": rules_id(context),
        "chargeback": {"id": chargeback_of(context).id, **chargeback_of(context).content()},
        "seeds": seeds_hash(),
        "configuration": configuration_id(context),
        "closes": standing_closes(state),
        "periods": [
            [row.provider, row.billing_month.isoformat(), row.cost_state, row.carbon_state]
            for row in period_rows(context.settings, state)
        ],
        "reporting_currency": context.settings.reporting_currency,
        "deliveries": [
            [unit.source, unit.month.isoformat(), unit.variant, decision.delivery_id]
            for unit, decision in sorted(counted_deliveries(context, state).items())
        ],
        "inputs": [
            [unit.source, decision.delivery_id]
            for unit, decision in sorted(current_inputs(context, state).items())
        ],
        "fact_months": {
            month.isoformat(): {"hash": value, "built": built.get(month.isoformat())}
            for month, value in hashes.items()
        },
        "tables": tables,
    }


def standing_closes(state: LedgerState) -> list[list[str]]:
    """Return the closed periods with what they must come to, as a manifest lists them."""
    return [
        [period.clock.value, period.provider, period.month.isoformat(), close.digest]
        for period, close in sorted(state.closes.items())
    ]


def _comparable_months(published: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the published months, unless another engine hashed them."""
    is_ours = published.get("hash_algorithm") == HASH_ALGORITHM
    return dict(published["fact_months"]) if is_ours else {}


def _months_of(folder: Path) -> Iterable[Month]:
    return [
        parse_month(path.name.partition("=")[2]) for path in sorted(folder.glob("billing_month=*"))
    ]


def _sync_tree(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            sync_folder(path)
