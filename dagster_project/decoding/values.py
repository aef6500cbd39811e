"""SQL that reads declared values, and the checks that find what can't be read.

Belongs here: expressions over one column. Files and folders are the business of `decode.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dagster_project.exports.base import ColumnKind, Rule, Schema
from dagster_project.sqltext import literal, quoted

NUMBER = "decimal(38,18)"

_INTEGERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)
_FLOATS = ("DOUBLE", "FLOAT")
_NESTED = ("MAP", "STRUCT", "LIST")

MOMENTS = (ColumnKind.TIMESTAMP, ColumnKind.DAY, ColumnKind.MONTH)
_SHOWN = 12

LINEAGE = ("source", "month", "delivery")
"""Constants that every decoded row has from its folder's name, as `ct_` columns."""


@dataclass(frozen=True)
class Problem:
    """A condition that makes a row unreadable.

    Attributes:
        code: Stable error code.
        column: The column at fault.
        condition: SQL that is true for a row at fault.
        sentence: What is wrong, for the error.
    """

    code: str
    column: str
    condition: str
    sentence: str


@dataclass(frozen=True)
class Oddity:
    """A condition that is repaired or tolerated, and counted."""

    name: str
    column: str
    condition: str


def present_text(column: str) -> str:
    """Return SQL for a text cell where empty and the literal NULL are absent."""
    return f"nullif(nullif({quoted(column)}, ''), 'NULL')"


def moment(text: str) -> str:
    """Return SQL that reads a text as a moment in UTC; NULL when it is none.

    A text without a zone is UTC, as FOCUS demands; Azure writes minutes without seconds.
    """
    zoned = (
        f"coalesce(try_cast({text} as timestamptz), "
        f"try_cast(regexp_replace({text}, 'T(\\d\\d:\\d\\d)(Z|[+-]|$)', 'T\\1:00\\2') "
        "as timestamptz))"
    )
    return f"({zoned} at time zone 'UTC')"


def instant(kind: ColumnKind, column: str) -> str:
    """Return SQL that reads a text column of that kind as a moment in UTC; NULL when it is none.

    Without the four digits the engine would take the 2nd of September 23 for a day of the year 9.
    """
    text = present_text(column)
    if kind is ColumnKind.MONTH:
        first_day = f"regexp_replace({text}, '^(\\d\\d\\d\\d-\\d\\d)$', '\\1-01')"
        return f"case when regexp_matches({text}, '^\\d\\d\\d\\d-') then {moment(first_day)} end"
    if kind is not ColumnKind.DAY:
        return moment(text)
    month_first = f"cast(try_strptime({text}, '%m/%d/%Y') as timestamp)"
    return (
        f"(case when regexp_matches({text}, '^\\d\\d\\d\\d') then {moment(text)} "
        f"when regexp_matches({text}, '^\\d+/\\d+/\\d\\d\\d\\d$') then {month_first} end)"
    )


def accepts(kind: ColumnKind, type_name: str) -> bool:
    """Tell whether a column stored as that DuckDB type can mean that kind."""
    base = type_name.upper()
    is_text = base.startswith("VARCHAR")
    if kind in (ColumnKind.DECIMAL, ColumnKind.RATE):
        return is_text or base.startswith("DECIMAL") or base in (*_FLOATS, *_INTEGERS)
    if kind in MOMENTS:
        return is_text or base.startswith(("TIMESTAMP", "DATE"))
    if kind is ColumnKind.JSON:
        return is_text or base.startswith(_NESTED) or base.endswith("[]") or base == "JSON"
    return is_text or base in (*_INTEGERS, "UUID", "BOOLEAN")


def problems(schema: Schema, types: Mapping[str, str], month: str) -> list[Problem]:
    """List what would make a row of this file unreadable."""
    found: list[Problem] = []
    for column, kind in schema.columns.items():
        type_name = types.get(column)
        if type_name is None:
            continue
        if kind is ColumnKind.DECIMAL:
            found += _number_problems(column, type_name)
        elif kind in MOMENTS and type_name.startswith("VARCHAR"):
            text, value = present_text(column), instant(kind, column)
            condition = f"{text} is not null and not coalesce(isfinite({value}), false)"
            found.append(Problem("CT-DECODE-TIMESTAMP", column, condition, "is no point in time"))
    found += [
        _absent_problem(column, types) for column in sorted(schema.never_null) if column in types
    ]
    if schema.period in types:
        found.append(_period_problem(schema, types, month))
    return found


def _absent_problem(column: str, types: Mapping[str, str]) -> Problem:
    sentence = "says nothing where every line must have a value"
    return Problem("CT-DECODE-ABSENT", column, f"{_value(column, types)} is null", sentence)


