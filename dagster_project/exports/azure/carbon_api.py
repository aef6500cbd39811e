"""Azure's Carbon Optimization API in the shape of an object store.

For every month that the service still has, it offers the files that `carbon.py` reads. The API
gives the sum of the scopes it is asked for, so each scope is asked for alone; item details come
for one month at a time. Rows are written in sorted order, numbers digit by digit as the service
wrote them, and the moment of retrieval stays out of the bytes: an unchanged month is the same
delivery each time.
"""

import datetime as dt
import hashlib
import json
import re
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from dagster_project.errors import CloudtallyError, install_advice
from dagster_project.exports.base import API_LOCATION, loopback_endpoint, option_error
from dagster_project.months import Month, month_key, month_of, month_range, parse_month
from dagster_project.stores.base import (
    DENIED,
    EXTRA,
    NOTFOUND,
    ObjectInfo,
    fault,
    fault_of_change,
    fault_of_line,
    fault_of_status,
)
from dagster_project.stores.retry import Patience, RetryPolicy

SCOPES = ("Scope1", "Scope2", "Scope3")
API_VERSION = "2025-04-01"
PAGE_ROWS = 5000
CHUNK_SUBSCRIPTIONS = 100
LONGEST_WINDOW_MONTHS = 60
LONGEST_WAIT_SECONDS = 300.0

