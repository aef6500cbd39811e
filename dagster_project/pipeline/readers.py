"""What reads a configured source: the export of its provider, or the file of an input."""

from dagster_project.exports.base import Export
from dagster_project.exports.registry import export_of
from dagster_project.inputs.reader import input_file
from dagster_project.settings import InputConfig, SourceConfig


def reader_of(source: SourceConfig) -> Export:
    """Return what finds a source's deliveries and declares their columns."""
    return input_file(source) if isinstance(source, InputConfig) else export_of(source)
