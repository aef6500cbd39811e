"""The shape of an export: deliveries found in a store, and declared columns.

Belongs here: types that every export shares and the resolution of names in a provider's manifest.
Does not: anything that only one provider does.
"""

import datetime as dt
import hashlib
import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import urlsplit

from dagster_project.errors import CloudtallyError
from dagster_project.months import Month, add_months, month_of
from dagster_project.reference import seed_rows
from dagster_project.stores import open_store
from dagster_project.stores.base import OUTSIDE, TOOLARGE, ObjectInfo, ObjectStore, printable
from dagster_project.stores.transfer import read_bytes

MANIFEST_LIMIT = 32 * 1024 * 1024
MANIFEST_READERS = 8
"""Manifests read at a time: a store keeps one for every refresh ever made."""

MONTH_PATTERN = r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])"
API_LOCATION = "api:"
PAIR = "CT-LAND-PAIR"

_TRANSLATED = re.compile(r".+\((\w+)\)")
_AT_FAULT = ("CT-LAND-", "CT-MONTH-", TOOLARGE, OUTSIDE)


class ColumnKind(StrEnum):
    """What a declared column means, whatever type the file stores it in.

    A rate is a price or a count that no amount is made of: what is no number is absent.
    """

    TEXT = "text"
    DECIMAL = "decimal"
    RATE = "rate"
    TIMESTAMP = "timestamp"
    DAY = "day"  # ISO, or month first with slashes: 09/21/2026
    MONTH = "month"  # 2026-09, or any day or moment in it
    JSON = "json"


@dataclass(frozen=True)
class Measure:
    """A control total that no column states: a metric of the fact, from an export's own columns.

    Attributes:
        name: The metric as the fact spells it; `first_of` and `nested` add up to it.
        first_of: Columns of which, line by line, the first with a value counts.
        nested: Lists of records and the field of each record that counts, such as credits.
        constants: Only parts with these constants count; all parts when empty.
    """

    name: str
    first_of: tuple[str, ...] = ()
    nested: tuple[tuple[str, str], ...] = ()
    constants: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that have to be read for it."""
        return (*self.first_of, *(column for column, _ in self.nested))


class Held(StrEnum):
    """Which of two sets of parts tells what a line costs."""

    BOTH = "both"
    FIRST = "first"
    SECOND = "second"


@dataclass(frozen=True)
class Twins:
    """Two sets of parts that tell the same month twice and must agree where they overlap.

    A line belongs to the first of `apart` of which it has all values, without regard to case and
    blanks; to both sets when it has none. What only the first tells, the second doesn't hold; what
    only the second tells costs nothing in the first.

    Attributes:
        constant: The parts' constant that tells the sets apart.
        first: Its value in the first set.
        second: Its value in the second set.
        day: Column of the day by which the sets are compared.
        amount: Columns of which, line by line, the first with a value is compared.
        apart: Lines that only one set tells: column by column the values that mark them.
    """

    constant: str
    first: str
    second: str
    day: str
    amount: tuple[str, ...]
    apart: tuple[tuple[Held, Mapping[str, frozenset[str]]], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that have to be read for it."""
        marks = (column for _, values in self.apart for column in values)
        return (self.day, *self.amount, *marks)


