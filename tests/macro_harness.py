"""Renders macros of the dbt project without dbt, for one engine."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
from dbt_common.clients.jinja import BaseMacroGenerator, get_environment
from dbt_common.exceptions import MacroReturn

MACROS = Path(__file__).parents[1] / "dbt" / "macros"


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


@cache
def macros(*files: str, engine: str = "duckdb") -> SimpleNamespace:
    """Return the macros of these files below dbt/macros, as functions that return SQL."""
    source = "\n".join((MACROS / name).read_text(encoding="utf-8") for name in files)
    template = get_environment().from_string(source)

    def back(value: Any) -> None:
        raise MacroReturn(value)

    def dispatch(name: str, *_: Any) -> Callable[..., Any]:
        prefixed = f"{engine}__{name}"
        found: Callable[..., Any] = context[prefixed if prefixed in context else f"default__{name}"]
        return found

    context: dict[str, Any] = {"adapter": SimpleNamespace(dispatch=dispatch), "return": back}
    names = re.findall(r"{%-? macro (\w+)\(", source)
    context.update({name: _Macro(name, template, context) for name in names})
    return SimpleNamespace(**{name: context[name] for name in names})


def model_sql(model: str, *files: str) -> str:
    """Return a model as DuckDB SQL: references become names, a batch is every month.

    Args:
        model: The model's file below dbt/models.
        files: The macros it calls, files below dbt/macros.
    """
    namespace = macros(*files)
    text = (MACROS.parent / "models" / model).read_text(encoding="utf-8")
    context = vars(namespace) | {
        "ref": lambda name: name,
        "source": lambda schema, table: f"{schema}.{table}",
        "monthly_model": lambda: "",
        "this_month": lambda _column="billing_month": "true",
    }
    return str(get_environment().from_string(text).render(context))
