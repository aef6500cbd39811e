"""The same models on Spark: tables of its catalog from the ledger and from decoded files.

Spark gets copies of the decoded files. A double is its shortest text in them and a map, list or
struct its JSON text, both written by the engine that the totals are compared with: Java before 19
prints some doubles longer than they are (2e23 as 1.9999999999999998E23), and Spark's JSON differs.
Copies are grouped by schema and partitioned by delivery, so the catalog can name exactly the
current deliveries and a month's batch opens one month's files.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import CloudtallyError, install_advice
from dagster_project.months import Month
from dagster_project.paths import DBT_PROJECT, Home
from dagster_project.pipeline.build import build_arguments, dbt_environment
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.imports import Table, ensure_decoded, ledger_tables, write_table
from dagster_project.pipeline.lock import held_locks, home_lock
from dagster_project.pipeline.plan import make_plan
from dagster_project.sqltext import literal, quoted

MODELS = ("+fct_cost_and_carbon", "+fct_emissions_reported", "int_carbon__fact_totals")
# Part of the copies' path: raised when the way of copying changes, so old copies are not read.
COPY_FORMAT = "v1"

# Types that both engines read alike; names of the one, names of the other.
_SCALARS = {
    "VARCHAR": "string",
    "BOOLEAN": "boolean",
    "TINYINT": "tinyint",
    "SMALLINT": "smallint",
    "INTEGER": "int",
    "BIGINT": "bigint",
    "DATE": "date",
    "TIMESTAMP": "timestamp_ntz",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
}
_NUMBERS = {
    "DOUBLE", "FLOAT", "HUGEINT", "UHUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
}  # fmt: skip
_LINEAGE = ("ct_source", "ct_month", "ct_delivery")
_OPTIONS = {
    "spark.master": "local[2]",
    "spark.driver.memory": "2g",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.shuffle.partitions": "2",
    # Rules of a native bill refer to each other more deeply than the default of 100.
    "spark.sql.analyzer.maxIterations": "1000",
    # Tags may hold a key twice; the other engine's JSON reader accepts that too.
    "spark.sql.variant.allowDuplicateKeys": "true",
    "spark.sql.parquet.compression.codec": "zstd",
    # These copy the right side of an anti join into every branch of a union on its left: a month's
    # charges would be planned once more for every provider.
    "spark.sql.optimizer.excludedRules": ",".join(
        f"org.apache.spark.sql.catalyst.optimizer.{rule}"
        for rule in ("PushDownLeftSemiAntiJoin", "PushLeftSemiLeftAntiThroughJoin")
    ),
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
_LOGGING = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n
"""


@dataclass(frozen=True)
class SparkHome:
    """Folders of the Spark build inside a home; all of it can be rebuilt.

    The catalog (`metastore_db`) and the warehouse (`spark-warehouse`) are where Spark puts them
    when it is started in `root`.
    """

    root: Path

    @property
    def decoded(self) -> Path:
        """Copies of decoded files, by schema and delivery."""
        return self.root / "decoded" / COPY_FORMAT

    @property
    def ledger(self) -> Path:
        """The ledger's tables as Parquet."""
        return self.root / "ledger"

    @property
    def settings(self) -> Path:
        """Folder of `spark-defaults.conf`."""
        return self.root / "conf"

    @property
    def dbt_target(self) -> Path:
        """Output of dbt for this engine."""
        return self.root / "dbt_target"

    def table(self, name: str) -> Path:
        """Return the folder of a table that a model has built."""
        return self.root / "spark-warehouse" / "main.db" / name


def spark_home(home: Home) -> SparkHome:
    """Return the folders of a home's Spark build."""
    return SparkHome(home.root / "spark")


def missing_parts() -> list[str]:
    """Name what a Spark build needs and this machine lacks."""
    modules = {"pyspark": "pyspark", "dbt-spark": "dbt.adapters.spark"}
    found = [name for name, module in modules.items() if not _is_importable(module)]
    has_java = shutil.which("java") or os.environ.get("JAVA_HOME")
    return found if has_java else [*found, "java"]


