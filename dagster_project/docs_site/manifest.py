"""What every page made from dbt's manifest needs: reading it, and text that is safe in Markdown."""

import json
from pathlib import Path
from typing import Any

from dagster_project.errors import CloudtallyError


def load_manifest(source: Path) -> dict[str, Any]:
    """Return the content of dbt's `manifest.json`.

    Raises:
        CloudtallyError: CT-DICTIONARY-MANIFEST when the file is absent or no JSON.
    """
    try:
        manifest = json.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CloudtallyError(
            "CT-DICTIONARY-MANIFEST",
            "The dbt manifest can't be read.",
            where={"file": source, "detail": error},
            next_step="Run `dbt parse` in the dbt project and use its target/manifest.json.",
        ) from error
    return manifest if isinstance(manifest, dict) else {}


def one_line(text: object) -> str:
    """Return a text of YAML without its line breaks."""
    return " ".join(str(text or "").split())


def plain(text: str) -> str:
    """Return a text that Markdown shows as it is, also in a table's cell."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")


def code(text: str) -> str:
    """Return a text in code type, also in a table's cell."""
    return "`" + text.replace("`", "'").replace("|", "\\|") + "`"
