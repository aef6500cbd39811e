"""A billing export table of BigQuery in the shape of an object store.

It offers what the shipped query unloads: whole invoice months, each with a manifest of the rows and
sums that the table itself counts. The table is append-only, so a month is read again when rows of
it were appended lately. All questions of one listing see the table at one moment, and lines are
sorted: an unchanged month is the same delivery each time.
"""

import datetime as dt
import hashlib
import heapq
import json
import re
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from dagster_project.errors import CloudtallyError, install_advice
from dagster_project.exports.base import loopback_endpoint, option_error
from dagster_project.months import Month, month_key, parse_month
from dagster_project.stores.base import (
    DENIED,
    EXTRA,
    NOTFOUND,
    THROTTLED,
    ObjectInfo,
    fault,
    fault_of_change,
    fault_of_line,
    fault_of_status,
    refuse_credentials,
)

SCHEME = "bigquery"
_SDK = "google.cloud.bigquery"  # by name: its types leave out its own classes
LOOK_BACK_DAYS = 3
LONGEST_LOOK_BACK_DAYS = 4000
PAGE_ROWS = 20_000
RETRY_SECONDS = 120.0

_LOCATION = re.compile(
    r"^bigquery://(?P<project>(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9])"
    r"\.(?P<dataset>[A-Za-z0-9_]{1,1024})\.(?P<table>[A-Za-z0-9_-]{1,1024})$"
)
_KEY = re.compile(r"^month=(?P<month>[0-9]{4}-[0-9]{2})/(?P<name>part-0\.jsonl|manifest\.json)$")
_THROTTLING = frozenset({"rateLimitExceeded", "quotaExceeded", "jobRateLimitExceeded"})
_SORTED_LINES = 100_000

_MOMENT_SQL = "select current_timestamp() as moment"
# A double's text is its shortest; what the lines hold is added up, never the doubles.
_EXACT = "round(cast(cast({} as string) as bignumeric), 18)"
_MONTHS_SQL = f"""
with charges as (
    select
        invoice.month as invoice_month,
        export_time,
        {_EXACT.format("cost")} as cost,
        (
            select sum({_EXACT.format("credit.amount")}) from unnest(credits) as credit
        ) as credit_amount
    from `{{table}}` for system_time as of timestamp '{{moment}}'
)
select
    invoice_month,
    count(*) as lines,
    cast(ifnull(sum(cost), 0) as string) as cost,
    cast(ifnull(sum(credit_amount), 0) as string) as credit_amount,
    cast(ifnull(sum(cost), 0) + ifnull(sum(credit_amount), 0) as string) as billed_cost,
    format_timestamp('%Y-%m-%dT%H:%M:%E6SZ', max(export_time)) as exported_at
from charges
group by invoice_month
having max(export_time) >= timestamp_sub(timestamp '{{moment}}', interval @look_back_days day)
order by invoice_month
"""
_LINES_SQL = """
select to_json_string(charges) as line
from `{table}` as charges for system_time as of timestamp '{moment}'
where charges.invoice.month = @invoice_month
"""


def open_table(location: str, options: Mapping[str, Any]) -> "BigQueryTableStore":
    """Return the table as a store; nothing is asked of the network yet.

    Args:
        location: `bigquery://project.dataset.table`.
        options: `look_back_days`, `job_project` (pays for the queries; the table's own when
            absent). For tests also `endpoint` with `credential: none`, on this machine only.

    Raises:
        CloudtallyError: CT-CONFIG-OPTION, or CT-STORE-EXTRA when the SDK is not installed.
    """
    refuse_credentials(location, "The location")
    match = _LOCATION.match(location)
    if match is None:
        raise option_error("location", "write it as bigquery://project.dataset.table")
    days = _look_back_days(options)
    project = str(options.get("job_project") or match["project"])
    table = f"{match['project']}.{match['dataset']}.{match['table']}"
    return BigQueryTableStore(BillingTable(_client(location, project, options), table, days))


def _look_back_days(options: Mapping[str, Any]) -> int:
    days = options.get("look_back_days", LOOK_BACK_DAYS)
    is_number = isinstance(days, int) and not isinstance(days, bool)
    if not is_number or not 1 <= days <= LONGEST_LOOK_BACK_DAYS:
        raise option_error("look_back_days", f"write 1 to {LONGEST_LOOK_BACK_DAYS} days")
    return int(days)


