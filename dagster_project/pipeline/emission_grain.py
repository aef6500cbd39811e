"""By what a provider without a room of its own reports its emissions."""

from dagster_project.exports.generic.carbon import grain_of
from dagster_project.settings import SourceConfig


def emission_grain(source: SourceConfig) -> str | None:
    """Return the places that a source reports by; None where its provider's format says it."""
    if source.room == "generic" and source.is_emissions:
        return ",".join(grain_of(source.options))
    return None