@dataclass(frozen=True)
class Rule:
    """What the values of a column must be beyond their kind; a row that breaks it is refused.

    For files that people write, and for what gives a provider's numbers their meaning, such as a
    unit; beyond that a provider's export is taken as it is.

    Attributes:
        column: The column; the other attributes speak of its values.
        required: Whether every row has one; a part's constant of that name counts.
        least: The smallest allowed number.
        above: The largest number that is too small.
        below: The smallest number that is too large.
        decimals: Digits that may follow the point.
        at_most: A column whose number is not exceeded.
        allowed: All allowed texts; any text when empty.
        pattern: Regular expression that the whole text matches, and an example of such a text.
        needs: Columns that have a value wherever this one has.
        needs_one_of: Columns of which a file that has this one has at least one.
    """

    column: str
    required: bool = False
    least: int | None = None
    above: int | None = None
    below: int | None = None
    decimals: int | None = None
    at_most: str = ""
    allowed: tuple[str, ...] = ()
    pattern: tuple[str, str] | None = None
    needs: tuple[str, ...] = ()
    needs_one_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Schema:
    """Declared columns of one export and version.

    Attributes:
        version: As the provider names it.
        columns: Every column that the pipeline understands, with its kind.
        mandatory: Columns without which a delivery is rejected.
        never_null: Columns without whose value a line can't be counted.
        totals: Columns whose sums are control totals.
        measures: Control totals over several columns, such as the declared cash measure.
        key: Columns that together name a row; rows that share them are refused.
        key_may_lack: Those of them that also name a row where they are empty or absent.
        period: Column whose month must be the unit's month.
        billed: Column whose month may be the unit's month instead, such as a billing period.
        days: Column whose dates are counted for the coverage guard.
        accounts: Columns that together name an account.
        extensible: Whether `x_` columns are the provider's own and expected.
        flatten: Whether nested records become columns with dotted names.
        prefixes: Beginnings of columns that are expected without being declared one by one.
        noted: Columns whose absence is no fault but is reported, with what it means.
        spellings: Other names under which files have a declared column. Where a schema has any,
            names are also matched without regard to case.
        twins: Sets of parts that must agree.
        nets: Columns of amounts after discounts, each with the one that counts where it is absent.
        rules: What values must be beyond their kind.
    """

    version: str
    columns: Mapping[str, ColumnKind]
    mandatory: frozenset[str]
    totals: tuple[str, ...]
    period: str | None
    days: str | None
    accounts: tuple[str, ...]
    extensible: bool = True
    flatten: bool = False
    measures: tuple[Measure, ...] = ()
    prefixes: tuple[str, ...] = ()
    noted: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    never_null: frozenset[str] = frozenset()
    key: tuple[str, ...] = ()
    key_may_lack: frozenset[str] = frozenset()
    billed: str | None = None
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    twins: Twins | None = None
    nets: Mapping[str, str] = field(default_factory=dict)

    def spelled(self, columns: Iterable[str]) -> "Schema":
        """Return the schema with the names that a file has for the columns; first spelling wins."""
        if not self.spellings:
            return self
        there = {name.casefold(): name for name in columns}
        names = {declared: self._found(declared, there) for declared in self.columns}
        measures = tuple(
            replace(
                measure,
                first_of=tuple(names[name] for name in measure.first_of),
                nested=tuple((names[name], item) for name, item in measure.nested),
            )
            for measure in self.measures
        )
        return replace(
            self,
            columns={names[name]: kind for name, kind in self.columns.items()},
            mandatory=frozenset(names[name] for name in self.mandatory),
            never_null=frozenset(names[name] for name in self.never_null),
            totals=tuple(names[name] for name in self.totals),
            measures=measures,
            period=names.get(self.period or ""),
            billed=names.get(self.billed or ""),
            days=names.get(self.days or ""),
            accounts=tuple(names[name] for name in self.accounts),
            twins=self.twins and _spelled_twins(self.twins, names),
            nets={names[net]: names[gross] for net, gross in self.nets.items()},
        )

    def _found(self, declared: str, there: Mapping[str, str]) -> str:
        spellings = (declared, *self.spellings.get(declared, ()))
        return next(
            (there[name.casefold()] for name in spellings if name.casefold() in there), declared
        )


def _spelled_twins(twins: Twins, names: Mapping[str, str]) -> Twins:
    return replace(
        twins,
        day=names[twins.day],
        amount=tuple(names[name] for name in twins.amount),
        apart=tuple(
            (held, {names[name]: values for name, values in marks.items()})
            for held, marks in twins.apart
        ),
    )


