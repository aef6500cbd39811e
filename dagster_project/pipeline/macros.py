"""The project's macros as functions that return SQL, without dbt's project around them.

Belongs here: what dbt gives to a macro, as far as ours use it. So a question that no model asks,
such as what a rule would change, is answered by the SQL of the models themselves.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

import jinja2
from dbt_common.clients.jinja import BaseMacroGenerator, get_environment
from dbt_common.exceptions import CompilationError, MacroReturn

from dagster_project.paths import DBT_PROJECT

MACROS = DBT_PROJECT / "macros"
_NAMES = re.compile(r"{%-? macro (\w+)\(")

Query = Callable[[str], Sequence[Sequence[Any]]]


class _Macro(BaseMacroGenerator):
    def __init__(self, name: str, template: jinja2.Template, context: dict[str, Any]) -> None:
        super().__init__(context)
        self._name = name
        self._template = template

    def get_template(self) -> jinja2.Template:
        return self._template

    def get_name(self) -> str:
        return self._name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.call_macro(*args, **kwargs)


def project_macros(
    *files: str, engine: str = "duckdb", query: Query | None = None
) -> SimpleNamespace:
    """Return the macros of these files below dbt/macros.

    Args:
        files: Paths below `dbt/macros`.
        engine: Whose dispatched macros are taken.
        query: Answers what macros ask of the database; without it, they ask nothing.
    """
    template, names = _template(files)
    context = _context(engine, query)
    context.update({name: _Macro(name, template, context) for name in names})
    return SimpleNamespace(**{name: context[name] for name in names})


def every_macro_file() -> tuple[str, ...]:
    """Return the files of all macros."""
    return tuple(str(path.relative_to(MACROS)) for path in sorted(MACROS.rglob("*.sql")))


@cache
def _template(files: tuple[str, ...]) -> tuple[jinja2.Template, tuple[str, ...]]:
    source = "\n".join((MACROS / name).read_text(encoding="utf-8") for name in files)
    return get_environment().from_string(source), tuple(_NAMES.findall(source))


def _context(engine: str, query: Query | None) -> dict[str, Any]:
    context: dict[str, Any] = {}

    def back(value: Any) -> None:
        raise MacroReturn(value)

    def dispatch(name: str, *_: Any) -> Callable[..., Any]:
        prefixed = f"{engine}__{name}"
        found: Callable[..., Any] = context[prefixed if prefixed in context else f"default__{name}"]
        return found

    def stop(message: str) -> None:
        raise CompilationError(message)

    def rows(sql: str) -> SimpleNamespace:
        return SimpleNamespace(rows=query(sql) if query else ())

    context.update(_fixed(back, stop), adapter=SimpleNamespace(dispatch=dispatch))
    context.update(execute=query is not None, run_query=rows)
    return context


def _fixed(back: Callable[[Any], None], stop: Callable[[str], None]) -> Mapping[str, Any]:
    return {
        "return": back,
        "exceptions": SimpleNamespace(raise_compiler_error=stop),
        "fromjson": json.loads,
        "tojson": json.dumps,
        "ref": lambda name: name,
        "source": lambda schema, table: f"{schema}.{table}",
    }
