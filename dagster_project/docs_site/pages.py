"""Pages of words that stand in a file and tables that are made: what their makers share."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path


def filled(words: Path, pieces: Mapping[str, str]) -> str:
    """Return the words with each `{name}` replaced by its piece."""
    page = words.read_text(encoding="utf-8")
    for name, piece in pieces.items():
        page = page.replace(f"{{{name}}}", piece)
    return page


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown; a bar inside a cell becomes a space."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', ' ') for cell in row)} |" for row in lines)
