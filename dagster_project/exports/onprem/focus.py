"""On-premises FOCUS files, made by whoever charges for the data centre."""

from dagster_project.exports.generic.focus import EXPORT

__all__ = ["EXPORT"]