def _client(location: str, project: str, options: Mapping[str, Any]) -> Any:
    endpoint = loopback_endpoint(options)
    try:
        from google.api_core.client_options import ClientOptions
        from google.auth.credentials import AnonymousCredentials
        from google.auth.exceptions import GoogleAuthError

        bigquery: Any = import_module(_SDK)
    except (ModuleNotFoundError, ImportError) as error:
        raise fault(
            EXTRA,
            f"The module {error.name} that asks BigQuery is not installed.",
            location=location,
            next_step=install_advice("gcp"),
        ) from None
    try:
        if endpoint is None:
            return bigquery.Client(project=project)
        nobody = AnonymousCredentials()  # type: ignore[no-untyped-call]
        return bigquery.Client(
            project=project,
            credentials=nobody,
            client_options=ClientOptions(api_endpoint=endpoint),
        )
    except GoogleAuthError:
        raise _nobody(location) from None


@dataclass(frozen=True)
class MonthOfTable:
    """What the table itself counts of one invoice month."""

    month: Month
    invoice_month: str
    rows: int
    sums: Mapping[str, str]
    exported_at: str


class BillingTable:
    """The three questions that are asked of a billing export table.

    Args:
        client: `google.cloud.bigquery.Client`.
        table: `project.dataset.table`.
        look_back_days: Months that got rows in so many days are offered.
    """

    def __init__(self, client: Any, table: str, look_back_days: int) -> None:
        self._client = client
        self.table = table
        self.location = f"{SCHEME}://{table}"
        self._look_back_days = look_back_days

    def months(self) -> dict[Month, MonthOfTable]:
        """Return the invoice months that got rows lately, with rows and sums of each."""
        rows = self._ask(
            _MONTHS_SQL.format(table=self.table, moment=self._moment),
            look_back_days=("INT64", self._look_back_days),
        )
        found = (self._month(row) for row in rows)
        return {item.month: item for item in found}

    def lines(self, month: MonthOfTable) -> Iterator[str]:
        """Yield every line of an invoice month as JSON, in any order."""
        rows = self._ask(
            _LINES_SQL.format(table=self.table, moment=self._moment),
            invoice_month=("STRING", month.invoice_month),
        )
        for row in rows:
            yield str(row["line"])

    @cached_property
    def _moment(self) -> str:
        """The server's time at the first question; all others see the table as it was then."""
        (row,) = self._ask(_MOMENT_SQL)
        moment: dt.datetime = row["moment"]
        return moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")

    def _month(self, row: Mapping[str, Any]) -> MonthOfTable:
        invoice_month = str(row["invoice_month"])
        if not re.fullmatch(r"[0-9]{6}", invoice_month):
            raise _not_billing(self.location, "an invoice month is not written as YYYYMM")
        return MonthOfTable(
            month=parse_month(f"{invoice_month[:4]}-{invoice_month[4:]}"),
            invoice_month=invoice_month,
            rows=int(row["lines"]),
            sums={
                "cost": str(row["cost"]),
                "credits.amount": str(row["credit_amount"]),
                "BilledCost": str(row["billed_cost"]),
            },
            exported_at=str(row["exported_at"]),
        )

    def _ask(self, sql: str, **parameters: tuple[str, Any]) -> Iterator[Any]:
        from google.api_core.exceptions import GoogleAPICallError, RetryError
        from google.auth.exceptions import GoogleAuthError, TransportError
        from google.cloud.bigquery.retry import DEFAULT_RETRY
        from requests.exceptions import RequestException

        bigquery: Any = import_module(_SDK)
        config = bigquery.QueryJobConfig(
            query_parameters=[
                bigquery.ScalarQueryParameter(name, kind, value)
                for name, (kind, value) in parameters.items()
            ]
        )
        try:
            yield from self._client.query_and_wait(
                sql,
                job_config=config,
                page_size=PAGE_ROWS,
                retry=DEFAULT_RETRY.with_timeout(RETRY_SECONDS),
            )
        except RetryError as error:
            raise self._explain(error.cause or error) from None
        except GoogleAPICallError as error:
            raise self._explain(error) from None
        except GoogleAuthError as error:
            if isinstance(error, TransportError):
                raise fault_of_line(type(error).__name__, location=self.location) from None
            raise _nobody(self.location) from None
        except (RequestException, OSError) as error:
            raise fault_of_line(type(error).__name__, location=self.location) from None

    def _explain(self, error: BaseException) -> CloudtallyError:
        """Translate an answer of BigQuery; its sentence is left out, it may repeat the query."""
        status = int(getattr(error, "code", None) or 0)
        reasons = [str(item.get("reason", "")) for item in getattr(error, "errors", None) or []]
        word = reasons[0] if reasons else ""
        if _THROTTLING & set(reasons):
            return fault(
                THROTTLED,
                f"BigQuery asks for fewer queries ({word}).",
                location=self.location,
                next_step="Run again later.",
            )
        if status == 404:
            return fault(
                NOTFOUND,
                "There is no such project, dataset or table.",
                location=self.location,
                next_step="Check the location; a billing export's table is named "
                "gcp_billing_export_resource_v1_<account> or gcp_billing_export_v1_<account>.",
            )
        if status in (401, 403):
            return fault(
                DENIED,
                f"BigQuery refused the query (HTTP {status} {word}).",
                location=self.location,
                next_step="Grant the identity in use BigQuery Data Viewer on the dataset and "
                "BigQuery Job User on the project that runs the query (option job_project).",
            )
        if status == 400:
            return _not_billing(self.location, "the query that reads one is not valid for it")
        if status == 0:
            return fault_of_line(type(error).__name__, location=self.location)
        return fault_of_status(status, word, location=self.location)


