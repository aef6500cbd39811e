"""Provider's own bytes, archived whole and immutable, then accepted or quarantined.

No Dagster and no dbt in this room: a test holds it to that.
"""
