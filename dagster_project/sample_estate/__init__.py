"""A fictional company whose bill and emissions are known exactly.

Belongs here: one internal book of charge lines, its projections into every export format, and the
truth summed from the book. Does not: anything the pipeline itself uses to read an export.
"""

from dagster_project.sample_estate.estate import EstateSummary, SourceSummary, write_estate

__all__ = ["EstateSummary", "SourceSummary", "write_estate"]