def _nobody(location: str) -> CloudtallyError:
    return fault(
        DENIED,
        "No usable Google credentials were found.",
        location=location,
        next_step="Sign in (application default credentials) and run again.",
    )


def _not_billing(location: str, reason: str) -> CloudtallyError:
    return CloudtallyError(
        "CT-LAND-WRONG-EXPORT",
        f"The table is no standard or detailed billing export: {reason}.",
        where={"location": location},
        kept="the last accepted deliveries stay current.",
        next_step="Name the table gcp_billing_export_resource_v1_<account> or "
        "gcp_billing_export_v1_<account> itself, no view of it.",
    )


class BigQueryTableStore:
    """Invoice months of a table as objects; a month is read when it is listed, and only once."""

    def __init__(self, table: BillingTable) -> None:
        self.location = table.location
        self._table = table
        # Holds the files until the store is dropped; landing copies what it needs.
        self._folder = tempfile.TemporaryDirectory(prefix="cloudtally-bigquery-")
        self._read: dict[Month, Mapping[str, ObjectInfo]] = {}
        self._lock = threading.Lock()

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the manifest and the lines of every month, ordered by key."""
        for month in sorted(self._months):
            folder = f"month={month_key(month)}/"
            if folder.startswith(prefix) or prefix.startswith(folder):
                for key, info in sorted(self._objects(month).items()):
                    if key.startswith(prefix):
                        yield info

    def stat(self, key: str) -> ObjectInfo:
        """Look at one object."""
        match = _KEY.match(key)
        month = parse_month(match["month"]) if match else None
        if month is None or month not in self._months:
            raise fault(
                NOTFOUND, "The table offers no such object.", location=self.location, key=key
            )
        return self._objects(month)[key]

    def open(self, info: ObjectInfo, offset: int = 0) -> AbstractContextManager[BinaryIO]:
        """Read a listed object."""
        if self.stat(info.key).etag != info.etag:
            raise fault_of_change(location=self.location, key=info.key)
        stream = (Path(self._folder.name) / info.key).open("rb")
        stream.seek(offset)
        return stream

    @cached_property
    def _months(self) -> Mapping[Month, MonthOfTable]:
        return self._table.months()

    def _objects(self, month: Month) -> Mapping[str, ObjectInfo]:
        with self._lock:
            if month not in self._read:
                self._read[month] = self._retrieve(self._months[month])
            return self._read[month]

    def _retrieve(self, month: MonthOfTable) -> Mapping[str, ObjectInfo]:
        folder = Path(self._folder.name) / f"month={month_key(month.month)}"
        folder.mkdir(exist_ok=True)
        part = folder / "part-0.jsonl"
        digest = write_sorted(self._table.lines(month), part)
        manifest = _manifest(month, self._table.table, digest)
        (folder / "manifest.json").write_bytes(manifest)
        etags = {"part-0.jsonl": digest, "manifest.json": hashlib.sha256(manifest).hexdigest()}
        moment = dt.datetime.now(dt.UTC)
        infos = (
            ObjectInfo(f"{folder.name}/{name}", (folder / name).stat().st_size, etag, None, moment)
            for name, etag in etags.items()
        )
        return {info.key: info for info in infos}


def write_sorted(lines: Iterable[str], path: Path) -> str:
    """Write lines in sorted order, however many there are, and return their SHA-256.

    A query gives rows in any order; sorted they are the same bytes each time.
    """
    digest = hashlib.sha256()
    with ExitStack() as stack:
        runs = []
        rest = iter(lines)
        while chunk := sorted(islice(rest, _SORTED_LINES)):
            run = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n"))
            run.writelines(f"{line}\n" for line in chunk)
            run.seek(0)
            runs.append(run)
        with path.open("wb") as file:
            for line in heapq.merge(*runs):
                data = line.encode()
                digest.update(data)
                file.write(data)
    return digest.hexdigest()


def _manifest(month: MonthOfTable, table: str, digest: str) -> bytes:
    """Return the manifest: nothing in it depends on when it was read."""
    document = {
        "run_id": digest,
        "table": table,
        "month": month_key(month.month),
        "rows": str(month.rows),
        "sums": dict(month.sums),
        "files": ["part-0.jsonl"],
        "exported_at": month.exported_at,
    }
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()