@dataclass(frozen=True)
class Part:
    """One data object of a delivery, with what the manifest says of it.

    Attributes:
        name: As the manifest names it.
        info: The listed object; absent when the store doesn't hold it.
        rows: Rows as the manifest states them.
        bytes: Stored bytes as the manifest states them.
        sha256: Hash of the stored bytes as the manifest states it, lower-case hex.
        constants: Facts about the part that stand outside its rows.
    """

    name: str
    info: ObjectInfo | None
    rows: int | None = None
    bytes: int | None = None
    sha256: str | None = None
    constants: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    """One complete version of a unit as the provider wrote it, not fetched yet.

    Attributes:
        month: Billing month, or usage month of emissions.
        variant: Tells versions apart that the provider keeps side by side, else empty.
        native_id: The provider's own id of the delivery; empty when it has none.
        order: Sortable text: a later delivery of the unit sorts higher.
        manifest: The provider's manifest, absent in a plain folder.
        parts: Data objects, in the order of the manifest.
        rows: Rows of all parts as the manifest states them.
        sums: Control totals as the manifest states them, decimal text by column.
        columns: Column names as the manifest states them.
        shared: Whether the files also hold rows of other months, which belong to other units.
        may_be_empty: Whether zero rows are normal for this export.
        quiet_since: For a delivery that is one file: when it was last written to. Once nobody has
            done so for a while, it needs no second listing.
        note: Remark of the provider that belongs to the delivery, kept in its manifest.
        version: Schema version as the manifest or the configuration states it, else empty.
    """

    month: Month
    native_id: str
    order: str
    parts: tuple[Part, ...]
    variant: str = ""
    manifest: ObjectInfo | None = None
    manifest_bytes: bytes = b""
    rows: int | None = None
    sums: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] | None = None
    shared: bool = False
    may_be_empty: bool = False
    note: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""
    quiet_since: dt.datetime | None = None

    @property
    def is_manifested(self) -> bool:
        """Whether the provider says itself that the delivery is complete."""
        return self.manifest is not None

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of parts that the manifest lists and the store doesn't hold."""
        return tuple(part.name for part in self.parts if part.info is None)

    @property
    def signature(self) -> str:
        """Hash of the listed objects: changes when anything about the delivery changes."""
        listed = sorted(
            (part.info.key, str(part.info.size), part.info.etag) if part.info else (part.name,)
            for part in self.parts
        )
        announced = hashlib.sha256(self.manifest_bytes).hexdigest()
        text = json.dumps([self.native_id, announced, listed])
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Unreadable:
    """A delivery that announced itself but can't be understood."""

    month: Month
    variant: str
    signature: str
    error: CloudtallyError


Found = Candidate | Unreadable


@dataclass(frozen=True)
class History:
    """How far back a provider delivers: a month beyond it is no failure.

    Attributes:
        first: Month before which the provider has nothing.
        months: Whole months before the present one that the provider keeps.
        advice: A sentence about months that the export doesn't bring by itself.
    """

    first: Month | None = None
    months: int | None = None
    advice: str = ""

    def begins(self, today: dt.date) -> Month | None:
        """Return the oldest month that can still be had; None when no limit is known."""
        limits = [self.first] if self.first else []
        if self.months is not None:
            limits.append(add_months(month_of(today), -self.months))
        return max(limits, default=None)


ALL_HISTORY = History()
"""No limit is known."""


class Export(Protocol):
    """One kind of export of one provider."""

    is_emissions: bool
    is_internal: bool
    names_own_accounts: bool
    history: History

    def open(self, location: str, options: Mapping[str, Any]) -> ObjectStore:
        """Return the store that holds the deliveries."""

    def find(self, store: ObjectStore, options: Mapping[str, Any]) -> Iterable[Found]:
        """Yield every delivery in the store, in any order."""

    def schemas(self) -> Sequence[Schema]:
        """Return the declared versions, newest first."""


Finder = Callable[[ObjectStore, Mapping[str, Any]], Iterator[Found]]
ApiOpener = Callable[[Mapping[str, Any]], ObjectStore]
LocationOpener = Callable[[str, Mapping[str, Any]], ObjectStore]


