"""The faults that users of such warehouses name most, each with the test that plants it.

tests/faults/faults.csv is the table: a line for every way in which a fault comes. What a line says
is looked up: the test in its file, the check or code in the project, and the one in the other.
`python -m tests.fault_table docs/faults.md` writes the page.
"""

import ast
import csv
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from dagster_project.paths import DBT_PROJECT, PROJECT_ROOT, SEEDS
from dagster_project.settings import INPUT_KINDS
from expectations.promises import Scope
from expectations.suites import ALL_SUITES
from tests.completeness import raised_codes
from tests.macro_harness import macros

TABLE = PROJECT_ROOT / "tests" / "faults" / "faults.csv"
PAGE = PROJECT_ROOT / "docs" / "faults.md"
FAULTS = 30
GUARD = "tests/faults/test_fault_table.py::test_nothing_of_a_missing_feature_is_there"
OUTCOMES = {
    "refused": "the delivery or the command is refused with this code",
    "named": "the check of `dq_result` goes red",
    "promised": "the promise to readers goes red, before they see it",
    "handled": "nobody has to do anything: this is right",
    "no feature": "nothing here could do it wrong; a test goes red as soon as something could",
}


@dataclass(frozen=True)
class Line:
    """One way in which a fault comes.

    Attributes:
        fault: Number of the fault.
        pain: What users complain about.
        seeded: What is planted.
        outcome: One of `OUTCOMES`.
        evidence: An error code, a check, `relation.promise`, `relation.column`, or, where there is
            no feature, words that a relation, seed, input, export or command of it would have.
        result: What comes of it, in a sentence.
        test: The test that plants it: file, function and, in brackets, its case.
    """

    fault: int
    pain: str
    seeded: str
    outcome: str
    evidence: str
    result: str
    test: str


def table(path: Path = TABLE) -> list[Line]:
    """Return the lines in their order."""
    with path.open(encoding="utf-8", newline="") as file:
        return [Line(int(row.pop("fault")), **row) for row in csv.DictReader(file)]


def problems(line: Line, root: Path = PROJECT_ROOT) -> list[str]:
    """Return what a line says that isn't so."""
    found = []
    if line.outcome not in OUTCOMES:
        return [f"{line.outcome!r} is no outcome"]
    words = test_words(line.test, root)
    if words is None:
        return [f"there is no test {line.test}"]
    if line.outcome == "no feature":
        return [] if line.test.startswith(GUARD) else [f"{line.test} doesn't wait for the feature"]
    if line.evidence not in known(line.outcome):
        found.append(f"nothing {line.outcome} is called {line.evidence}")
    pattern = re.compile(rf"(?<![\w-]){re.escape(said(line))}(?![\w-])")
    if not any(pattern.search(word) for word in words):
        found.append(f"{line.test} doesn't speak of {said(line)}")
    return found


def said(line: Line) -> str:
    """Return what the test must speak of: of a relation's column, the column."""
    return line.evidence.rpartition(".")[2] if line.outcome == "handled" else line.evidence


# ---------------------------------------------------------------- what the project knows


@cache
def known(outcome: str) -> frozenset[str]:
    """Return the names that may be the evidence of an outcome."""
    return frozenset({
        "refused": lambda: raised_codes(PROJECT_ROOT),
        "named": _checks,
        "promised": _promises,
        "handled": _columns,
    }[outcome]())  # fmt: skip


def _checks() -> set[str]:
    quality = macros("decoded/repair_focus.sql", "quality/row_checks.sql")
    models = DBT_PROJECT / "models"
    texts = [
        path.read_text(encoding="utf-8")
        for path in (
            models / "marts/quality/dq_result.sql",
            *(models / "intermediate").glob("int_quality__*.sql"),
        )
    ]
    written = {name for text in texts for name in re.findall(r"'(\w+)' as check_id", text)}
    chosen = {name for text in texts for name in re.findall(r"then '(commitment_\w+)'", text)}
    return written | chosen | set(quality.focus_row_checks()) | set(quality.quality_counts())


def _promises() -> set[str]:
    return {
        f"{suite.relation}.{promise.name}"
        for suite in ALL_SUITES
        for promise in suite.promises(Scope())
    }


