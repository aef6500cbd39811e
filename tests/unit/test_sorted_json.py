"""JSON from a text: keys sorted, and nothing lost that sorting would lose."""

import duckdb
import pytest

from tests.macro_harness import macros

SORTED = {
    '{"b":"1","a":"2"}': '{"a":"2","b":"1"}',
    '{ "b" : "1" , "A" : [1, 2] }': '{"A":[1,2],"b":"1"}',
    '{"user:Team":"x y","Z/z":"~","":1}': '{"":1,"Z/z":"~","user:Team":"x y"}',
    '{"a":null,"$x":{"z":1,"a":2}}': '{"$x":{"z":1,"a":2},"a":null}',
    "{}": "{}",
}
KEPT = (
    '{"b":1,"a":1,"b":2}',
    '{"b": 12345678901234567890.123456789, "a": 1}',
    '"team":"a"',
    "[1]",
    "nonsense",
)


def read(text: str | None) -> object:
    sql = macros("engine/types.sql").sorted_json("text")
    row = duckdb.sql(f"select {sql} from (select $text::varchar as text)", params={"text": text})
    found = row.fetchone()
    return found[0] if found else "no row"


@pytest.mark.parametrize("text", SORTED)
def test_keys_are_sorted(text: str) -> None:
    assert read(text) == SORTED[text]


@pytest.mark.parametrize("text", KEPT)
def test_what_would_lose_something_stays(text: str) -> None:
    assert read(text) == text


def test_no_json_is_no_json() -> None:
    assert read(None) is None
