"""Runs dbt as a process of its own: its memory and its file locks end with it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.errors import CloudtallyError
from dagster_project.paths import DBT_PROJECT, SEEDS, Home
from dagster_project.pipeline.build import dbt_environment
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.lock import held_locks

PARSED = "parsed.json"
"""dbt's manifest under a name of its own: every command of dbt writes `manifest.json` anew, and one
that was killed then left half of it to whoever read it next."""


@dataclass(frozen=True)
class NodeResult:
    """How one model, seed or test fared."""

    unique_id: str
    status: str
    message: str
    failures: int

    @property
    def name(self) -> str:
        """The node's own name."""
        return self.unique_id.split(".")[2]

    @property
    def is_well(self) -> bool:
        """Whether it did what it should; a warning is no failure."""
        return self.status in ("success", "pass", "warn", "no-op")


def run_dbt(context: Context, arguments: Sequence[str]) -> list[NodeResult]:
    """Run one dbt command on this home's warehouse.

    Raises:
        CloudtallyError: CT-BUILD-DBT when dbt can't start, CT-BUILD-TEST when a test that guards
            the numbers fails, CT-BUILD-MODEL when a model fails.
    """
    results_path = context.home.dbt_target / "run_results.json"
    results_path.unlink(missing_ok=True)
    finished = _call(context.home, arguments)
    if not results_path.exists():
        raise CloudtallyError(
            "CT-BUILD-DBT",
            f"dbt did not run: {_last_lines(finished.stdout)}",
            where={"log": context.home.dbt_target / "logs" / "dbt.log"},
            kept="what is published now.",
            next_step="Read the log; a changed model may not parse.",
        )
    results = _read_results(results_path)
    _refuse_failures(context, results)
    return results


def ensure_manifest(home: Home | None = None) -> Path:
    """Return dbt's manifest, parsed anew if any file of the project is newer.

    Raises:
        CloudtallyError: CT-BUILD-PARSE when the project does not parse.
    """
    home = home or Home(DBT_PROJECT / "target" / "parse_only")
    manifest = home.dbt_target / PARSED
    if manifest.exists() and manifest.stat().st_mtime >= _newest_source():
        return manifest
    written = home.dbt_target / "manifest.json"
    written.unlink(missing_ok=True)
    finished = _call(home, ["parse"])
    if finished.returncode != 0 or not written.exists():
        raise CloudtallyError(
            "CT-BUILD-PARSE",
            f"The dbt project does not parse: {_last_lines(finished.stdout)}",
            where={"project": DBT_PROJECT},
            kept="what is published now.",
            next_step="Correct the file that dbt names.",
        )
    os.utime(written)
    return written.replace(manifest)


def _newest_source() -> float:
    files = [
        path
        for folder in (DBT_PROJECT / "models", DBT_PROJECT / "macros", DBT_PROJECT / "tests", SEEDS)
        for path in folder.rglob("*")
        if path.is_file()
    ]
    files += [DBT_PROJECT / "dbt_project.yml", DBT_PROJECT / "profiles.yml"]
    return max(path.stat().st_mtime for path in files)


def _call(home: Home, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    home.dbt_target.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", *arguments]
    return subprocess.run(
        [*command, "--project-dir", str(DBT_PROJECT)],
        env={**os.environ, **dbt_environment(home)},
        cwd=home.dbt_target,
        capture_output=True,
        text=True,
        check=False,
        pass_fds=held_locks(),
    )


def _read_results(path: Path) -> list[NodeResult]:
    document: Mapping[str, Any] = json.loads(path.read_text())
    return [
        NodeResult(
            unique_id=item["unique_id"],
            status=item["status"],
            message=str(item.get("message") or ""),
            failures=int(item.get("failures") or 0),
        )
        for item in document["results"]
    ]


def _refuse_failures(context: Context, results: Sequence[NodeResult]) -> None:
    failed = [item for item in results if not item.is_well and item.status != "skipped"]
    if not failed:
        return
    is_test = all(item.unique_id.startswith("test.") for item in failed)
    what = "; ".join(f"{item.name}: {item.message.splitlines()[0][:300]}" for item in failed[:5])
    raise CloudtallyError(
        "CT-BUILD-TEST" if is_test else "CT-BUILD-MODEL",
        f"{len(failed)} {'tests' if is_test else 'models'} failed: {what}",
        where={"log": context.home.dbt_target / "logs" / "dbt.log"},
        kept="what is published now; nothing of this build was published.",
        next_step="Look at dq_result in the warehouse and at the log; then run again.",
    )


def _last_lines(output: str) -> str:
    return " ".join(line.strip() for line in output.strip().splitlines()[-6:])[:800]
