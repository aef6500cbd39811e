import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from dagster_project.errors import CloudtallyError
from dagster_project.exports.azure import carbon, carbon_api
from dagster_project.stores import read_bytes
from dagster_project.stores.retry import RetryPolicy

REPORTS = "/providers/Microsoft.Carbon/carbonEmissionReports"
WINDOW = "/providers/Microsoft.Carbon/queryCarbonEmissionDataAvailableDateRange"


def subscription(number: int) -> str:
    return f"ABCDEF00-0000-0000-0000-{number:012d}"


class Service:
    """The part of the API that is asked, with its documented limits."""

    def __init__(self) -> None:
        self.requests: list[dict] = []
        self.window = {"startDate": "2026-02-01", "endDate": "2026-03-01"}
        self.denied: set[str] = set()
        self.rows_of_subscription = 3
        self.page = 4
        self.failures: list[tuple[int, dict[str, str]]] = []
        self.amount = "0.1234567890123456789"
        self.reverse = False
        self.endless = False

    def answer(self, path: str, query: dict, body: dict | None) -> tuple[int, dict, str]:
        assert query == {"api-version": ["2025-04-01"]}
        if self.failures:
            status, headers = self.failures.pop(0)
            return status, headers, json.dumps({"error": {"code": "Busy"}})
        if path == WINDOW:
            assert body is None
            return 200, {}, json.dumps(self.window)
        assert path == REPORTS
        self.check(body)
        self.requests.append(body)
        return 200, {}, self.report(body)

    def check(self, body: dict) -> None:
        assert body["reportType"] == "ItemDetailsReport"
        assert body["categoryType"] == "Resource"
        assert 0 < len(body["subscriptionList"]) <= 100
        assert all(item == item.lower() for item in body["subscriptionList"])
        assert len(body["carbonScopeList"]) == 1
        assert body["dateRange"]["start"] == body["dateRange"]["end"]
        assert body["pageSize"] == 5000
        assert {"orderBy", "sortDirection"} <= set(body)

    def report(self, body: dict) -> str:
        rows = [
            self.row(item, number)
            for item in body["subscriptionList"]
            if item not in self.denied
            for number in range(self.rows_of_subscription)
        ]
        rows = rows[::-1] if self.reverse else rows
        start = int(body.get("skipToken") or 0)
        last = start + self.page >= len(rows)
        page = ", ".join(rows[start : start + self.page])
        token = '"0"' if self.endless else json.dumps(None if last else str(start + self.page))
        decisions = json.dumps([self.decision(item) for item in body["subscriptionList"]])
        return (
            f'{{"value": [{page}], "skipToken": {token}, '
            f'"subscriptionAccessDecisionList": {decisions}}}'
        )

    def row(self, item: str, number: int) -> str:
        return (
            f'{{"dataType": "ResourceItemDetailsData", "itemName": "vm{number}", '
            f'"categoryType": "Resource", "subscriptionId": "{item}", '
            f'"resourceGroup": "rg", "resourceId": "/subscriptions/{item}/vm{number}", '
            f'"latestMonthEmissions": {self.amount}, "previousMonthEmissions": 1}}'
        )

    def decision(self, item: str) -> dict:
        if item in self.denied:
            return {"subscriptionId": item, "decision": "Denied", "denialReason": "no role"}
        return {"subscriptionId": item, "decision": "Allowed"}


@pytest.fixture
def service() -> Iterator[Service]:
    state = Service()
    problems: list[BaseException] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            try:
                assert "Authorization" not in self.headers
                status, headers, text = state.answer(parts.path, parse_qs(parts.query), body)
            except AssertionError as problem:
                problems.append(problem)
                status, headers, text = 400, {}, "{}"
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    state.endpoint = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()
    assert not problems, problems


WAITED: list[float] = []


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    WAITED.clear()
    quick = RetryPolicy(attempts=4, first_wait=1.0, chance=lambda: 1.0, sleep=WAITED.append)
    monkeypatch.setattr(carbon_api.CarbonApi.__init__, "__defaults__", (quick,))


def options(service: Service, subscriptions: int = 2) -> dict:
    return {
        "endpoint": service.endpoint,
        "credential": "none",
        "subscriptions": [subscription(number) for number in range(subscriptions)],
    }


def opened(service: Service, subscriptions: int = 2):
    return carbon.EXPORT.open("api:", options(service, subscriptions))


def found(store) -> list:
    return list(carbon.EXPORT.find(store, {}))


def test_months_of_the_window_are_offered(service):
    store = opened(service)
    assert [info.key for info in store.list()] == [
        f"2026-{month}/{name}"
        for month in ("02", "03")
        for name in ("manifest.json", "scope1.jsonl", "scope2.jsonl", "scope3.jsonl")
    ]
    february, march = found(store)
    assert (february.month.month, march.month.month) == (2, 3)
    assert (march.rows, [part.rows for part in march.parts]) == (18, [6, 6, 6])
    assert march.missing == ()


def test_scopes_months_and_pages_are_asked_for_one_at_a_time(service):
    list(opened(service).list())
    asked = [
        (body["dateRange"]["start"], body["carbonScopeList"], body.get("skipToken"))
        for body in service.requests
    ]
    assert asked == [
        (month, [scope], token)
        for month in ("2026-02-01", "2026-03-01")
        for scope in ("Scope1", "Scope2", "Scope3")
        for token in (None, "4")
    ]


