"""The report page: gaps stay gaps, currencies stay apart, foreign text stays text."""

import json
import re
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.errors import CloudtallyError
from dagster_project.months import parse_month
from dagster_project.publish.report import write_report
from dagster_project.publish.report_assets.data import least_settled, read_report_data
from dagster_project.publish.report_assets.figures import PROVISIONAL_PATTERN
from dagster_project.publish.report_assets.text import mass, money

SAMPLE = Path(__file__).resolve().parents[1] / "fixtures" / "published_sample.sql"
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


def build(path: Path, *changes: str) -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.execute(SAMPLE.read_text(encoding="utf-8"))
        for change in changes:
            connection.execute(change)
    return path


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("published") / "cloudtally.duckdb")


@pytest.fixture(scope="module")
def page(database: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    target = write_report(database, tmp_path_factory.mktemp("report"))
    return target.read_text(encoding="utf-8")


def figures(page: str) -> dict[str, Any]:
    match = re.search(r'id="figures">(.*?)</script>', page, re.S)
    assert match
    found: dict[str, Any] = json.loads(match[1])
    return found


def trace(page: str, figure: str, provider: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        trace for trace in figures(page)[figure]["data"] if trace["name"] == provider
    )
    return found


def own_part(page: str) -> str:
    """Return the page without Plotly's own code."""
    return re.sub(r"<script>/\*\*.*?</script>", "", page, count=1, flags=re.S)


def test_the_page_is_small_and_has_one_copy_of_plotly(page: str, database: Path) -> None:
    assert len(page.encode()) < 6_000_000
    assert page.count("Copyright 2012-") == 1
    assert len(json.dumps(figures(page))) < 60_000


def test_it_returns_index_html_and_the_same_data_gives_the_same_bytes(
    database: Path, tmp_path: Path
) -> None:
    first = write_report(database, tmp_path / "new" / "folder")
    again = write_report(database, tmp_path / "again")
    assert first == tmp_path / "new" / "folder" / "index.html"
    assert first.read_bytes() == again.read_bytes()
    assert [file.name for file in first.parent.iterdir()] == ["index.html"]


def test_every_currency_has_a_chart_of_its_own(page: str) -> None:
    drawn = figures(page)
    titles = {
        name: spec["layout"]["yaxis"]["title"]["text"]
        for name, spec in drawn.items()
        if name.startswith("cost-")
    }
    assert titles == {"cost-0": "Effective cost (EUR)", "cost-1": "Effective cost (USD)"}
    assert {t["name"] for t in drawn["cost-0"]["data"]} == {"azure", "onprem"}
    assert {t["name"] for t in drawn["cost-1"]["data"]} == {"aws", "gcp", "nimbus"}
    for name, currency in (("cost-0", "EUR"), ("cost-1", "USD")):
        for bars in drawn[name]["data"]:
            assert all(text.find(currency) > 0 or "no data" in text for text in bars["customdata"])


def test_a_missing_month_is_a_gap_and_is_named(page: str) -> None:
    gcp = trace(page, "cost-1", "gcp")
    assert gcp["x"][3] == "2026-04"
    assert gcp["y"][3] is None
    assert None not in trace(page, "cost-1", "aws")["y"]
    assert "Apr 2026: gcp missing" in page
    layout = figures(page)["cost-1"]["layout"]
    assert layout["xaxis"]["ticktext"][3] == "Apr†"
    assert [shape["x0"] for shape in layout["shapes"]] == [2.5]


def test_pending_and_quarantined_carbon_are_gaps(page: str) -> None:
    azure = trace(page, "carbon-unspecified", "azure")
    assert [azure["y"][1], azure["y"][5]] == [None, None]
    assert azure["y"][0] is not None
    assert trace(page, "carbon-location", "gcp")["y"][5] is None
    assert "Feb 2026: azure quarantined" in page
    assert "Jun 2026: gcp pending" in page


def test_a_zero_for_what_never_arrived_is_no_number(tmp_path: Path) -> None:
    filler = """
        insert into mart_spend_carbon_monthly by name
        select date '2026-04-01' as billing_month, date '2026-04-01' as usage_month,
            'gcp' as provider, 'USD' as billing_currency, 0 as effective_cost, 0 as billed_cost,
            0 as charge_lines, 0 as carbon_location_kg, 'closed' as cost_state,
            'pending' as carbon_state
    """
    data = read_report_data(build(tmp_path / "zero.duckdb", filler))
    april = parse_month("2026-04")
    cost = next(c for c in data.costs if (c.provider, c.month) == ("gcp", april))
    carbon = next(c for c in data.carbon if (c.provider, c.month) == ("gcp", april))
    assert (cost.effective_cost, cost.coverage, carbon.location_kg) == (None, None, None)


def test_carbon_methods_never_share_a_number(page: str, database: Path) -> None:
    assert {t["name"] for t in figures(page)["carbon-location"]["data"]} == {"aws", "gcp"}
    assert {t["name"] for t in figures(page)["carbon-unspecified"]["data"]} == {"azure"}
    with duckdb.connect(str(database), read_only=True) as connection:
        row = connection.execute(
            """
            select sum(carbon_location_kg), sum(carbon_market_kg) from mart_spend_carbon_monthly
            where provider = 'aws' and usage_month = date '2026-03-01'
            """
        ).fetchone()
    assert row
    drawn = [trace(page, f"carbon-{name}", "aws")["y"][2] for name in ("location", "market")]
    assert [Decimal(text) for text in drawn] == list(row)
    by_environment = figures(page)["environment-carbon"]
    assert by_environment["layout"]["barmode"] == "group"
    assert len(by_environment["data"]) == 3
    assert "No reported carbon at all from nimbus and onprem" in page


def test_amounts_reach_the_chart_as_exact_text(page: str) -> None:
    values = [y for spec in figures(page).values() for t in spec["data"] for y in t.get("y", [])]
    assert all(value is None or isinstance(value, str) for value in values)


def test_lines_do_not_bridge_gaps(page: str) -> None:
    lines = [t for spec in figures(page).values() for t in spec["data"] if t["type"] == "scatter"]
    assert lines and all(line["connectgaps"] is False for line in lines)
    azure = trace(page, "coverage-0", "azure")
    assert [value is None for value in azure["y"]] == [False, True, False, False, False, True]
    assert Decimal(trace(page, "coverage-0", "onprem")["y"][0]) == 0


def test_months_that_may_change_are_marked(page: str) -> None:
    aws = trace(page, "cost-1", "aws")
    assert aws["marker"]["pattern"]["shape"] == ["", "", "", "", *[PROVISIONAL_PATTERN] * 2]
    ticks = figures(page)["cost-1"]["layout"]["xaxis"]["ticktext"]
    assert ticks == ["Jan<br>2026", "Feb", "Mar", "Apr†", "May*", "Jun*"]


def test_the_summary_speaks_of_the_newest_complete_month(page: str, database: Path) -> None:
    data = read_report_data(database)
    may = parse_month("2026-05")
    assert data.newest_complete_cost_month("USD") == may
    assert data.newest_complete_cost_month("EUR") == may
    assert data.newest_complete_carbon_month() == may
    amount = sum(
        (
            c.effective_cost
            for c in data.costs
            if c.currency == "USD" and c.month == may and c.effective_cost is not None
        ),
        Decimal(0),
    )
    assert f"<b>{money(amount)}&nbsp;USD</b>, with no comparison, because Apr 2026" in page
    assert 'Data as of <time datetime="2026-06-20T04:15:00Z">20 Jun 2026, 04:15 UTC' in page


def test_a_missing_bill_makes_the_month_incomplete(tmp_path: Path) -> None:
    late = """
        update mart_data_calendar set state = 'missing'
        where source_name = 'nimbus-bill' and month = date '2026-05-01'
    """
    data = read_report_data(build(tmp_path / "late.duckdb", late))
    assert data.newest_complete_cost_month("USD") == parse_month("2026-03")
    assert data.newest_complete_cost_month("EUR") == parse_month("2026-05")


def test_foreign_text_is_never_markup(tmp_path: Path) -> None:
    names = [
        f"update mart_hotspot set owner = '{HOSTILE}', resource_id = '{HOSTILE}'",
        f"update mart_spend_carbon_monthly set environment = '{HOSTILE}', cost_state = '{HOSTILE}'",
        f"update mart_spend_carbon_monthly set provider = '{HOSTILE}' where provider = 'nimbus'",
        f"update mart_spend_carbon_monthly set billing_currency = '{HOSTILE}' "
        "where billing_currency = 'EUR'",
        f"update mart_data_calendar set reason = '{HOSTILE}', source_name = '{HOSTILE}' "
        "where provider = 'gcp'",
        f"update mart_data_calendar set state = '{HOSTILE}' where provider = 'aws'",
    ]
    target = write_report(build(tmp_path / "hostile.duckdb", *names), tmp_path)
    page = own_part(target.read_text(encoding="utf-8"))
    assert "alert(1)" in page
    assert "<script>alert" not in page
    assert "<img" not in page
    assert page.count("<script") == 2
    for spec in figures(page).values():
        assert "<script" not in json.dumps(spec)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_is_accessible_and_loads_nothing(page: str) -> None:
    parser = _Page()
    parser.feed(own_part(page))
    tags = parser.tags
    assert ("html", {"lang": "en"}) in tags
    assert "<title>" in page
    count = {name: sum(1 for tag, _ in tags if tag == name) for name in ("table", "caption")}
    assert count["table"] == count["caption"] > 10
    charts = [attrs for tag, attrs in tags if attrs.get("class") == "chart"]
    assert len(charts) == len(figures(page))
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in charts)
    ids = [attrs["id"] for _, attrs in tags if attrs.get("id")]
    assert len(ids) == len(set(ids))
    for _, attrs in tags:
        assert not str(attrs.get("src") or attrs.get("href") or "").startswith(("http", "//"))
    policy = next(a["content"] for _, a in tags if a.get("http-equiv"))
    assert policy and policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in policy.split("style-src")[0]


