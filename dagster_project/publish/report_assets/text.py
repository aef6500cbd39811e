"""How numbers, months and foreign text are written on the page.

Belongs here: formatting and escaping. Everything that comes from data passes through `esc`.
"""

import html
from decimal import Decimal

from dagster_project.months import Month

NO_DATA = "no data"
# Written out, because the names of strftime follow the machine's locale.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def esc(value: object) -> str:
    """Return foreign text safe for HTML text, attributes and Plotly's own small markup."""
    return html.escape(str(value), quote=True)


def month_name(month: Month) -> str:
    """Return a month as `Mar 2026`."""
    return f"{_MONTHS[month.month - 1]} {month.year}"


def money(amount: Decimal | None) -> str:
    """Return an amount with two digits, without its currency."""
    return NO_DATA if amount is None else f"{amount:,.2f}"


def mass(kg: Decimal | None) -> str:
    """Return kg CO2e with a precision that fits the size."""
    if kg is None:
        return NO_DATA
    if abs(kg) >= 1000:
        return f"{kg:,.0f}"
    return f"{kg:,.1f}" if abs(kg) >= 1 or kg == 0 else f"{kg:,.4f}"


def percent(ratio: Decimal | None) -> str:
    """Return a ratio as a percentage."""
    return NO_DATA if ratio is None else f"{ratio * 100:.1f} %"


def listed(words: list[str]) -> str:
    """Return `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