@dataclass(frozen=True)
class DeclaredExport:
    """An export put together from a finder and its schemas.

    Attributes:
        is_emissions: Whether months are usage months of emissions.
        finder: Finds deliveries in a store.
        declared: Versions, newest first.
        api: Opens the provider's API as a store, where one can stand in for an export.
        is_internal: Whether its charges are the organisation's own recharges: nobody sends an
            invoice for them, so they are no part of what is owed or reconciled.
        names_own_accounts: Whether the organisation itself names its accounts, so that another may
            have one of the same name. A cloud gives every sub account an id that no other has.
        services: Opens locations that no object store serves, by their scheme.
        history: How far back the provider delivers.
    """

    is_emissions: bool
    finder: Finder
    declared: tuple[Schema, ...]
    api: ApiOpener | None = None
    is_internal: bool = False
    names_own_accounts: bool = False
    services: Mapping[str, LocationOpener] = field(default_factory=dict)
    history: History = ALL_HISTORY

    def open(self, location: str, options: Mapping[str, Any]) -> ObjectStore:
        """Return the store of a location; `api:` asks the provider instead.

        Raises:
            CloudtallyError: CT-CONFIG-OPTION when there is no API to ask, or as `open_store`.
        """
        service = self.services.get(location.partition("://")[0])
        if service is not None:
            return service(location, options)
        if location != API_LOCATION:
            return open_store(location, options)
        if self.api is None:
            raise option_error("location", "this export can't be fetched from an API")
        return self.api(options)

    def find(self, store: ObjectStore, options: Mapping[str, Any]) -> Iterable[Found]:
        """Yield every delivery in the store."""
        return self.finder(store, options)

    def schemas(self) -> Sequence[Schema]:
        """Return the declared versions, newest first."""
        return self.declared


def match_schema(columns: Sequence[str], schemas: Sequence[Schema], stated: str = "") -> Schema:
    """Choose the version that a file's columns belong to.

    Among the versions whose mandatory columns are all there, the one that understands most of the
    columns wins, then the one of whose columns fewest are absent, then the first declared. A
    version that the delivery states is taken at its word where it is declared.

    Raises:
        CloudtallyError: CT-DECODE-MISSING-COLUMN names what the closest version lacks,
            CT-DECODE-LOCALISED a header in another language than English.
    """
    present = set(columns)
    schemas = [schema for schema in schemas if schema.version == stated] or schemas
    _refuse_translations(columns, schemas)
    spelled = {schema.version: schema.spelled(columns) for schema in schemas}
    complete = [schema for schema in schemas if spelled[schema.version].mandatory <= present]
    if complete:
        return max(complete, key=lambda schema: _fit(spelled[schema.version], present))
    closest = min(spelled.values(), key=lambda schema: len(schema.mandatory - present))
    foreign = [name for name in columns if not name.isascii()]
    if closest.spellings and foreign:
        raise _localised(foreign[0])
    lacking = ", ".join(sorted(closest.mandatory - present))
    raise CloudtallyError(
        "CT-DECODE-MISSING-COLUMN",
        f"Mandatory columns are missing: {lacking}.",
        where={"closest version": closest.version},
        next_step="Export with all columns, or check that the source names the right export.",
    )


def _refuse_translations(columns: Sequence[str], schemas: Sequence[Schema]) -> None:
    """Refuse headers that give the English name in brackets: one alone means that all may be."""
    for schema in schemas:
        known = {
            name.casefold()
            for declared in (schema.columns if schema.spellings else ())
            for name in (declared, *schema.spellings.get(declared, ()))
        }
        for column in columns:
            match = _TRANSLATED.fullmatch(column)
            if match and match[1].casefold() in known:
                raise _localised(column)


def _localised(column: str) -> CloudtallyError:
    return CloudtallyError(
        "CT-DECODE-LOCALISED",
        "The column headers are localised: they are written in another language than English, "
        "and translations change without notice.",
        where={"column": printable(column)},
        next_step="Set the export's language to English and have the month exported again.",
    )


