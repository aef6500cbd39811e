"""Charts as plain Plotly figure descriptions, each with its numbers as a table.

Belongs here: what a chart contains. Numbers go to Plotly as decimal text and None, so that no
amount passes through a float on the way and a gap stays a gap. Colours of axes and text are set in
the browser, which knows whether the reader prefers dark or light.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from dagster_project.months import Month, month_key
from dagster_project.publish.report_assets.data import UNSETTLED, CarbonCell, ReportData
from dagster_project.publish.report_assets.text import (
    esc,
    listed,
    mass,
    money,
    month_name,
    percent,
)

# Okabe and Ito's palette: told apart by people with any common colour blindness.
PALETTE = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#D55E00",
    "#56B4E9",
    "#999999",
    "#F0E442",
)
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "pentagon", "cross")
METHODS = (
    ("location", "Location-based", "location_kg", "#AA4499"),
    ("market", "Market-based", "market_kg", "#44AA99"),
    ("unspecified", "Method not stated", "unspecified_kg", "#999933"),
)
PROVISIONAL_PATTERN = "/"
# More months than this leave no room for a label under each bar: one per quarter then.
ROOMY_MONTHS = 8
INCOMPLETE_SHADE = "rgba(128,128,128,0.16)"

Spec = dict[str, object]
Values = Mapping[tuple[str, Month], Decimal | None]


@dataclass(frozen=True)
class Figure:
    """One chart: what is drawn, its title with unit, a text alternative, its numbers, its gaps.

    Title, alternative and notes are plain text, escaped when the page is put together.
    """

    name: str
    title: str
    alternative: str
    spec: Spec
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = field(default=())


def provider_colour(data: ReportData, provider: str) -> str:
    """Return the provider's colour, the same in every chart."""
    return PALETTE[data.providers.index(provider) % len(PALETTE)]


def cost_figures(data: ReportData) -> list[Figure]:
    """Return effective cost by month and provider: one chart per billing currency."""
    return [_cost_figure(data, number, text) for number, text in enumerate(data.currencies)]


def carbon_figures(data: ReportData) -> list[Figure]:
    """Return reported carbon by month and provider: one chart per accounting method."""
    figures = [_carbon_figure(data, key, label, name) for key, label, name, _ in METHODS]
    return [figure for figure in figures if figure is not None]


def coverage_figures(data: ReportData) -> list[Figure]:
    """Return the share of eligible list cost with reported carbon: one chart per currency."""
    return [_coverage_figure(data, number, text) for number, text in enumerate(data.currencies)]


def environment_figures(data: ReportData) -> list[Figure]:
    """Return cost (one chart per currency) and carbon by environment in the newest whole month."""
    costs = [_environment_cost(data, number, text) for number, text in enumerate(data.currencies)]
    return [figure for figure in (*costs, _environment_carbon(data)) if figure is not None]


def _cost_figure(data: ReportData, number: int, currency: str) -> Figure:
    providers = data.providers_of(currency)
    values = {
        (cell.provider, cell.month): cell.effective_cost
        for cell in data.costs
        if cell.currency == currency
    }
    states = {month: data.cost_state(providers, month) for month in data.months}
    gaps = {
        month: _gap_note(
            month,
            [f"{g.provider} {g.state}" for g in data.gaps(providers, month, bills=True)],
        )
        for month in data.months
    }
    shown = _span(data.months)
    return Figure(
        name=f"cost-{number}",
        title=f"Effective cost by month and provider ({currency})",
        alternative=(
            f"Stacked bars of effective cost in {currency} by billing month and provider, {shown}."
        ),
        spec={
            "data": _bars(data, providers, values, states, lambda v: f"{money(v)} {currency}"),
            "layout": _monthly_layout(
                data, states, gaps, f"Effective cost ({currency})", "Billing month"
            ),
        },
        header=("Billing month", *providers, "State"),
        rows=_month_rows(data.months, providers, values, states, money),
        notes=tuple(note for note in gaps.values() if note),
    )


def _carbon_figure(data: ReportData, key: str, label: str, name: str) -> Figure | None:
    values = {(cell.provider, cell.month): _kg(cell, name) for cell in data.carbon}
    providers = [
        provider
        for provider in data.providers
        if any(values.get((provider, month)) is not None for month in data.months)
    ]
    if not providers:
        return None
    states = {month: data.carbon_state(providers, month) for month in data.months}
    gaps = {
        month: _gap_note(month, _carbon_gaps(data, providers, month, values))
        for month in data.months
    }
    return Figure(
        name=f"carbon-{key}",
        title=f"{label} (kg CO₂e)",
        alternative=(
            f"Stacked bars of reported carbon in kg CO₂e, {label.lower()}, by usage month and "
            f"provider, {_span(data.months)}."
        ),
        spec={
            "data": _bars(data, providers, values, states, lambda v: f"{mass(v)} kg CO₂e"),
            "layout": _monthly_layout(data, states, gaps, "kg CO₂e", "Usage month"),
        },
        header=("Usage month", *providers, "State"),
        rows=_month_rows(data.months, providers, values, states, mass),
        notes=tuple(note for note in gaps.values() if note),
    )


