"""Columns whose names differ in nothing but case, as the tag keys `Env` and `env` do.

SQL can't tell them apart, so a decoded file numbers all but one of them behind the name. The macro
`gathered_name` in dbt/macros/decoded/read_decoded.sql takes the number off again.
"""

import re
from collections import defaultdict
from collections.abc import Sequence

_NUMBERED = re.compile(r"#case[0-9]+$")


def told_apart(names: Sequence[str]) -> list[str]:
    """Return names that SQL tells apart; of two spellings the one in small letters stays."""
    places: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names, reverse=True):
        places[name.lower()].append(name)
    return [_numbered(name, places[name.lower()].index(name)) for name in names]


def original(name: str) -> str:
    """Return the provider's spelling of a column's name in a decoded file."""
    return _NUMBERED.sub("", name)


def is_numbered(name: str) -> bool:
    """Tell whether a name ends as only a decoded one may."""
    return _NUMBERED.search(name) is not None


def _numbered(name: str, place: int) -> str:
    return f"{name}#case{place + 1}" if place else name