def test_nothing_is_asked_twice_nor_for_other_months(service):
    store = opened(service)
    keys = [info.key for info in store.list("2026-03/")]
    assert len(keys) == 4
    before = len(service.requests)
    assert {body["dateRange"]["start"] for body in service.requests} == {"2026-03-01"}
    for key in keys:
        assert len(read_bytes(store, key)) == store.stat(key).size
    assert len(service.requests) == before


def test_subscriptions_go_in_chunks_of_100(service):
    service.page = 5000
    store = opened(service, subscriptions=201)
    list(store.list("2026-03/"))
    assert [len(body["subscriptionList"]) for body in service.requests] == [100, 100, 1] * 3
    (march,) = [one for one in found(store) if one.month.month == 3]
    assert march.rows == 3 * 201 * 3


def test_numbers_keep_the_digits_that_were_sent(service):
    store = opened(service)
    line = read_bytes(store, "2026-03/scope1.jsonl").decode().splitlines()[0]
    assert f'"latestMonthEmissions": {service.amount}' in line
    assert json.loads(line)["previousMonthEmissions"] == 1


def test_unchanged_month_is_the_same_delivery(service):
    first = found(opened(service))
    time.sleep(0.01)
    service.reverse = True
    second = found(opened(service))
    assert [one.signature for one in first] == [one.signature for one in second]
    assert [one.manifest_bytes for one in first] == [one.manifest_bytes for one in second]
    assert first[0].order < second[0].order
    service.amount = "0.2"
    third = found(opened(service))
    assert {one.native_id for one in first}.isdisjoint(one.native_id for one in third)


def test_denied_subscriptions_are_reported(service):
    service.denied = {subscription(1).lower()}
    _, march = found(opened(service))
    decisions = march.note["subscriptionAccessDecisions"]
    assert [item["decision"] for item in decisions] == ["Allowed", "Denied"]
    assert (march.may_be_empty, march.rows) == (False, 9)


def test_month_without_any_access_may_be_empty(service):
    service.denied = {subscription(number).lower() for number in range(2)}
    _, march = found(opened(service))
    assert (march.may_be_empty, march.rows) == (True, 0)


def test_throttling_is_waited_out(service):
    service.failures = [(429, {"Retry-After": "17"}), (503, {}), (429, {"Retry-After": "9999"})]
    assert len(found(opened(service))) == 2
    assert WAITED == [17.0, 1.0, 2.0, 300.0, 4.0]


def test_retry_after_may_be_a_date(service):
    service.failures = [(429, {"Retry-After": "Wed, 01 Jan 2020 00:00:00 GMT"})]
    assert len(found(opened(service))) == 2
    assert WAITED == [1.0]


def test_patience_ends(service):
    service.failures = [(429, {})] * 10
    with pytest.raises(CloudtallyError, match="CT-STORE-THROTTLED"):
        found(opened(service))
    assert len(service.failures) == 6


def test_refusal_is_not_repeated(service):
    service.failures = [(403, {})] * 2
    with pytest.raises(CloudtallyError, match=r"CT-STORE-DENIED.*403 Busy"):
        found(opened(service))
    assert len(service.failures) == 1


def test_line_that_fails_is_a_network_error(service):
    options_ = options(service) | {"endpoint": "http://127.0.0.1:9"}
    with pytest.raises(CloudtallyError, match="CT-STORE-NETWORK"):
        found(carbon.EXPORT.open("api:", options_))


def test_token_that_comes_again_ends(service):
    service.endless = True
    with pytest.raises(CloudtallyError, match="CT-LAND-API"):
        found(opened(service))


@pytest.mark.parametrize(
    "window",
    [
        {},
        {"startDate": "x", "endDate": "y"},
        {"startDate": "2026-03-01", "endDate": "2026-01-01"},
        {"startDate": "0001-01-01", "endDate": "2026-01-01"},
    ],
)
def test_window_that_makes_no_sense(service, window):
    service.window = window
    with pytest.raises(CloudtallyError, match="CT-LAND-API"):
        found(opened(service))


@pytest.mark.parametrize("key", ["2026-01/manifest.json", "2026-03/scope4.jsonl", "../x", "x"])
def test_other_keys_are_not_there(service, key):
    with pytest.raises(CloudtallyError, match="CT-STORE-NOTFOUND"):
        opened(service).stat(key)


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint": "https://management.example.com"},
        {"endpoint": "http://127.0.0.1.example.com"},
        {"endpoint": "http://user@127.0.0.1:80"},
        {"credential": None},
        {"credential": "default"},
        {"endpoint": None},
        {"subscriptions": []},
        {"subscriptions": "all"},
        {"subscriptions": ["not-an-id"]},
    ],
)
def test_no_token_leaves_for_another_address(changes):
    given = {
        "endpoint": "http://127.0.0.1:9",
        "credential": "none",
        "subscriptions": [subscription(1)],
    }
    with pytest.raises(CloudtallyError, match="CT-CONFIG-OPTION"):
        carbon.EXPORT.open("api:", given | changes)