def _carbon_gaps(
    data: ReportData, providers: Sequence[str], month: Month, values: Values
) -> list[str]:
    named = [f"{gap.provider} {gap.state}" for gap in data.gaps(providers, month, bills=False)]
    explained = {gap.provider for gap in data.gaps(providers, month, bills=False)}
    return named + [
        f"{provider} pending"
        for provider in providers
        if provider not in explained
        and values.get((provider, month)) is None
        and data.carbon_state([provider], month) == "pending"
    ]


def _coverage_figure(data: ReportData, number: int, currency: str) -> Figure:
    providers = data.providers_of(currency)
    values = {
        (cell.provider, cell.month): cell.coverage
        for cell in data.costs
        if cell.currency == currency
    }
    states = {month: data.carbon_state(providers, month) for month in data.months}
    traces: list[Spec] = []
    for provider in providers:
        place = data.providers.index(provider)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "connectgaps": False,
                "name": esc(provider),
                "meta": {"provider": place},
                "x": [month_key(month) for month in data.months],
                "y": [_text(values.get((provider, month))) for month in data.months],
                "customdata": [
                    f"{month_name(month)}: {percent(values.get((provider, month)))}"
                    for month in data.months
                ],
                "line": {"color": provider_colour(data, provider), "width": 2.5},
                "marker": {"size": 8, "symbol": SYMBOLS[place % len(SYMBOLS)]},
                "hovertemplate": _HOVER,
            }
        )
    layout = _monthly_layout(data, states, {}, "Share of eligible list cost", "Billing month")
    layout["yaxis"] = {
        "title": _title("Share of list cost (%)"),
        "tickformat": ".0%",
        "range": [-0.03, 1.05],
        "fixedrange": True,
    }
    return Figure(
        name=f"coverage-{number}",
        title=f"Usage cost with reported carbon (% of list cost in {currency})",
        alternative=(
            f"Lines of the share of eligible {currency} list cost that carries reported carbon, by "
            f"billing month and provider, {_span(data.months)}. A gap means that carbon is pending."
        ),
        spec={"data": traces, "layout": layout},
        header=("Billing month", *providers, "Carbon state"),
        rows=_month_rows(data.months, providers, values, states, percent),
    )


def _environment_cost(data: ReportData, number: int, currency: str) -> Figure | None:
    month = data.newest_complete_cost_month(currency) or _newest(
        [cell.month for cell in data.environment_costs if cell.currency == currency]
    )
    cells = [
        cell for cell in data.environment_costs if cell.currency == currency and cell.month == month
    ]
    if month is None or not cells:
        return None
    title = f"Effective cost by environment, {month_name(month)} ({currency})"
    trace: Spec = {
        "type": "bar",
        "orientation": "h",
        "name": "Effective cost",
        "x": [_text(cell.effective_cost) for cell in cells],
        "y": [esc(cell.environment) for cell in cells],
        "customdata": [esc(f"{money(cell.effective_cost)} {currency}") for cell in cells],
        "marker": {"color": PALETTE[0]},
        "hovertemplate": "<b>%{y}</b><br>%{customdata}<extra></extra>",
    }
    return Figure(
        name=f"environment-cost-{number}",
        title=title,
        alternative=f"Horizontal bars: {title}. Most: {cells[0].environment}.",
        spec={"data": [trace], "layout": _environment_layout(f"Effective cost ({currency})")},
        header=("Environment", f"Effective cost ({currency})"),
        rows=tuple((cell.environment, money(cell.effective_cost)) for cell in cells),
    )


def _environment_carbon(data: ReportData) -> Figure | None:
    month = data.newest_complete_carbon_month()
    cells = [cell for cell in data.environment_carbon if cell.month == month]
    if month is None or not cells:
        return None
    cells.sort(key=lambda cell: (-max(_known(cell)), cell.environment))
    traces: list[Spec] = []
    for _, label, name, colour in METHODS:
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": label,
                "x": [_text(getattr(cell, name)) for cell in cells],
                "y": [esc(cell.environment) for cell in cells],
                "customdata": [f"{mass(getattr(cell, name))} kg CO₂e" for cell in cells],
                "marker": {"color": colour},
                "hovertemplate": "<b>%{y}</b>, %{fullData.name}<br>%{customdata}<extra></extra>",
            }
        )
    layout = _environment_layout("kg CO₂e, methods side by side")
    layout.update({"showlegend": True, "barmode": "group", "bargap": 0.25})
    title = f"Reported carbon by environment, {month_name(month)} (kg CO₂e)"
    return Figure(
        name="environment-carbon",
        title=title,
        alternative=(
            f"Grouped horizontal bars: {title}, location-based, market-based and unspecified side "
            "by side, never added."
        ),
        spec={"data": traces, "layout": layout},
        header=("Environment", *(f"{label} (kg CO₂e)" for _, label, _, _ in METHODS)),
        rows=tuple(
            (cell.environment, *(mass(getattr(cell, name)) for _, _, name, _ in METHODS))
            for cell in cells
        ),
    )


