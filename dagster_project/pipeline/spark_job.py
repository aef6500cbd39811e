"""What runs inside the process that owns Spark's catalog: statements, then dbt.

The embedded catalog admits one Java process at a time, and dbt's session method uses the session
that this process has opened.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def main(arguments: Sequence[str]) -> int:
    """Run a job file's statements and dbt commands in order; return the exit code."""
    job_file, project = arguments
    job: dict[str, Any] = json.loads(Path(job_file).read_text())
    _run_statements(job["statements"])
    return 0 if all(_run_dbt(command, project) for command in job["dbt"]) else 1


def _run_statements(statements: Sequence[str]) -> None:
    from pyspark.sql import SparkSession

    session = SparkSession.builder.enableHiveSupport().getOrCreate()
    for statement in statements:
        session.sql(statement)


def _run_dbt(command: Sequence[str], project: str) -> bool:
    from dbt.cli.main import dbtRunner

    return bool(dbtRunner().invoke(["--no-use-colors", *command, "--project-dir", project]).success)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
