"""What runs inside the process that owns Spark's catalog: statements and dbt commands.

The embedded catalog admits one Java process at a time, and dbt's session method uses the session
that this process has opened.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from dbt.cli.main import dbtRunner
from pyspark.sql import SparkSession


def main(arguments: Sequence[str]) -> int:
    """Run a job file's steps in order, up to the first that fails; return the exit code."""
    job_file, project = arguments
    steps: list[dict[str, list[str]]] = json.loads(Path(job_file).read_text())
    return 0 if all(_run_step(step, project) for step in steps) else 1


def _run_step(step: dict[str, list[str]], project: str) -> bool:
    if "sql" in step:
        return _run_statements(step["sql"])
    command = ["--no-use-colors", *step["dbt"], "--project-dir", project]
    return bool(dbtRunner().invoke(command).success)


def _run_statements(statements: Sequence[str]) -> bool:
    session = SparkSession.builder.enableHiveSupport().getOrCreate()
    for statement in statements:
        session.sql(statement)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
