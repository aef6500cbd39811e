"""What every command's options and exit codes share."""

from dagster_project.cli.arguments import month_option

__all__ = ["FAILED", "HELD_BACK", "MISTAKEN", "month_option"]

FAILED = 1
MISTAKEN = 2
HELD_BACK = 3
