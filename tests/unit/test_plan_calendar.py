"""Expected against arrived: due dates, states, and what a schedule looks at again."""

import datetime as dt
from pathlib import Path

import pytest

from dagster_project.ledger.state import LedgerState, fold
from dagster_project.ledger.store import Event, Kind
from dagster_project.months import month_range
from dagster_project.pipeline.calendar import (
    CalendarRow,
    calendar_rows,
    due_date,
    invoice_due_rows,
    period_rows,
    reload_window,
)
from dagster_project.pipeline.context import Context
from dagster_project.pipeline.plan import fingerprint
from dagster_project.settings import Settings, SourceConfig


def source(name: str = "main", provider: str = "aws", export: str = "focus") -> SourceConfig:
    return SourceConfig(name=name, provider=provider, export=export, location="x")


def settings(clock: str, *sources: SourceConfig) -> Settings:
    return Settings(home=Path("h"), clock=dt.date.fromisoformat(clock), sources=sources)


def month(text: str) -> dt.date:
    return dt.date.fromisoformat(f"{text}-01")


def state_of(*decided: tuple[str, str, Kind]) -> LedgerState:
    return fold(
        Event(
            id=number,
            at=dt.datetime(2026, 5, 1, number, tzinfo=dt.UTC),
            kind=kind,
            source=name,
            month=month(text),
            variant="",
            delivery_id=f"d{number}",
            actor="",
            reason="",
            code_version="",
            payload={"rows": 10 + number, "error": {"code": "CT-X", "what": "It broke."}},
        )
        for number, (name, text, kind) in enumerate(decided)
    )


def by_month(rows: list[CalendarRow]) -> dict[str, CalendarRow]:
    return {f"{row.month:%Y-%m}": row for row in rows}


@pytest.mark.parametrize(
    ("provider", "export", "expected"),
    [
        ("aws", "focus", "2026-03-03"),
        ("snowpeak", "focus", "2026-03-03"),
        ("aws", "carbon", "2026-04-21"),
        ("gcp", "carbon", "2026-04-15"),
        ("azure", "carbon", "2026-04-19"),
        ("snowpeak", "carbon", "2026-04-28"),
    ],
)
def test_due_dates(provider: str, export: str, expected: str) -> None:
    due = due_date(source(provider=provider, export=export), month("2026-03"))
    assert due == dt.date.fromisoformat(expected)


def test_every_month_is_built_anew_when_emissions_find_lines_by_something_else() -> None:
    """Also months of bills whose lines are late for a month that is reported."""

    def fingerprint_by(**options: object) -> str:
        plain = source("plain", "snowpeak", "carbon").model_copy(update={"options": options})
        context = Context(settings("2026-05-01", source(), plain))
        return fingerprint(context, {}, month("2026-03"), "rules")

    usual = fingerprint_by()
    assert fingerprint_by(match=["service", "region", "sub_account"]) == usual
    assert fingerprint_by(settle_seconds=1) == usual
    assert fingerprint_by(match=["region"]) != usual


def test_emissions_of_december_are_due_in_january() -> None:
    assert due_date(source(export="carbon"), month("2025-12")) == dt.date(2026, 1, 21)


@pytest.mark.parametrize(
    ("provider", "export", "today", "first", "last"),
    [
        ("aws", "focus", "2026-03-15", "2026-02", "2026-03"),
        ("aws", "focus", "2026-03-16", "2026-03", "2026-03"),
        ("gcp", "focus", "2026-01-01", "2025-12", "2026-01"),
        ("gcp", "carbon", "2026-03-15", "2026-02", "2026-02"),
        ("azure", "carbon", "2026-03-02", "2025-03", "2026-02"),
    ],
)
def test_reload_window(provider: str, export: str, today: str, first: str, last: str) -> None:
    found = reload_window(source(provider=provider, export=export), dt.date.fromisoformat(today))
    assert found == list(month_range(month(first), month(last)))


def test_nothing_is_reloaded_before_emissions_are_out() -> None:
    assert reload_window(source(provider="gcp", export="carbon"), dt.date(2026, 3, 14)) == []


def test_states_of_a_source() -> None:
    state = state_of(
        ("main", "2026-01", Kind.ACCEPTED),
        ("main", "2026-03", Kind.ACCEPTED),
        ("main", "2026-03", Kind.QUARANTINED),
    )
    rows = by_month(calendar_rows(settings("2026-05-10", source()), state))
    assert {text: row.state for text, row in rows.items()} == {
        "2026-01": "arrived",
        "2026-02": "missing",
        "2026-03": "quarantined",
        "2026-04": "missing",
        "2026-05": "missing",
    }
    assert (rows["2026-01"].delivery_id, rows["2026-01"].rows) == ("d0", 10)
    assert rows["2026-01"].late_days is None
    assert (rows["2026-02"].late_days, rows["2026-05"].late_days) == (96, 7)
    assert "due on 2026-02-03" in str(rows["2026-02"].reason)
    assert rows["2026-03"].reason == "[CT-X] It broke."
    assert rows["2026-03"].delivery_id == "d1"


