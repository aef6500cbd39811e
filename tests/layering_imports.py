"""The boundaries between Python rooms: who may import whom, and who may touch what.

Data flows one way, so a room imports rooms before it and never one after it. The tables below are
the rule; the code is held to them, imports inside functions included.
"""

import ast
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("dagster_project", "expectations")

_GROUND = frozenset(
    {"errors", "files", "months", "paths", "reference", "settings", "sqltext", "version"}
)
_ARRIVAL = frozenset({"stores", "exports", "inputs", "landing", "decoding"})

ALLOWED: Mapping[str, frozenset[str]] = {
    # what everything may stand on
    "errors": frozenset(),
    "files": frozenset(),
    "sqltext": frozenset(),
    "months": frozenset({"errors"}),
    "paths": frozenset({"months"}),
    "reference": frozenset({"paths"}),
    "settings": frozenset({"errors", "paths"}),
    "version": frozenset({"paths"}),
    # arrival: provider's bytes to typed Parquet
    "stores": frozenset({"errors", "files"}),
    "exports": _GROUND | {"stores"},
    "inputs": _GROUND | {"stores", "exports"},
    "landing": _GROUND | {"stores", "exports"},
    "decoding": _GROUND | {"stores", "exports", "landing"},
    # decisions and rules
    "ledger": frozenset({"errors", "months", "version"}),
    "rules": frozenset({"errors", "months"}),
    "chargeback": frozenset({"errors", "months", "rules"}),
    "history": _GROUND | {"ledger"},
    # the steps, and what readers see
    "pipeline": _GROUND | _ARRIVAL | {"ledger", "rules", "chargeback", "history"},
    "publish": _GROUND | {"ledger", "history", "pipeline", "publish.report", "expectations"},
    "publish.report": frozenset({"publish.report_assets"}),
    "publish.report_assets": frozenset({"errors", "months"}),
    "periods": _GROUND | {"landing", "ledger", "history", "pipeline", "publish"},
    "expectations": frozenset(),
    "evidence": _GROUND | {"landing", "ledger", "history", "rules", "pipeline", "publish"},
    "books": _GROUND,
    # orchestration and hands
    "partitions": frozenset({"errors", "months"}),
    "assets": _GROUND | {"partitions", "pipeline", "publish", "expectations"},
    "definitions": _GROUND | {"partitions", "assets", "pipeline"},
    "assets.launch": _GROUND | {"partitions", "assets", "definitions", "pipeline"},
    "cli": _GROUND
    | {
        "assets.launch",
        "books",
        "evidence",
        "history",
        "periods",
        "pipeline",
        "publish",
        "ledger",
        "sample_estate",
    },
    # beside the way: they know nothing of the pipeline
    "sample_estate": frozenset({"errors", "months"}),
    "docs_site": frozenset({"errors", "reference"}),
}

LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "dagster": ("assets", "definitions", "partitions"),
    "dagster_dbt": ("assets", "definitions"),
    "dbt": ("pipeline.spark_job",),  # elsewhere it runs as a process of its own
    "dbt_common": ("pipeline.macros",),
    "pyspark": ("pipeline.spark_job",),
    "duckdb": (
        "books",
        "decoding",
        "history",
        "pipeline",
        "publish",
        "periods",
        "evidence",
        "cli.truth",
    ),
    "great_expectations": ("expectations",),
    "sqlalchemy": ("expectations", "assets"),
    "duckdb_engine": ("expectations",),
    "plotly": ("publish.report_assets",),
    "sqlite3": ("ledger",),
    "boto3": ("stores",),
    "google": ("stores", "exports.gcp"),
    "azure": ("stores", "exports.azure"),
    "pandas": (),  # turns decimals into floats
    "numpy": ("sample_estate",),
    "click": ("cli",),
    "rich": ("cli",),
}

WAREHOUSE_ROOMS = ("pipeline", "publish")


@dataclass(frozen=True)
class Import:
    """One import statement, read from the source."""

    module: str
    line: int
    target: str

    @property
    def library(self) -> str:
        """Top-level name of what is imported."""
        return self.target.partition(".")[0]


def room_of(module: str) -> str:
    """Return the room that a module of ours belongs to: the longest name in the table."""
    if module.partition(".")[0] == "expectations":
        return "expectations"
    inner = module.removeprefix("dagster_project").lstrip(".")
    parts = inner.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in ALLOWED:
            return name
    return inner


