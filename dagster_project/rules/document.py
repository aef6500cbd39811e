"""A rules file as plain texts, lists and mappings.

Belongs here: what YAML would do behind the author's back (`no` becoming false, `0123` becoming 83,
the second of two equal keys winning, references that grow without end). Not: what a rule means.
"""

import unicodedata
from typing import Any

import yaml

from dagster_project.errors import CloudtallyError
from dagster_project.rules.place import Place

Node = str | list["Node"] | dict[str, "Node"]

_LIMIT = 1024 * 1024


class _TextLoader(yaml.BaseLoader):
    """Reads every scalar as the text that the author typed; knows no references."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.get_mark()
            raise yaml.MarkedYAMLError(
                problem="references (*name) are not supported", problem_mark=mark
            )
        return super().compose_node(parent, index)


def _mapping(loader: _TextLoader, node: yaml.MappingNode) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise yaml.MarkedYAMLError(
                problem="a key must be plain text", problem_mark=key_node.start_mark
            )
        key = str(key_node.value)
        if key in mapping:
            raise yaml.MarkedYAMLError(
                problem=f"{key!r} stands here twice", problem_mark=key_node.start_mark
            )
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


_TextLoader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_document(text: str, place: Place) -> dict[str, Node]:
    """Read a YAML document whose top is a mapping; every scalar stays text.

    Raises:
        CloudtallyError: CT-<family>-YAML when it is no such document, is larger than 1 MiB or holds
            control characters.
    """
    if len(text.encode("utf-8", "surrogatepass")) > _LIMIT:
        raise _unreadable(place, "it is larger than 1 MiB")
    try:
        document = yaml.load(text, Loader=_TextLoader)  # noqa: S506 - builds texts only
    except yaml.MarkedYAMLError as error:
        raise _unreadable(place, error.problem or "it is malformed", error.problem_mark) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _unreadable(place, "it is malformed, or nested too deeply") from error
    if not isinstance(document, dict):
        raise _unreadable(place, "its top level is no mapping")
    _refuse_control_characters(document, place)
    return document


def _refuse_control_characters(node: Node, place: Place) -> None:
    if isinstance(node, str):
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in node):
            raise _unreadable(place, f"{node!r} holds control characters")
    elif isinstance(node, list):
        for item in node:
            _refuse_control_characters(item, place)
    else:
        for key, value in node.items():
            _refuse_control_characters(key, place)
            _refuse_control_characters(value, place)


def _unreadable(place: Place, why: str, mark: yaml.Mark | None = None) -> CloudtallyError:
    return place.error(
        "YAML",
        f"The file cannot be read: {why}.",
        f"Correct the file; {place.help_page} shows its form.",
        line=mark.line + 1 if mark else None,
    )
