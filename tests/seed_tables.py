"""Seeds as tables in DuckDB without dbt, typed as `_seeds.yml` declares them."""

from collections.abc import Collection

import duckdb
import yaml

from dagster_project.paths import SEEDS


def column_types() -> dict[str, dict[str, str]]:
    """Return the declared type of every column, by seed."""
    declared = yaml.safe_load((SEEDS / "_seeds.yml").read_text(encoding="utf-8"))["seeds"]
    return {seed["name"]: seed["config"]["column_types"] for seed in declared}


def load_seeds(
    connection: duckdb.DuckDBPyConnection, names: Collection[str], schema: str = "main"
) -> None:
    """Make a table of each of these seeds; names of no seed are passed over."""
    types = column_types()
    for file in SEEDS.rglob("*.csv"):
        if file.stem in names:
            columns = ", ".join(
                f'cast("{name}" as {kind}) as "{name}"' for name, kind in types[file.stem].items()
            )
            connection.execute(
                f"create table {schema}.{file.stem} as select {columns}"
                " from read_csv(?, header = true, all_varchar = true)",
                [str(file)],
            )