def modules(root: Path) -> dict[str, Path]:
    """Return the modules of our packages below a folder."""
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@functools.cache
def imports(root: Path) -> list[Import]:
    """Return every import of our packages, and what is imported by name of a folder."""
    known = modules(root)
    found = []
    for module, path in known.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += [
            Import(module, line, target)
            for line, target in _targets(tree, module, path.name == "__init__.py", known)
        ]
        if module == "dagster_project.exports.registry":
            # finds the exports by their folders' names, which no import statement shows
            found += [
                Import(module, 0, name)
                for name in known
                if name.startswith("dagster_project.exports.") and name.count(".") == 3
            ]
    return found


def _targets(
    tree: ast.Module, module: str, is_package: bool, known: Mapping[str, Path]
) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                drop = node.level - 1 if is_package else node.level
                anchor = module.split(".")[: len(module.split(".")) - drop]
                base = ".".join([*anchor, base] if base else anchor)
            for alias in node.names:
                name = f"{base}.{alias.name}"
                yield node.lineno, name if name in known else base


def unknown_rooms(root: Path) -> list[str]:
    """Name modules that no row of the table speaks of."""
    return [
        f"{module} is in no room of the table"
        for module in modules(root)
        if module not in PACKAGES and room_of(module) not in ALLOWED
    ]


def against_the_flow(root: Path) -> list[str]:
    """Name imports between rooms that the table doesn't allow."""
    return [
        f"{one.module}:{one.line} imports {one.target}"
        for one in imports(root)
        if one.library in PACKAGES
        and one.target != "dagster_project"
        and room_of(one.target) != room_of(one.module)
        and room_of(one.target) not in ALLOWED.get(room_of(one.module), frozenset())
    ]


def library_out_of_place(root: Path) -> list[str]:
    """Name imports of libraries outside the rooms that may know them."""
    return [
        f"{one.module}:{one.line} imports {one.library}"
        for one in imports(root)
        if one.library in LIBRARIES and not _is_in(one.module, LIBRARIES[one.library])
    ]


def knows_one_provider(root: Path) -> list[str]:
    """Name imports of one provider's folder from outside `exports/`: the registry finds them."""
    providers = {
        module.split(".")[2]
        for module in modules(root)
        if module.startswith("dagster_project.exports.") and module.count(".") == 3
    }
    return [
        f"{one.module}:{one.line} imports {one.target}"
        for one in imports(root)
        if one.target.startswith("dagster_project.exports.")
        and one.target.split(".")[2] in providers
        and room_of(one.module) != "exports"
    ]


def reaches(root: Path, room: str, libraries: tuple[str, ...]) -> list[str]:
    """Name ways on which a room's import loads one of the libraries, through any module of ours."""
    graph: dict[str, set[str]] = {}
    for one in imports(root):
        graph.setdefault(one.module, set()).add(one.target)
    found = []
    for start in sorted(module for module in modules(root) if room_of(module) == room):
        ways = {start: (start,)}
        waiting = [start]
        while waiting:
            module = waiting.pop()
            for target in graph.get(module, ()):
                if target.partition(".")[0] in libraries:
                    found.append(" -> ".join([*ways[module], target]))
                elif target in graph and target not in ways:
                    ways[target] = (*ways[module], target)
                    waiting.append(target)
    return found


def opens_the_warehouse(root: Path) -> list[str]:
    """Name code outside pipeline and publish that takes the warehouse file's path."""
    found = []
    for module, path in modules(root).items():
        if module == "dagster_project.paths" or room_of(module) in WAREHOUSE_ROOMS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_path = isinstance(node, ast.Attribute) and node.attr in ("database", "warehouse")
            is_name = isinstance(node, ast.Constant) and "warehouse.duckdb" in str(node.value)
            if (is_path or is_name) and not _is_candidate(node):
                found.append(f"{module}:{node.lineno} takes the path of the warehouse file")
    return found


def _is_candidate(node: ast.AST) -> bool:
    """Tell whether the path is a publication's: `candidate.database`."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "database"
        and isinstance(node.value, ast.Name)
        and node.value.id == "candidate"
    )


def _is_in(module: str, rooms: tuple[str, ...]) -> bool:
    inner = "expectations" if module.startswith("expectations") else module.partition(".")[2]
    return any(inner == room or inner.startswith(f"{room}.") for room in rooms)
