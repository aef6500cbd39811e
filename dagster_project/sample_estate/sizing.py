"""How many lines the estate gets: hours instead of days, and more small resources on AWS.

Belongs here: arithmetic from a wanted number of rows to plans.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dagster_project.months import Month, next_month
from dagster_project.sample_estate import company_aws
from dagster_project.sample_estate.book import DAY_HOURS

SMALL_ITEMS = 44
_CORE_ITEMS = len(company_aws.core_items()) + 7
_HOURLY_FROM = 60_000
_ANY_LENGTH = 10_000


@dataclass(frozen=True, slots=True)
class Size:
    """Length of charge periods and number of small AWS resources.

    Attributes:
        aws_hours: Hours per charge period of the AWS organisation.
        other_hours: Hours per charge period everywhere else.
        fleet: Small AWS resources beside the core ones.
        aws_rows: About how many AWS lines a month gets.
    """

    aws_hours: int
    other_hours: int
    fleet: int
    aws_rows: int


def size_for(rows: int, months: Sequence[Month], longest: int = _ANY_LENGTH) -> Size:
    """Return the size that yields about `rows` current charge lines over the months.

    No charge period gets longer than `longest` hours: providers' own bills are daily at most.
    """
    days = sum((next_month(month) - month).days for month in months) / len(months)
    monthly = rows / len(months)
    other_days = max(1, int(SMALL_ITEMS * days / max(1.0, monthly * 0.5)))
    wanted = max(0.0, monthly - SMALL_ITEMS * days / other_days)
    hourly = wanted >= _HOURLY_FROM
    core_days = 1 if hourly else max(1, int(_CORE_ITEMS * days / max(1.0, wanted)))
    periods = days * DAY_HOURS if hourly else days / core_days
    fleet = max(0, round(wanted / periods) - _CORE_ITEMS)
    hours = 1 if hourly else core_days * DAY_HOURS
    return Size(min(hours, longest), min(other_days * DAY_HOURS, longest), fleet, round(wanted))
