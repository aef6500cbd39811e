"""What reads a configured source: the export of its provider, or the file of an input."""

from dagster_project.errors import CloudtallyError
from dagster_project.exports.base import Export, Schema
from dagster_project.exports.registry import export_of
from dagster_project.inputs.reader import input_file
from dagster_project.landing.delivery import Delivery
from dagster_project.settings import InputConfig, SourceConfig


def reader_of(source: SourceConfig) -> Export:
    """Return what finds a source's deliveries and declares their columns."""
    return input_file(source) if isinstance(source, InputConfig) else export_of(source)


def schema_of(export: Export, delivery: Delivery) -> Schema:
    """Return the declared schema that a delivery was matched with."""
    for schema in export.schemas():
        if schema.version == delivery.schema_version:
            return schema
    raise CloudtallyError(
        "CT-DECODE-VERSION",
        f"Version {delivery.schema_version!r} of this export is no longer declared.",
        where={"source": delivery.source, "delivery": delivery.delivery_id},
        kept="the delivery stays in landing/.",
        next_step="Use the release that landed it, or declare the version again.",
    )
