"""Which code this is: the package version and a hash of everything that shapes the numbers."""

import functools
import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dagster_project.paths import DBT_PROJECT, PROJECT_ROOT, SEEDS

_PYTHON_ROOMS = ("decoding", "exports", "landing", "rules")
_DBT_ROOMS = ("models", "macros")


@functools.cache
def code_version() -> str:
    """Return the package version with the short hash of models, seeds and decoding code."""
    return f"{_package_version()}+{code_hash()[:12]}"


@functools.cache
def code_hash() -> str:
    """Return a hash of every file whose change can move a published number."""
    folders = [DBT_PROJECT / room for room in _DBT_ROOMS] + [SEEDS]
    folders += [PROJECT_ROOT / "dagster_project" / room for room in _PYTHON_ROOMS]
    return hash_files(
        [
            path
            for folder in folders
            for path in folder.rglob("*")
            if path.suffix in {".sql", ".csv", ".py", ".yml"}
        ]
        + [DBT_PROJECT / "dbt_project.yml"],
        root=PROJECT_ROOT,
    )


def hash_files(paths: list[Path], *, root: Path) -> str:
    """Return a hash of names and contents, independent of the order given."""
    digest = hashlib.sha256()
    for path in sorted(set(paths)):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _package_version() -> str:
    try:
        return version("cloudtally")
    except PackageNotFoundError:
        return "0.0.0"
