"""Runs suites on a published DuckDB file with Great Expectations.

Belongs here: opening the file read-only, running every suite in one go, building the Data Docs.
Does not: what is promised (`suites/`), or what a broken promise leads to (the publisher).
"""

import datetime as dt
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import sqlalchemy as sa

from expectations import dialect, docs
from expectations.promises import Promise, Scope, Suite
from expectations.results import PromiseResult, SuiteResult, published, shorten, unchecked
from expectations.translate import to_expectation, to_result

_SITE = "published"
# The path goes in as an argument: in an address, a `?` in a folder's name would end it.
_ADDRESS = "duckdb:///?access_mode=read_only"
_RELATIONS = "select table_name from information_schema.tables where table_schema = 'main'"


def run_suites(
    database: Path,
    suites: Sequence[Suite],
    *,
    docs_dir: Path | None,
    months: Sequence[dt.date] | None = None,
    checked_at: dt.datetime | None = None,
) -> list[SuiteResult]:
    """Check every suite against a DuckDB file that is opened read-only and closed at the end.

    Args:
        database: The DuckDB file with the relations in schema `main`.
        suites: What to check, one relation each, with unique names.
        docs_dir: Folder of its own for the Data Docs (`index.html` and what it links), whose former
            pages are replaced; None for none.
        months: First days of the months to look at; None looks at all of them. Relations without
            months are always looked at as a whole.
        checked_at: The time written into the Data Docs; default: when the file was last written,
            so that the same file gives the same pages.

    Returns:
        One result per suite, in the order given. Whatever couldn't be checked (no file, no
        relation, an error inside an expectation) is a broken promise, never an exception.
    """
    scope = Scope(None if months is None else tuple(months))
    dialect.register()
    if docs_dir is not None:
        docs.clear(docs_dir)
    relations = _relations(database)
    if isinstance(relations, str):
        results = [_not_published(suite, relations) for suite in suites]
        if docs_dir is not None:
            docs.finish(docs_dir, results)
        return results
    runner = _Runner(database, docs_dir, checked_at or _written_at(database))
    try:
        results = [runner.run(suite, scope, relations) for suite in suites]
        if docs_dir is not None:
            runner.write_docs(docs_dir, results)
    finally:
        runner.close()
    return results


class _Runner:
    """One ephemeral Great Expectations context over one read-only file."""

    def __init__(self, database: Path, docs_dir: Path | None, checked_at: dt.datetime) -> None:
        self._gx = import_gx()
        self._context = _context(self._gx, docs_dir)
        self._source = self._context.data_sources.add_sql(
            _SITE,
            connection_string=_ADDRESS,
            create_temp_table=False,  # a temporary copy of the fact would not fit into memory
            kwargs={"connect_args": {"database": str(database)}},
        )
        self._checked_at = checked_at

    def close(self) -> None:
        """Let go of the file: a lasting reader would lock writers out."""
        self._source.get_execution_engine().engine.dispose()
        self._source.get_engine().dispose()

    def write_docs(self, docs_dir: Path, results: Sequence[SuiteResult]) -> None:
        """Build the Data Docs and make them readable without a network."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._context.build_data_docs()
        docs.finish(docs_dir, results)

    def run(self, suite: Suite, scope: Scope, relations: frozenset[str]) -> SuiteResult:
        """Check one suite."""
        if suite.relation not in relations:
            return _not_published(
                suite, f"There is no table or view named {suite.relation} in the published file."
            )
        promises = tuple(suite.promises(scope))
        try:
            found = self._validate(suite, promises, scope)
            checked = [to_result(promise, found.get(promise.name)) for promise in promises]
        except Exception as error:  # a suite that can't run is a broken suite, not a broken run
            checked = [unchecked(promise, _reason(error)) for promise in promises]
        return _result(suite, [published(suite, True, "it is there"), *checked])

    def _validate(self, suite: Suite, promises: Sequence[Promise], scope: Scope) -> dict[str, Any]:
        condition = scope.where(suite.month_column) if suite.month_column else "true"
        query = f'select * from "{suite.relation}" where {condition}'
        asset = self._source.add_query_asset(suite.name, query=query)
        expectations = [to_expectation(promise) for promise in promises]
        definition = self._context.validation_definitions.add(
            self._gx.ValidationDefinition(
                name=suite.name,
                data=asset.add_batch_definition_whole_table("all"),
                suite=self._context.suites.add(
                    self._gx.ExpectationSuite(
                        name=suite.name, expectations=expectations, notes=suite.reader
                    )
                ),
            )
        )
        outcome = definition.run(result_format="SUMMARY", run_id=_run_id(self._checked_at))
        return {one.expectation_config.meta["promise"]: one for one in outcome.results}


def import_gx() -> ModuleType:
    """Import Great Expectations with its telemetry off (some seconds the first time)."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations
    return great_expectations


def _run_id(checked_at: dt.datetime) -> Any:
    from great_expectations.core.run_identifier import RunIdentifier

    return RunIdentifier(run_name=_SITE, run_time=checked_at)


def _relations(database: Path) -> frozenset[str] | str:
    """Return the names of tables and views, or a sentence that says why there are none."""
    if not database.is_file():
        return f"There is no database file named {database.name}."
    engine = sa.create_engine(_ADDRESS, connect_args={"database": str(database)})
    try:
        with engine.connect() as connection:
            return frozenset(connection.execute(sa.text(_RELATIONS)).scalars())
    except Exception as error:  # duckdb's own errors and SQLAlchemy's: both mean "not readable"
        return f"{database.name} can't be read: {_reason(error)}"
    finally:
        engine.dispose()


def _no_substitution(path: str) -> str:
    """Return a path in which Great Expectations sees no `$variable` to fill in."""
    return path.replace("$", r"\$")


def _context(gx: ModuleType, docs_dir: Path | None) -> Any:
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
        data_docs_sites={} if docs_dir is None else {_SITE: _site(docs_dir)},
    )
    return gx.get_context(project_config=config, mode="ephemeral")


def _site(docs_dir: Path) -> dict[str, Any]:
    docs_dir.mkdir(parents=True, exist_ok=True)
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": _no_substitution(str(docs_dir.resolve())),
        },
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }


def _written_at(database: Path) -> dt.datetime:
    return dt.datetime.fromtimestamp(database.stat().st_mtime, tz=dt.UTC)


def _not_published(suite: Suite, sentence: str) -> SuiteResult:
    return _result(suite, [published(suite, False, shorten(sentence))])


def _result(suite: Suite, promises: Sequence[PromiseResult]) -> SuiteResult:
    return SuiteResult(suite.name, suite.relation, suite.reader, tuple(promises))


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {lines[0]}"
