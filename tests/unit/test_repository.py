"""What must not be in the tree, and promises about the files at its top."""

import re
import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LARGEST = 1024 * 1024

# Written so that this file is not itself a find.
REGISTRY_HOST = re.compile(
    r"(?:pypi[.]org|pythonhosted[.]org|registry[.]npmjs[.]org|registry[.]yarnpkg[.]com"
    r"|deb[.]debian[.]org|conda[.]anaconda[.]org|repo[.]maven[.]apache[.]org|proxy[.]golang[.]org)"
)
MACHINE_PATH = re.compile(
    r"(?<![\w.:/-])(?:[/]work[/]\w|[/]root[/]\w|[/]tmp[/]\w|[/]home[/]\w+[/]|[/]Users[/]\w+[/])"
)
LOCKED = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[\w,-]+\])?==\S+(?: ; .+)? \\$")


@cache
def tracked() -> tuple[Path, ...]:
    """Files that git tracks or would track."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no git checkout: which files are tracked can't be told")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    paths = (ROOT / name for name in sorted(set(listed.split("\0"))) if name)
    return tuple(path for path in paths if path.is_file())


def lines_with(pattern: re.Pattern[str], paths: Iterable[Path]) -> list[str]:
    """Return `file:line` of every match in text files."""
    found = []
    for path in paths:
        raw = path.read_bytes()
        if b"\0" in raw[:8000]:
            continue
        for number, line in enumerate(raw.decode("utf-8", "replace").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.name}:{number}")
    return found


def lock_problems(text: str) -> list[str]:
    """Name what makes a lock file neither complete nor independent of a host."""
    problems = []
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line.lstrip().startswith("--hash=sha256:"):
            continue
        if not LOCKED.match(line):
            problems.append(f"line {number} is no pinned requirement: {line[:60]}")
        elif number == len(lines) or not lines[number].lstrip().startswith("--hash=sha256:"):
            problems.append(f"line {number} has no hash: {line[:60]}")
    return problems


def make_targets(text: str) -> set[str]:
    """Return the targets of a Makefile."""
    return set(re.findall(r"^([a-z][a-z0-9-]*):(?!=)", text, re.MULTILINE))


def called_targets(text: str) -> set[str]:
    """Return the targets that a script or a document calls with `make`."""
    return set(re.findall(r"\bmake(?:\s+-\S+)*\s+([a-z][a-z0-9-]*)", text))


def test_no_package_hides_dbt() -> None:
    """A package `dbt/` at the top would be imported instead of dbt-core."""
    assert not (ROOT / "dbt" / "__init__.py").exists()


def test_no_registry_is_named() -> None:
    assert lines_with(REGISTRY_HOST, tracked()) == []


def test_no_path_of_one_machine_is_named() -> None:
    assert lines_with(MACHINE_PATH, tracked()) == []


def test_hosts_and_paths_are_found(tmp_path: Path) -> None:
    file = tmp_path / "bad.txt"
    separator = "/"
    lines = [
        "https:" + separator * 2 + "files.pythonhosted" + ".org" + separator,
        f"cd {separator}home{separator}somebody{separator}x",
        f"see {separator}tmp{separator}thing",
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    assert lines_with(REGISTRY_HOST, [file]) == ["bad.txt:1"]
    assert lines_with(MACHINE_PATH, [file]) == ["bad.txt:2", "bad.txt:3"]


def test_no_file_is_large() -> None:
    assert [path.name for path in tracked() if path.stat().st_size > LARGEST] == []


@pytest.mark.parametrize("name", ["base.txt", "test.txt", "all.txt"])
def test_a_lock_pins_and_hashes_everything(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    assert lock_problems(text) == []
    assert text.count("==") > 50


@pytest.mark.parametrize(
    "planted",
    [
        "attrs==26.1.0\n",
        "attrs>=26 \\\n    --hash=sha256:ab\n",
        "--index-url https:" + "//example.invalid/simple\n",
        "-e .\n",
        "attrs==26.1.0 \\\n    # via jsonschema\n",
    ],
)
def test_a_gap_in_a_lock_is_found(planted: str) -> None:
    assert lock_problems(planted)


def test_smaller_locks_are_cut_from_the_whole() -> None:
    """One package has one version everywhere."""
    versions = {}
    for name in ("all.txt", "base.txt", "test.txt"):
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        versions[name] = set(
            re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s;]+)", text, re.MULTILINE)
        )
    assert versions["base.txt"] <= versions["all.txt"]
    assert versions["test.txt"] <= versions["all.txt"]


def test_the_readme_calls_targets_that_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = "\n".join(re.findall(r"^(?:\$ )?(make .*)$", readme, re.MULTILINE))
    assert {"demo", "test"} <= called_targets(commands)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert called_targets(commands) <= make_targets(makefile)


def test_continuous_integration_runs_what_the_readme_says() -> None:
    script = ROOT / ".ci" / "run"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    called = called_targets(script.read_text(encoding="utf-8"))
    assert called & {"test", "test-all"}
    assert all(f"make {target}" in readme for target in called & {"test", "test-all"})
    assert script.stat().st_mode & 0o111


def test_documents_link_to_what_exists() -> None:
    broken = []
    for path in tracked():
        if path.suffix != ".md":
            continue
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if "://" not in target and not (path.parent / target).exists():
                broken.append(f"{path.name} -> {target}")
    assert broken == []


def test_decisions_are_numbered_without_gaps_and_listed() -> None:
    records = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert [path.name[:4] for path in records] == [f"{n:04d}" for n in range(1, len(records) + 1)]
    index = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in records if path.name not in index] == []
    for path in records:
        text = path.read_text(encoding="utf-8")
        assert all(f"\n## {part}\n" in text for part in ("Context", "Decision", "Consequences"))


def test_the_licence_is_there() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
