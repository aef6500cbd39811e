"""The pack as one page that a browser shows and prints; everything foreign is escaped."""

import datetime as dt
import html
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from string import Template
from typing import Any

from dagster_project.evidence.sections import Section
from dagster_project.months import Month, month_key

MOST_SHOWN = 300
_HERE = Path(__file__).parent
_BAD = frozenset({"changed", "absent", "gone", "variance", "False"})


def render(month: Month, written_at: str, sections: Sequence[Section]) -> str:
    """Return the page."""
    links = "".join(
        f'<li><a href="#{section.name}">{_esc(section.title)}</a> ({len(section.rows):,})</li>'
        for section in sections
    )
    return Template((_HERE / "page.html").read_text(encoding="utf-8")).substitute(
        month=month_key(month),
        written_at=_esc(written_at),
        links=links,
        sections="".join(_section(section) for section in sections),
    )


def _section(section: Section) -> str:
    shown = section.rows[:MOST_SHOWN]
    head = "".join(f'<th scope="col">{_esc(name)}</th>' for name in section.columns)
    body = "".join(f"<tr>{''.join(_cell(value) for value in row)}</tr>" for row in shown)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    hidden = len(section.rows) - len(shown)
    more = f"<p>{hidden:,} more rows in data/{section.name}.json.</p>" if hidden else ""
    return (
        f'<section id="{section.name}"><h2>{_esc(section.title)}</h2>'
        f"<p>{_esc(section.meaning)}</p>"
        f'<div class="scroll">{table if section.rows else "<p>None.</p>"}</div>{more}</section>'
    )


def _cell(value: Any) -> str:
    if value is None:
        return '<td class="none">none</td>'
    if isinstance(value, Decimal):
        return f'<td class="number">{_number(value)}</td>'
    if isinstance(value, int) and not isinstance(value, bool):
        return f'<td class="number">{value:,}</td>'
    text = f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, dt.datetime) else str(value)
    return f"<td{' class=bad' if text in _BAD else ''}>{_esc(text)}</td>"


def _number(value: Decimal) -> str:
    """Return every digit, without the zeros of the scale."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _esc(value: object) -> str:
    return html.escape(str(value), quote=True)
