"""YAML files that a security team edits, checked by a pydantic model, with the place of a fault.

pydantic says which entry is wrong; this module remembers on which line and column each entry
stands, so that the one error that a person gets reads ``staff.yml:14:7: ...``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from sentinel.errors import ContentError, UnreadableFile

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]

_PLAIN = {
    "extra_forbidden": "no such entry",
    "missing": "this entry is needed",
    "model_type": "entries are expected, as in name: value",
    "dict_type": "entries are expected, as in name: value",
    "list_type": "a list is expected",
    "tuple_type": "a list is expected",
}
"""What pydantic says in terms of Python, in terms of YAML."""


class YamlFile:
    """A parsed file: its tree and where each entry stands."""

    def __init__(self, path: Path, tree: Any, marks: dict[Place, yaml.Mark]) -> None:
        self.path = path
        self.tree = tree
        self._marks = marks

    def where(self, place: Place = ()) -> str:
        """Return ``file:line:column`` (from 1) of the entry at ``place``, or of its parent."""
        while place and place not in self._marks:
            place = place[:-1]
        mark = self._marks.get(place)
        return f"{self.path}:{mark.line + 1}:{mark.column + 1}" if mark else str(self.path)

    def validate(self, model: type[Model]) -> Model:
        """Return the file as ``model``. Raises ContentError at the first fault."""
        try:
            return model.model_validate(self.tree)
        except ValidationError as error:
            faults = error.errors(include_url=False, include_input=False)
            unknown = [fault for fault in faults if fault["type"] == "extra_forbidden"]
            first = (unknown or faults)[0]  # a misspelt name causes the "field required" beside it
            place: Place = tuple(first["loc"])
            more = f"and {len(faults) - 1} more" if len(faults) > 1 else ""
            message = str(first["msg"]).removeprefix("Value error, ")
            message = _PLAIN.get(first["type"], message)
            name = ".".join(str(part) for part in place)
            detail = f"{name}: {message}" if name else message
            raise ContentError(detail, where=self.where(place), hint=more) from error


def read_yaml(path: Path) -> YamlFile:
    """Parse ``path``, one YAML 1.1 document, safe types only.

    Raises UnreadableFile, and ContentError for bad YAML or a key that is given twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = str(getattr(error, "strerror", None) or "not UTF-8 text")
        raise UnreadableFile(reason, where=str(path)) from error
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            marks: dict[Place, yaml.Mark] = {}
            if node is not None:
                _record(path, node, (), marks)
            tree = loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ContentError(error.problem or "not YAML", where=where) from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise ContentError(f"not YAML ({reason})", where=str(path)) from error
    return YamlFile(path, tree, marks)


def _record(path: Path, node: yaml.Node, place: Place, marks: dict[Place, yaml.Mark]) -> None:
    marks.setdefault(place, node.start_mark)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inside = (*place, str(key.value))
            if inside in marks:
                mark = key.start_mark
                raise ContentError(
                    f"{key.value} is given twice",
                    where=f"{path}:{mark.line + 1}:{mark.column + 1}",
                )
            marks[inside] = key.start_mark
            _record(path, value, inside, marks)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _record(path, item, (*place, index), marks)
