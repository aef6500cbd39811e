"""Dagster's view of the pipeline. Thin: every body calls a step of `pipeline/` or `publish/`."""