def run_on_spark(
    context: Context,
    months: Iterable[Month] | None = None,
    options: Mapping[str, str] | None = None,
) -> SparkHome:
    """Build charges, carbon shares and facts on Spark.

    Args:
        context: The run's surroundings.
        months: Build these months; every month that has deliveries when absent.
        options: Settings of Spark beside or in place of the usual ones, such as `spark.master`.

    Returns:
        Where the tables are.

    Raises:
        CloudtallyError: CT-SPARK-MISSING without pyspark, dbt-spark or Java, CT-SPARK-BUILD when
            a statement or a model fails.
    """
    lacking = missing_parts()
    if lacking:
        raise CloudtallyError(
            "CT-SPARK-MISSING",
            f"Spark cannot run here: {', '.join(lacking)} not found.",
            kept="everything; nothing was started.",
            next_step=f"Install a Java runtime (17 or newer). {install_advice('spark')}",
        )
    wanted = sorted(months if months is not None else make_plan(context).months)
    home = spark_home(context.home)
    with home_lock(context.home.lock):
        ensure_decoded(context)
        write_settings(home, options)
        context.report("copying decoded files for Spark")
        statements = register(context, home, wanted)
        context.report(f"building {len(wanted)} months on Spark")
        run_job(context, home, [{"sql": statements}, {"dbt": build_command(MODELS, wanted)}])
    return home


def build_command(models: Sequence[str], months: Iterable[Month]) -> list[str]:
    """Return dbt's arguments that build models without their tests."""
    return [*build_arguments(models, months=months), "--exclude-resource-types", "test"]


def write_settings(home: SparkHome, options: Mapping[str, str] | None = None) -> None:
    """Write the settings that every session of this home starts with."""
    home.settings.mkdir(parents=True, exist_ok=True)
    settings = {**_OPTIONS, **(options or {})}
    text = "".join(f"{name} {value}\n" for name, value in settings.items())
    (home.settings / "spark-defaults.conf").write_text(text)
    (home.settings / "log4j2.properties").write_text(_LOGGING)


def register(context: Context, home: SparkHome, dirty: Sequence[Month]) -> list[str]:
    """Write what Spark reads and return the statements that make tables of it."""
    tables = ledger_tables(context, dirty)
    tables["decoded_files"], decoded = _register_decoded(home, tables)
    return [
        "create schema if not exists ledger",
        "create schema if not exists decoded",
        *decoded,
        *(
            statement
            for name, table in tables.items()
            for statement in _ledger_table(home, name, table)
        ),
    ]


def _register_decoded(home: SparkHome, tables: dict[str, Table]) -> tuple[Table, list[str]]:
    """Copy decoded files; return the ledger's table of them for Spark, and statements."""
    columns, files = tables["decoded_files"]
    types: dict[str, dict[str, str]] = {}
    for schema_id, name, kind in tables["decoded_columns"][1]:
        if name not in _LINEAGE:
            types.setdefault(schema_id, {})[name] = kind
    rows: dict[str, Sequence[Any]] = {}
    partitions: dict[str, dict[Path, None]] = {}
    for room, export, source, month, schema_id, path in files:
        table = f"{room}_{export}_{schema_id}"
        copy = _copy_path(home, table, Path(path))
        _copy(Path(path), copy, types[schema_id])
        partitions.setdefault(table, {})[copy.parent] = None
        rows.setdefault(table, (room, export, source, month, schema_id, f"decoded.{table}"))
    statements = [
        statement
        for table, folders in partitions.items()
        for statement in _decoded_table(table, types[rows[table][4]], list(folders))
    ]
    return (columns, list(rows.values())), statements


def _copy_path(home: SparkHome, table: str, path: Path) -> Path:
    return home.decoded.joinpath(table, *path.parts[-4:])


