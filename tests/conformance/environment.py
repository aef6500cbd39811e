"""The official validator's own Python: 3.12, apart from ours, made when somebody asks for it.

It lies in `.venv-validator`, which git ignores, and is made anew when its lock changes.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements" / "validator.txt"
FOLDER = ROOT / ".venv-validator"
PYTHON_VARIABLE = "CLOUDTALLY_PYTHON312"

_STAMP = "lock.sha256"
# They come as source: their builders are installed first, so that no build fetches unhashed ones.
_BUILT = ("focus-validator", "pandasql")
_IS_3_12 = "import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 12))"


class ValidatorMissingError(Exception):
    """The validator can't be run on this machine; the text says what to do."""


def validator_environment() -> Path:
    """Return the folder of the validator's environment, made if it isn't there.

    Raises:
        ValidatorMissingError: there is no Python 3.12, or its packages can't be installed.
    """
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    stamp = FOLDER / _STAMP
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(FOLDER, ignore_errors=True)
        _make(FOLDER)
        stamp.write_text(wanted)
    return FOLDER


def site_packages(environment: Path) -> Path:
    """Return where an environment keeps its packages."""
    return environment / "lib" / "python3.12" / "site-packages"


def _make(folder: Path) -> None:
    python = _python_3_12()
    _call([python, "-m", "venv", str(folder)], "the environment can't be made")
    early, late = _split_lock()
    for name, lines in (("builders", early), ("validator", late)):
        part = folder / f"{name}.txt"
        part.write_text("\n".join(lines) + "\n")
        install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        install += ["--disable-pip-version-check", "--no-deps", "--require-hashes"]
        install += ["--no-build-isolation", "--requirement", str(part)]
        _call(install, "its packages can't be installed")


def _split_lock() -> tuple[list[str], list[str]]:
    """Return the lines of the lock for what comes ready, and for what has to be built."""
    early: list[str] = []
    late: list[str] = []
    lines = early
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith((" ", "#")):
            lines = late if line.startswith(_BUILT) else early
        lines.append(line)
    return early, late


def _python_3_12() -> str:
    for candidate in _candidates():
        try:
            tried = subprocess.run([candidate, "-c", _IS_3_12], capture_output=True, check=False)
        except OSError:
            continue
        if tried.returncode == 0:
            return candidate
    raise ValidatorMissingError(
        f"no Python 3.12 with venv was found: install one, or name it in {PYTHON_VARIABLE}"
    )


def _candidates() -> Iterator[str]:
    named = os.environ.get(PYTHON_VARIABLE)
    if named:
        yield named
    yield sys.executable
    yield "python3.12"
    # A shim of pyenv answers only for the version that is chosen; the others lie beside it.
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(root.glob("versions/3.12*/bin/python3.12")))
    uv = shutil.which("uv")
    if uv:
        found = subprocess.run(
            [uv, "python", "find", "3.12"], capture_output=True, text=True, check=False
        )
        if found.returncode == 0:
            yield found.stdout.strip()


def _call(command: list[str], failing: str) -> None:
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        shutil.rmtree(FOLDER, ignore_errors=True)
        last = (finished.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ValidatorMissingError(f"{failing}: {last}")
