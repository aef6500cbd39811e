"""What commands share: exit codes, and how they read months and reasons."""

import click

from dagster_project.errors import CloudtallyError
from dagster_project.months import Month, parse_month

FAILED = 1
MISTAKEN = 2
HELD_BACK = 3


def month_option(text: str) -> Month:
    """Read a month on the command line, YYYY-MM."""
    try:
        return parse_month(text)
    except CloudtallyError as error:
        raise click.BadParameter(error.what) from None


def reason_option(text: str) -> str:
    """Read a reason: somebody will want to know, so it says something."""
    if not text.strip():
        raise click.BadParameter("say why: the reason is recorded for whoever asks later.")
    return text.strip()