def _columns() -> set[str]:
    found = set()
    for path in (DBT_PROJECT / "models" / "marts").rglob("*.yml"):
        for model in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("models", ()):
            found |= {f"{model['name']}.{column['name']}" for column in model.get("columns", ())}
    return found


def features() -> set[str]:
    """Return names of everything that could be the beginning of a feature."""
    models = {path.stem for path in (DBT_PROJECT / "models").rglob("*.sql")}
    seeds = {path.stem for path in SEEDS.rglob("*.csv")}
    rooms = PROJECT_ROOT / "dagster_project"
    modules = {path.stem for room in ("exports", "cli") for path in (rooms / room).rglob("*.py")}
    return models | seeds | modules | set(INPUT_KINDS)


def begun(words: str, names: set[str]) -> set[str]:
    """Return the names that one of the words stands in."""
    return {name for name in names for word in words.split() if word in name.lower()}


# ---------------------------------------------------------------- what a test says


def test_words(node_id: str, root: Path) -> list[str] | None:
    """Return every text of a test and of what it calls in its file; None if there is no such test.

    Of a table of cases only the entry of the test's own case counts.
    """
    path, _, name = node_id.partition("::")
    name, _, case = name.removesuffix("]").partition("[")
    if not (root / path).is_file():
        return None
    module = _module(root / path)
    start = module.get(name.rpartition("::")[2])
    if not isinstance(start, ast.FunctionDef) or not start.name.startswith("test_"):
        return None
    words = list(_words(start, module, case))
    return words if not case or case in words else None


test_words.__test__ = False  # type: ignore[attr-defined]


@cache
def _module(path: Path) -> Mapping[str, ast.AST]:
    """Return everything that a module defines at its top, and methods of its classes."""
    found: dict[str, ast.AST] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            found |= {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            found |= {each.id: node.value for each in node.targets if isinstance(each, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            found[node.target.id] = node.value
    return found


def _words(start: ast.AST, module: Mapping[str, ast.AST], case: str) -> Iterator[str]:
    waiting = [start]
    seen: set[str] = set()
    while waiting:
        node = waiting.pop()
        entry = _entry(node, case)
        if entry is not None:
            yield case
        for each in ast.walk(entry or node):
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                yield each.value
            name = getattr(each, "id", None) or getattr(each, "arg", None) or _attribute(each)
            if name in module and name not in seen:
                seen.add(name)
                waiting.append(module[name])


def _attribute(node: ast.AST) -> str | None:
    return node.attr if isinstance(node, ast.Attribute) else None


def _entry(node: ast.AST, case: str) -> ast.AST | None:
    """Return the case's own entry, where this is a table of cases that has one."""
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if case and isinstance(key, ast.Constant) and key.value == case:
                return value
    return None


# ---------------------------------------------------------------- the page

HEAD = """# Thirty faults

What users of cost and carbon warehouses complain about most, each planted in a test. The first
column counts the pains; a pain that comes in several ways has several lines.

{outcomes}

The table is `tests/faults/faults.csv`. What it says is looked up by
`tests/faults/test_fault_table.py`: that the test is there, that it speaks of the code, check,
promise or column, and that the project has one of that name. This page is written by
`python -m tests.fault_table docs/faults.md`.
"""


def render(lines: list[Line]) -> str:
    """Return the page."""
    outcomes = "\n".join(f"- **{name}**: {meaning}." for name, meaning in OUTCOMES.items())
    parts = [HEAD.format(outcomes=outcomes)]
    parts.append("| # | pain | planted | what comes of it | seen by | test |")
    parts.append("|---|---|---|---|---|---|")
    before = 0
    for line in lines:
        pain = line.pain if line.fault != before else ""
        seen = f"**{line.outcome}** `{line.evidence}`"
        if line.outcome == "no feature":
            seen = f"**{line.outcome}**"
        file, _, name = line.test.partition("::")
        cells = (str(line.fault), pain, line.seeded, line.result, seen,
                 f"`{Path(file).name}` `{name.replace('|', '')}`")  # fmt: skip
        parts.append("| " + " | ".join(cells) + " |")
        before = line.fault
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(table()), encoding="utf-8")
