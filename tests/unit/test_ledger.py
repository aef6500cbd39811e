"""The ledger: appended and never changed, folded into what is current."""

import datetime as dt
import sqlite3
from pathlib import Path

import pytest

from dagster_project.errors import CloudtallyError
from dagster_project.ledger import store
from dagster_project.ledger.state import LedgerState, Period, Unit, fold
from dagster_project.ledger.store import Clock, Event, Kind, Ledger

MARCH = dt.date(2026, 3, 1)
APRIL = dt.date(2026, 4, 1)
START = dt.datetime(2026, 4, 2, tzinfo=dt.UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "home" / "ledger.sqlite")


def event(
    minute: int,
    kind: Kind,
    delivery_id: str | None = "d",
    source: str | None = "main",
    month: dt.date | None = MARCH,
    variant: str = "",
    **payload: object,
) -> Event:
    return Event(
        id=minute,
        at=START + dt.timedelta(minutes=minute),
        kind=kind,
        source=source,
        month=month,
        variant=variant,
        delivery_id=delivery_id,
        actor="tester",
        reason="",
        code_version="1",
        payload=payload,
    )


def current(state: LedgerState) -> dict[Unit, str]:
    return {unit: decision.delivery_id for unit, decision in state.current.items()}


def test_event_comes_back_as_it_was_written(ledger: Ledger) -> None:
    ledger.append(
        Kind.ACCEPTED,
        source="main",
        month=MARCH,
        variant="v3.0.1",
        delivery_id="abc",
        reason="why",
        payload={"rows": 8, "order": "1"},
    )
    (found,) = ledger.events()
    assert (found.kind, found.source, found.month) == (Kind.ACCEPTED, "main", MARCH)
    assert (found.variant, found.delivery_id, found.reason) == ("v3.0.1", "abc", "why")
    assert found.payload == {"rows": 8, "order": "1"}
    assert found.actor
    assert "+" in found.code_version
    assert found.at.tzinfo is not None


def test_no_ledger_is_an_empty_ledger_and_reading_makes_none(ledger: Ledger) -> None:
    assert ledger.events() == []
    assert not ledger.path.exists()


@pytest.mark.parametrize(
    "statement",
    ["update events set reason = 'other'", "delete from events", "delete from events where id = 1"],
)
def test_events_are_append_only(ledger: Ledger, statement: str) -> None:
    ledger.append(Kind.PUBLISHED)
    with (
        sqlite3.connect(ledger.path) as connection,
        pytest.raises(sqlite3.DatabaseError, match="append-only"),
    ):
        connection.execute(statement)
    assert len(ledger.events()) == 1


def test_damaged_ledger_is_one_sentence(ledger: Ledger) -> None:
    ledger.path.parent.mkdir()
    ledger.path.write_bytes(b"no database" * 500)
    with pytest.raises(CloudtallyError) as caught:
        ledger.events()
    assert caught.value.code == "CT-LEDGER-UNREADABLE"
    assert "can't be rebuilt" in str(caught.value)


def test_current_is_the_newest_accepted_delivery_of_each_unit() -> None:
    state = fold(
        [
            event(1, Kind.ACCEPTED, "a"),
            event(2, Kind.ACCEPTED, "b"),
            event(3, Kind.QUARANTINED, "c"),
            event(4, Kind.ACCEPTED, "d", variant="v3"),
            event(5, Kind.ACCEPTED, "e", month=APRIL),
            event(6, Kind.ACCEPTED, "f", source="other"),
        ]
    )
    assert current(state) == {
        Unit("main", MARCH): "b",
        Unit("main", MARCH, "v3"): "d",
        Unit("main", APRIL): "e",
        Unit("other", MARCH): "f",
    }
    assert state.current_months() == [MARCH, APRIL]


def test_as_of_shows_what_was_current_then() -> None:
    events = [event(1, Kind.ACCEPTED, "a"), event(2, Kind.ACCEPTED, "b")]
    assert current(fold(events, START)) == {}
    assert current(fold(events, START + dt.timedelta(minutes=1))) == {Unit("main", MARCH): "a"}
    assert current(fold(events, START + dt.timedelta(minutes=2))) == {Unit("main", MARCH): "b"}