def _number_problems(column: str, type_name: str) -> list[Problem]:
    name = quoted(column)
    if type_name in _FLOATS:
        condition = f"isnan({name}) or isinf({name}) or abs({name}) >= 1e20"
    elif type_name.startswith("VARCHAR"):
        text = present_text(column)
        # DuckDB would take 1_000 for a thousand.
        unread = f"try_cast({text} as {NUMBER}) is null or contains({text}, '_')"
        condition = f"{text} is not null and ({unread})"
    else:
        condition = f"{name} is not null and try_cast({name} as {NUMBER}) is null"
    return [Problem("CT-DECODE-NUMBER", column, condition, "is no amount that can be kept exactly")]


def broken_rules(
    schema: Schema, types: Mapping[str, str], constants: Mapping[str, str]
) -> list[Problem]:
    """List what would break a rule of the schema; only after `problems` found nothing."""
    return [
        problem
        for rule in schema.rules
        if rule.column in types
        for problem in _rule_problems(rule, types, constants)
    ]


def _rule_problems(
    rule: Rule, types: Mapping[str, str], constants: Mapping[str, str]
) -> list[Problem]:
    column, value = rule.column, _value(rule.column, types)
    found: list[tuple[str, str, str]] = []
    if rule.required and column not in constants:
        found.append(("CT-DECODE-ABSENT", f"{value} is null", "stands where every row has a value"))
    for other in rule.needs:
        condition = f"{value} is not null and {_value(other, types)} is null"
        found.append(("CT-DECODE-ABSENT", condition, f"stands without {other}"))
    if rule.needs_one_of and not types.keys() & set(rule.needs_one_of):
        sentence = f"stands without any of {', '.join(rule.needs_one_of)}"
        found.append(("CT-DECODE-ABSENT", f"{value} is not null", sentence))
    if rule.allowed:
        listed = ", ".join(literal(text) for text in rule.allowed)
        shown = ", ".join(rule.allowed[:_SHOWN]) + (", ..." if len(rule.allowed) > _SHOWN else "")
        found.append(
            ("CT-DECODE-VALUE", f"{value} not in ({listed})", f"is not allowed; known: {shown}")
        )
    if rule.pattern:
        pattern, example = rule.pattern
        condition = f"not regexp_full_match(cast({value} as varchar), {literal(pattern)})"
        found.append(("CT-DECODE-VALUE", condition, f"is not written like {example}"))
    found += _range_problems(rule, types)
    return [Problem(code, column, condition, sentence) for code, condition, sentence in found]


def _range_problems(rule: Rule, types: Mapping[str, str]) -> list[tuple[str, str, str]]:
    number = _number(rule.column, types)
    found: list[tuple[str, str]] = []
    if rule.least is not None:
        found.append((f"{number} < {rule.least}", f"is less than {rule.least}"))
    if rule.above is not None:
        found.append((f"{number} <= {rule.above}", f"is not above {rule.above}"))
    if rule.below is not None:
        found.append((f"{number} >= {rule.below}", f"is not below {rule.below}"))
    if rule.decimals is not None:
        condition = f"{number} <> round({number}, {rule.decimals})"
        found.append((condition, f"has more than {rule.decimals} decimals"))
    if rule.at_most:
        condition = f"{number} > {_number(rule.at_most, types)}"
        found.append((condition, f"is more than {rule.at_most}"))
    return [("CT-DECODE-RANGE", condition, sentence) for condition, sentence in found]


def _value(column: str, types: Mapping[str, str]) -> str:
    """Return SQL for a cell; NULL where the file lacks the column."""
    if column not in types:
        return "null"
    return present_text(column) if types[column].startswith("VARCHAR") else quoted(column)


def _number(column: str, types: Mapping[str, str]) -> str:
    """Return SQL for a cell as the decimal that is kept: of a double its shortest text."""
    value = _value(column, types)
    text = f"cast({value} as varchar)" if types.get(column) in _FLOATS else value
    return f"try_cast({text} as {NUMBER})"


def in_month(schema: Schema, types: Mapping[str, str], month: str) -> str:
    """Return SQL that is true for rows whose period begins in a month."""
    return f"{_month(schema, types, str(schema.period))} = date {literal(month)}"


def _month(schema: Schema, types: Mapping[str, str], column: str) -> str:
    """Return SQL for the month of a row; a period declared as text is written as YYYYMM."""
    if schema.columns.get(column) is ColumnKind.TEXT:
        return f"cast(try_strptime(cast({quoted(column)} as varchar), '%Y%m') as date)"
    is_text = types[column].startswith("VARCHAR")
    value = (
        instant(schema.columns.get(column, ColumnKind.TIMESTAMP), column)
        if is_text
        else quoted(column)
    )
    return f"cast(date_trunc('month', {value}) as date)"


def _period_problem(schema: Schema, types: Mapping[str, str], month: str) -> Problem:
    column = str(schema.period)
    names = [name for name in (column, schema.billed) if name in types]
    condition = " and ".join(
        f"{_month(schema, types, str(name))} is distinct from date {literal(month)}"
        for name in names
    )
    return Problem("CT-DECODE-PERIOD", column, condition, f"lies outside the month {month[:7]}")