_HOVER = "<b>%{fullData.name}</b><br>%{customdata}<extra></extra>"


def _bars(
    data: ReportData,
    providers: Sequence[str],
    values: Values,
    states: Mapping[Month, str],
    written: Callable[[Decimal | None], str],
) -> list[Spec]:
    traces: list[Spec] = []
    for provider in providers:
        traces.append(
            {
                "type": "bar",
                "name": esc(provider),
                "meta": {"provider": data.providers.index(provider)},
                "x": [month_key(month) for month in data.months],
                "y": [_text(values.get((provider, month))) for month in data.months],
                "customdata": [
                    esc(_hover(month, written(values.get((provider, month))), states[month]))
                    for month in data.months
                ],
                "marker": {
                    "color": provider_colour(data, provider),
                    "pattern": {
                        "shape": [
                            PROVISIONAL_PATTERN if states[month] in UNSETTLED else ""
                            for month in data.months
                        ],
                        "fillmode": "overlay",
                        "fgcolor": "rgba(255,255,255,0.75)",
                        "size": 7,
                        "solidity": 0.22,
                    },
                },
                "hovertemplate": _HOVER,
            }
        )
    return traces


def _hover(month: Month, value: str, state: str) -> str:
    return f"{month_name(month)}: {value}" + (f" ({state})" if state else "")


def _monthly_layout(
    data: ReportData,
    states: Mapping[Month, str],
    gaps: Mapping[Month, str],
    axis: str,
    clock: str,
) -> Spec:
    incomplete = [place for place, month in enumerate(data.months) if gaps.get(month)]
    roomy = len(data.months) <= ROOMY_MONTHS
    labelled = [month for month in data.months if roomy or month.month % 3 == 1]
    return {
        "barmode": "relative",
        "bargap": 0.28,
        "showlegend": False,
        "margin": {"l": 16, "r": 12, "t": 22, "b": 56},
        "xaxis": {
            "type": "category",
            "title": _title(clock),
            "tickmode": "array",
            "tickvals": [month_key(month) for month in labelled],
            "ticktext": [
                _tick(month == labelled[0], month, states[month], bool(gaps.get(month)))
                for month in labelled
            ],
            "tickangle": 0,
            "range": [-0.5, len(data.months) - 0.5],
            "fixedrange": True,
            "showgrid": False,
        },
        "yaxis": {"title": _title(axis), "fixedrange": True, "exponentformat": "B"},
        "shapes": [
            {
                "type": "rect",
                "layer": "below",
                "x0": place - 0.5,
                "x1": place + 0.5,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "fillcolor": INCOMPLETE_SHADE,
                "line": {"width": 0},
            }
            for place in incomplete
        ],
        "annotations": [
            {
                "text": "incomplete",
                "x": place,
                "y": 1,
                "yref": "paper",
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"size": 11},
            }
            for place in incomplete
            if roomy
        ],
    }


def _environment_layout(axis: str) -> Spec:
    return {
        "showlegend": False,
        "bargap": 0.35,
        "margin": {"l": 16, "r": 16, "t": 22, "b": 48},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "xaxis": {
            "type": "linear",
            "title": _title(axis),
            "fixedrange": True,
            "exponentformat": "B",
            "nticks": 6,
        },
        "yaxis": {
            "type": "category",
            "autorange": "reversed",
            "fixedrange": True,
            "showgrid": False,
        },
    }


def _title(text: str) -> Spec:
    return {"text": esc(text), "standoff": 12}


def _tick(first: bool, month: Month, state: str, incomplete: bool) -> str:
    name = month_name(month)[:3] + ("*" if state in UNSETTLED else "") + ("†" if incomplete else "")
    return f"{name}<br>{month.year}" if first or month.month == 1 else name


def _gap_note(month: Month, gaps: list[str]) -> str:
    return f"{month_name(month)}: {listed(sorted(set(gaps)))}" if gaps else ""


def _month_rows(
    months: Sequence[Month],
    providers: Sequence[str],
    values: Values,
    states: Mapping[Month, str],
    written: Callable[[Decimal | None], str],
) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            month_name(month),
            *(written(values.get((provider, month))) for provider in providers),
            states[month],
        )
        for month in months
    )


def _kg(cell: CarbonCell, name: str) -> Decimal | None:
    value: Decimal | None = getattr(cell, name)
    return value


def _known(cell: object) -> list[Decimal]:
    amounts = [getattr(cell, name) for _, _, name, _ in METHODS]
    return [amount for amount in amounts if amount is not None] or [Decimal(-1)]


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _newest(months: Sequence[Month]) -> Month | None:
    return max(months, default=None)


def _span(months: Sequence[Month]) -> str:
    return f"{month_name(months[0])} to {month_name(months[-1])}" if months else "no months"