def _fit(schema: Schema, present: set[str]) -> tuple[int, int]:
    """Rank a version: it understands more of the columns, then it misses fewer."""
    known = set(schema.columns)
    return len(known & present), -len(known - present)


def read_json(store: ObjectStore, info: ObjectInfo) -> tuple[dict[str, Any], bytes]:
    """Read a manifest.

    Raises:
        CloudtallyError: CT-LAND-MANIFEST when it is no JSON object.
    """
    raw = read_bytes(store, info.key, limit=MANIFEST_LIMIT)
    try:
        document = json.loads(raw.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise manifest_error(info.key, "it is not a JSON object")
    return document, raw


def read_manifests(
    store: ObjectStore, infos: Iterable[ObjectInfo]
) -> Iterator[tuple[ObjectInfo, dict[str, Any] | CloudtallyError, bytes]]:
    """Read manifests several at a time and yield them in the given order.

    A manifest that can't be used comes as the error that says why.

    Raises:
        CloudtallyError: CT-STORE-* when the store, not the manifest, is at fault.
    """
    with ThreadPoolExecutor(MANIFEST_READERS) as pool:
        yield from pool.map(lambda info: _read_or_explain(store, info), list(infos))


def _read_or_explain(
    store: ObjectStore, info: ObjectInfo
) -> tuple[ObjectInfo, dict[str, Any] | CloudtallyError, bytes]:
    try:
        document, raw = read_json(store, info)
    except CloudtallyError as error:
        return info, at_fault(error), b""
    return info, document, raw


def at_fault(error: CloudtallyError) -> CloudtallyError:
    """Return an error that is the delivery's own fault; any other may pass by itself.

    Raises:
        CloudtallyError: The given one, when the store or the line is at fault.
    """
    if error.code.startswith(_AT_FAULT):
        return error
    raise error


def unreadable(
    month: Month, infos: Iterable[ObjectInfo], error: CloudtallyError, variant: str = ""
) -> Unreadable:
    """Return what is reported for objects of a month that make no delivery."""
    return Unreadable(month, variant, f"{listing_signature(infos)}:{error.code}", error)


def listing_signature(infos: Iterable[ObjectInfo]) -> str:
    """Return a hash of listed objects: changes when one of them does."""
    text = "\n".join(sorted(f"{info.key} {info.size} {info.etag}" for info in infos))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def sortable_time(text: str) -> str:
    """Return a moment as text that sorts by time, UTC; no zone counts as UTC.

    Raises:
        ValueError: The text is no ISO 8601 moment.
    """
    moment = dt.datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds")


def modified_order(infos: Iterable[ObjectInfo]) -> str:
    """Return the newest modification among objects as text that sorts by time."""
    moments = [info.modified.isoformat() for info in infos if info.modified is not None]
    return max((sortable_time(moment) for moment in moments), default="")


def option_error(option: str, reason: str) -> CloudtallyError:
    """Return the error for an option of a source that can't be followed."""
    return CloudtallyError(
        "CT-CONFIG-OPTION",
        f"The option {option!r} of a source can't be used: {reason}.",
        kept="nothing was fetched.",
        next_step="Correct it in cloudtally.yaml.",
    )


def loopback_endpoint(options: Mapping[str, Any]) -> str | None:
    """Return the configured endpoint of an API, which has to be this machine.

    No token goes elsewhere: it takes `credential: none` with it.

    Raises:
        CloudtallyError: CT-CONFIG-OPTION.
    """
    endpoint, credential = options.get("endpoint"), options.get("credential")
    if endpoint is None and credential is None:
        return None
    if credential != "none" or not isinstance(endpoint, str) or not _is_loopback(endpoint):
        raise option_error(
            "endpoint",
            "it is for tests: an address of this machine, together with `credential: none`",
        )
    return endpoint.rstrip("/")


def _is_loopback(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        address = ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and address.is_loopback and not parts.username


def manifest_error(key: str, reason: str) -> CloudtallyError:
    """Return the error for a manifest that can't be understood."""
    return CloudtallyError(
        "CT-LAND-MANIFEST",
        f"A manifest can't be used: {reason}.",
        where={"file": key},
        kept="the last accepted delivery stays current.",
        next_step="Wait for the provider's next delivery, or restore the manifest.",
    )


class Listing:
    """All objects under a location, to resolve the names that a manifest uses.

    A manifest names objects by bucket, by container or by full address, and estates get copied
    between stores. So a name is matched by its longest tail that is a listed key.

    Args:
        objects: What the store lists.
        root: Beginning of their keys that no manifest knows of.
    """

    def __init__(self, objects: Iterable[ObjectInfo], root: str = "") -> None:
        self._root = root
        self.objects = {info.key.removeprefix(root): info for info in objects}

    def __iter__(self) -> Iterator[ObjectInfo]:
        return iter(self.objects.values())

    def matching(self, pattern: re.Pattern[str]) -> Iterator[tuple[ObjectInfo, re.Match[str]]]:
        """Yield listed objects whose key matches, with the match."""
        for key, info in sorted(self.objects.items()):
            match = pattern.search(key)
            if match is not None:
                yield info, match

    def beside(self, manifest: ObjectInfo, name: str) -> ObjectInfo | None:
        """Return the listed object that a name means, first as seen from the manifest's folder.

        Raises:
            CloudtallyError: CT-LAND-HOSTILE-KEY when the name climbs out of its folder.
        """
        folder = manifest.key.removeprefix(self._root).rpartition("/")[0]
        anywhere = self.resolve(name)
        return self.objects.get(f"{folder}/{name}" if folder else name) or anywhere

    def resolve(self, name: str) -> ObjectInfo | None:
        """Return the listed object that a manifest's name means.

        Raises:
            CloudtallyError: CT-LAND-HOSTILE-KEY when the name climbs out of its folder.
        """
        path = re.sub(r"^[a-z0-9]+://", "", name).split("?", 1)[0]
        pieces = [piece for piece in path.split("/") if piece]
        if any(piece in (".", "..") for piece in pieces):
            raise CloudtallyError(
                "CT-LAND-HOSTILE-KEY",
                "A manifest names an object outside its own folder.",
                where={"name": name[:200]},
                kept="nothing of this delivery was fetched.",
                next_step="Find out who can write to this location.",
            )
        for start in range(len(pieces)):
            info = self.objects.get("/".join(pieces[start:]))
            if info is not None:
                return info
        return None


def focus_columns() -> tuple[dict[str, str], ...]:
    """Return the union of the FOCUS Cost and Usage columns, as the seed lists them."""
    return seed_rows("focus/focus_columns")


def focus_schema(
    version: str,
    *,
    gaps: frozenset[str] = frozenset(),
    extras: frozenset[str] = frozenset(),
    name: str = "",
) -> Schema:
    """Declare a FOCUS export of a version.

    Args:
        version: `1.0` to `1.4`: decides what must be there.
        gaps: Mandatory columns that this provider is known not to deliver.
        extras: FOCUS columns that this provider delivers ahead of the version.
        name: The provider's name for the version, where it has its own.
    """
    level = f"v{version.replace('.', '_')}"
    rows = focus_columns()
    named = {row["column_name"]: ColumnKind(row["kind"]) for row in rows}
    in_version = {row["column_name"] for row in rows if row[level]}
    mandatory = {row["column_name"] for row in rows if row[level] == "M"}
    return Schema(
        version=name or version,
        columns={key: kind for key, kind in named.items() if key in in_version | extras},
        mandatory=frozenset(mandatory - gaps),
        totals=("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"),
        period="BillingPeriodStart",
        days="ChargePeriodStart",
        accounts=("BillingAccountId", "SubAccountId"),
        # A promise on the fact says the same, but it would hold back every other month too.
        never_null=frozenset({"BilledCost", "EffectiveCost"}),
    )
