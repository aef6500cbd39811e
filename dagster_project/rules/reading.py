"""What files of rules have in common: named pieces of a YAML document, globs, months.

Belongs here: the form of one piece, with an error that names file and rule. What the pieces of a
file mean is with whoever reads that file.
"""

from collections.abc import Mapping
from pathlib import Path

from dagster_project.errors import CloudtallyError
from dagster_project.months import Month, parse_month
from dagster_project.rules.document import Node, read_document
from dagster_project.rules.model import Condition
from dagster_project.rules.place import Place
from dagster_project.rules.text import glob_tokens, trim

_LONGEST = 1000


def file_text(path: Path, place: Place, key: str) -> str:
    """Return the text of a file that the configuration names under a key."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise place.error("YAML", "The file is not UTF-8 text.", "Save it as UTF-8.") from error
    except OSError as error:
        raise place.error(
            "MISSING",
            f"The file cannot be opened: {error.strerror}.",
            f"Correct `{key}:` in cloudtally.yaml, or remove it.",
        ) from error


def document_of(text: str, fields: tuple[str, ...], place: Place) -> dict[str, Node]:
    """Return a document of version 1 that has no other fields than these."""
    document = read_document(text, place)
    known_fields(document, fields, place)
    if document.get("version") != "1":
        raise place.error("VERSION", "The file must say `version: 1`.")
    return document


def known_fields(node: Mapping[str, Node], known: tuple[str, ...], place: Place) -> None:
    """Refuse a field that isn't known here."""
    for name in node:
        if name not in known:
            raise place.error(
                "FIELD", f"{name!r} is no field here.", f"Known fields: {', '.join(known)}."
            )


def name_of(fields: Mapping[str, Node], place: Place) -> str:
    """Return the name that a rule must have."""
    if "name" not in fields:
        raise place.error("NAME", "The rule has no name.", "Add `name: ...`.")
    return text(fields["name"], "name", place)


def period(fields: Mapping[str, Node], place: Place) -> tuple[Month | None, Month | None]:
    """Return the months `from` and `to`, both included; None is open."""
    first, last = _month(fields.get("from"), place), _month(fields.get("to"), place)
    if first and last and first > last:
        raise place.error("PERIOD", "`from` is later than `to`.", "Exchange them.")
    return first, last


def conditions(
    fields: Mapping[str, Node], known: tuple[str, ...], place: Place
) -> tuple[Condition, ...]:
    """Return what must hold: fields, and tag keys where `tag` is known."""
    known_fields(fields, known, place)
    found: list[Condition] = []
    for name, value in fields.items():
        if name == "tag":
            for key, listed in mapping(value, "when.tag", place).items():
                tag = text(key, "when.tag", place)
                found.append(Condition(globs(listed, tag, place), tag=tag))
        else:
            found.append(Condition(globs(value, name, place), field=name))
    return tuple(found)


def globs(node: Node, name: str, place: Place) -> tuple[str, ...]:
    """Return one or more patterns."""
    listed = tuple(texts(node, name, place))
    if not listed:
        raise place.error("SHAPE", f"{name!r} lists nothing to match.")
    for glob in listed:
        try:
            glob_tokens(glob)
        except ValueError as error:
            raise place.error(
                "GLOB",
                f"{glob!r} is no pattern: {error}.",
                r"Use * for any text, ? for one character, and \ before a literal *, ?, [ or \.",
            ) from error
    return listed


def mapping(node: Node, name: str, place: Place) -> dict[str, Node]:
    """Return a mapping."""
    if not isinstance(node, dict):
        raise place.error("SHAPE", f"{name!r} must be a mapping.")
    return node


def texts(node: Node, name: str, place: Place) -> list[str]:
    """Return a list of texts; one text is a list of one."""
    items = node if isinstance(node, list) else [node]
    return [text(item, name, place) for item in items]


def text(node: Node, name: str, place: Place) -> str:
    """Return a text that says something, without the blanks around it."""
    if not isinstance(node, str) or not trim(node):
        raise place.error("SHAPE", f"{name!r} must be text and not blank.")
    if len(node) > _LONGEST:
        raise place.error("SHAPE", f"{name!r} is longer than {_LONGEST} characters.")
    return trim(node)


def _month(node: Node | None, place: Place) -> Month | None:
    if node is None:
        return None
    try:
        return parse_month(text(node, "month", place))
    except CloudtallyError as error:
        raise place.error("MONTH", error.what, error.next_step) from error
