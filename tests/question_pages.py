"""Pages of questions: the SQL blocks under headings such as `## S1. What ...?`."""

import re
from pathlib import Path
from typing import NamedTuple

_SECTION = re.compile(r"^## (\w+)\. (.*?)\n(.*?)(?=^## |\Z)", re.S | re.M)
_SQL = re.compile(r"```sql\n(.*?)```", re.S)


class Question(NamedTuple):
    """One question of a page: its number, its heading, the text around the SQL, the SQL."""

    name: str
    title: str
    text: str
    sql: str


def questions_of(page: Path) -> list[Question]:
    """Return a page's questions in their order; every section must hold exactly one block."""
    found = []
    for name, title, body in _SECTION.findall(page.read_text(encoding="utf-8")):
        (sql,) = _SQL.findall(body)
        found.append(Question(name, title, _SQL.sub("", body), sql))
    return found
