"""YAML with the line and column of each key, so that an error says where it is.

Positions are computed only when there is an error: the documents are composed a second time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from sentinel.detect.rules.fault import Path, RuleFault


class UniqueKeyLoader(yaml.CSafeLoader):
    """Safe YAML that refuses a key written twice: the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping. Raises yaml.MarkedYAMLError for a repeated key."""
        seen: set[Any] = set()
        for key_node, _value in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key!r} is written twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def load_documents(text: str) -> list[Any]:
    """Return the documents of a YAML text. Raises RuleFault with ``path`` (line, column)."""
    try:
        return list(yaml.load_all(text, UniqueKeyLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else ()
        raise RuleFault(f"not YAML: {error.problem or error.context}", path=place) from error
    except (yaml.YAMLError, TypeError, ValueError) as error:
        raise RuleFault(f"not YAML: {error}") from error


def place_of(text: str, path: Path) -> tuple[int, int]:
    """Return line and column of a fault in the first document, or in YAML that is none."""
    match path:
        case (int(line), int(column)):
            return line, column
    return position(text, 0, path)


def position(text: str, index: int, path: Path) -> tuple[int, int]:
    """Return line and column, from 1, of the deepest key of ``path`` that document ``index`` has.

    A key of a detection is found without its modifiers: ``Image`` finds ``Image|endswith``.
    """
    nodes = list(yaml.compose_all(text, yaml.CSafeLoader))
    if index >= len(nodes):
        return 1, 1
    node: Any = nodes[index]
    mark = node.start_mark
    for step in path:
        found = next(_steps(node, step), None)
        if found is None:
            break
        mark, node = found
    return mark.line + 1, mark.column + 1


def _steps(node: Any, step: str | int) -> Iterator[tuple[Any, Any]]:
    """Yield mark and node of the children of ``node`` that are ``step``, best first."""
    if isinstance(node, yaml.SequenceNode):
        if isinstance(step, int):
            if step < len(node.value):
                yield node.value[step].start_mark, node.value[step]
            return
        for item in node.value:
            yield from _steps(item, step)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                yield key.start_mark, value
        for key, value in node.value:
            if key.value.split("|", 1)[0] == step:
                yield key.start_mark, value
