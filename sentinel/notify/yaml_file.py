"""Read a YAML file into a pydantic model; what is wrong is told as file:line:column."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from sentinel.errors import ContentError, UnreadableFile


class Content(BaseModel):
    """A piece of content that people edit: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


M = TypeVar("M", bound=Content)


def read_yaml(path: Path, model: type[M]) -> M:
    """Return the file as ``model``. Raises ContentError, UnreadableFile."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UnreadableFile(reason, where=str(path)) from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "not YAML"
        raise ContentError(str(problem), where=_where(path, mark)) from error
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        loc = [part for part in first["loc"] if isinstance(part, str | int)]
        name = ".".join(str(part) for part in loc) or "the file"
        message = str(first["msg"]).removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            message = "no such key"
        raise ContentError(f"{name}: {message}", where=_where(path, _mark(node, loc))) from error


def _mark(node: yaml.Node | None, loc: list[str | int]) -> yaml.Mark | None:
    """Return where the innermost node on the way to ``loc`` stands."""
    if node is None:
        return None
    mark = node.start_mark
    for part in loc:
        found: tuple[yaml.Node, yaml.Mark] | None = None
        if isinstance(node, yaml.MappingNode):
            found = next(
                ((value, key.start_mark) for key, value in node.value if key.value == part), None
            )
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            child = node.value[part]
            found = (child, child.start_mark)
        if found is None:
            break
        node, mark = found
    return mark


def _where(path: Path, mark: yaml.Mark | None) -> str:
    return f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
