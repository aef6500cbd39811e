"""Finds the module that reads a configured source.

The rule is the folder: provider `aws`, export `focus` is `exports/aws/focus.py` with an `EXPORT`; a
hyphen in the name of an export is an underscore in the module's.
A provider without a folder of its own is read by `exports/generic/`.
"""

import importlib

from dagster_project.exports.base import Export
from dagster_project.settings import SourceConfig


def export_of(source: SourceConfig) -> Export:
    """Return the export that reads a source."""
    module = importlib.import_module(f"dagster_project.exports.{source.room}.{source.kind}")
    export: Export = module.EXPORT
    return export
