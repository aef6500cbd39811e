"""What people decide about a month, and what was said of it before. No Dagster, no dbt."""
