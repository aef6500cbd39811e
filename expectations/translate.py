"""From promises to Great Expectations and back.

Belongs here: the only knowledge of expectation classes and of the shape of validation results.
Great Expectations is imported inside functions: it costs seconds.
"""

import functools
import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from expectations.promises import Promise
from expectations.results import PromiseResult, sample_text, shorten, unchecked


def to_expectation(promise: Promise) -> Any:
    """Return the expectation that checks a promise; its name travels in `meta`."""
    words = {
        "notes": promise.notes,
        "description": promise.notes,
        "severity": promise.severity,
        "meta": {"promise": promise.name},
    }
    stock_name, arguments = _BUILDERS[promise.kind](promise.arguments)
    expectation: Any = _careful(stock_name)
    return expectation(**arguments, **words)


def to_result(promise: Promise, validation: Any) -> PromiseResult:
    """Return what a validation says about a promise. A raised exception is a broken promise."""
    if validation is None:
        return unchecked(promise, "the engine gave no answer")
    reason = _exception(validation.exception_info)
    if reason:
        return unchecked(promise, reason)
    found = _map_text(validation.result or {}, html.unescape)
    passed = validation.success is True
    count = _unexpected_count(promise, found)
    return PromiseResult(
        promise.name,
        promise.severity,
        passed,
        _observed(promise, found, passed, count),
        count,
        () if passed else _sample(promise, found),
        promise.notes,
    )


def _exception(info: Any) -> str:
    """Return the message of the first exception, or nothing.

    Great Expectations writes either one flat record or one record per failed metric.
    """
    if not isinstance(info, Mapping):
        return ""
    records = [info] if "raised_exception" in info else list(info.values())
    for record in records:
        if isinstance(record, Mapping) and record.get("raised_exception"):
            return str(record.get("exception_message") or "an error without a message")
    return ""


def _unexpected_count(promise: Promise, found: Mapping[str, Any]) -> int | None:
    if promise.kind in ("columns_in_order", "columns_present"):
        return None
    value = found.get("observed_value" if promise.kind == "rule" else "unexpected_count")
    return None if value is None else int(value)


def _observed(promise: Promise, found: Mapping[str, Any], passed: bool, count: int | None) -> str:
    if promise.kind in ("columns_in_order", "columns_present"):
        columns = found.get("observed_value") or []
        return f"{len(columns)} columns" if passed else shorten("; ".join(_sample(promise, found)))
    if passed:
        return "kept by every row"
    return f"broken by {count} row{'' if count == 1 else 's'}"


def _sample(promise: Promise, found: Mapping[str, Any]) -> tuple[str, ...]:
    if promise.kind == "rule":
        return sample_text((found.get("details") or {}).get("unexpected_rows") or ())
    if promise.kind in ("columns_in_order", "columns_present"):
        return sample_text(_column_differences(promise, found.get("observed_value") or []))
    return sample_text(
        [
            {promise.arguments["column"]: value}
            for value in found.get("partial_unexpected_list") or ()
        ]
    )


def _column_differences(promise: Promise, seen: Sequence[str]) -> list[str]:
    promised: Any = promise.arguments["columns"]
    missing = [column for column in promised if column not in seen]
    extra = [column for column in seen if column not in promised]
    lines = []
    if missing:
        lines.append(f"missing: {', '.join(missing)}")
    if promise.kind == "columns_present":
        return lines
    if extra:
        lines.append(f"not promised: {', '.join(extra)}")
    if not lines:
        pairs = [pair for pair in zip(promised, seen, strict=False) if pair[0] != pair[1]]
        lines.extend(
            f"order: {found} stands where {want} was promised" for want, found in pairs[:1]
        )
    return lines


def _columns_in_order(arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return "ExpectTableColumnsToMatchOrderedList", {"column_list": list(arguments["columns"])}


def _columns_present(arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return "ExpectTableColumnsToMatchSet", {"column_set": list(arguments["columns"])}


def _filled(arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return "ExpectColumnValuesToNotBeNull", {"column": arguments["column"]}


def _one_of(arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    words = {"column": arguments["column"], "value_set": list(arguments["values"])}
    return "ExpectColumnValuesToBeInSet", words


def _between(arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    bounds = {"min_value": arguments["low"], "max_value": arguments["high"]}
    return "ExpectColumnValuesToBeBetween", {"column": arguments["column"], **bounds}


def _rule(arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    # Great Expectations formats the query: braces of a regular expression must be doubled.
    sql = str(arguments["sql"]).replace("{", "{{").replace("}", "}}")
    query = f"with batch as (select * from {{batch}}) select * from ({sql}) as broken"
    return "UnexpectedRowsExpectation", {"unexpected_rows_query": query}


_BUILDERS: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, dict[str, Any]]]] = {
    "columns_in_order": _columns_in_order,
    "columns_present": _columns_present,
    "filled": _filled,
    "one_of": _one_of,
    "between": _between,
    "rule": _rule,
}


@functools.cache
def _careful(stock_name: str) -> Any:
    """Return a stock expectation whose result is safe to put into a page.

    Data Docs write values from the data into HTML as they are; a resource may be named `<script>`.
    """
    import great_expectations.expectations

    stock: Any = getattr(great_expectations.expectations, stock_name)
    judge: Callable[..., Any] = _JUDGES.get(stock_name, _as_stock)

    def _validate(
        self: Any,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> Any:
        verdict = judge(stock, self, metrics, runtime_configuration, execution_engine)
        return _map_text(verdict, html.escape)

    members = {"__doc__": stock.__doc__, "__module__": __name__, "_validate": _validate}
    metaclass: Any = type(stock)
    return metaclass(f"{stock_name}InPage", (stock,), members)


def _as_stock(stock: Any, self: Any, metrics: Any, configuration: Any, engine: Any) -> Any:
    return stock._validate(self, metrics, configuration, engine)


def _with_sample(stock: Any, self: Any, metrics: Any, configuration: Any, engine: Any) -> Any:
    """Judge a rule and bring up to 200 of the rows that break it: other formats leave them out."""
    return stock._validate(self, metrics, {"result_format": "COMPLETE"}, engine)


def _only_missing(stock: Any, self: Any, metrics: Any, configuration: Any, engine: Any) -> Any:
    """Judge a column set in which further columns are welcome.

    Stock `exact_match=False` still refuses columns that weren't named.
    """
    seen = [str(column) for column in metrics["table.columns"]]
    missing = sorted(set(self.column_set or ()) - set(seen))
    return {
        "success": not missing,
        "result": {"observed_value": seen, "details": {"missing": missing}},
    }


_JUDGES: Mapping[str, Callable[..., Any]] = {
    "UnexpectedRowsExpectation": _with_sample,
    "ExpectTableColumnsToMatchSet": _only_missing,
}


def _map_text(value: Any, change: Callable[[str], str]) -> Any:
    """Return a copy of a result in which every text value is changed; keys are left alone."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _map_text(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_map_text(item, change) for item in value]
    return value