_REPORTS = "/providers/Microsoft.Carbon/carbonEmissionReports"
_WINDOW = "/providers/Microsoft.Carbon/queryCarbonEmissionDataAvailableDateRange"
_SUBSCRIPTION = re.compile(r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_KEY = re.compile(r"^(?P<month>[0-9]{4}-[0-9]{2})/[a-z0-9]+\.jsonl?$")
_RETRY = RetryPolicy(first_wait=2.0, longest_wait=60.0)


def open_api(options: Mapping[str, Any]) -> "AzureCarbonApiStore":
    """Return the API as a store; nothing is asked of the network yet.

    Args:
        options: `subscriptions`, a list of subscription ids. For tests also `endpoint` with
            `credential: none`, on this machine only.

    Raises:
        CloudtallyError: CT-CONFIG-OPTION, or CT-STORE-EXTRA when the SDK is not installed.
    """
    return AzureCarbonApiStore.from_options(API_LOCATION, options)


def _subscriptions(options: Mapping[str, Any]) -> tuple[str, ...]:
    given = options.get("subscriptions")
    if not isinstance(given, list) or not given:
        raise option_error("subscriptions", "it must list the subscriptions to ask for")
    lowered = sorted({str(item).strip().lower() for item in given})
    wrong = next((item for item in lowered if not _SUBSCRIPTION.match(item)), None)
    if wrong is not None:
        raise option_error("subscriptions", f"{wrong[:60]!r} is no subscription id")
    return tuple(lowered)


def _client(options: Mapping[str, Any]) -> Any:
    try:
        from azure.core.pipeline.policies import RetryPolicy as SdkRetryPolicy
        from azure.core.pipeline.policies import SansIOHTTPPolicy
        from azure.identity import DefaultAzureCredential
        from azure.mgmt.carbonoptimization import CarbonOptimizationMgmtClient
    except ModuleNotFoundError as error:
        raise fault(
            EXTRA,
            f"The module {error.name} that asks the Carbon Optimization API is not installed.",
            location=API_LOCATION,
            next_step=install_advice("azure"),
        ) from None
    never = SdkRetryPolicy.no_retries()
    endpoint = loopback_endpoint(options)
    if endpoint is None:
        return CarbonOptimizationMgmtClient(DefaultAzureCredential(), retry_policy=never)
    nobody: Any = "none"
    return CarbonOptimizationMgmtClient(
        nobody,
        base_url=endpoint,
        retry_policy=never,
        authentication_policy=SansIOHTTPPolicy(),
    )


class CarbonApi:
    """The two questions of the API, asked with patience.

    Args:
        client: `CarbonOptimizationMgmtClient`; its own retries are off, because it repeats no POST
            after 429 without a `Retry-After`.
        retry: How often and when to try again.
    """

    def __init__(self, client: Any, retry: RetryPolicy = _RETRY) -> None:
        self._client = client
        self._retry = retry

    def months(self) -> tuple[Month, ...]:
        """Return the months that the service still has, oldest first."""
        answer = self._post(_WINDOW, None)
        try:
            first, last = (
                month_of(dt.date.fromisoformat(str(answer[key])[:10]))
                for key in ("startDate", "endDate")
            )
        except (KeyError, ValueError):
            raise _misunderstood("the range of dates") from None
        months = tuple(month_range(first, last))
        if not 0 < len(months) <= LONGEST_WINDOW_MONTHS:
            raise _misunderstood("the range of dates")
        return months

    def pages(
        self, month: Month, scope: str, subscriptions: Sequence[str]
    ) -> Iterator[Mapping[str, Any]]:
        """Yield every page of one month and one scope."""
        for start in range(0, len(subscriptions), CHUNK_SUBSCRIPTIONS):
            chunk = subscriptions[start : start + CHUNK_SUBSCRIPTIONS]
            yield from self._pages(_question(month, scope, chunk))

    def _pages(self, question: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        seen: set[str] = set()
        token: str | None = None
        while True:
            answer = self._post(_REPORTS, {**question, "skipToken": token} if token else question)
            yield answer
            token = answer.get("skipToken") or None
            if token is None:
                return
            if not isinstance(token, str) or token in seen:
                raise _misunderstood("the token of the next page")
            seen.add(token)

    def _post(self, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        patience = Patience(self._retry)
        while True:
            status, after, text = self._post_once(path, body)
            if status == 200:
                return _parsed(text)
            if after:
                (self._retry.sleep or time.sleep)(after)
            patience.wait_or_raise(_refused(status, text))

    def _post_once(self, path: str, body: Mapping[str, Any] | None) -> tuple[int, float, str]:
        """Return status (0 when the line failed), seconds to wait, and text of one answer."""
        from azure.core.exceptions import AzureError, ClientAuthenticationError
        from azure.core.rest import HttpRequest

        params = {"api-version": API_VERSION}
        request = HttpRequest("POST", path, params=params, json=body)
        try:
            response = self._client.send_request(request)
            return response.status_code, _retry_after(response.headers), response.text()
        except ClientAuthenticationError:
            raise fault(
                DENIED,
                "No identity for Azure was found.",
                location=API_LOCATION,
                next_step="Sign in (az login), or give the job a managed identity with the role "
                "Carbon Optimization Reader.",
            ) from None
        except (AzureError, UnicodeDecodeError) as error:
            return 0, 0.0, type(error).__name__


def _question(month: Month, scope: str, subscriptions: Sequence[str]) -> dict[str, Any]:
    return {
        "reportType": "ItemDetailsReport",
        "subscriptionList": list(subscriptions),
        "carbonScopeList": [scope],
        "dateRange": {"start": month.isoformat(), "end": month.isoformat()},
        "categoryType": "Resource",
        "orderBy": "ItemName",
        "sortDirection": "Asc",
        "pageSize": PAGE_ROWS,
    }


def _parsed(text: str) -> dict[str, Any]:
    try:
        answer = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise _misunderstood("an answer")
    return answer


def _refused(status: int, text: str) -> CloudtallyError:
    if status == 0:
        return fault_of_line(text, location=API_LOCATION)
    try:
        word = str(json.loads(text)["error"]["code"])
    except (ValueError, KeyError, TypeError, RecursionError):
        word = ""
    return fault_of_status(status, word, location=API_LOCATION)


def _retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds that the service asks to wait, at most five minutes."""
    text = (headers.get("Retry-After") or "").strip()
    try:
        seconds = float(text) if text.isdecimal() else _seconds_until(text)
    except (ValueError, TypeError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)


def _seconds_until(text: str) -> float:
    return (parsedate_to_datetime(text) - dt.datetime.now(dt.UTC)).total_seconds()


def _misunderstood(what: str) -> CloudtallyError:
    return CloudtallyError(
        "CT-LAND-API",
        f"The Carbon Optimization API answered, but {what} can't be understood.",
        where={"api-version": API_VERSION},
        kept="the last accepted delivery stays current.",
        next_step="Run again; if it stays so, the API has changed.",
    )


@dataclass(frozen=True)
class _Retrieved:
    """One month as it lies in the folder of this store."""

    infos: Mapping[str, ObjectInfo]
    folder: Path


class AzureCarbonApiStore:
    """Months of the API as objects; a month is asked for when it is listed, and only once."""

    location = API_LOCATION

    def __init__(self, api: CarbonApi, subscriptions: Sequence[str]) -> None:
        self._api = api
        self._subscriptions = tuple(subscriptions)
        # Holds the files until the store is dropped; landing copies what it needs.
        self._folder = tempfile.TemporaryDirectory(prefix="cloudtally-carbon-")
        self._retrieved: dict[Month, _Retrieved] = {}
        self._lock = threading.Lock()

    @classmethod
    def from_options(cls, location: str, options: Mapping[str, Any]) -> "AzureCarbonApiStore":
        """Return the store that `open_api` describes.

        Raises:
            CloudtallyError: as `open_api`.
        """
        if location != API_LOCATION:
            raise option_error("location", f"write it as {API_LOCATION!r}")
        return cls(CarbonApi(_client(options)), _subscriptions(options))

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the manifest and the three scopes of every month, ordered by key."""
        for month in self._months:
            folder = f"{month_key(month)}/"
            if folder.startswith(prefix) or prefix.startswith(folder):
                for key, info in sorted(self._month(month).infos.items()):
                    if key.startswith(prefix):
                        yield info

    def stat(self, key: str) -> ObjectInfo:
        """Look at one object."""
        match = _KEY.match(key)
        month = parse_month(match["month"]) if match else None
        if month is None or month not in self._months:
            raise _not_there(key)
        info = self._month(month).infos.get(key)
        if info is None:
            raise _not_there(key)
        return info

    def open(self, info: ObjectInfo, offset: int = 0) -> AbstractContextManager[BinaryIO]:
        """Read a listed object."""
        if self.stat(info.key).etag != info.etag:
            raise fault_of_change(location=self.location, key=info.key)
        month = parse_month(info.key[:7])
        stream = (self._month(month).folder / info.key[8:]).open("rb")
        stream.seek(offset)
        return stream

    @cached_property
    def _months(self) -> tuple[Month, ...]:
        return self._api.months()

    def _month(self, month: Month) -> _Retrieved:
        with self._lock:
            if month not in self._retrieved:
                self._retrieved[month] = self._retrieve(month)
            return self._retrieved[month]

    def _retrieve(self, month: Month) -> _Retrieved:
        folder = Path(self._folder.name) / month_key(month)
        folder.mkdir(exist_ok=True)
        decisions: dict[str, Mapping[str, Any]] = {}
        files = [
            _write_scope(
                folder, scope, self._api.pages(month, scope, self._subscriptions), decisions
            )
            for scope in SCOPES
        ]
        (folder / "manifest.json").write_bytes(_manifest(month, files, decisions))
        moment = dt.datetime.now(dt.UTC)
        infos = (_info(month, path, moment) for path in sorted(folder.iterdir()))
        return _Retrieved({info.key: info for info in infos}, folder)


def _write_scope(
    folder: Path,
    scope: str,
    pages: Iterator[Mapping[str, Any]],
    decisions: dict[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Write the rows of one scope, collect the decisions on access, return the file's entry."""
    lines: list[str] = []
    for page in pages:
        rows = page.get("value")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise _misunderstood("a page of rows")
        lines += [_line(row) for row in rows]
        _decide(decisions, page.get("subscriptionAccessDecisionList"))
    data = "".join(f"{line}\n" for line in sorted(lines)).encode()
    name = f"{scope.lower()}.jsonl"
    (folder / name).write_bytes(data)
    return {
        "name": name,
        "scope": scope,
        "rows": len(lines),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def _line(row: Mapping[str, Any]) -> str:
    """Return a row as JSON; a float would not survive with the digits that the service sent."""
    fields = (f"{json.dumps(key)}: {_value(value)}" for key, value in sorted(row.items()))
    return f"{{{', '.join(fields)}}}"


def _value(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value, default=str, sort_keys=True)


def _decide(decisions: dict[str, Mapping[str, Any]], given: object) -> None:
    """Keep the decisions on access; denied for one scope is denied."""
    for item in given if isinstance(given, list) else []:
        if not isinstance(item, dict) or not isinstance(item.get("subscriptionId"), str):
            raise _misunderstood("a decision on access")
        subscription = item["subscriptionId"].lower()
        if decisions.get(subscription, {}).get("decision") in (None, "Allowed"):
            decisions[subscription] = {
                "subscriptionId": subscription,
                "decision": item.get("decision"),
                "denialReason": item.get("denialReason"),
            }


def _manifest(
    month: Month, files: Sequence[Mapping[str, Any]], decisions: Mapping[str, Mapping[str, Any]]
) -> bytes:
    """Return the manifest: nothing in it depends on when it was retrieved."""
    hashes = "\n".join(str(file["sha256"]) for file in files)
    document = {
        "contentSha256": hashlib.sha256(hashes.encode()).hexdigest(),
        "files": list(files),
        "month": month_key(month),
        "subscriptionAccessDecisions": [decisions[key] for key in sorted(decisions)],
    }
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


def _info(month: Month, path: Path, moment: dt.datetime) -> ObjectInfo:
    data = path.read_bytes()
    key = f"{month_key(month)}/{path.name}"
    return ObjectInfo(key, len(data), hashlib.sha256(data).hexdigest(), None, moment)


def _not_there(key: str) -> CloudtallyError:
    return fault(
        NOTFOUND, "The API does not have this object (any more).", location=API_LOCATION, key=key
    )
