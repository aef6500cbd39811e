"""What dbt gives to templates and sqlfluff's stand-ins lack, so that models lint without a build.

The macros of dbt/macros are rendered as they are. Nothing is executed here: a model that reads the
ledger while it compiles is linted as dbt parses it, without a row.
"""

from collections.abc import Callable
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context, Macro
from sqlfluff.core.templaters.builtins.dbt import MacroReturn

execute = False
model = {"batch": None}

_VARS = {
    "providers": ["aws", "azure"],
    "native_exports": {"aws": ["cur2"]},
    "emission_providers": ["aws", "azure"],
    "carbon_energy_coverage_percent": 90,
    "carbon_storage_coverage_percent": 50,
    "carbon_ratio_tolerance_percent": 25,
    "carbon_usual_months": 3,
    "carbon_nowcast_months": 3,
    "carbon_bridge_kg_per_kwh_limit": 10,
}


def var(name: str, default: Any = "") -> Any:
    """Return a variable of dbt_project.yml; two providers show what stands between them."""
    return _VARS.get(name, default)


def sql_text(value: object) -> str:
    """Stand in for the macro of that name; its file can't be read without dbt."""
    return str(value).replace("'", "''")


class Adapter:
    """dbt's `adapter`, as far as macros use it while dbt parses."""

    @pass_context
    def dispatch(self, context: Context, name: str) -> Callable[..., Any]:
        """Return the macro that DuckDB gets."""
        return context.get(f"duckdb__{name}") or context.get(f"default__{name}")


adapter = Adapter()


def _catch_return() -> None:
    # sqlfluff catches dbt's `return` only between files: inside one it ended the caller too.
    invoke = Macro._invoke
    if invoke.__module__ != Macro.__module__:
        return

    def invoke_as_dbt(self: Macro, arguments: list[Any], autoescape: bool) -> Any:
        try:
            return invoke(self, arguments, autoescape)
        except MacroReturn as returned:
            return returned.value

    Macro._invoke = invoke_as_dbt  # type: ignore[method-assign, assignment]


_catch_return()
