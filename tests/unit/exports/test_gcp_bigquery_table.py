"""`bigquery://` against a service on this machine that checks what it is asked."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("google.cloud.bigquery", reason="the extra gcp is not installed")

from google.auth.credentials import Credentials
from google.cloud import bigquery

from dagster_project.errors import CloudtallyError
from dagster_project.exports.gcp import billing_detailed
from dagster_project.exports.gcp.bigquery_table import (
    BigQueryTableStore,
    BillingTable,
    open_table,
    write_sorted,
)
from dagster_project.stores import read_bytes

LOCATION = "bigquery://acme-billing.exports.gcp_billing_export_resource_v1_01AAAA"
TABLE = "acme-billing.exports.gcp_billing_export_resource_v1_01AAAA"
MOMENT = "2026-04-02 05:00:00.123456+00"
SECRET = "ya29.not-for-logs"


class Service:
    """Queries of BigQuery as they are asked here: text, parameters, pages."""

    def __init__(self) -> None:
        self.asked: list[dict] = []
        self.pages: list[str] = []
        self.tokens: list[str | None] = []
        self.months = {"202602": 1, "202603": 5}
        self.page = 2
        self.reverse = False
        self.failure: tuple[int, str] | None = None
        self.unexpected: list[str] = []
        self.results: dict[str, tuple[list, list]] = {}

    def checked(self, answer: Callable, path: str, what: dict) -> tuple[int, dict]:
        """Answer, or refuse at once what should not have been asked."""
        try:
            return answer(path, what)
        except Exception as error:
            self.unexpected.append(f"{path} {what}: {error!r}")
            return 418, {"error": {"code": 418, "message": "unexpected"}}

    def lines(self, month: str) -> list[str]:
        rows = [
            json.dumps({"invoice": {"month": month}, "cost": 0.1, "number": number})
            for number in range(self.months[month])
        ]
        return rows[::-1] if self.reverse else rows

    def post(self, path: str, body: dict) -> tuple[int, dict]:
        if self.failure:
            status, reason = self.failure
            error = {"code": status, "message": f"{SECRET} denied", "errors": [{"reason": reason}]}
            return status, {"error": error}
        assert path == "/bigquery/v2/projects/payer/queries"
        assert body["useLegacySql"] is False
        self.asked.append(body)
        job = f"job{len(self.asked)}"
        self.results[job] = self.result(body)
        return 200, self.answer(job, 0)

    def result(self, body: dict) -> tuple[list, list]:
        sql = " ".join(body["query"].split())
        given = {
            item["name"]: (item["parameterType"]["type"], item["parameterValue"]["value"])
            for item in body.get("queryParameters", [])
        }
        if sql == "select current_timestamp() as moment":
            assert given == {}
            return [field("moment", "TIMESTAMP")], [["1775106000123456"]]
        assert f"`{TABLE}`" in sql
        assert f"for system_time as of timestamp '{MOMENT}'" in sql
        if "to_json_string" in sql:
            ((name, (kind, month)),) = given.items()
            assert (name, kind) == ("invoice_month", "STRING")
            assert "where charges.invoice.month = @invoice_month" in sql
            return [field("line", "STRING")], [[line] for line in self.lines(month)]
        assert given == {"look_back_days": ("INT64", "7")}
        names = ("invoice_month", "lines", "cost", "credit_amount", "billed_cost", "exported_at")
        kinds = ("STRING", "INTEGER", "STRING", "STRING", "STRING", "STRING")
        rows = [
            [month, str(count), str(Decimal("0.1") * count), "0", str(Decimal("0.1") * count),
             "2026-04-01T00:00:00.000000Z"]
            for month, count in self.months.items()
        ]  # fmt: skip
        return [field(*pair) for pair in zip(names, kinds, strict=True)], rows

    def answer(self, job: str, start: int) -> dict:
        fields, rows = self.results[job]
        page = rows[start : start + self.page]
        more = start + self.page < len(rows)
        return {
            "jobComplete": True,
            "jobReference": {"projectId": "payer", "jobId": job, "location": "EU"},
            "schema": {"fields": fields},
            "totalRows": str(len(rows)),
            "rows": [{"f": [{"v": cell} for cell in row]} for row in page],
            **({"pageToken": str(start + self.page)} if more else {}),
        }

    def get(self, path: str, query: dict) -> tuple[int, dict]:
        kind, job = path.removeprefix("/bigquery/v2/projects/payer/").split("/")
        assert query["location"] == ["EU"]
        if kind == "jobs":
            return 200, {
                "jobReference": {"projectId": "payer", "jobId": job, "location": "EU"},
                "configuration": {"query": {}},
                "status": {"state": "DONE"},
            }
        assert kind == "queries"
        start = query.get("pageToken", ["0"])[0]
        if query.get("maxResults") != ["0"]:
            self.pages.append(start)
        return 200, self.answer(job, int(start))


def field(name: str, kind: str) -> dict:
    return {"name": name, "type": kind, "mode": "NULLABLE"}


@pytest.fixture
def service() -> Iterator[Service]:
    found = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = json.loads(self.rfile.read(length))
            self.reply(*found.checked(found.post, urlsplit(self.path).path, body))

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self.reply(*found.checked(found.get, parts.path, parse_qs(parts.query)))

        def reply(self, status: int, document: dict) -> None:
            found.tokens.append(self.headers.get("Authorization"))
            data = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.endpoint = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    yield found
    server.shutdown()
    server.server_close()
    assert found.unexpected == []


def store(service: Service, **options) -> BigQueryTableStore:
    known = {
        "endpoint": service.endpoint,
        "credential": "none",
        "job_project": "payer",
        "look_back_days": 7,
    }
    return open_table(LOCATION, known | options)


def test_every_touched_month_is_offered_whole(service):
    found = store(service)
    keys = [info.key for info in found.list()]
    assert keys == [
        "month=2026-02/manifest.json",
        "month=2026-02/part-0.jsonl",
        "month=2026-03/manifest.json",
        "month=2026-03/part-0.jsonl",
    ]
    lines = read_bytes(found, "month=2026-03/part-0.jsonl").decode().splitlines()
    assert lines == service.lines("202603")
    assert service.pages == ["2", "4"]
    assert len(service.asked) == 4


def test_the_table_s_own_count_is_the_manifest(service):
    found = store(service)
    document = json.loads(read_bytes(found, "month=2026-03/manifest.json"))
    assert document["rows"] == "5"
    assert document["sums"] == {"cost": "0.5", "credits.amount": "0", "BilledCost": "0.5"}
    assert document["exported_at"] == "2026-04-01T00:00:00.000000Z"


def test_the_export_finds_one_delivery_per_month(service):
    export = billing_detailed.EXPORT
    options = {"endpoint": service.endpoint, "credential": "none", "job_project": "payer",
               "look_back_days": 7}  # fmt: skip
    found = list(export.find(export.open(LOCATION, options), options))
    assert [(item.month.isoformat(), item.rows) for item in found] == [
        ("2026-02-01", 1),
        ("2026-03-01", 5),
    ]
    assert all(item.is_manifested and not item.missing for item in found)


def test_a_month_is_read_once_and_another_order_is_the_same_delivery(service):
    first = store(service)
    signatures = [info.etag for info in first.list()]
    asked = len(service.asked)
    assert [info.etag for info in first.list()] == signatures
    assert len(service.asked) == asked
    service.reverse = True
    assert [info.etag for info in store(service).list()] == signatures


def test_a_row_more_is_another_delivery(service):
    before = [info.etag for info in store(service).list("month=2026-03/")]
    service.months["202603"] += 1
    assert [info.etag for info in store(service).list("month=2026-03/")] != before


def test_a_prefix_reads_only_its_month(service):
    list(store(service).list("month=2026-02/"))
    assert len(service.asked) == 3


def test_no_token_leaves_for_a_test_endpoint(service):
    list(store(service).list())
    assert set(service.tokens) == {None}


class Token(Credentials):
    """Credentials of the default chain, as a job has them."""

    def refresh(self, request) -> None:
        self.token = SECRET

    def apply(self, headers, token=None) -> None:
        headers["authorization"] = f"Bearer {SECRET}"

    def before_request(self, request, method, url, headers) -> None:
        self.apply(headers)


def with_token(service: Service) -> BigQueryTableStore:
    client = bigquery.Client(
        project="payer",
        credentials=Token(),
        client_options={"api_endpoint": service.endpoint},
    )
    return BigQueryTableStore(BillingTable(client, TABLE, 7))


def test_the_token_is_sent_and_never_logged(service, caplog):
    with caplog.at_level(logging.DEBUG):
        list(with_token(service).list())
    assert set(service.tokens) == {f"Bearer {SECRET}"}
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        (403, "accessDenied", "CT-STORE-DENIED"),
        (401, "authError", "CT-STORE-DENIED"),
        (404, "notFound", "CT-STORE-NOTFOUND"),
        (400, "invalidQuery", "CT-LAND-WRONG-EXPORT"),
    ],
)
def test_a_refusal_is_explained_without_the_service_s_sentence(
    service, caplog, status, reason, code
):
    service.failure = (status, reason)
    with caplog.at_level(logging.DEBUG), pytest.raises(CloudtallyError) as caught:
        list(with_token(service).list())
    assert caught.value.code == code
    assert LOCATION in str(caught.value)
    assert caught.value.next_step
    assert SECRET not in str(caught.value) + caplog.text


@pytest.mark.parametrize(
    "location",
    [
        "bigquery://dataset.table",
        "bigquery://acme-billing.exports.a`b",
        "bigquery://acme-billing.exports.t where true",
        "bigquery://acme-billing.exports.t.more",
    ],
)
def test_a_location_that_is_no_table_is_refused(location):
    with pytest.raises(CloudtallyError) as caught:
        open_table(location, {})
    assert caught.value.code == "CT-CONFIG-OPTION"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("look_back_days", 0),
        ("look_back_days", "7"),
        ("look_back_days", True),
        ("endpoint", "http://bigquery.example.com"),
        ("credential", "token"),
    ],
)
def test_an_option_that_cannot_be_followed_is_refused(service, option, value):
    with pytest.raises(CloudtallyError) as caught:
        store(service, **{option: value})
    assert caught.value.code == "CT-CONFIG-OPTION"


def test_a_key_that_was_never_listed_is_not_there(service):
    with pytest.raises(CloudtallyError) as caught:
        store(service).stat("month=2020-01/part-0.jsonl")
    assert caught.value.code == "CT-STORE-NOTFOUND"


def test_lines_beyond_one_run_are_merged_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr("dagster_project.exports.gcp.bigquery_table._SORTED_LINES", 3)
    lines = [f"{number:03d}" for number in range(20)]
    one = write_sorted(reversed(lines), tmp_path / "one")
    other = write_sorted(lines, tmp_path / "other")
    assert one == other
    assert (tmp_path / "one").read_text().splitlines() == lines