def test_month_that_is_not_due_yet_is_not_asked_for() -> None:
    state = state_of(("main", "2026-04", Kind.ACCEPTED))
    rows = by_month(calendar_rows(settings("2026-05-02", source()), state))
    assert list(rows) == ["2026-04"]


def test_month_on_its_due_day_is_pending_and_then_missing() -> None:
    state = state_of(("main", "2026-04", Kind.ACCEPTED))
    today = by_month(calendar_rows(settings("2026-05-03", source()), state))["2026-05"]
    assert (today.state, today.expected, today.late_days) == ("pending", True, None)
    tomorrow = by_month(calendar_rows(settings("2026-05-04", source()), state))["2026-05"]
    assert (tomorrow.state, tomorrow.late_days) == ("missing", 1)


def test_early_delivery_has_arrived() -> None:
    state = state_of(("main", "2026-05", Kind.ACCEPTED))
    rows = by_month(calendar_rows(settings("2026-05-01", source()), state))
    assert (rows["2026-05"].state, rows["2026-05"].expected) == ("arrived", False)


def test_source_without_any_delivery_is_asked_for_the_last_month_due() -> None:
    carbon = source("carbon", export="carbon")
    (row,) = calendar_rows(settings("2026-05-20", carbon), LedgerState())
    assert (f"{row.month:%Y-%m}", row.state) == ("2026-03", "missing")


def test_emissions_that_a_provider_drops_are_asked_for_while_they_can_be_had() -> None:
    """Azure keeps twelve months: on 2026-05-20 those from 2025-05 to 2026-04, out by the 19th."""
    bill = source("bill", provider="azure")
    carbon = source("carbon", provider="azure", export="carbon")
    charged = [
        ("bill", month, Kind.ACCEPTED) for month in ("2025-03", "2025-04", "2025-05", "2026-04")
    ]
    state = state_of(*charged, ("carbon", "2026-04", Kind.ACCEPTED))
    rows = calendar_rows(settings("2026-05-20", bill, carbon), state)
    emissions = by_month([row for row in rows if row.source_name == "carbon"])
    assert min(emissions) == "2025-05"
    assert emissions["2025-05"].days_to_loss == 30
    assert "the provider drops it on 2026-06-19" in str(emissions["2025-05"].reason)
    assert emissions["2026-04"].days_to_loss is None


def test_emissions_that_were_dropped_are_lost() -> None:
    bill = source("bill", provider="azure")
    carbon = source("carbon", provider="azure", export="carbon")
    state = state_of(
        *(("bill", month, Kind.ACCEPTED) for month in ("2025-04", "2025-05")),
        ("carbon", "2025-03", Kind.ACCEPTED),
    )
    rows = calendar_rows(settings("2026-05-20", bill, carbon), state)
    emissions = by_month([row for row in rows if row.source_name == "carbon"])
    assert emissions["2025-04"].days_to_loss == -1
    assert "the provider dropped it on 2026-05-19" in str(emissions["2025-04"].reason)


def test_a_provider_that_keeps_everything_loses_nothing() -> None:
    state = state_of(("carbon", "2024-01", Kind.ACCEPTED))
    rows = calendar_rows(settings("2026-05-20", source("carbon", export="carbon")), state)
    assert {row.days_to_loss for row in rows} == {None}


def test_source_that_only_ever_failed_is_quarantined() -> None:
    state = state_of(("main", "2026-05", Kind.QUARANTINED))
    (row,) = calendar_rows(settings("2026-05-10", source()), state)
    assert (row.state, row.delivery_id, row.rows) == ("quarantined", None, None)


def test_clocks_of_cost_and_carbon_are_apart() -> None:
    state = state_of(
        ("main", "2026-04", Kind.ACCEPTED),
        ("carbon", "2026-04", Kind.ACCEPTED),
        ("main", "2026-05", Kind.ACCEPTED),
        ("gone", "2026-05", Kind.ACCEPTED),
    )
    sources = (source(), source("carbon", export="carbon"))
    april, may = period_rows(settings("2026-05-10", *sources), state)
    assert (april.cost_state, april.carbon_state) == ("provisional", "provisional")
    assert (may.cost_state, may.carbon_state) == ("open", "pending")
    assert april.data_as_of == dt.datetime(2026, 5, 1, 1)
    assert may.data_as_of == dt.datetime(2026, 5, 1, 2)


def test_an_invoice_is_due_by_its_providers_habit() -> None:
    state = state_of(("main", "2026-04", Kind.ACCEPTED), ("small", "2026-04", Kind.ACCEPTED))
    sources = (source(), source("small", "snowpeak"))
    for clock, due in (("2026-05-09", (False, False)), ("2026-05-10", (True, False))):
        rows = invoice_due_rows(settings(clock, *sources), state)
        assert [(row.provider, row.due_on.day) for row in rows] == [("aws", 10), ("snowpeak", 15)]
        assert tuple(row.is_due for row in rows) == due
