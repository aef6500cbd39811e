"""Options that several commands take."""

import click

from dagster_project.errors import CloudtallyError
from dagster_project.months import Month, parse_month


def month_option(text: str) -> Month:
    """Read a month on the command line, YYYY-MM."""
    try:
        return parse_month(text)
    except CloudtallyError as error:
        raise click.BadParameter(error.what) from None