def test_quarantine_stands_until_something_newer_is_accepted() -> None:
    events = [
        event(1, Kind.ACCEPTED, "a"),
        event(2, Kind.QUARANTINED, "b"),
        event(3, Kind.QUARANTINED, "c", month=APRIL),
    ]
    standing = [decision.delivery_id for decision in fold(events).quarantined()]
    assert standing == ["b", "c"]
    events.append(event(4, Kind.ACCEPTED, "d"))
    assert [decision.delivery_id for decision in fold(events).quarantined()] == ["c"]
    events.append(event(5, Kind.ACCEPTED, "c", month=APRIL))
    assert fold(events).quarantined() == []


def test_decision_about_one_delivery_is_the_newest() -> None:
    state = fold([event(1, Kind.QUARANTINED, "a"), event(2, Kind.ACCEPTED, "a", signature="s")])
    decision = state.decision(Unit("main", MARCH), "a")
    assert decision is not None
    assert (decision.kind, decision.signature, decision.order) == (Kind.ACCEPTED, "s", "")
    assert state.decision(Unit("main", MARCH), "b") is None


def test_listings_builds_and_publications_are_remembered() -> None:
    state = fold(
        [
            event(1, Kind.LISTING_SEEN, "s1"),
            event(2, Kind.LISTING_SEEN, "s2"),
            event(3, Kind.MONTH_BUILT, None, None, fingerprint="f"),
            event(4, Kind.PUBLISHED, None, None, None, content="c"),
        ]
    )
    assert state.listings == {("main", MARCH, ""): {"s1", "s2"}}
    assert state.built == {MARCH: {"fingerprint": "f"}}
    assert state.published == {"content": "c"}
    assert state.current == {}


def test_a_period_is_closed_restated_and_reopened_on_its_own_clock() -> None:
    march = Period(Clock.COST, "aws", MARCH)
    closed = event(1, Kind.CLOSED, None, None, variant="cost", provider="aws", digest="one")
    changed = event(2, Kind.ACKNOWLEDGED, None, None, variant="cost", provider="aws", digest="two")
    reopened = event(3, Kind.REOPENED, None, None, variant="cost", provider="aws")
    other = event(4, Kind.CLOSED, None, None, variant="carbon", provider="aws", digest="three")

    signed = fold([closed]).closes[march]
    assert (signed.digest, signed.is_restated, signed.actor) == ("one", False, "tester")
    moved = fold([closed, changed]).closes[march]
    assert (moved.digest, moved.is_restated, moved.facts["digest"]) == ("two", True, "one")
    assert set(fold([closed, changed, reopened, other]).closes) == {
        Period(Clock.CARBON, "aws", MARCH)
    }
    assert fold([changed]).closes == {}


def test_what_was_read_before_is_not_read_again(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[int] = []
    real = store._event
    monkeypatch.setattr(store, "_event", lambda row: parsed.append(row[0]) or real(row))
    for number in range(3):
        ledger.append(Kind.ACCEPTED, source="main", month=MARCH, delivery_id=str(number))
        assert [event.delivery_id for event in ledger.events()] == [
            str(n) for n in range(number + 1)
        ]
    assert parsed == [1, 2, 3]


def test_another_ledger_in_the_same_place_is_read_anew(ledger: Ledger) -> None:
    for number in range(2):
        ledger.append(Kind.ACCEPTED, source="main", month=MARCH, delivery_id=f"old {number}")
    assert len(ledger.events()) == 2
    for file in ledger.path.parent.glob("ledger.sqlite*"):
        file.unlink()
    for number in range(3):
        ledger.append(Kind.ACCEPTED, source="main", month=MARCH, delivery_id=f"new {number}")
    assert [event.delivery_id for event in ledger.events()] == ["new 0", "new 1", "new 2"]


def test_who_reads_events_cannot_change_what_others_read(ledger: Ledger) -> None:
    ledger.append(Kind.ACCEPTED, source="main", month=MARCH, delivery_id="a")
    ledger.events().clear()
    assert len(ledger.events()) == 1
