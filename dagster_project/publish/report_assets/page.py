"""Puts the page together: sections, tables, text alternatives, one script, no network.

Belongs here: HTML. Every function returns safe HTML; everything foreign goes through `esc`.
The page carries a content security policy that allows exactly its own two scripts, so that a name
that slipped through escaping could still neither run nor load anything.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from string import Template

from plotly.offline import get_plotlyjs

from dagster_project.months import Month, add_months
from dagster_project.publish.report_assets import figures
from dagster_project.publish.report_assets.data import (
    UNSETTLED,
    CalendarCell,
    Hotspot,
    ReportData,
)
from dagster_project.publish.report_assets.figures import Figure
from dagster_project.publish.report_assets.text import (
    NO_DATA,
    esc,
    listed,
    mass,
    money,
    month_name,
)

_HERE = Path(__file__).parent
_GLYPHS = {
    "arrived": "✓",
    "pending": "…",
    "missing": "✕",
    "quarantined": "!",
    "not_expected": "·",
    "closed": "✓",
    "restated": "↻",
    "provisional": "~",
    "open": "○",
}
_STATE_WORDS = {"not_expected": "not expected"}


def render_page(data: ReportData) -> str:
    """Return the whole page; the same data gives the same bytes."""
    groups = {
        "cost": figures.cost_figures(data),
        "carbon": figures.carbon_figures(data),
        "coverage": figures.coverage_figures(data),
        "environments": figures.environment_figures(data),
    }
    drawn = [figure for group in groups.values() for figure in group]
    plotly, script = get_plotlyjs(), _asset("report.js")
    return Template(_asset("page.html")).substitute(
        policy=_policy(plotly, script),
        style=_asset("report.css"),
        as_of=_as_of(data),
        summary=_summary(data),
        cards=_cards(data),
        legend=_legend(data),
        cost=_figures(groups["cost"]),
        carbon=_figures(groups["carbon"]),
        carbon_silent=_silent(data),
        coverage=_figures(groups["coverage"]),
        environments=_figures(groups["environments"]),
        hotspots=_hotspots(data),
        calendar=_calendar(data),
        gaps=_gaps(data),
        periods=_periods(data),
        left_out=_left_out(data),
        figures=_json({figure.name: figure.spec for figure in drawn}),
        plotly=plotly,
        script=script,
    )


def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _policy(*scripts: str) -> str:
    hashes = " ".join(
        "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
        for text in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _as_of(data: ReportData) -> str:
    if data.data_as_of is None:
        return "Nothing has been published yet."
    moment = data.data_as_of
    return (
        f'Data as of <time datetime="{moment:%Y-%m-%dT%H:%M:%SZ}">{moment.day} '
        f"{month_name(moment.date())}, {moment:%H:%M} UTC</time>"
    )


def _summary(data: ReportData) -> str:
    sentences = [_cost_sentence(data, currency) for currency in data.currencies]
    carbon = _carbon_sentence(data)
    return "".join(f"<li>{text}</li>" for text in (*sentences, carbon) if text)


def _cost_sentence(data: ReportData, currency: str) -> str:
    month = data.newest_complete_cost_month(currency)
    if month is None:
        return f"<b>{esc(currency)}:</b> no month is complete yet."
    state = data.cost_state(data.providers_of(currency), month)
    marked = f" ({esc(state)})" if state in UNSETTLED else ""
    return (
        f"<b>{month_name(month)}, {esc(currency)}</b>{marked}: effective cost was "
        f"<b>{money(_month_cost(data, currency, month))}&nbsp;{esc(currency)}</b>, "
        f"{_change(data, currency, month)}."
    )


def _month_cost(data: ReportData, currency: str, month: Month) -> Decimal | None:
    amounts = [
        cell.effective_cost
        for cell in data.costs
        if cell.currency == currency and cell.month == month and cell.effective_cost is not None
    ]
    return sum(amounts, Decimal(0)) if amounts else None


def _change(data: ReportData, currency: str, month: Month) -> str:
    before = add_months(month, -1)
    now, then = _month_cost(data, currency, month), _month_cost(data, currency, before)
    if data.gaps(data.providers_of(currency), before, bills=True):
        return f"with no comparison, because {month_name(before)} is incomplete"
    if now is None or not then or then < 0:
        return f"with nothing to compare it with in {month_name(before)}"
    change = (now - then) * 100 / then
    if abs(change) < Decimal("0.05"):
        return f"the same as in {month_name(before)}"
    direction = "more" if change > 0 else "less"
    return f"{abs(change):.1f}&nbsp;% {direction} than in {month_name(before)}"


def _carbon_sentence(data: ReportData) -> str:
    month = data.newest_complete_carbon_month()
    if month is None:
        return "<b>Carbon:</b> no month is complete yet."
    parts = [
        f"<b>{mass(kg)}&nbsp;kg&nbsp;CO₂e</b> {esc(label.lower())}"
        for label, kg in _month_carbon(data, month)
        if kg is not None
    ]
    return (
        f"<b>{month_name(month)}, carbon reported by providers</b>: {listed(parts)}. "
        "These stand side by side and are never added."
    )


def _month_carbon(data: ReportData, month: Month) -> list[tuple[str, Decimal | None]]:
    cells = [cell for cell in data.carbon if cell.month == month]
    totals: list[tuple[str, Decimal | None]] = []
    for _, label, name, _ in figures.METHODS:
        amounts = [getattr(cell, name) for cell in cells if getattr(cell, name) is not None]
        totals.append((label, sum(amounts, Decimal(0)) if amounts else None))
    return totals


def _cards(data: ReportData) -> str:
    cards = []
    for currency in data.currencies:
        month = data.newest_complete_cost_month(currency)
        if month is not None:
            amount = money(_month_cost(data, currency, month))
            cards.append(_card(f"Cost, {month_name(month)}", amount, currency))
    month = data.newest_complete_carbon_month()
    for (label, kg), short in zip(
        _month_carbon(data, month) if month else [],
        ("Location-based", "Market-based", "Method not stated"),
        strict=False,
    ):
        if month and kg is not None:
            cards.append(_card(f"{short}, {month_name(month)}", mass(kg), "kg CO₂e", label))
    gaps = sum(1 for cell in data.calendar if cell.is_gap)
    cards.append(_card("Deliveries not in", str(gaps), "of " + str(_expected(data))))
    return "".join(cards)


def _expected(data: ReportData) -> int:
    return sum(1 for cell in data.calendar if cell.expected)


def _card(label: str, number: str, unit: str, hint: str = "") -> str:
    title = f' title="{esc(hint)}"' if hint else ""
    return (
        f'<div class="card"{title}><dt>{esc(label)}</dt><dd><span class="number">{esc(number)}'
        f'</span> <span class="unit">{esc(unit)}</span></dd></div>'
    )


def _legend(data: ReportData) -> str:
    return "".join(
        f'<button type="button" class="key" data-provider="{place}" aria-pressed="true">'
        f'<span class="swatch" style="background:{figures.provider_colour(data, provider)}">'
        f"</span>{esc(provider)}</button>"
        for place, provider in enumerate(data.providers)
    )


def _figures(drawn: Sequence[Figure]) -> str:
    return "".join(map(_figure, drawn)) or '<p class="empty">Nothing to show yet.</p>'


def _figure(figure: Figure) -> str:
    notes = "".join(f"<li>{esc(note)}</li>" for note in figure.notes)
    listing = (
        f'<div class="gaps"><span>† Not in:</span><ul>{notes}</ul></div>' if figure.notes else ""
    )
    return (
        f'<figure id="{figure.name}-figure"><figcaption>{esc(figure.title)}</figcaption>'
        f'<div class="chart" id="{figure.name}" role="img" '
        f'aria-label="{esc(figure.alternative)} The numbers are in the table that follows.">'
        f"</div>{listing}<details><summary>Numbers as a table</summary>"
        f"{_table(figure.title, figure.header, figure.rows)}</details></figure>"
    )


def _table(
    caption: str, header: Sequence[str], rows: Iterable[Sequence[str]], *, words: bool = False
) -> str:
    head = "".join(f'<th scope="col">{esc(text)}</th>' for text in header)
    body = "".join(
        f'<tr><th scope="row">{esc(row[0])}</th>' + "".join(map(_cell, row[1:])) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{esc(caption)}">'
        f"<table{' class=words' if words else ''}>"
        f"<caption>{esc(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(text: str) -> str:
    return f"<td{' class=none' if text == NO_DATA else ''}>{esc(text)}</td>"


def _silent(data: ReportData) -> str:
    loud = {
        cell.provider
        for cell in data.carbon
        if (cell.location_kg, cell.market_kg, cell.unspecified_kg) != (None, None, None)
    }
    silent = [esc(provider) for provider in data.providers if provider not in loud]
    return f"<p>No reported carbon at all from {listed(silent)}.</p>" if silent else ""


def _hotspots(data: ReportData) -> str:
    tables = []
    for currency in data.currencies:
        months = [spot.month for spot in data.hotspots if spot.currency == currency]
        whole = data.newest_complete_cost_month(currency)
        month = whole if whole in months else max(months, default=None)
        spots = [s for s in data.hotspots if s.currency == currency and s.month == month]
        if month is not None and spots:
            tables.append(_hotspot_table(currency, month, spots))
    return "".join(tables) or '<p class="empty">Nothing to show yet.</p>'


def _hotspot_table(currency: str, month: Month, spots: Sequence[Hotspot]) -> str:
    most = max((spot.effective_cost or Decimal(0) for spot in spots), default=Decimal(0))
    caption = f"Hotspots of {month_name(month)}, billed in {currency}"
    header = "".join(
        f'<th scope="col"{style}>{text}</th>'
        for text, style in (
            ("Cost rank", ' class="right"'),
            ("Carbon rank", ' class="right"'),
            ("Resource", ""),
            ("Provider", ""),
            ("Environment", ""),
            ("Owner", ""),
            (f"Effective cost ({esc(currency)})", ' class="right"'),
            ("Location (kg CO₂e)", ' class="right"'),
            ("Market (kg CO₂e)", ' class="right"'),
            ("Not stated (kg CO₂e)", ' class="right"'),
        )
    )
    body = "".join(_hotspot_row(spot, most) for spot in spots)
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{esc(caption)}">'
        f'<table class="hotspots"><caption>{esc(caption)}</caption>'
        f"<thead><tr>{header}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _hotspot_row(spot: Hotspot, most: Decimal) -> str:
    cost = spot.effective_cost or Decimal(0)
    share = cost * 100 / most if most > 0 and cost > 0 else Decimal(0)
    place = " · ".join(esc(text) for text in (spot.service, spot.region, spot.sub_account) if text)
    return (
        f'<tr><td class="rank">{_rank(spot.cost_rank)}</td>'
        f'<td class="rank">{_rank(spot.carbon_rank)}</td>'
        f'<th scope="row"><span class="resource">{esc(spot.resource or "(no resource id)")}</span>'
        f'<span class="place">{place}</span></th>'
        f"<td class=word>{esc(spot.provider)}</td><td class=word>{esc(spot.environment)}</td>"
        f"<td class=word>{esc(spot.owner or '(none)')}</td>"
        f'<td class="bar" style="--share:{share:.1f}%">{money(spot.effective_cost)}</td>'
        f"{_kg_cell(spot.location_kg)}{_kg_cell(spot.market_kg)}"
        f"{_kg_cell(spot.unspecified_kg)}</tr>"
    )


def _kg_cell(kg: Decimal | None) -> str:
    if kg is None:
        return f'<td class=none><abbr title="{NO_DATA}">–</abbr></td>'
    return f"<td>{mass(kg)}</td>"


def _rank(rank: int | None) -> str:
    return f'<abbr title="{NO_DATA}">–</abbr>' if rank is None else f"{rank}"


def _calendar(data: ReportData) -> str:
    cells = {(cell.source, cell.provider, cell.export, cell.month): cell for cell in data.calendar}
    sources = sorted(
        {(c.provider, c.export == "carbon", c.source, c.export) for c in data.calendar}
    )
    rows = []
    for provider, _, source, export in sources:
        row = (cells.get((source, provider, export, month)) for month in data.months)
        rows.append(
            f'<tr><th scope="row"><span class="resource">{esc(source)}</span>'
            f'<span class="place">{esc(provider)} · {esc(export)}</span></th>'
            + "".join(_calendar_cell(cell) for cell in row)
            + "</tr>"
        )
    return _heat("Deliveries by source and month", "Source", data.months, rows)


def _calendar_cell(cell: CalendarCell | None) -> str:
    if cell is None:
        return _state_cell("not_expected", "")
    facts = [f"{cell.rows:,} rows"] if cell.rows is not None else []
    if cell.arrived_at is not None:
        facts.append(f"arrived {cell.arrived_at:%Y-%m-%d %H:%M} UTC")
    if cell.late_days > 0:
        facts.append(_lateness(cell))
    return _state_cell(cell.state, "; ".join([*facts, *([cell.reason] if cell.reason else [])]))


def _state_cell(state: str, hint: str) -> str:
    word = _STATE_WORDS.get(state, state)
    style = state if state in _GLYPHS else "unknown"
    title = f"{word}: {hint}" if hint else word
    return (
        f'<td class="state {style}" title="{esc(title)}"><span aria-hidden="true">'
        f'{_GLYPHS.get(state, "?")}</span> <span class="word">{esc(word)}</span></td>'
    )


def _gaps(data: ReportData) -> str:
    gaps = [cell for cell in data.calendar if cell.is_gap]
    gaps.sort(key=lambda cell: (cell.month, cell.source), reverse=True)
    if not gaps:
        return "<p>Everything that was expected is in.</p>"
    rows = [
        (gap.source, month_name(gap.month), gap.state, gap.reason, _lateness(gap)) for gap in gaps
    ]
    caption = "Expected deliveries that are not in, newest month first"
    return _table(caption, ("Source", "Month", "State", "Reason", "Lateness"), rows, words=True)


def _lateness(cell: CalendarCell) -> str:
    return f"{cell.late_days} days late" if cell.late_days > 0 else "not late yet"


def _periods(data: ReportData) -> str:
    known = {(period.provider, period.month): period for period in data.periods}
    rows = []
    for provider in sorted({period.provider for period in data.periods}):
        for clock in ("cost", "carbon"):
            cells = []
            for month in data.months:
                period = known.get((provider, month))
                state = getattr(period, f"{clock}_state") if period else ""
                cells.append(_state_cell(state or "not_expected", "" if state else NO_DATA))
            rows.append(
                f'<tr><th scope="row"><span class="resource">{esc(provider)}</span>'
                f'<span class="place">{clock}</span></th>{"".join(cells)}</tr>'
            )
    return _heat("Period states by provider and month", "Provider", data.months, rows)


def _heat(caption: str, first: str, months: Sequence[Month], rows: Sequence[str]) -> str:
    if not rows:
        return '<p class="empty">Nothing to show yet.</p>'
    head = "".join(f'<th scope="col">{month_name(month)}</th>' for month in months)
    compact = " compact" if len(months) > 9 else ""
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{esc(caption)}">'
        f'<table class="heat{compact}"><caption>{esc(caption)}</caption><thead><tr>'
        f'<th scope="col">{esc(first)}</th>{head}</tr></thead><tbody>{"".join(rows)}</tbody>'
        "</table></div>"
    )


def _left_out(data: ReportData) -> str:
    if not data.months_left_out:
        return ""
    return (
        f"<p>The newest {len(data.months)} months are shown; {data.months_left_out} older ones are "
        "in the marts.</p>"
    )
