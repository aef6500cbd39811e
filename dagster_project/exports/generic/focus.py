"""FOCUS files of any provider, any version."""

from dagster_project.exports.base import DeclaredExport, focus_schema
from dagster_project.exports.generic import plain_folder

VERSIONS = ("1.4", "1.3", "1.2", "1.1", "1.0")

EXPORT = DeclaredExport(
    is_emissions=False,
    finder=plain_folder.find,
    declared=tuple(focus_schema(version) for version in VERSIONS),
)