def oddities(schema: Schema, types: Mapping[str, str], *, has_types: bool) -> list[Oddity]:
    """List what is counted although it doesn't make a row unreadable.

    Args:
        schema: Declared columns.
        types: What DuckDB reads in the file.
        has_types: Whether the file carries types of its own, so that a text is a choice.
    """
    found: list[Oddity] = []
    for column, kind in schema.columns.items():
        type_name = types.get(column, "")
        is_text = type_name.startswith("VARCHAR")
        if is_text:
            found.append(Oddity("null_literal", column, f"{quoted(column)} = 'NULL'"))
        if kind is ColumnKind.DECIMAL and type_name:
            found += _digits_beyond_scale(column, type_name)
            if is_text and has_types:
                condition = f"{present_text(column)} is not null"
                found.append(Oddity("amount_as_text", column, condition))
        elif kind is ColumnKind.TIMESTAMP and is_text:
            found += _zone_oddities(column)
        elif kind is ColumnKind.JSON and is_text:
            text = present_text(column)
            condition = f"{text} is not null and not json_valid({text})"
            found.append(Oddity("json_invalid", column, condition))
    return found


def _digits_beyond_scale(column: str, type_name: str) -> list[Oddity]:
    name = quoted(column)
    scale = re.fullmatch(r"DECIMAL\(\d+,(\d+)\)", type_name)
    if type_name.startswith("VARCHAR"):
        written = rf"regexp_matches({name}, '\.\d{{18}}\d*[1-9]')"
        lost = _tiny_remainder(f"try_cast({name} as double)")
        condition = f"case when contains(lower({name}), 'e') then {lost} else {written} end"
    elif type_name in _FLOATS:
        condition = _tiny_remainder(name)
    elif scale and int(scale[1]) > 18:
        condition = f"{name} is distinct from try_cast(cast({name} as {NUMBER}) as {type_name})"
    else:
        return []
    return [Oddity("digits_beyond_scale", column, condition)]


def _tiny_remainder(double: str) -> str:
    """Return SQL that tells whether a double has digits after the 18th decimal.

    A double has at most 17 digits: only one below 0.1 can. Its shortest text has no trailing
    zeros, so its length says how many decimals there are; casting each value there and back took
    nine tenths of landing five million rows.
    """
    text = f"cast(abs({double}) as varchar)"
    mantissa = f"length(split_part({text}, 'e', 1))"
    exponent = f"cast(split_part({text}, 'e-', 2) as integer)"
    return (
        f"case when {double} = 0 or abs({double}) >= 0.1 then false "
        f"when abs({double}) < 1e-4 then greatest({mantissa} - 2, 0) + {exponent} > 18 "
        f"else length({text}) - 2 > 18 end"
    )


def _zone_oddities(column: str) -> list[Oddity]:
    text = present_text(column)
    offset = r"\d\d:\d\d.*[+-]\d\d(:?\d\d)?$"
    zoned = rf"(Z|UTC)$|{offset}"
    not_utc = f"regexp_matches({text}, '{offset}') and not regexp_matches({text}, '[+-]00(:?00)?$')"
    return [
        Oddity("zone_missing", column, f"not regexp_matches({text}, '{zoned}')"),
        Oddity("zone_not_utc", column, not_utc),
    ]


def typed_columns(
    schema: Schema,
    types: Mapping[str, str],
    constants: Mapping[str, str],
    names: Mapping[str, str] | None = None,
) -> list[str]:
    """Return the select list that types a relation, with a part's constants as `ct_` columns.

    Args:
        schema: With the names that the relation has for its columns.
        types: What the relation's columns are stored as.
        constants: Facts about the part.
        names: What declared columns are called from here on, where that differs.
    """
    called = names or {}
    amounts = {column: item for measure in schema.measures for column, item in measure.nested}
    columns = [
        f"{_typed(schema.columns.get(name), name, type_name, amounts.get(name))} "
        f"as {quoted(called.get(name, name))}"
        for name, type_name in types.items()
    ]
    return columns + [
        f"{literal(value)} as {quoted('ct_' + name)}"
        for name, value in sorted(constants.items())
        if name not in LINEAGE
    ]


def _typed(kind: ColumnKind | None, name: str, type_name: str, amount: str | None = None) -> str:
    """Return SQL that types a column; `amount` names the amount inside of its records."""
    if not type_name.startswith("VARCHAR"):
        return quoted(name)
    if kind is ColumnKind.DECIMAL:
        return f"cast({present_text(name)} as {NUMBER})"
    if kind is not None and kind in MOMENTS:
        return f"cast({instant(kind, name)} as timestamp)"
    if amount is not None:
        # A JSON number is read as a double, a text is not.
        number = rf'("{amount}"\s*:\s*)(-?[0-9][-+.0-9eE]*)'
        return f"regexp_replace({present_text(name)}, {literal(number)}, '\\1\"\\2\"', 'g')"
    return present_text(name)