def test_the_calendar_says_state_in_words(page: str) -> None:
    for word in ("arrived", "pending", "missing", "quarantined", "restated", "open"):
        assert f'<span class="word">{word}</span>' in page
    assert "quarantined: 30 rows; arrived 2026-03-06 05:00 UTC; fewer accounts" in page


def test_an_empty_publication_still_makes_a_page(tmp_path: Path) -> None:
    empty = build(
        tmp_path / "empty.duckdb",
        "delete from mart_spend_carbon_monthly",
        "delete from mart_hotspot",
        "delete from mart_data_calendar",
    )
    page = write_report(empty, tmp_path).read_text(encoding="utf-8")
    assert "Nothing has been published yet" in page
    assert figures(page) == {}


def test_a_long_history_shows_the_newest_months(tmp_path: Path) -> None:
    old = """
        insert into mart_spend_carbon_monthly by name
        select date '2023-01-01' as billing_month, date '2023-01-01' as usage_month,
            'aws' as provider, 'USD' as billing_currency, 7 as effective_cost, 7 as billed_cost,
            1 as charge_lines, 'closed' as cost_state, 'closed' as carbon_state
    """
    page = write_report(build(tmp_path / "old.duckdb", old), tmp_path).read_text(encoding="utf-8")
    assert len(figures(page)["cost-1"]["data"][0]["x"]) == 24
    assert "18 older ones are in the marts" in page


def test_a_database_that_cannot_be_read_is_refused_and_the_page_kept(tmp_path: Path) -> None:
    kept = tmp_path / "index.html"
    kept.write_text("before", encoding="utf-8")
    with pytest.raises(CloudtallyError) as caught:
        write_report(tmp_path / "absent.duckdb", tmp_path)
    assert caught.value.code == "CT-REPORT-DATABASE"
    assert kept.read_text(encoding="utf-8") == "before"
    with pytest.raises(CloudtallyError, match="mart_hotspot"):
        write_report(build(tmp_path / "part.duckdb", "drop table mart_hotspot"), tmp_path)


def test_states_promise_no_more_than_the_least_settled_one() -> None:
    order = ("open", "provisional", "closed")
    assert least_settled({"closed", "open"}, order) == "open"
    assert least_settled({"closed", "strange"}, order) == "strange"
    assert least_settled(set(), order) == ""


def test_small_masses_keep_their_digits() -> None:
    assert mass(Decimal("0.00421")) == "0.0042"
    assert mass(Decimal("0")) == "0.0"
    assert mass(Decimal("12345.6")) == "12,346"
    assert mass(None) == "no data"