def _copy(path: Path, target: Path, types: dict[str, str]) -> None:
    """Copy one decoded file with every column in a type that Spark reads as it is meant."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    selected = ", ".join(
        f"{_readable(quoted(name), kind)} as {quoted(name)}" for name, kind in types.items()
    )
    partial = target.with_suffix(".part")
    connection = duckdb.connect()
    try:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            f"copy (select {selected}"
            f" from read_parquet({literal(path)}, hive_partitioning = false))"
            f" to {literal(partial)} (format parquet, compression zstd)"
        )
    finally:
        connection.close()
    partial.rename(target)


def _readable(column: str, kind: str) -> str:
    if kind in _SCALARS or kind.startswith("DECIMAL"):
        return column
    if kind.startswith("TIMESTAMP"):
        return f"cast({column} as timestamp)"
    if kind in _NUMBERS:
        return f"cast({column} as varchar)"
    if kind.startswith("MAP"):
        entries = f"map_from_entries(list_sort(map_entries({column})))"
        return f"cast(to_json({entries}) as varchar)"
    return f"cast(to_json({column}) as varchar)"


def _spark_type(kind: str) -> str:
    if kind.startswith("DECIMAL"):
        return kind.lower()
    if kind.startswith("TIMESTAMP"):
        return _SCALARS.get(kind, "timestamp_ntz")
    return _SCALARS.get(kind, "string")


def _decoded_table(table: str, types: dict[str, str], folders: Sequence[Path]) -> list[str]:
    columns = ", ".join(f"{_ticked(name)} {_spark_type(kind)}" for name, kind in types.items())
    lineage = "ct_source string, ct_month date, ct_delivery string"
    return [
        f"drop table if exists decoded.{table}",
        f"create table decoded.{table} ({columns}, {lineage}) using parquet"
        f" partitioned by ({', '.join(_LINEAGE)}) location {_spark_text(folders[0].parents[2])}",
        *(
            f"alter table decoded.{table} add partition ({_partition(folder)})"
            f" location {_spark_text(folder)}"
            for folder in folders
        ),
    ]


def _partition(folder: Path) -> str:
    values = [part.split("=", 1)[1] for part in folder.parts[-3:]]
    return ", ".join(
        f"{name} = {'date ' if name == 'ct_month' else ''}{_spark_text(value)}"
        for name, value in zip(_LINEAGE, values, strict=True)
    )


def _ledger_table(home: SparkHome, name: str, table: Table) -> list[str]:
    columns, rows = table
    folder = home.ledger / name
    folder.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    try:
        write_table(connection, "rows", columns, rows)
        connection.execute(f"copy rows to {literal(folder / 'part.parquet')} (format parquet)")
    finally:
        connection.close()
    types = ", ".join(f"{_ticked(column)} {_spark_type(kind.upper())}" for column, kind in columns)
    return [
        f"drop table if exists ledger.{name}",
        f"create table ledger.{name} ({types}) using parquet location {_spark_text(folder)}",
    ]


def run_job(context: Context, home: SparkHome, steps: Sequence[Mapping[str, list[str]]]) -> None:
    """Run steps in one process of its own: one Java start, one owner of the catalog.

    Args:
        context: The run's surroundings.
        home: Folders of the Spark build.
        steps: Each `{"sql": statements}` or `{"dbt": arguments}`.

    Raises:
        CloudtallyError: CT-SPARK-BUILD when a statement or a model fails.
    """
    job_file = home.root / "job.json"
    job_file.write_text(json.dumps(steps))
    environment = {
        **os.environ,
        **dbt_environment(context.home),
        "CLOUDTALLY_DBT_ENGINE": "spark",
        "DBT_TARGET_PATH": str(home.dbt_target),
        "DBT_LOG_PATH": str(home.dbt_target / "logs"),
        "SPARK_CONF_DIR": str(home.settings),
        "PYSPARK_PYTHON": sys.executable,
    }
    finished = subprocess.run(
        [
            sys.executable,
            "-m",
            "dagster_project.pipeline.spark_job",
            str(job_file),
            str(DBT_PROJECT),
        ],
        env=environment,
        cwd=home.root,
        pass_fds=held_locks(),
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise CloudtallyError(
            "CT-SPARK-BUILD",
            f"The build on Spark failed: {_complaint(finished.stdout + finished.stderr)}",
            where={"log": home.dbt_target / "logs" / "dbt.log"},
            kept="the other engine's warehouse and what is published now.",
            next_step="Read the log; the folder spark of the home can be deleted and rebuilt.",
        )


def _complaint(output: str) -> str:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"error|exception", line, re.IGNORECASE)]
    return " ".join((errors or lines)[:6])[:1500]


def _is_importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _ticked(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _spark_text(value: object) -> str:
    """Return a Spark literal; Spark would replace ${name} by variables of its process."""
    text = str(value).replace("\\", "\\\\").replace("'", "\\'").replace("$", "\\u0024")
    return f"'{text}'"
