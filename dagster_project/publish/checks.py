"""Holds a candidate to what its readers are promised; a broken promise keeps it back."""

import json
from collections.abc import Sequence
from typing import Any

from dagster_project.ledger.store import Kind
from dagster_project.months import parse_month
from dagster_project.pipeline.context import Context
from dagster_project.publish.candidate import CandidateFolder
from expectations.engine import run_suites
from expectations.results import SuiteResult
from expectations.suites import ALL_SUITES

VERDICT = "checks.json"


def check_candidate(context: Context, candidate: CandidateFolder) -> Sequence[SuiteResult]:
    """Run every suite on the file that readers would open, and write down the verdict.

    Months whose content is published already are not looked at again, unless the promises changed.
    """
    results = run_suites(
        candidate.database,
        ALL_SUITES,
        docs_dir=context.home.data_docs,
        months=_changed_months(context, candidate),
    )
    verdict = {"passed": all(result.passed for result in results)}
    (candidate.folder / VERDICT).write_text(json.dumps(verdict))
    if not verdict["passed"]:
        context.ledger.append(
            Kind.CHECKS_FAILED,
            reason="a promise is broken",
            payload={"publication_id": candidate.publication_id, "broken": broken(results)},
        )
    return results


def has_passed(candidate: CandidateFolder) -> bool:
    """Tell whether exactly this candidate was checked and kept every blocking promise."""
    verdict = candidate.folder / VERDICT
    return verdict.exists() and bool(json.loads(verdict.read_text())["passed"])


def broken(results: Sequence[SuiteResult]) -> list[dict[str, Any]]:
    """Return the blocking promises that were broken, as plain data."""
    return [
        {
            "relation": result.relation,
            "promise": promise.name,
            "notes": promise.notes,
            "rows": promise.unexpected_count,
            "sample": [str(row) for row in promise.sample][:3],
        }
        for result in results
        for promise in result.blocking
    ]


def _changed_months(context: Context, candidate: CandidateFolder) -> list[Any]:
    last = context.state().published or {}
    manifest = candidate.manifest()
    is_asked_alike = last.get("publishing_code") == manifest["publishing_code"]
    published = last["fact_months"] if is_asked_alike else {}
    months = manifest["fact_months"]
    return [
        parse_month(month)
        for month, item in months.items()
        if published.get(month, {}).get("hash") != item["hash"]
    ]
