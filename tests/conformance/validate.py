"""Runs the official FOCUS validator on charges and judges what it says.

    python -m tests.conformance.validate FILE --version 1.2 [--without SOURCE ...]

FILE is Parquet, or a warehouse or published DuckDB file, whose charges are exported first.

The validator ends with 0 whatever it finds, finds its own files only from the folder of its
packages, and fails some rules on correct data. So its report is read, and each failure must stand
in validator_defects.csv with a reason.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.environment import (
    ROOT,
    ValidatorMissingError,
    site_packages,
    validator_environment,
)
from tests.conformance.export import export_focus

DEFECTS = Path(__file__).with_name("validator_defects.csv")
MODELS_VARIABLE = "CLOUDTALLY_FOCUS_MODELS"
_BESIDE_THE_PROJECT = ROOT.parent / "shared" / "data" / "focus-models"
_BUNDLED = {"1.2": "model-1.2.0.1.json"}
_FEWEST_RULES = 300


@dataclass(frozen=True)
class Verdict:
    """What the validator says of a file.

    Attributes:
        parts: Rules that a composite rule is made of.
    """

    version: str
    passed: frozenset[str]
    failed: frozenset[str]
    skipped: frozenset[str]
    parts: Mapping[str, frozenset[str]]

    def unexplained(self, known: Mapping[str, str]) -> list[str]:
        """Return the failures that no known defect explains.

        A composite rule fails with its parts, so it is explained when all that fail are.
        """

        def is_explained(rule: str) -> bool:
            failing = self.parts.get(rule, frozenset()) & self.failed
            return rule in known or (bool(failing) and all(map(is_explained, failing)))

        return sorted(rule for rule in self.failed if not is_explained(rule))

    def healed(self, known: Mapping[str, str]) -> list[str]:
        """Return the known defects that the validator no longer shows."""
        return sorted(set(known) - self.failed)

    def counts(self) -> str:
        """Return how many rules passed, failed and were skipped."""
        return (
            f"FOCUS {self.version}: {len(self.passed)} rules passed,"
            f" {len(self.failed)} failed, {len(self.skipped)} skipped"
        )


def known_defects(version: str) -> dict[str, str]:
    """Return the committed defects of the validator and of its rules, with reasons."""
    with DEFECTS.open(encoding="utf-8", newline="") as file:
        return {
            row["rule"]: row["reason"] for row in csv.DictReader(file) if row["version"] == version
        }


def validate(data: Path, version: str) -> Verdict:
    """Run the validator with every applicability criterion.

    Raises:
        ValidatorMissingError: it can't be run here, or the rules of the version are nowhere.
        RuntimeError: it ran and gave no report.
    """
    environment = validator_environment()
    packages = site_packages(environment)
    model = _model(version, packages)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [str(environment / "bin" / "focus-validator"), "--block-download"]
        command += ["--data-file", str(data.resolve()), "--validate-version", version]
        command += ["--applicability-criteria", "ALL", "--output-type", "unittest"]
        command += ["--output-destination", str(report)]
        if version not in _BUNDLED:
            command += ["--rule-set-path", str(model.parent)]
        ran = subprocess.run(command, cwd=packages, capture_output=True, text=True, check=False)
        if not report.exists():
            raise RuntimeError(
                f"the validator gave no report: {(ran.stderr or ran.stdout)[-2000:]}"
            )
        return _read(report, version, model)


def _model(version: str, packages: Path) -> Path:
    if version in _BUNDLED:
        return packages / "focus_validator" / "rules" / _BUNDLED[version]
    folder = Path(os.environ.get(MODELS_VARIABLE) or _BESIDE_THE_PROJECT)
    model = folder.resolve() / f"model-{version}.json"
    if not model.exists():
        raise ValidatorMissingError(
            f"the rules of FOCUS {version} are not bundled: name a folder with {model.name}"
            f" in {MODELS_VARIABLE}"
        )
    return model


def _read(report: Path, version: str, model: Path) -> Verdict:
    found: dict[str, set[str]] = {"passed": set(), "failed": set(), "skipped": set()}
    for case in ElementTree.parse(report).iter("testcase"):
        rule = str(case.get("name")).partition(" :: ")[0]
        is_bad = case.find("failure") is not None or case.find("error") is not None
        is_skipped = case.find("skipped") is not None
        found["failed" if is_bad else "skipped" if is_skipped else "passed"].add(rule)
    if len(found["passed"]) + len(found["failed"]) < _FEWEST_RULES:
        raise RuntimeError(f"the validator looked at too few rules: {found}")
    rules = json.loads(model.read_text(encoding="utf-8"))["ModelRules"]
    parts = {rule: frozenset(_referred(body["ValidationCriteria"])) for rule, body in rules.items()}
    sets = {name: frozenset(rules) for name, rules in found.items()}
    return Verdict(version=version, parts=parts, **sets)


def _referred(criteria: Mapping[str, Any]) -> Iterator[str]:
    """Yield the rules that a rule's requirement calls."""
    pending = [criteria.get("Requirement")]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if "ModelRuleId" in node:
                yield str(node["ModelRuleId"])
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)


def _as_parquet(file: Path, version: str, without: list[str], folder: Path) -> Path:
    if file.suffix != ".duckdb":
        return file
    exported = folder / "charges.parquet"
    export_focus(file, version, exported, without)
    return exported


def main() -> int:
    """Print the verdict on a file; 1 when a failure isn't a known defect, 2 when it can't run."""
    parser = argparse.ArgumentParser(description="The official FOCUS validator, judged.")
    parser.add_argument("file", type=Path, help="Parquet, or a DuckDB file of Cloudtally")
    parser.add_argument("--version", default="1.2", choices=["1.2", "1.3"])
    parser.add_argument(
        "--without", nargs="*", default=[], help="sources of a DuckDB file to leave out"
    )
    wanted = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            verdict = validate(
                _as_parquet(wanted.file, wanted.version, wanted.without, Path(folder)),
                wanted.version,
            )
    except ValidatorMissingError as missing:
        sys.stderr.write(f"VALIDATOR MISSING: {missing}\n")
        return 2
    known = known_defects(wanted.version)
    sys.stdout.write(verdict.counts() + "\n")
    for rule in sorted(verdict.failed & set(known)):
        sys.stdout.write(f"known defect  {rule}: {known[rule]}\n")
    unexplained = verdict.unexplained(known)
    for rule in unexplained:
        sys.stdout.write(f"FAILS         {rule}\n")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
