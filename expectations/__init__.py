"""Promises made to the reader of every published table, and the engine that holds us to them.

Belongs here: one suite per published table (`suites/`), the vocabulary they are written in
(`promises.py`), the engine that runs them with Great Expectations (`engine.py`), the DuckDB dialect
that this needs (`dialect.py`) and the offline Data Docs (`docs.py`).
Does not: Dagster, dbt, or a decision about publishing. Great Expectations is imported inside
functions only (its import takes seconds), so importing this package is cheap.
"""
